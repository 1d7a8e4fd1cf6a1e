"""EVA021: promises measured on rows that did not make them: kept on like rows, broken on shifted ones, shown only with evaluate.on: valid."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.recipe import Evaluate
from goodfit.schemas import ScoredRows
from goodfit.score import Score
from goodfit.stages.evaluate.kept import promises_kept, promises_of
from goodfit.stages.evaluate.scoring import Scored, score_split
from goodfit.tasks import Classification
from tests.stages.evaluate.make import answered
from tests.tasks.test_promises import logits_of, names


def scored(classes: int, n: int, seed: int, shift: float = 0.0, clusters: bool = False) -> Scored:
    logits, y = logits_of(700, classes)
    task = Classification(names(classes))
    task = task.with_decision(task.fit_decision(logits, y))
    more, truth = logits_of(n, classes, seed)
    rng = np.random.default_rng(seed)
    truth = np.where(rng.random(n) < shift, rng.integers(0, classes, n), truth)
    p = task.probabilities(more).astype(np.float32)
    found, _ = answered(task, [task.labels[k] for k in truth], {"model": p}, groups=(np.arange(n) // 2).tolist() if clusters else None)
    return score_split(found, Evaluate(), None, {}, selected=False)


@pytest.mark.parametrize("classes", [3, 15])
def test_kept_on_like_rows(classes: int) -> None:
    alarms = 0
    for seed in range(1, 9):
        made = scored(classes, 600, seed)
        told = promises_of(made, measured=True)
        [found] = promises_kept(made, told)
        alarms += found.status == "open"
    assert alarms == 0
    assert found.code == "EVA021"
    at = {one["coverage"]: one for one in told["sets"]["at"]}
    assert at[0.9]["size"] < at[0.99]["size"] <= classes
    Score.model_validate(at[0.9]["covered"])
    area = Score.model_validate(told["abstention"]["aurc"])
    assert area.low <= area.value <= area.high  # type: ignore[operator]
    assert told["abstention"]["curve"][-1][0] == 1


def test_broken_on_shifted_rows() -> None:
    made = scored(4, 900, 3, shift=0.4)
    [found] = promises_kept(made, promises_of(made, measured=True))
    assert (found.status, found.severity, found.kind) == ("open", "warning", "promise")
    assert found.evidence
    assert "broken" in found.title


def test_on_validation_promises_are_shown_only_and_clusters_are_units() -> None:
    made = scored(4, 300, 2, clusters=True)
    told = promises_of(made, measured=False)
    [found] = promises_kept(made, told)
    assert found.status == "not_applicable"
    assert "covered" not in told["sets"]["at"][0]
    assert told["abstention"]["aurc"]["clusters"] == 150
    assert ScoredRows is not None


def test_a_model_without_promises() -> None:
    logits, y = logits_of(60, 3)
    found, _ = answered(Classification(names(3)), [names(3)[k] for k in y[:10]], {"model": np.eye(3, dtype=np.float32)[y[:10]]})
    made = score_split(found, Evaluate(), None, {}, selected=False)
    told = promises_of(made, measured=True)
    [said] = promises_kept(made, told)
    assert said.status == "not_applicable"
    assert "why_absent" in told["abstention"]["aurc"]
