"""AUD050 - AUD063: what stands inside the texts, planted in clean data; severity, rows, and that no value is ever told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.errors import SettingsError
from goodfit.finding import Finding
from goodfit.stages.audit import inside
from goodfit.stages.audit.check import CHECKS
from goodfit.tasks.scorer import Scorer
from tests.stages.audit.make import MULTI, audit_rows, clean_rows, finding
from tests.tasks.test_namer import tagger
from tests.tasks.test_scorer import classifier

OURS = sorted(code for code in CHECKS if "AUD050" <= code <= "AUD063")


def planted(folder: Path, texts: list[str], n: int = 400, document: dict[str, Any] | None = None) -> tuple[dict[str, Finding], str]:
    """Findings of clean data with these texts put at the end of as many rows, and all that audit wrote."""
    content = clean_rows(3, n, 3)
    for row, text in zip(content, texts):
        row["text"] = text
    whole = {"split": {"test_size": 0}} | (document or {})
    if whole.get("task", {}).get("multi_label"):
        content = [row | {"label": [row["label"]]} for row in content]
    done, run = audit_rows(folder, content, whole)
    # first.jsonl holds rows as they are, as evaluate's mistakes.jsonl does: the report masks them
    files = [path for path in (run.path / "audit").glob("*.json*") if path.name != "first.jsonl"]
    written = "".join(path.read_text(encoding="utf-8") for path in files)
    return {f.code: f for f in done.findings}, written


def put(text: str, k: int, *, alone: bool = False) -> list[str]:
    """The text k times, each in words of its own."""
    return [text if alone else f"bokuta {text} and some words of our own {i}" for i in range(k)]


@pytest.mark.parametrize("document", [{}, MULTI], ids=["single", "multi"])
def test_clean_data_passes(tmp_path: Path, document: dict[str, Any]) -> None:
    found, _ = planted(tmp_path, [], document=document)
    assert {found[code].status for code in OURS} <= {"passed", "not_applicable"}
    assert all(found[code].severity == "note" for code in OURS)


PLANTED: list[tuple[str, str, list[tuple[int, str, str]]]] = [
    ("AUD050", "cafÃ© donâ€™t", [(1, "open", "note"), (3, "open", "note"), (8, "open", "warning")]),
    ("AUD050", "lost \ufffd sign", [(2, "open", "note"), (10, "open", "warning")]),
    ("AUD051", "zero\u200bwidth", [(1, "open", "note"), (25, "open", "warning")]),
    ("AUD051", "abc\u202etxt", [(1, "open", "note")]),
    ("AUD052", "a<br />b &amp; c", [(2, "passed", "note"), (4, "open", "note"), (50, "open", "warning")]),
    ("AUD052", "**bold**", [(50, "open", "note")]),
    ("AUD060", "write to jane@mail.example.org", [(1, "open", "note"), (9, "open", "note"), (12, "open", "warning")]),
    ("AUD060", "IBAN DE89370400440532013000", [(1, "open", "note"), (3, "open", "warning")]),
    ("AUD060", "ssn 078-05-1120", [(3, "open", "warning")]),
    ("AUD061", "api_key = 'a1b2c3d4e5f6g7h8'", [(1, "open", "warning")]),
]


@pytest.mark.parametrize(
    ("code", "text", "k", "status", "severity"),
    [(code, text, k, status, severity) for code, text, cases in PLANTED for k, status, severity in cases],
)
def test_planted(tmp_path: Path, code: str, text: str, k: int, status: str, severity: str) -> None:
    found, _ = planted(tmp_path, put(text, k))
    one = found[code]
    assert (one.status, one.severity) == (status, severity), one.title
    if status == "open":
        assert (one.n_rows, len(one.rows)) == (k, min(k, 100))
        assert one.evidence[0].value == pytest.approx(k / 400)
        assert one.evidence[0].low is not None


@pytest.mark.parametrize(
    ("code", "text", "k", "status", "severity"),
    [
        ("AUD054", "sdkfjh ksdjf lkjsdf {i}", 2, "passed", "note"), ("AUD054", "sdkfjh ksdjf lkjsdf {i}", 3, "open", "note"),
        ("AUD054", "jfkdls fjdksl ajfkdl {i}", 30, "open", "warning"), ("AUD056", "{i}", 0, "passed", "note"),
        ("AUD056", "…{dots}", 3, "open", "note"), ("AUD056", "…{dots}", 60, "open", "warning"),
    ],
)  # fmt: skip
def test_whole_texts(tmp_path: Path, code: str, text: str, k: int, status: str, severity: str) -> None:
    found, _ = planted(tmp_path, [text.format(i=i, dots="." * i + "!" * (i % 7)) for i in range(k)])
    one = found[code]
    assert (one.status, one.severity) == (status, severity), one.title
    if one.status == "open":
        assert one.n_rows == k


def sentences(kind: str, k: int) -> list[str]:
    words = {
        "en": "my card has not arrived yet and I would like to know where it is", "de": "ich warte seit zwei Wochen auf meine neue Karte und möchte wissen warum",
        "fr": "je n'ai toujours pas reçu ma nouvelle carte et je voudrais savoir pourquoi", "no": "jeg har ikke fått det nye kortet mitt ennå og vil gjerne vite hvorfor",
        "da": "jeg har endnu ikke modtaget mit nye kort og vil gerne vide hvorfor",
    }[kind]  # fmt: skip
    return [f"{words} {i}" for i in range(k)]


@pytest.mark.parametrize(
    ("texts", "recipe", "status", "severity", "n"),
    [
        (sentences("en", 400), {}, "passed", "note", 0),
        (sentences("en", 380) + sentences("de", 4), {}, "passed", "note", 4),
        (sentences("en", 394) + sentences("de", 6), {}, "open", "note", 6),
        (sentences("en", 200) + sentences("de", 200), {}, "passed", "note", 0),
        (sentences("en", 200) + sentences("de", 200), {"languages": ["German"]}, "open", "warning", 200),
        (sentences("en", 399) + sentences("fr", 1), {"languages": "en"}, "open", "note", 1),
        (sentences("no", 390) + sentences("da", 10), {}, "passed", "note", 0),
    ],
    ids=["one", "too few", "another", "two of its own", "one of two is meant", "one row", "relatives"],
)
def test_wrong_language(tmp_path: Path, texts: list[str], recipe: dict[str, Any], status: str, severity: str, n: int) -> None:
    content = [{"text": text, "label": "ab"[i % 2]} for i, text in enumerate(texts)]
    done, _ = audit_rows(tmp_path, content, {"split": {"test_size": 0}, "audit": recipe})
    one = finding(done, "AUD055")
    assert (one.status, one.severity, one.n_rows) == (status, severity, n)


def test_a_language_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'Germann' is no language") as caught:
        planted(tmp_path, [], document={"audit": {"languages": ["english", "Germann"]}})
    assert "German" in str(caught.value.fix)


@pytest.mark.parametrize(("k", "status", "severity"), [(5, "passed", "note"), (20, "open", "note"), (200, "open", "warning")])
def test_boilerplate(tmp_path: Path, k: int, status: str, severity: str) -> None:
    content = clean_rows(5, 400, 2)
    for row in content[:k]:
        row["text"] += " And more. Sent from my telephone, please excuse."
    done, _ = audit_rows(tmp_path, content, {"split": {"test_size": 0}})
    one = finding(done, "AUD053")
    assert (one.status, one.severity) == (status, severity)
    assert status == "passed" or one.n_rows == k


def test_too_long(tmp_path: Path) -> None:
    content = clean_rows(5, 400, 2)
    content[7]["text"] = "bokuta masino " * 9_000
    done, _ = audit_rows(tmp_path, content, {"split": {"test_size": 0}})
    one = finding(done, "AUD057")
    assert (one.status, one.severity, one.n_rows) == ("open", "note", 1)
    assert "126,000" in one.detail


def test_no_value_is_told(tmp_path: Path) -> None:
    values = ["jane.doe@mail.example.org", "DE89370400440532013000", "4012-8888-8888-1881", "078-05-1120", "+49 30 1234567", "203.0.113.77",
              "hunter2hunter2"]  # fmt: skip
    _, written = planted(
        tmp_path, [f"bokuta {value} masino {i}" for i, value in enumerate(values[:-1])] + ["password: hunter2hunter2 masino"]
    )
    assert "ja***@***.org" in written
    for value in values:
        assert value not in written
        assert json.dumps(value)[1:-1] not in written


def test_order_numbers_are_no_cards(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [f"bokuta masino 4{''.join(map(str, rng.integers(0, 10, 15)))} rela" for _ in range(300)]
    found, _ = planted(tmp_path, texts)
    assert found["AUD060"].status == "passed"
    assert "by chance: not counted" in found["AUD060"].detail


@pytest.mark.parametrize("code", ["AUD050", "AUD060", "AUD061"])
def test_answers_of_a_model_that_writes_are_looked_at(tmp_path: Path, code: str) -> None:
    text = {"AUD050": "cafÃ© donâ€™t", "AUD060": "jane@mail.example.org", "AUD061": "password: hunter2hunter2"}[code]
    rows = [{"prompt": row["text"], "completion": f"bokuta {text}" if i < 40 else "bokuta"} for i, row in enumerate(clean_rows(2, 300, 2))]
    task = {"kind": "generation", "prompt": "prompt", "completion": "completion"}
    done, _ = audit_rows(tmp_path, rows, {"task": task, "split": {"test_size": 0}})
    one = finding(done, code)
    assert (one.status, one.severity, one.n_rows) == ("open", "warning", 40)


def test_toxic_says_that_it_was_not_measured(tmp_path: Path) -> None:
    found, _ = planted(tmp_path, [])
    assert found["AUD062"].status == "not_applicable"
    assert "not measured" in str(found["AUD062"].reason)


@pytest.mark.parametrize(
    ("bias", "status", "words"),
    [((5.0, 0.0), "passed", "0 of 400"), ((0.0, 5.0), "open", "by a scorer that rates neutral sentences so too")],
    ids=["nothing", "everything"],
)
def test_a_scorer_stands_beside_its_own_bias(tmp_path: Path, bias: tuple[float, ...], status: str, words: str) -> None:
    classifier(tmp_path / "scorer", ("fine", "toxic"), bias=bias)
    document = {"audit": {"toxicity_model": "scorer"}, "split": {"test_size": 0, "valid_size": 0}}
    one = planted(tmp_path, [], document=document)[0]["AUD062"]
    assert (one.status, one.severity) == (status, "note")  # what rates everything toxic never warns
    assert words in one.title
    assert "neutral English sentences about groups" in one.detail
    assert [score.name for score in one.evidence] == ["toxic_rate", "neutral_sentences_rated_toxic"]


def test_a_scorer_that_passes_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts with one word are toxic; the neutral sentences have none of it."""
    monkeypatch.setattr(Scorer, "scores", lambda self, texts: np.array([0.9 if "masinor" in text else 0.1 for text in texts]))
    classifier(tmp_path / "scorer", ("fine", "toxic"))
    document = {"audit": {"toxicity_model": "scorer"}, "split": {"test_size": 0, "valid_size": 0}}
    one = planted(tmp_path, put("masinor", 60), document=document)[0]["AUD062"]
    assert (one.status, one.severity, one.n_rows) == ("open", "warning", 60)
    assert one.evidence[1].value == 0


