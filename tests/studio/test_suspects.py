"""The review of labels on its page: what is sent and refused without a browser, then in a real headless Chromium by keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from starlette.testclient import TestClient

from benchmarks import review_page
from benchmarks.browser import Browser, missing
from goodfit.data.decisions import read_decisions
from goodfit.improve.suspects import Desk, Said
from goodfit.run import Run
from goodfit.studio.app import create_app
from tests import suspecting

needs_browser = pytest.mark.skipif(missing() is not None, reason=str(missing()))
STATE = "return document.getElementById('state').textContent"
ITEM = "return document.getElementById('sheet').dataset.item"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return suspecting.run(tmp_path)


def client(run: Run) -> TestClient:
    made = TestClient(create_app(run, token="t" * 20, port=8000, of="suspects"), base_url="http://127.0.0.1:8000")
    made.get(f"/runs/{run.id}/suspects?token={'t' * 20}")
    return made


def post(made: TestClient, run: Run, body: Any, who: str = "anna") -> Any:
    return made.post(f"/runs/{run.id}/suspects/as/{who}", json=body, headers={"Origin": "http://127.0.0.1:8000"})


def wait_for_next(browser: Browser, item: str) -> None:
    gone = "const s = document.getElementById('sheet'); return !s || s.dataset.item !== arguments[0]"
    browser.until(lambda: browser.run(gone, item))


# -- without a browser ----------------------------------------------------------------------------------------------------


def test_pages_and_their_twins_say_the_same(run: Run) -> None:
    desk = Desk.open(run)
    made, base = client(run), f"/runs/{run.id}/suspects"
    assert made.get("/", follow_redirects=False).headers["location"] == base
    entry = made.get(f"{base}.json").json()
    assert (entry["shown"], entry["judged"], entry["by"]) == (20, 140, "suspicion")
    assert "Is the label right?" in made.get(base).text
    twin = made.get(f"{base}/as/anna.json").json()
    assert twin["shown"]["item"] == desk.sequence[0]
    page = made.get(f"{base}/as/anna").text
    assert f'data-item="{desk.sequence[0]}"' in page
    assert twin["command"] in page
    desk.save("anna", desk.sequence[0], Said("drop"))
    assert made.get(f"{base}/results.json").json()["actions"] == {"drop": 1}
    assert "Labels found wrong" in made.get(f"{base}/results").text
    assert made.get(f"{base}/start?name=Anna+B", follow_redirects=False).headers["location"] == f"{base}/as/anna-b"
    assert made.get(f"/runs/{run.id}/review").status_code == 404


def test_what_is_saved_and_what_is_refused(run: Run, tmp_path: Path) -> None:
    made, desk = client(run), Desk.open(run)
    row = desk.sequence[0]
    for bad in (
        [], {}, {"item": row}, {"item": row, "action": "mask"}, {"item": "nope", "action": "keep"}, {"item": row, "action": "relabel", "value": 3},
        {"item": row, "action": "relabel", "value": "nope"}, {"item": row, "action": "keep", "by": "goodfit:x"},
        {"item": row, "action": "keep", "note": 3}, {"item": row, "action": None, "skipped": "yes"},
    ):  # fmt: skip
        answer = post(made, run, bad)
        assert answer.status_code == 400, bad
        assert answer.json()["error"]["message"]
    assert not (tmp_path / "decisions.jsonl").exists()
    assert made.post(f"/runs/{run.id}/suspects/as/anna", json={"item": row, "action": "keep"}).status_code == 403
    good = post(made, run, {"item": row, "action": "relabel", "value": desk.show("anna", row).suggestion, "note": "é"})
    assert good.json() == {"saved": True, "answered": 1, "of": 20, "next": desk.sequence[1]}
    assert read_decisions(tmp_path / "decisions.jsonl").last[row].by == "anna"
    assert made.get("/runs/other/suspects").status_code == 400


def test_hostile_labels_are_text(tmp_path: Path) -> None:
    labels = ('"></option><script>window.pwned=1</script>', "</script><script>window.pwned=2</script>", "sales")
    run = suspecting.run(tmp_path, suspecting.rows(labels=labels))
    page = client(run).get(f"/runs/{run.id}/suspects/as/anna").text
    assert "<script>window.pwned" not in page
    facts = page.split('id="facts">')[1].split("</script>")[0]
    assert json.loads(facts)["labels"] == list(Desk.open(run).labels)


# -- in Chromium ----------------------------------------------------------------------------------------------------------


@needs_browser
def test_a_review_by_keyboard_loses_nothing_and_runs_nothing(run: Run, browser: Browser, tmp_path: Path) -> None:
    desk = Desk.open(run)
    with review_page.serving(run, of="suspects") as address:
        browser.open(address)
        assert "token" not in browser.address
        browser.press(*"anna", "Enter")
        browser.until(lambda: browser.run("return !!document.getElementById('sheet')"))
        hostile = 0
        for number, key in enumerate("krdskrdskr"):
            item = browser.run(ITEM)
            assert item == desk.sequence[number]
            if number == 5:
                browser.reload()
                assert browser.run(ITEM) == item
                assert browser.run("return document.getElementById('far').textContent") == "5 of 20"
            text = browser.text()
            if "<script>window.pwned" in text:
                hostile += 1
                assert all(word in text for word in ("\\u202e", "\\x1b[31m", "\\x07"))
            assert browser.run("return window.pwned === undefined")
            browser.press(key)
            browser.until(lambda: browser.run(STATE) == "saved")
            if number == 1:
                browser.press("n", *"a price", "Escape")
                browser.until(lambda: browser.run(STATE) == "saved")
            browser.press("Enter")
            wait_for_next(browser, item)
        assert hostile
        browser.press("u")
        browser.until(lambda: browser.run(ITEM) == desk.sequence[9])
        assert browser.run("return document.querySelector('input[name=said]:checked').value") == "suggestion"
        assert browser.complaints() == []
    found = read_decisions(tmp_path / "decisions.jsonl").last
    wanted = ["keep", "relabel", "drop", None, "keep", "relabel", "drop", None, "keep", "relabel"]
    assert [found[row].action if row in found else None for row in desk.sequence[:10]] == wanted
    assert found[desk.sequence[1]].value == desk.show("anna", desk.sequence[1]).suggestion
    assert found[desk.sequence[1]].reason.endswith("; a price")
    assert desk.progress("anna") == (10, 20)


@needs_browser
def test_another_label_is_chosen_by_typing(run: Run, browser: Browser, tmp_path: Path) -> None:
    desk = Desk.open(run)
    row = desk.sequence[0]
    other = next(name for name in desk.labels if name not in (*desk.show("x", row).given, desk.show("x", row).suggestion))
    with review_page.serving(run, of="suspects", reviewer="anna") as address:
        browser.open(address)
        browser.press("Enter")
        browser.until(lambda: "k, r, c or d first" in browser.run(STATE))
        browser.press("c", *"nonsense", "Enter")
        browser.until(lambda: "none of the labels" in browser.run(STATE))
        browser.run("document.getElementById('label').value = ''")
        browser.press("c", *other, "Enter")
        browser.until(lambda: browser.run(STATE) == "saved")
        browser.press("Enter")
        wait_for_next(browser, row)
        browser.press("u")
        browser.until(lambda: browser.run(ITEM) == row)
        assert browser.run("return document.getElementById('label').value") == other
        assert browser.complaints() == []
    assert read_decisions(tmp_path / "decisions.jsonl").last[row].value == other


@needs_browser
def test_several_labels_are_ticked(tmp_path: Path, browser: Browser) -> None:
    content = [row | {"label": [row["label"], *(["urgent"] if i % 3 == 0 else [])]} for i, row in enumerate(suspecting.rows())]
    run = suspecting.run(tmp_path, content, task={"multi_label": True})
    desk = Desk.open(run)
    first, second = desk.sequence[:2]
    with review_page.serving(run, of="suspects", reviewer="anna") as address:
        browser.open(address)
        browser.press("r")
        browser.until(lambda: browser.run(STATE) == "saved")
        browser.press("Enter")
        wait_for_next(browser, first)
        ticked = browser.run("return [...document.querySelectorAll('input[name=names]:checked')].map((box) => box.value)")
        assert set(ticked) == set(desk.show("x", second).given)
        browser.press("c")
        browser.run("document.querySelector('input[name=names]:not(:checked)').click()")
        browser.until(lambda: browser.run(STATE) == "saved")
    values = read_decisions(tmp_path / "decisions.jsonl").last
    assert values[first].value == desk.show("x", first).suggestion
    assert len(values[second].value or ()) == len(ticked) + 1


@needs_browser
def test_a_decision_that_cannot_be_saved_is_said_and_kept(run: Run, browser: Browser, tmp_path: Path) -> None:
    with review_page.serving(run, of="suspects", reviewer="anna") as address:
        browser.open(address)
        item = browser.run(ITEM)
        browser.device("Network.enable")
        browser.device("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        browser.press("d")
        browser.until(lambda: "NOT SAVED" in browser.run(STATE))
        browser.press("Enter")
        browser.until(lambda: "NOT SAVED" in browser.run(STATE))
        assert browser.run(ITEM) == item
        assert not (tmp_path / "decisions.jsonl").exists()
        browser.device("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
        browser.press("Enter")
        wait_for_next(browser, item)
    assert read_decisions(tmp_path / "decisions.jsonl").last[item].action == "drop"


@needs_browser
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_runs_out_of_the_screen(tmp_path: Path, browser: Browser, width: int) -> None:
    labels = [f"a_rather_long_name_of_a_class_{i}_that_nobody_would_want_to_read_out_loud" for i in range(30)]
    run = suspecting.run(tmp_path, suspecting.rows(400, labels=labels))
    desk = Desk.open(run)
    for name, action in (("anna", "keep"), ("ben", "drop")):
        desk.save(name, desk.sequence[0], Said(action))  # type: ignore[arg-type]
    with review_page.serving(run, of="suspects") as address:
        browser.device("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
        browser.open(address)
        root = address.split("?")[0]
        for page in ("", "/as/anna", "/results"):
            browser.open(root + page)
            assert browser.run("return document.documentElement.scrollWidth") <= width
