"""What conversations answer: planted faults are found row by row, and good answers pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from goodfit.finding import Finding
from goodfit.stages.audit.answers import Answered
from goodfit.stages.audit.checks.answer_language import script_of
from goodfit.stages.audit.checks.contradictory_answers import disagreeing
from goodfit.stages.audit.checks.cut_answers import at_the_cap, unclosed, without_an_end
from goodfit.stages.audit.checks.format_drift import forms
from goodfit.stages.audit.checks.repeated_prompts import repeats
from tests.stages.audit.make import audit_rows, finding

GENERATION = {"task": {"kind": "generation"}, "audit": {"encoder": "tfidf_svd"}}
CODES = [f"AUD{k:03d}" for k in range(71, 78)]
WORDS = [
    "the",
    "quick",
    "river",
    "runs",
    "under",
    "an",
    "old",
    "bridge",
    "where",
    "people",
    "walk",
    "and",
    "talk",
    "about",
    "rain",
    "or",
    "sun",
    "every",
    "single",
    "morning",
    "before",
    "work",
]


def _sentences(rng: np.random.Generator, n: int) -> str:
    return " ".join(" ".join(rng.choice(WORDS, rng.integers(6, 14))).capitalize() + "." for _ in range(n))


def _rows(n: int = 300, seed: int = 0) -> list[dict[str, Any]]:
    """Good answers: whole sentences of many lengths."""
    rng = np.random.default_rng(seed)
    return [
        {"prompt": f"Question {i}: what about {' '.join(rng.choice(WORDS, 5))}?", "completion": _sentences(rng, rng.integers(1, 9))}
        for i in range(n)
    ]


def _audit(folder: Path, content: list[dict[str, Any]]) -> dict[str, Finding]:
    done, run = audit_rows(folder, content, GENERATION)
    found = {code: finding(done, code) for code in CODES}
    texts = {
        row: text for split in ("train",) for row, text in zip(*(done_column(run, split, name) for name in ("row", "text")), strict=True)
    }
    for said in found.values():
        assert set(said.rows) <= set(texts)
    return found


def done_column(run: Any, split: str, name: str) -> list[str]:
    from goodfit.stages.split import Splits

    return list(Splits.load(run).table(split, columns=(name,))[name].to_pylist())  # type: ignore[arg-type]


def test_good_answers_pass_every_check(tmp_path: Path) -> None:
    found = _audit(tmp_path, _rows())
    assert {code: said.status for code, said in found.items() if code != "AUD076"} == dict.fromkeys(set(CODES) - {"AUD076"}, "passed")
    assert found["AUD076"].status == "not_applicable"


PLANTED: dict[str, Any] = {
    "AUD071": lambda row: row | {"completion": row["completion"] + " And " + " ".join(WORDS) + " then the"},
    "AUD072": lambda row: row | {"completion": row["prompt"].upper() + "\n" + row["completion"]},
    "AUD073": lambda row: row | {"completion": "I'm sorry, but I can't help with that."},
    "AUD074": lambda row: row | {"completion": "I see the river and I see the bridge. " * 12},
    "AUD075": lambda row: {"prompt": "What is the capital of Australia?", "completion": row["completion"]},
    "AUD077": lambda row: row | {"completion": "Река течёт под старым мостом, и люди гуляют."},
}


@pytest.mark.parametrize("code", PLANTED)
def test_what_is_planted_is_found_and_nothing_else(code: str, tmp_path: Path) -> None:
    content = _rows()
    for i in range(0, 300, 12):
        content[i] = PLANTED[code](content[i])
    found = _audit(tmp_path, content)
    said = found[code]
    assert said.status == "open"
    assert said.n_rows >= 12
    assert said.fix
    assert said.evidence[0].low is not None
    assert {other for other, one in found.items() if one.status == "open"} == {code}


def test_json_that_few_rows_leave(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = [{"prompt": f"Read {i} {_sentences(rng, 1)}", "completion": json.dumps({"sense": "ab"[i % 2], "n": i})} for i in range(200)]
    for i in range(0, 200, 25):
        content[i]["completion"] = ["sense: a", json.dumps({"sense": "a"})][i // 25 % 2]
    said = _audit(tmp_path, content)["AUD076"]
    assert (said.status, said.severity) == ("open", "warning")
    assert "JSON with the keys n, sense" in said.title
    assert "sense: a" in said.detail


def test_a_class_in_another_spelling(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = [{"prompt": f"Read {i} {_sentences(rng, 1)}", "completion": ["positive", "negative"][i % 2]} for i in range(200)]
    content[3]["completion"] = "Positive."
    said = _audit(tmp_path, content)["AUD076"]
    assert (said.status, said.n_rows) in {("open", 1), ("passed", 0)}  # the row may stand in validation or test
    if said.status == "open":
        assert "one of a few words" in said.title


def test_plain_texts_have_no_answers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    found = _audit(tmp_path, [{"text": _sentences(rng, 3)} for _ in range(100)])
    assert {said.status for said in found.values()} == {"not_applicable"}


def test_translations_are_left_alone(tmp_path: Path) -> None:
    content = [row | {"completion": "Река течёт под старым мостом."} if i % 2 else row for i, row in enumerate(_rows(100))]
    said = _audit(tmp_path, content)["AUD077"]
    assert said.status == "not_applicable"
    assert "translation" in (said.reason or "")


def _seen(answers: list[str], questions: list[str] | None = None) -> Answered:
    n = len(answers)
    return Answered(pa.array([str(i) for i in range(n)]), questions or [f"q{i}" for i in range(n)], answers, np.arange(n))


@pytest.mark.parametrize(
    ("answer", "cut"),
    [
        ("```python\nprint(1)\n```", False), ("```python\nprint(1)", True), ('{"a": 1}', False), ('{"a": [1, 2', True), ('{"a": "some te', True),
        ("[citation needed] says the page", False), ("{not json at all}", False), ("[" * 90_000, False), ('{"a": 1} and more', False),
    ],
)  # fmt: skip
def test_what_is_opened_and_not_closed(answer: str, cut: bool) -> None:
    assert unclosed(_seen([answer])).tolist() == [cut]


def test_a_cap_is_seen_and_a_greatest_length_is_not() -> None:
    rng = np.random.default_rng(0)
    lengths = np.minimum(rng.integers(50, 2000, 400), 512)
    assert at_the_cap(_seen(["x" * n for n in lengths])).sum() == (lengths == 512).sum()
    assert not at_the_cap(_seen(["x" * n for n in rng.integers(50, 2000, 400)])).any()
    assert not at_the_cap(_seen(["yes, that is right", "no, that is wrong"] * 100)).any()


@pytest.mark.parametrize("end", [".", "。", "؟", "।", "!”", "…", ")", "😀", "```", "?»"])
def test_every_script_has_its_closing_marks(end: str) -> None:
    whole = " ".join(WORDS)
    flags = without_an_end(_seen([whole + end] * 60 + [whole] * 3))
    assert flags.tolist() == [False] * 60 + [True] * 3


def test_answers_that_never_had_marks_are_not_cut() -> None:
    assert not without_an_end(_seen([" ".join(WORDS)] * 60)).any()


def test_a_short_question_in_an_answer_is_no_repetition() -> None:
    asked = ["Why?", "Tell me about the old stone bridge, please"]
    assert repeats(_seen(["Why? Because.", "tell me about the old stone bridge please. It is old."], asked)).tolist() == [False, True]


def test_questions_that_differ_in_case_only_are_one() -> None:
    seen = _seen(["Paris", "paris!", "Rome", "Oslo"], ["Capital of France?", "capital of france", "Capital of Italy?", "capital of  ITALY"])
    assert disagreeing(seen) == [[2, 3]]


def test_numbers_in_many_spellings_are_numbers() -> None:
    answers = ["12", "-3.5", "€ 1,200", "18%", "42.", "a dozen"]
    assert dict(forms(answers))["a number"].tolist() == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("text", "script"),
    [("plain words here", "Latin"), ("это русский текст", "Cyrillic"), ("日本語のテキストです、はい", "East Asian"), ("12345 67890", None),
     ("ok", None), ("מה שלומך היום חבר", "Hebrew")],
)  # fmt: skip
def test_the_script_of_a_text(text: str, script: str | None) -> None:
    assert script_of(text) == script
