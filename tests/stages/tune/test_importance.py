"""Which keys mattered: one that decides is found, one that does not is not, and few trials say nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from goodfit.recipe import Range
from goodfit.stages.tune.importance import FEWEST, importance
from goodfit.stages.tune.record import Line

TRIED = {"train.learning_rate": Range(low=1e-5, high=1e-3, log=True), "train.weight_decay": Range(choices=(0.0, 0.01, 0.1))}


def lines(n: int, *, seed: int = 0, state: str = "complete") -> list[Line]:
    rng = np.random.default_rng(seed)
    out = []
    for k in range(n):
        rate = float(np.exp(rng.uniform(math.log(1e-5), math.log(1e-3))))
        value = 0.8 - 0.1 * abs(math.log10(rate) + 4) + rng.normal(0, 0.005)
        point = {"train.learning_rate": rate, "train.weight_decay": float(rng.choice([0.0, 0.01, 0.1]))}
        out.append(Line(k, "search", 0, point, False, state, value, 1.0, None, 10, 100))
    return out


def test_what_decides_is_found_with_an_interval() -> None:
    rate, decay = importance(lines(40), TRIED, higher=True)
    assert rate.name == "train.learning_rate"
    assert rate.low is not None
    assert decay.high is not None
    assert rate.low > 0.5 > decay.high
    assert rate.value is not None
    assert rate.low <= rate.value


@pytest.mark.parametrize(
    ("given", "words"), [(lines(FEWEST - 1), "too few trials"), (lines(40, state="pruned"), "too few trials"), ([], "too few")]
)
def test_few_trials_say_nothing(given: list[Line], words: str) -> None:
    found = importance(given, TRIED, higher=True)
    assert len(found) == 2
    assert all(score.value is None and words in (score.why_absent or "") for score in found)


def test_one_key_and_equal_scores() -> None:
    alone = {"train.learning_rate": TRIED["train.learning_rate"]}
    assert "one key" in (importance(lines(40), alone, higher=True)[0].why_absent or "")
    same = [Line(**{**line.to_json(), "value": 0.5}) for line in lines(40)]
    assert [score.value for score in importance(same, TRIED, higher=False)] == [0.0, 0.0]
