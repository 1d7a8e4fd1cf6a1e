"""`goodfit review`: the terminal form, what it says at the end, results, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from goodfit.cli import main
from goodfit.improve.review import Book
from goodfit.run import Run
from tests import reviewing


def review(run: Run, *words: str, keys: str | None = None) -> Result:
    return CliRunner().invoke(main, ["review", run.id, "-w", str(run.workspace), *words], input=keys)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return reviewing.run(tmp_path)


def test_keys_judge_note_skip_go_back_and_quit(run: Run) -> None:
    out = review(run, "--items", "10", "-r", "Anna", keys="x\na\nn\ntoo long\n2\nt\nu\n1\ns\nq\n")
    assert out.exit_code == 0, out.output
    book = Book.open(run)
    first, second, third, fourth = book.sequence("anna")[:4]
    said = book.answers("anna")
    assert book.show("anna", first).given.prefer == "a"
    assert (book.show("anna", second).given.prefer, said[second]["note"]) == ("b", "too long")
    assert book.show("anna", third).given.prefer == "a"
    assert said[fourth]["skipped"]
    assert "anna: 4 of 10 answered" in out.stdout
    assert "reviewing" in out.stderr
    again = review(run, "-r", "anna", keys="t\n")
    assert "5 of 10" in again.stdout
    assert book.next("anna") == book.sequence("anna")[5]


def test_ratings_in_the_terminal(run: Run) -> None:
    out = review(run, "--items", "2", "-r", "anna", "--prefer", "--rate", keys="a\n" + "5\n4\n9\n3\n2\n1\n2\nu\n3\n3\n4\nq\n")
    assert out.exit_code == 0, out.output
    book = Book.open(run)
    given = book.show("anna", book.sequence("anna")[0]).given
    assert list(given.ratings["a"].values()) == [5, 4, 3, 2]
    assert list(given.ratings["b"].values()) == [1, 3, 3, 4]
    assert "1 of 2 answered" in out.stdout


def test_no_name_and_no_control_character_reaches_the_terminal(tmp_path: Path) -> None:
    lines = [line | {"text": reviewing.HOSTILE + "\n\u2066x" + line["system"][0]} for line in reviewing.samples(4)]
    out = review(reviewing.run(tmp_path, lines), "-r", "anna", keys="a\na\nr\na\n")
    assert "\\x1b[31mred" in out.stdout
    assert "\\u202e" in out.stdout
    assert "\\u2066" in out.stdout
    assert not set(out.stdout) & set("\x1b\x07\u202e\u2066")
    asked = out.stdout.split("answered")[0]
    assert "base" not in asked
    assert "model" not in asked
    assert "Reference" in asked


def test_results_as_text_and_as_one_document(run: Run) -> None:
    book = Book.open(run, items=40)
    for seed, name in enumerate(("anna", "ben")):
        reviewing.judge(book, name, reviewing.prefers("model", 0.9, seed=seed))
    out = review(run, "--results")
    assert out.exit_code == 0
    for words in (
        "model vs base",
        "anna: 42 of 42",
        "agreement, preference",
        "alpha",
        "won by the longer answer",
        "preferred in",
        "6 more are answered alike",
    ):
        assert words in out.stdout
    document = json.loads(review(run, "--results", "--json").stdout)
    assert document["schema"] == "goodfit/result/1"
    assert document["review"]["pairs"][0]["verdict"]["answer"] == "better"
    assert (run.path / document["files"]["results"]).is_file()


@pytest.mark.parametrize(
    ("words", "what"),
    [(["--json"], "--results"), (["--items", "0"], "--items 1"), (["-r", "../"], "reviewer"), (["--results"], "goodfit review"), (["--port", "99999"], "port")],
)  # fmt: skip
def test_what_is_refused(run: Run, words: list[str], what: str) -> None:
    out = review(run, *words, keys="")
    assert out.exit_code == 2
    assert what in out.stdout + out.stderr
    assert "Traceback" not in out.output


def test_a_run_of_another_task_says_what_review_is_for(run: Run) -> None:
    (run.path / "evaluate" / "samples.jsonl").unlink()
    out = review(run, keys="")
    assert out.exit_code == 2
    assert "generation" in out.stderr


def test_without_the_extra_the_page_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else found(name, *rest))
    out = review(run, "--web", keys="")
    assert out.exit_code == 2
    assert "pip install 'goodfit[studio]'" in out.stderr


@pytest.mark.skipif(importlib.util.find_spec("uvicorn") is None, reason="the extra studio is not installed")
def test_the_page_is_served_here_only_until_ctrl_c(run: Run) -> None:
    command = [sys.executable, "-m", "goodfit", "review", run.id, "-w", str(run.workspace), "--web", "-r", "Anna"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stderr is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/runs/\S+/review/as/anna\?token=\S+", process.stderr.readline())
        assert address is not None
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        for _ in range(100):
            try:
                page = opener.open(address[0], timeout=10).read().decode()
                break
            except OSError:
                time.sleep(0.1)
        assert "A is better" in page
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "nothing answered yet" in out
