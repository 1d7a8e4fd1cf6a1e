"""AUD070: a planted odd annotator is named, good ones are left alone, and columns that are not there are an error."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from goodfit.errors import GoodfitError, SettingsError
from goodfit.recipe import Recipe
from goodfit.stages.audit.check import CHECKS
from goodfit.stages.audit.seen import Annotated
from tests.stages.audit.make import audit_rows, finding

NAMES = ["ann", "bob", "cem", "dee"]


def _rows(seed: int, right: tuple[float, ...], n: int = 300, *, given: float = 1.0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    labels = np.array(["bug", "praise", "question"])
    out = []
    for i in range(n):
        truth = int(rng.integers(3))
        said = {name: labels[truth if rng.random() < p else (truth + 1) % 3] for name, p in zip(NAMES, right, strict=True)}
        if rng.random() < 0.2:
            said[NAMES[int(rng.integers(4))]] = ""
        label = labels[truth if rng.random() < given else (truth + 1) % 3]
        out.append({"text": f"text number {i} about {rng.integers(1e9)}", "label": label} | said)
    return out


def _audit(folder: Path, content: list[dict[str, Any]]) -> Any:
    done, _ = audit_rows(folder, content, {"task": {"text": "text", "label": "label", "annotators": NAMES}})
    return finding(done, "AUD070")


def test_an_odd_annotator_is_named_with_what_they_say(tmp_path: Path) -> None:
    said = _audit(tmp_path, _rows(0, (0.93, 0.93, 0.93, 0.6)))
    assert (said.status, said.severity) == ("open", "warning")
    assert said.title == "dee: unlike the other annotators"
    assert "in place of" in said.detail
    assert "alpha" in said.detail


def test_good_annotators_raise_nothing(tmp_path: Path) -> None:
    said = _audit(tmp_path, _rows(0, (0.95, 0.94, 0.93, 0.92)))
    assert said.status == "passed"
    assert [score.name for score in said.evidence] == ["alpha", "raw_agreement", "against_consensus"]


def test_given_labels_against_all_annotators_are_listed(tmp_path: Path) -> None:
    said = _audit(tmp_path, _rows(0, (0.95, 0.95, 0.95, 0.95), given=0.85))
    assert said.severity == "warning"
    assert "given labels differ" in said.title
    assert said.n_rows > 10


def test_a_consensus_that_is_mistaken_now_and_then_is_no_finding() -> None:
    """All given labels are right, and annotators of 90% agree on the same mistake in one row of ninety."""
    spoke, listed = 0, []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth = rng.integers(3, size=600)
        codes = np.where(rng.random((600, 3)) < 0.9, truth[:, None], (truth[:, None] + rng.integers(1, 3, size=(600, 3))) % 3)
        labels, names = ("bug", "praise", "question"), tuple(NAMES[:3])
        seen = Annotated(pa.array([str(i) for i in range(600)]), names, labels, codes, truth, 0)
        recipe = SimpleNamespace(task=SimpleNamespace(annotators=names))
        outcome = CHECKS["AUD070"].look(SimpleNamespace(task="single_label", recipe=recipe, annotated=seen, labels=labels))  # type: ignore[arg-type]
        spoke += outcome.status == "open"
        listed.append(outcome.evidence[-1].value or 0.0)
    assert spoke <= 1
    assert np.mean(listed) > 0.01


def test_annotators_who_guess_are_told_apart_from_agreement(tmp_path: Path) -> None:
    said = _audit(tmp_path, _rows(0, (0.6, 0.6, 0.6, 0.6)))
    assert said.severity == "warning"
    assert "hardly agree" in said.title


def test_labels_that_are_no_class_are_counted(tmp_path: Path) -> None:
    content = _rows(0, (0.95, 0.94, 0.93, 0.92))
    for row in content[:30]:
        row["ann"] = "no idea"
    said = _audit(tmp_path, content)
    assert "are none of the classes" in said.detail


def test_without_the_columns_it_does_not_apply_and_with_wrong_ones_it_is_an_error(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, _rows(0, (0.9, 0.9, 0.9, 0.9)))
    assert finding(done, "AUD070").status == "not_applicable"
    with pytest.raises(GoodfitError, match="'eve'"):
        audit_rows(tmp_path, _rows(0, (0.9, 0.9, 0.9, 0.9)), {"task": {"text": "text", "label": "label", "annotators": ["eve"]}})


def test_they_are_for_one_label_a_row() -> None:
    with pytest.raises((SettingsError, ValueError), match="annotators"):
        Recipe.model_validate({"data": {"path": "x"}, "task": {"label": "l", "multi_label": True, "annotators": ["a"]}})
    with pytest.raises((SettingsError, ValueError), match="annotators"):
        Recipe.model_validate({"data": {"path": "x"}, "task": {"kind": "generation", "annotators": ["a"]}})
