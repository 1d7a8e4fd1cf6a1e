"""The review page in a real headless Chromium: two reviewers, 20 judgements each by keyboard, a reload in the middle, hostile answers.

    python -m benchmarks.review_page [--pictures FOLDER] [--no-record]

tests/studio/test_page.py walks the same way. Writes benchmarks/results/2-review-page.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.browser import Browser, missing
from benchmarks.claims import record, row
from goodfit.improve.review import Book
from goodfit.run import Run
from goodfit.studio.server import make

COMMAND = "python -m benchmarks.review_page"
JUDGEMENTS = 20
HOSTILE = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>\x1b[31mred\x1b[0m \u202egnp.exe\u202c \x07 &amp; end"
PLAIN = [
    "Your card was sent yesterday and should reach you within five working days. If it has not arrived by Friday, order a new one in the "
    "app under Cards, and the old one is blocked at once.",
    "I am sorry to hear that. Cards are cards, and sometimes cards arrive late. Sometimes they do not arrive. Please wait. Please wait again.",
]


@contextlib.contextmanager
def serving(run: Run, **how: Any) -> Iterator[str]:
    """The address of a server in a thread of its own."""
    server = make(run, **how)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.uvicorn.started:
            time.sleep(0.01)
        yield server.address
    finally:
        server.uvicorn.should_exit = True
        thread.join(10)


def run_with_hostile_answers(workspace: Path, n: int = 40) -> Run:
    """A run whose answers try to act: markup, terminal colours, bidi overrides, control characters."""
    run = Run.create(workspace, name="card-help", recipe_text="name: card-help\n", base=workspace, recipe_hash="b2:0")
    lines = []
    for i in range(n):
        prompt = f"I ordered a card {i + 2} days ago and it is still not here. What should I do now?"
        for k, system in enumerate(("model", "base")):
            text = f"{HOSTILE} {system[0]}{i}" if i % 4 == 0 else f"{PLAIN[k]} ({i})"
            lines.append({"step": None, "row": f"r{i:03d}", "system": system, "prompt": prompt, "text": text, "stopped": True,
                          "reference": "Order a new card in the app.", "loss": i / n, "cluster": i % 5})  # fmt: skip
    (run.folder("evaluate") / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return run


def walk(run: Run, address: str, reviewer: str, *, seed: int = 0) -> dict[str, Any]:
    """One reviewer's way through the page; what was seen on it."""
    rng = random.Random(seed)
    hostile, seconds, complaints = 0, [], []
    with Browser() as browser:
        browser.open(address)
        assert "token" not in browser.address, "the token stays in the address"
        browser.press(*reviewer, "Enter")
        browser.until(lambda: browser.run("return !!document.getElementById('sheet')"))
        for number in range(JUDGEMENTS):
            if number == JUDGEMENTS // 2:
                before = browser.run("return document.getElementById('sheet').dataset.item")
                browser.reload()
                after = browser.run("return [document.getElementById('sheet').dataset.item, document.getElementById('far').textContent]")
                assert [before, f"{number} of 42"] == after, f"the reload lost something: {before}, {after}"
            hostile += _look(browser)
            begin = time.perf_counter()
            item = browser.run("return document.getElementById('sheet').dataset.item")
            browser.press(rng.choice("abt"))
            if number == 3:
                browser.press("n", *"wrong date", "Escape")
            browser.press("Enter")
            browser.until(lambda item=item: browser.run("return document.getElementById('sheet').dataset.item !== arguments[0]", item))
            seconds.append(time.perf_counter() - begin)
        complaints += browser.complaints()
    return {"hostile": hostile, "complaints": complaints, "seconds": sorted(seconds)[len(seconds) // 2]}


def _look(browser: Browser) -> int:
    """Checks that the page names no system and that what is hostile is text; 1 where there was something hostile."""
    html, text = browser.source(), browser.text()
    assert not any(word in html for word in ('"model"', ">base<")), "the page says who wrote an answer"
    assert browser.run("return window.pwned === undefined"), "an answer was run as a script"
    if "<script>window.pwned" not in text:
        return 0
    assert all(word in text for word in ("\\u202e", "\\x1b[31m", "\\x07")), "a control or bidi character is hidden"
    assert all(word in text for word in ("&amp;", "<img src=x")), "markup is not shown as it was written"
    assert not any(c in text for c in "\x1b\x07\u202e"), "a control or bidi character is on the page"
    return 1


def check(folder: Path) -> dict[str, Any]:
    """The whole walk: two reviewers, a server each, and what their files hold."""
    run = run_with_hostile_answers(folder)
    Book.open(run, items=40)
    seen = {}
    for seed, reviewer in enumerate(("anna", "ben")):
        with serving(run) as address:
            seen[reviewer] = walk(run, address, reviewer, seed=seed)
    book = Book.open(run)
    assert book.reviewers() == ["anna", "ben"]
    for reviewer in seen:
        answers = book.answers(reviewer)
        assert list(answers) == book.sequence(reviewer)[:JUDGEMENTS], "answers are not those of the items shown"
        assert [a["note"] for a in answers.values() if a["note"]] == ["wrong date"]
    return seen


# -- pictures --------------------------------------------------------------------------------------------------------------------------


def pictures(folder: Path) -> None:
    """Screenshots of every page on a desktop, a phone, and in the dark."""
    with tempfile.TemporaryDirectory() as place:
        run = run_with_hostile_answers(Path(place), 80)
        book = Book.open(run, items=60)
        rng = random.Random(1)
        for reviewer in ("anna", "ben"):
            for item in book.sequence(reviewer)[: 55 if reviewer == "anna" else 40]:
                order = book.order(reviewer, item)
                book.save(reviewer, item, _opinion(order, rng))
        with serving(run) as address, Browser() as browser:
            browser.open(address)
            _views(browser, folder, run, "prefer")
            Book.open(run, ask=("prefer", "rate"))
            _views(browser, folder, run, "both", pages=("item",))


def _opinion(order: Sequence[str], rng: random.Random) -> Any:
    from goodfit.improve.review import DIMENSIONS, Given

    good = {"model": 4, "base": 3}
    ratings = {side: {d: min(5, good[name] + rng.randint(-1, 1)) for d in DIMENSIONS} for side, name in zip("ab", order)}
    liked = "tie" if rng.random() < 0.15 else "ab"[order.index("model" if rng.random() < 0.75 else "base")]
    return Given(liked, ratings, note="" if rng.random() < 0.9 else "promises a date that nobody knows")


def _views(
    browser: Browser, folder: Path, run: Run, name: str, pages: Sequence[str] = ("entry", "item", "hostile", "results", "done")
) -> None:
    book = Book.open(run)
    base = f"{browser.address.split('/runs')[0]}/runs/{run.id}/review"
    bad = next(i for i in book.sequence("cleo") if "<script>" in str(book.items[i]["texts"]))
    good = next(i for i in book.sequence("cleo") if "<script>" not in str(book.items[i]["texts"]))
    at = {"entry": base, "item": f"{base}/as/cleo?item={good}", "hostile": f"{base}/as/cleo?item={bad}", "results": f"{base}/results",
          "done": f"{base}/as/anna"}  # fmt: skip
    for page in pages:
        for look, width, height, dark in (("desktop", 1280, 860, False), ("dark", 1280, 860, True), ("phone", 390, 844, False)):
            browser.device("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=look == "phone")
            browser.device("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
            browser.open(at[page])
            if page == "item":
                browser.press(*("a" if name == "prefer" else "a435"))
                browser.until(lambda: browser.run("return document.getElementById('state').textContent").startswith("saved"))
            browser.picture(folder / f"{name}-{page}-{look}.png")


def main(arguments: Sequence[str] | None = None) -> None:
    """Walks, and records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="write screenshots into this folder, and record nothing")
    parser.add_argument("--no-record", action="store_true", help="print only")
    asked = parser.parse_args(arguments)
    if asked.pictures:
        pictures(asked.pictures)
        return
    claim, goal = (
        "review page in headless Chromium: judgements by keyboard",
        "2 x 20, reload loses none, hostile text inert, console silent",
    )
    if missing():
        rows = [row(claim, goal, None, passed=None, command=COMMAND, why_absent=missing())]
    else:
        with tempfile.TemporaryDirectory() as folder:
            seen = check(Path(folder))
        complaints = [line for one in seen.values() for line in one["complaints"]]
        slowest = max(one["seconds"] for one in seen.values())
        good = not complaints and all(one["hostile"] for one in seen.values())
        rows = [
            row(claim, goal, 2 * JUDGEMENTS, n=2 * JUDGEMENTS, passed=good, command=COMMAND, console_complaints=len(complaints),
                hostile_answers_shown=sum(one["hostile"] for one in seen.values())),
            row("review page: from a key to the next item, median seconds with the driver's own time", "< 1", round(slowest, 3), n=JUDGEMENTS,
                passed=slowest < 1, command=COMMAND),
        ]  # fmt: skip
    print(json.dumps(rows, indent=1) if asked.no_record else record("review-page", rows, part=2))


if __name__ == "__main__":
    main()