def test_names_say_that_they_were_not_looked_for(tmp_path: Path) -> None:
    found, _ = planted(tmp_path, [])
    assert found["AUD063"].status == "not_applicable"
    assert "names no model" in str(found["AUD063"].reason)


@pytest.mark.parametrize(("rows", "status"), [(0, "passed"), (40, "open")])
def test_names_stand_beside_how_their_finder_does(tmp_path: Path, rows: int, status: str) -> None:
    tagger(tmp_path / "ner", {"John": "B-PER", "Mill": "I-PER", "##er": "O", "and": "O"})
    document = {"audit": {"names_model": "ner"}, "split": {"test_size": 0, "valid_size": 0}}
    found, written = planted(tmp_path, put("John Miller", rows), document=document)
    one = found["AUD063"]
    assert (one.status, one.severity, one.n_rows) == (status, "note", rows)
    assert {s.name: s.value for s in one.evidence} == {
        "names_rate": rows / 400,
        "known_names_found": 2 / 60,
        "names_found_where_none_is": 0.0,
    }
    assert "English (2 of 6)" not in one.detail and "(0 of 6)" in one.detail  # the worst are named
    assert "John" not in written


def test_of_many_rows_some_are_asked_whether_they_are_gibberish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row that looks like it takes half a millisecond: of a million such rows a sample is asked, and the finding says so."""
    monkeypatch.setattr(inside, "SENSE_ROWS", 100)
    found, _ = planted(tmp_path, ["xkcjvb qwzrtp fjdkslx vbnmzxq"] * 200)
    told = found["AUD054"]
    assert told.status == "open"
    assert "of 100 texts drawn by chance from 400" in told.title
    assert 30 <= told.n_rows <= 70
    assert told.evidence[0].n == 100
