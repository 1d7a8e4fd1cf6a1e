"""The file of decisions: strict, with the line of every mistake; it grows one synced line at a time; what is said twice is said once."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from goodfit.data.beside import place
from goodfit.data.decisions import Decision, Decisions, append, looks_like_decisions, moment_of, now, read_decisions
from goodfit.data.journal import append_line, locked
from goodfit.data.readers.locate import data_files
from goodfit.errors import DataError, RunError
from goodfit.recipe import Data

LINE: dict[str, Any] = {"row": "r1", "action": "drop", "value": None, "by": "anna", "reason": "", "time": "2026-05-01T09:00:00Z"}


def said(action: str = "drop", value: Any = None, *, row: str = "r1", by: str = "anna", time: str = "2026-05-01T09:00:00Z") -> Decision:
    return Decision(row, action, value, by, "", time)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "says", "fix"),
    [
        ("{", "this line is not JSON", "cut off"),
        ('{"a": 1,}', "this line is not JSON", "correct or delete"),
        ("[1]", "this line is no object", "a decision is"),
        (LINE | {"xyz": "x"}, "'xyz' is no key", "the keys are"),
        (LINE | {"reasons": "x"}, "'reasons' is no key", "did you mean 'reason'?"),
        ({k: v for k, v in LINE.items() if k != "by"}, "by must be a text", "a decision is"),
        (LINE | {"row": 7}, "row must be a text", "a decision is"),
        (LINE | {"row": "  "}, "row must be a text", "a decision is"),
        (LINE | {"action": "relable"}, "'relable' is no action", "did you mean 'relabel'?"),
        (LINE | {"action": "xyz"}, "'xyz' is no action", "one of keep, relabel"),
        (LINE | {"time": "yesterday"}, "'yesterday' is no time", "2026-05-01"),
        (LINE | {"value": "bug"}, "drop has no value", "value: null"),
        (LINE | {"action": "relabel"}, "the value of relabel", "for example"),
        (LINE | {"action": "relabel", "value": {"a": 1}}, "the value of relabel", "for example"),
        (LINE | {"action": "relabel", "value": ["a", None]}, "the value of relabel", "for example"),
        (LINE | {"action": "relabel", "value": " "}, "the value of relabel", "for example"),
        (LINE | {"action": "mask", "value": 3}, "the value of mask", "for example"),
        (LINE | {"action": "mask", "value": {}}, "the value of mask", "for example"),
        (LINE | {"reason": 3}, "reason must be a text", "a decision is"),
        ("[" * 100_000, "this line is not JSON", "a decision is"),
    ],
)
def test_every_mistake_has_its_line_and_a_remedy(tmp_path: Path, line: Any, says: str, fix: str) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(LINE) + "\n\n" + (line if isinstance(line, str) else json.dumps(line)) + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_decisions(path, "d.jsonl")
    assert says in caught.value.message
    assert fix in str(caught.value.fix)
    assert str(caught.value.place) == "d.jsonl:3"


def test_bytes_that_are_no_utf_8_have_their_line(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(LINE).encode() + b"\n" + json.dumps(LINE).encode()[:-2] + b"\xff}\n")
    with pytest.raises(DataError, match="d.jsonl:2: this line is not UTF-8"):
        read_decisions(path, "d.jsonl")


def test_a_mark_blank_lines_and_a_missing_line_end_are_read(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(LINE).encode() + b"\r\n\r\n" + json.dumps(LINE | {"row": "r2"}).encode())
    assert list(read_decisions(path).last) == ["r1", "r2"]
    append(path, [said(row="r3")])
    assert list(read_decisions(path).last) == ["r1", "r2", "r3"], "a whole line without its end is ended, not cut away"


def test_a_torn_line_is_cut_away_by_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    append(path, [said()])
    path.write_bytes(path.read_bytes() + b'{"row": "r2", "act')
    with pytest.raises(DataError, match=r":2: this line is not JSON"):
        read_decisions(path)
    append(path, [said(row="r3")])
    assert list(read_decisions(path).last) == ["r1", "r3"]


def test_numbers_and_truths_may_be_labels(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    lines = [LINE | {"row": f"r{i}", "action": "relabel", "value": value} for i, value in enumerate((1, 0.5, True, ["a", 2, "a"], []))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert [d.value for d in read_decisions(path).last.values()] == ["1", "0.5", "true", ["a", "2"], []]


def test_who_is_a_person_and_when() -> None:
    assert said(by="Anna Müller").person
    assert not said(by="goodfit:mitigate").person
    assert moment_of("2026-05-01T09:00:00") == moment_of("2026-05-01T09:00:00Z") == moment_of("2026-05-01T11:00:00+02:00")
    assert moment_of(now()).tzinfo is not None


def test_the_fingerprint_is_of_what_can_change_a_row() -> None:
    assert Decisions().fingerprint is None
    assert Decisions(None, [said("keep")]).fingerprint is None
    one = Decisions(None, [said()])
    assert one.fingerprint == Decisions(None, [said(), said(time="2026-06-01T00:00:00Z", by="ben")]).fingerprint, "said again"
    assert one.fingerprint == Decisions(None, [said("keep", row="r9"), said()]).fingerprint
    again = Decisions(None, [said(), Decision("r1", "drop", None, "ben", "a better reason", "2026-06-01T00:00:00Z")]).last["r1"]
    assert (again.by, again.time, again.reason) == ("anna", "2026-05-01T09:00:00Z", "a better reason")
    assert one.fingerprint != Decisions(None, [said(), said("keep")]).fingerprint
    assert one.fingerprint != Decisions(None, [said(by="model:x")]).fingerprint
    assert one.fingerprint != Decisions(None, [said(row="r2")]).fingerprint
    two = [said(row="a"), said(row="b")]
    assert Decisions(None, two).fingerprint == Decisions(None, two[::-1]).fingerprint


def test_what_is_done_already_is_left_out() -> None:
    listed = [said(), said("keep", time="2026-06-01T00:00:00Z"), said(row="r2")]
    left = Decisions(None, listed).without({("r1", "drop", "2026-05-01T09:00:00Z"), ("r2", "drop", "2026-05-01T09:00:00Z")})
    assert {row: d.action for row, d in left.last.items()} == {"r1": "keep"}


@pytest.mark.parametrize(
    ("content", "ours"),
    [("", True), ("\n\n", True), (json.dumps(LINE), True), ('{"row": "x", "action"', True), ('{"text": "x", "row": 1}', False), ("x,y", False), ("[]", False)],
)  # fmt: skip
def test_what_is_one_of_ours(tmp_path: Path, content: str, ours: bool) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text(content, encoding="utf-8")
    assert looks_like_decisions(path) is ours


def test_decisions_in_a_folder_of_data_are_no_data(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "label": "a"}\n', encoding="utf-8")
    append(tmp_path / "decisions.jsonl", [said()])
    assert [p.name for p in data_files(tmp_path)] == ["a.jsonl"]
    (tmp_path / "decisions.jsonl").write_text('{"text": "guilty", "label": "a"}\n', encoding="utf-8")
    assert [p.name for p in data_files(tmp_path)] == ["a.jsonl", "decisions.jsonl"]


def _write(path: Path, who: int) -> None:
    for i in range(40):
        append(path, [said(row=f"r{who}-{i}", by=f"p{who}")])


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    workers = [multiprocessing.get_context("spawn").Process(target=_write, args=(path, who)) for who in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert len(read_decisions(path).last) == 120


def test_a_file_that_is_kept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goodfit.data.journal.LOCK_SECONDS", 0.05)
    with locked(tmp_path / "d.jsonl"), pytest.raises(RunError, match="being written by another process"):
        append_line(tmp_path / "d.jsonl", {"a": 1})


def test_where_the_file_stands_or_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "t.csv").write_text("text,label\na,b\n", encoding="utf-8")
    data = Data(path="in/t.csv")
    monkeypatch.chdir(tmp_path)
    assert place(data, tmp_path).path == Path("decisions.jsonl")
    assert place(data, tmp_path, guessed=True).path == Path("in/decisions.jsonl")
    monkeypatch.chdir(tmp_path / "in")
    assert place(data, tmp_path).path == tmp_path / "decisions.jsonl"
    (tmp_path / "decisions.jsonl").write_text('{"verdict": "guilty"}\n', encoding="utf-8")
    (tmp_path / "in" / "decisions.jsonl").write_text('{"verdict": "guilty"}\n', encoding="utf-8")
    found = place(data, tmp_path)
    assert (found.path, found.there) == (tmp_path / "goodfit-decisions.jsonl", False)
    append(tmp_path / "goodfit-decisions.jsonl", [said()])
    assert place(data, tmp_path).there
    with pytest.raises(DataError, match="no file of decisions"):
        place(Data(path="in/t.csv", decisions="in/t.csv"), tmp_path)
    with pytest.raises(DataError, match="no file of decisions"):
        place(Data(path="in/t.csv", decisions="in"), tmp_path)
