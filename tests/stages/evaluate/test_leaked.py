"""EVA018: what leaked rows add to a score, exactly, with an interval that covers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.recipe import Evaluate
from goodfit.stages.evaluate.leaked import leaked, leaked_rows, newcombe, without
from goodfit.stages.evaluate.scoring import Scored, score_split
from goodfit.statistics import score
from goodfit.tasks import Classification
from tests.data.test_near import sentences, typo
from tests.stages.evaluate.make import Splits, answered, guesses
from tests.stages.split.make import run_split, write
from tests.stages.split.test_near import labelled

LABELS = ("a", "b", "c")


def scored(n: int, seen: int, right: tuple[float, float], seed: int = 0) -> tuple[Scored, np.ndarray]:
    """n rows, the first of them leaked, with these accuracies on both parts."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=n)
    told = np.concatenate([guesses(truth[:seen], 3, right[0], rng), guesses(truth[seen:], 3, right[1], rng)])
    found, _ = answered(Classification(LABELS), [LABELS[y] for y in truth], {"model": told, "tfidf": told})
    return score_split(found, Evaluate(), None, {}, selected=False), np.arange(n) < seen


@pytest.mark.parametrize(
    ("seen", "right", "status", "severity"),
    [
        (0, (0.9, 0.7), "passed", "note"),
        (10, (1.0, 0.5), "passed", "note"),
        (300, (0.7, 0.7), "passed", "note"),
        (300, (0.99, 0.55), "open", "warning"),
        (25, (1.0, 0.6), "open", "note"),
    ],
    ids=["none", "few", "no better", "much", "little"],
)
def test_what_they_add(seen: int, right: tuple[float, float], status: str, severity: str) -> None:
    made, mask = scored(1000, seen, right)
    found = leaked(made, mask)
    assert (found.code, found.status, found.severity) == ("EVA018", status, severity)
    if status == "open":
        hits = made.answered.answers["model"].predictions == made.answered.truth
        assert f"they add {100 * (hits.mean() - hits[~mask].mean()):.1f} points" in found.title
        assert found.evidence[1].slice == "without leaked rows"
        assert found.evidence[1].n == 1000 - seen


def test_scores_without_them_stand_in_the_document() -> None:
    made, mask = scored(400, 100, (0.9, 0.6))
    told = without(made, mask)
    assert told is not None
    assert told["rows"] == 100
    assert [(s["system"], s["n"], s["slice"]) for s in told["scores"]] == [
        (name, 300, "without leaked rows") for name in ("model", "tfidf")
    ]
    assert without(made, np.zeros(400, bool)) is None
    assert without(made, np.ones(400, bool)) is None


def test_the_interval_of_the_difference_covers() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        a, b = rng.random(60) < 0.9, rng.random(300) < 0.7
        _, low, high = newcombe(score("rate", None, a), score("rate", None, b))
        inside += low <= 0.2 <= high
    assert inside >= 0.92 * 400


def test_leaked_rows_are_those_of_split(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    test = labelled(sentences(rng, 60))
    train = labelled(sentences(rng, 200)) + [row | {"text": typo(rng, row["text"])} for row in test[:8]] + test[20:23]
    write(tmp_path / "train.jsonl", train)
    write(tmp_path / "test.jsonl", test)
    document: dict[str, Any] = {"data": {"train": "train.jsonl", "test": "test.jsonl"}}
    splits, _ = run_split(tmp_path, document)
    assert np.flatnonzero(leaked_rows(splits, "test")).tolist() == [*range(8), 20, 21, 22]
    assert not leaked_rows(splits, "valid").any()
    document["split"] = {"leaks": "drop"}
    splits, _ = run_split(tmp_path, document, workspace="other")
    assert not leaked_rows(splits, "test").any()


def test_rows_in_memory() -> None:
    splits = Splits({"test": {"text": ["x", "y", "z"], "label": ["a", "b", "a"], "row": ["leak1", "r2", "leak3"]}})
    assert leaked_rows(splits, "test").tolist() == [True, False, True]
