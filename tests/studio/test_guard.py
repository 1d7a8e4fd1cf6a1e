"""Who is let in: the whole table of refusals, on the app itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from goodfit.improve.review import Book
from goodfit.studio.app import create_app
from tests import reviewing

PORT, TOKEN = 4321, "t0ken-of-a-test"
OURS = f"http://127.0.0.1:{PORT}"


class Site:
    """A run, its app, and a client that is let in."""

    def __init__(self, workspace: Path, **how: Any) -> None:
        self.run = reviewing.run(workspace, **how)
        self.book = Book.open(self.run, items=10)
        self.base = f"/runs/{self.run.id}/review"
        self.app = create_app(self.run, token=TOKEN, port=PORT)
        self.client = self.visitor()
        self.client.cookies.set(f"goodfit-{PORT}", TOKEN)

    def visitor(self) -> TestClient:
        return TestClient(self.app, base_url=OURS, follow_redirects=False, raise_server_exceptions=False)

    def post(self, body: Any, **headers: str) -> Any:
        sent = {"Origin": OURS, "Content-Type": "application/json"} | headers
        return self.client.post(f"{self.base}/as/anna", content=json.dumps(body), headers=sent)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_the_token_becomes_a_cookie_and_leaves_the_address(site: Site) -> None:
    got = site.visitor().get(f"{site.base}?token={TOKEN}&item=x")
    assert got.status_code == 303
    assert got.headers["location"] == f"{site.base}?item=x"
    cookie = got.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "domain" not in cookie


@pytest.mark.parametrize("path", ["", ".json", "/results", "/results.json", "/as/anna", "/as/anna.json", "/start?name=x"])
def test_reads_need_the_token(site: Site, path: str) -> None:
    stranger = site.visitor()
    assert stranger.get(site.base + path).status_code == 401
    stranger.cookies.set(f"goodfit-{PORT}", "guess")
    assert stranger.get(site.base + path).status_code == 401
    assert stranger.get(f"{site.base}?token=guess").status_code == 403
    assert stranger.get("/assets/review.js").status_code == 401
    assert site.client.get(site.base + path).status_code in (200, 303)


def test_a_token_does_not_redirect_elsewhere(site: Site) -> None:
    for path in ("//evil.example/x", "/\\evil.example", "///evil.example"):
        got = site.visitor().get(f"{OURS}{path}?token={TOKEN}")
        assert got.headers["location"].startswith("/")
        assert not got.headers["location"].startswith(("//", "/\\"))


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:80", f"evil.example:{PORT}", f"127.0.0.1.evil.example:{PORT}", ""]
)
def test_other_names_for_this_machine_are_refused(site: Site, host: str) -> None:
    assert site.client.get(site.base, headers={"Host": host}).status_code == 421
    assert site.client.get(f"{site.base}?token={TOKEN}", headers={"Host": host}).status_code == 421
    assert site.client.get(site.base, headers={"Host": f"localhost:{PORT}"}).status_code in (200, 401)


def test_other_sites_are_refused(site: Site) -> None:
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert site.client.get(site.base, headers=headers).status_code == 403
    assert site.client.get(site.base, headers={"Sec-Fetch-Site": "none"}).status_code == 200
    item = site.book.next("anna")
    answer = {"item": item, "prefer": "a"}
    assert site.post(answer, Origin="http://evil.example").status_code == 403
    assert site.post(answer, Origin="null").status_code == 403
    assert site.post(answer, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    no_origin = site.client.post(f"{site.base}/as/anna", content=json.dumps(answer), headers={"Content-Type": "application/json"})
    assert no_origin.status_code == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert site.post(answer, **{"Content-Type": kind}).status_code == 415
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert site.client.request(method, f"{site.base}/as/anna", headers={"Origin": OURS}).status_code == 405
    assert site.book.reviewers() == []
    assert site.post(answer).json()["saved"]
    assert site.book.reviewers() == ["anna"]


def test_every_answer_carries_the_policy(site: Site) -> None:
    refused = site.visitor().get(site.base)
    for got in (site.client.get(site.base), site.client.get("/assets/review.js"), site.client.get(f"{site.base}.json"), refused):
        policy = got.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["cache-control"] == "no-store"


def test_pages_have_no_inline_code_and_nothing_from_elsewhere(site: Site) -> None:
    site.post({"item": site.book.next("anna"), "prefer": "a", "note": "x"})
    for path in ("", "/as/anna", "/results", "/nowhere"):
        html = site.client.get(site.base + path).text
        assert " style=" not in html
        assert " onclick" not in html
        assert "<style" not in html
        assert "://" not in html
    for name in ("tokens.css", "studio.css", "review.js"):
        text = site.client.get(f"/assets/{name}").text
        assert "url(" not in text
        assert "http" not in text.replace("http://www.w3.org", "")


@pytest.mark.parametrize("name", ["..%2fapp.py", "app.py", "%2e%2e/%2e%2e/run.py", "tokens.css%00", "x"])
def test_no_other_file_is_served(site: Site, name: str) -> None:
    assert site.client.get(f"/assets/{name}").status_code == 404


def test_nothing_said_to_a_reviewer_names_a_system(tmp_path: Path) -> None:
    lines = [line | {"system": {"model": "model", "base": "sysname-rival"}[line["system"]]} for line in reviewing.samples(30)]
    site = Site(tmp_path, lines=lines)
    for item in site.book.items:
        for kind in ("", ".json"):
            text = site.client.get(f"{site.base}/as/anna{kind}?item={item}").text
            assert "sysname-rival" not in text
            assert '"model"' not in text
    assert "sysname-rival" not in site.post({"item": site.book.next("anna"), "prefer": "a"}).text
    assert "sysname-rival" not in site.client.get(site.base).text
    assert "sysname-rival" in site.client.get(f"{site.base}/results").text


@pytest.mark.parametrize(
    "body",
    [None, [], "x", {}, {"item": 1}, {"item": "nope", "prefer": "a"}, {"item": "ITEM", "prefer": "model"}, {"item": "ITEM", "prefer": 1},
     {"item": "ITEM", "ratings": []}, {"item": "ITEM", "ratings": {"a": 3}}, {"item": "ITEM", "ratings": {"a": {"fluency": "5"}}},
     {"item": "ITEM", "tags": "x"}, {"item": "ITEM", "tags": [1]}, {"item": "ITEM", "note": {}}, {"item": "ITEM", "skipped": "yes"},
     {"item": "ITEM", "time": "2020"}, {"item": "ITEM", "note": "x" * 5000}],
)  # fmt: skip
def test_what_is_no_answer_is_refused(site: Site, body: Any) -> None:
    if isinstance(body, dict) and body.get("item") == "ITEM":
        body = body | {"item": site.book.next("anna")}
    got = site.post(body)
    assert got.status_code == 400
    assert got.json()["error"]["message"]
    assert site.book.reviewers() == []


def test_too_long_or_broken_bodies_are_refused(site: Site) -> None:
    assert site.post({"item": "x", "note": "x" * 70_000}).status_code == 413
    headers = {"Origin": OURS, "Content-Type": "application/json"}
    assert site.client.post(f"{site.base}/as/anna", content="{", headers=headers).status_code == 400
    assert site.client.post(f"{site.base}/as/anna", content="[" * 60_000, headers=headers).status_code == 400
    assert site.client.post(f"{site.base}/as/anna", content=iter([b"{}"]), headers=headers).status_code == 413


def test_errors_are_pages_that_say_what_to_do(site: Site) -> None:
    got = site.client.get(f"{site.base}/start?name=..")
    assert got.status_code == 400
    assert "cannot be a reviewer" in got.text
    assert site.client.get(f"{site.base}/start?name=Anna%20B").headers["location"] == f"{site.base}/as/anna-b"
    assert site.client.get("/runs/other/review").status_code == 400
    assert site.client.get("/runs/%3Cscript%3Ealert(1)%3C/script%3E/review").text.count("<script") == 0
    assert site.client.get(f"{site.base}/as/anna?item=%3Cscript%3E").status_code == 400
    assert site.client.get("/nowhere").status_code == 404
    assert site.client.get("/").headers["location"] == site.base
    (site.run.path / "review" / "ben.jsonl").write_text("{broken\n{}\n")
    assert site.client.get(f"{site.base}/as/ben").status_code == 409
    assert site.client.get(f"{site.base}/as/ben.json").json()["error"]["fix"]


def test_twins_say_what_the_pages_show(site: Site) -> None:
    site.post({"item": site.book.next("anna"), "prefer": "b", "note": "a note", "tags": ["t"]})
    entry, page = site.client.get(f"{site.base}.json").json(), site.client.get(f"{site.base}/as/anna.json").json()
    assert entry["reviewers"] == [{"name": "anna", "answered": 1, "of": 10}]
    assert entry["command"] == f"goodfit review {site.run.id} --reviewer NAME"
    assert entry["command"] in site.client.get(site.base).text
    assert page["shown"]["number"] == 2
    before = site.client.get(f"{site.base}/as/anna.json?item={page['shown']['before']}").json()
    assert before["shown"]["given"] == {"prefer": "b", "ratings": {}, "note": "a note", "tags": ["t"], "skipped": False}
    assert set(page["shown"]["texts"]) == {"a", "b"}
    html = site.client.get(f"{site.base}/as/anna").text
    assert page["shown"]["texts"]["a"] in html
    assert f"{page['command']}" in html


def test_text_that_hides_is_shown(tmp_path: Path) -> None:
    lines = [
        line | {"text": reviewing.HOSTILE + line["system"][0], "prompt": "\u2066iso\u2069 \u00ad\ufeff"} for line in reviewing.samples(5)
    ]
    site = Site(tmp_path, lines=lines)
    html = site.client.get(f"{site.base}/as/anna").text
    assert "<script>window" not in html
    assert "<img" not in html
    assert "&lt;script&gt;window.pwned" in html
    assert "&amp;amp;" in html
    for hidden in ("\\x1b", "\\u202e", "\\x07", "\\u2066", "\\xad", "\\ufeff"):
        assert f'<span class="odd">{hidden}</span>' in html
    assert not set(html) & set("\x1b\x07\u202e\u2066\u00ad\ufeff")
