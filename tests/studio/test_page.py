"""The page in a real headless Chromium: by keyboard, two reviewers, reloads, hostile answers, a silent console."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from benchmarks import review_page
from benchmarks.browser import Browser, missing
from goodfit.improve.review import DIMENSIONS, Book
from goodfit.run import Run
from tests import reviewing

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
STATE = "return document.getElementById('state').textContent"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return reviewing.run(tmp_path)


def test_two_reviewers_judge_twenty_each_by_keyboard(tmp_path: Path) -> None:
    seen = review_page.check(tmp_path)
    for reviewer in ("anna", "ben"):
        assert seen[reviewer]["complaints"] == []
        assert seen[reviewer]["hostile"] >= 1


def test_the_console_is_listened_to(run: Run, browser: Browser) -> None:
    """The silence asserted above means something: an error is heard, and the policy stops an inline script."""
    Book.open(run, items=3)
    with review_page.serving(run) as address:
        browser.open(address)
        assert browser.complaints() == []
        browser.run("const s = document.createElement('script'); s.textContent = 'window.pwned = 1'; document.body.append(s)")
        assert browser.run("return window.pwned === undefined")
        assert any("Content Security Policy" in line for line in browser.complaints())


def test_ratings_by_keyboard_and_back(run: Run, browser: Browser) -> None:
    book = Book.open(run, items=3, ask=("prefer", "rate"))
    first = book.sequence("anna")[0]
    with review_page.serving(run, reviewer="anna") as address:
        browser.open(address)
        browser.press("a", "5", "4", "3", "Enter")
        browser.until(lambda: "1 to 5" in browser.run(STATE))
        browser.press("2", *"1234")
        browser.until(lambda: browser.run(STATE) == "saved")
        browser.press("Enter")
        browser.until(lambda: browser.run("return document.getElementById('sheet').dataset.item !== arguments[0]", first))
        browser.press("u")
        browser.until(lambda: browser.run("return document.getElementById('sheet').dataset.item === arguments[0]", first))
        picked = browser.run("return [...document.querySelectorAll('.rating input:checked')].map((i) => i.name + i.value)")
        assert len(picked) == 8
        browser.press("b")
        browser.until(lambda: browser.run(STATE) == "saved")
        assert browser.complaints() == []
    given = book.show("anna", first).given
    assert given.prefer == "b"
    assert list(given.ratings["a"].values()) == [5, 4, 3, 2]
    assert given.ratings["b"] == dict(zip(DIMENSIONS, (1, 2, 3, 4), strict=True))


def test_an_answer_that_cannot_be_saved_is_said_and_kept(run: Run, browser: Browser) -> None:
    book = Book.open(run, items=3)
    with review_page.serving(run, reviewer="anna") as address:
        browser.open(address)
        item = browser.run("return document.getElementById('sheet').dataset.item")
        browser.device("Network.enable")
        browser.device("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        browser.press("a")
        browser.until(lambda: "NOT SAVED" in browser.run(STATE))
        browser.press("Enter")
        browser.until(lambda: "NOT SAVED" in browser.run(STATE))
        assert browser.run("return document.getElementById('sheet').dataset.item") == item
        assert book.reviewers() == []
        browser.device("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
        browser.press("Enter")
        browser.until(lambda: browser.run("return document.getElementById('sheet').dataset.item !== arguments[0]", item))
    assert book.show("anna", item).given.prefer == "a"


def test_nothing_is_asked_of_another_host(run: Run, browser: Browser) -> None:
    Book.open(run, items=2)
    with review_page.serving(run, reviewer="anna") as address:
        browser.open(address)
        names = browser.run("return performance.getEntriesByType('resource').map((e) => e.name)")
        root = address.split("/runs")[0]
        assert len(names) >= 3
        assert all(name.startswith(root) for name in names)
        for _ in range(2):
            item = browser.run("return document.getElementById('sheet').dataset.item")
            browser.press("t", "Enter")
            browser.until(
                lambda item=item: browser.run(
                    "const s = document.getElementById('sheet'); return !s || s.dataset.item !== arguments[0]", item
                )
            )
        browser.until(lambda: "All answered" in browser.text())


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_runs_out_of_the_screen(run: Run, browser: Browser, width: int) -> None:
    Book.open(run, items=3, ask=("prefer", "rate"))
    with review_page.serving(run) as address:
        browser.device("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
        browser.open(address)
        root = address.split("?")[0]
        for page in ("", "/as/anna", "/results"):
            browser.open(root + page)
            assert browser.run("return document.documentElement.scrollWidth") <= width
