"""Robustness and behavioural tests: a model that looks at capitals is caught by casing, one that looks at words is not; answers as written out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from goodfit.errors import SettingsError
from goodfit.files import read_jsonl
from goodfit.stages.evaluate.behave import behaviour, behaviours
from goodfit.stages.evaluate.robust import Robust, fragile, robustness, rows_for
from goodfit.tasks import Classification
from goodfit.tasks.behaviour import read_suite
from tests.stages.evaluate.test_stage import LABELS, go, place, scores

JUDGED: Any = SimpleNamespace(split="test")
TEXTS = [
    f"the {'delivery' if i % 2 else 'payment'} number {i} was {'late' if i % 3 else 'wrong'} and I am not happy, about it."
    for i in range(300)
]
TRUTH = np.array([i % 2 for i in range(300)])


def by_word(texts: Any) -> np.ndarray:
    return np.array([int("delivery" in text.lower()) for text in texts])


def by_case(texts: Any) -> np.ndarray:
    return np.array([int("delivery" in text) for text in texts])


def test_a_model_that_looks_at_capitals_is_caught() -> None:
    found = robustness(TEXTS, TRUTH, by_case(TEXTS), None, by_case, seed=0)
    shaken = {x.one.name: x for x in found.shaken}
    upper = shaken["upper"]
    assert upper.before.value == 1
    assert upper.after.value == pytest.approx(0.5)
    assert upper.flips.value == pytest.approx(0.5)
    assert upper.verdict.answer == "worse"
    assert upper.verdict.correction == "holm"
    assert upper.verdict.difference.value == pytest.approx(-0.5)  # type: ignore[union-attr]
    [said] = fragile(JUDGED, found)
    assert (said.status, said.severity, said.kind) == ("open", "warning", "fragile")
    assert "capital" in said.title + said.detail
    assert found.worst is not None
    assert found.worst.value <= 0.5  # type: ignore[operator]
    assert "no_accents" in found.left_out
    assert found.to_json()["perturbations"]


def test_a_model_that_looks_at_words_is_not() -> None:
    found = robustness(TEXTS, TRUTH, by_word(TEXTS), np.arange(300) // 3, by_word, seed=0)
    quiet = {x.one.name: x.verdict.answer for x in found.shaken}
    for name in ("upper", "spaces", "greeting", "no_punctuation", "contracted"):
        assert quiet[name] != "worse"
    exact = robustness(TEXTS, TRUTH, by_word(TEXTS), None, lambda texts: np.array([int(len(t) < 0) for t in texts]), seed=0)
    assert any(x.verdict.answer == "worse" for x in exact.shaken)


def test_other_languages_few_rows_several_labels() -> None:
    german = [f"die Lieferung mit der Nummer {i} kam leider viel zu spät an und niemand hat sich gemeldet" for i in range(60)]
    found = robustness(german, np.zeros(60, int), np.zeros(60, int), None, lambda texts: np.zeros(len(texts), int), seed=0)
    assert found.left_out["greeting"] == "the texts are not in English"
    [said] = fragile(JUDGED, found)
    assert said.status == "passed"
    few = robustness(german[:10], np.zeros(10, int), np.zeros(10, int), None, lambda texts: np.zeros(len(texts), int), seed=0)
    assert few.shaken == []
    assert next(fragile(JUDGED, few)).status == "passed"
    truth = np.eye(3, dtype=bool)[np.arange(60) % 3]
    several = robustness(german, np.c_[truth, np.zeros(60, bool)], truth, None, lambda texts: truth[: len(texts)], seed=0)
    assert several.plain.value == 1  # type: ignore[union-attr]
    assert next(fragile(JUDGED, "evaluate.robustness: false")).status == "not_applicable"
    assert Robust().to_json()["rows"] == 0
    assert (rows_for(10_000, 20), rows_for(10_000, 512), rows_for(50, 512)) == (400, 100, 50)


class Asked:
    """A predictor that says b where a text has an odd number of words."""

    def __init__(self) -> None:
        self.task = Classification(("a", "b"))

    def probabilities(self, texts: list[str]) -> np.ndarray:
        odd = np.array([len(text.split()) % 2 for text in texts], float)
        return np.stack([1 - odd, odd], axis=1)


def test_behaviour_as_written_out(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        """
lexicons: {name: [Anna, Anna Maria]}
tests:
  - {name: odd is b, kind: MFT, texts: [one, one two, one two three], label: b}
  - {name: borne, kind: MFT, texts: [one, one two, one two three], label: b, at_most: 0.5}
  - {name: names, kind: INV, template: "{name} said so", vary: name, severity: error}
  - {name: adding, kind: DIR, texts: [one], add: " two", label: b}
  - {name: around, kind: DIR, texts: [one], add: "x {text} y", label: b}
  - {name: rows, kind: INV, rows: 3, change: spaces}
  - {name: words of rows, kind: INV, rows: 3, change: greeting}
""",
        encoding="utf-8",
    )
    model: Any = Asked()
    found = {one.test.name: one for one in behaviour(read_suite("t.yaml", tmp_path, ("a", "b")), ["p q r", "p", "s t"], model, 0)}
    assert (found["odd is b"].answer, found["odd is b"].failed.value) == ("failed", pytest.approx(1 / 3))
    assert found["odd is b"].examples == [{"texts": ["one two"], "answers": ["a"]}]
    assert found["borne"].answer == "passed"
    assert found["names"].examples == [{"texts": ["Anna said so", "Anna Maria said so"], "answers": ["b", "a"]}]
    assert found["adding"].answer == "failed"
    assert found["around"].answer == "passed"
    assert found["rows"].answer == "passed"
    assert found["words of rows"].answer == "failed"
    assert found["words of rows"].examples == []
    said = {finding.title.split(":")[0]: finding for finding in behaviours(JUDGED, list(found.values()))}
    assert (said["odd is b"].severity, said["names"].severity) == ("warning", "error")
    assert "is answered 'a'" in said["odd is b"].detail
    assert said["borne"].status == "passed"
    assert next(behaviours(JUDGED, [])).status == "not_applicable"


def test_in_a_run(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(f"tests: [{{name: words, kind: MFT, texts: [w1 w2, w3], label: '{LABELS[2]}'}}]", encoding="utf-8")
    made = place(tmp_path, baselines=["majority"], tests="t.yaml")
    go(made)
    document = scores(made[3])
    assert document["behaviour"][0]["cases"] == 2
    assert document["robustness"]["rows"] == 90
    codes = [line["code"] for line in read_jsonl(made[3].path / "evaluate" / "findings.jsonl")]
    assert codes[-2:] == ["EVA022", "EVA023"]
    off = place(tmp_path / "off", baselines=["majority"], robustness=False)
    go(off)
    assert scores(off[3])["robustness"] == {"why_not": "evaluate.robustness: false"}
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "t.yaml").write_text("tests: [{name: x, kind: MFT, texts: a, label: nope}]", encoding="utf-8")
    bad = place(tmp_path / "bad", tests="t.yaml")
    with pytest.raises(SettingsError, match="'nope' is no label"):
        go(bad)
    assert not (bad[3].workspace / "ledger.jsonl").exists()
