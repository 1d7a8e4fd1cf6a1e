"""Which keys mattered in a search, and how sure that is: functional ANOVA over a forest, trials resampled. Part of tune.

The share of the variance of the trials' scores that a key explains by itself (Hutter, Hoos & Leyton-Brown 2014). Below 30 complete trials
no number is given: a forest of so few finds a most important key in noise. The interval is a bootstrap over trials (50 draws). Only trials
that ran to their end count, and the shares are of the space that was searched: a key tried over a narrow range cannot matter much.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.importance import FanovaImportanceEvaluator

from goodfit.recipe import Range
from goodfit.score import Score
from goodfit.stages.tune.record import Line
from goodfit.stages.tune.space import contains
from goodfit.stages.tune.study import distribution, quietly

FEWEST = 30
"""Complete trials from which importance is given."""
DRAWS, TREES = 50, 24


def importance(lines: list[Line], tried: dict[str, Range], *, higher: bool, seed: int = 0) -> list[Score]:
    """A share per key with its interval, the largest first; each with `why_absent` where trials are too few."""
    done = [line for line in lines if line.state == "complete" and line.value is not None and set(tried) <= set(line.params)]
    done = [line for line in done if all(contains(tried[key], line.params[key]) for key in tried)]
    facts: dict[str, Any] = {"n": len(done), "unit": "share", "method": "fanova_bootstrap", "resamples": DRAWS}
    if len(done) < FEWEST or len(tried) < 2:
        reason = f"too few trials: {len(done)} complete, {FEWEST} are needed" if len(tried) > 1 else "one key was searched: it explains all"
        return [Score(name=key, n=len(done), why_absent=reason) for key in tried]
    rng = np.random.default_rng(seed)
    whole = _shares(done, tried, seed, higher=higher)
    drawn = [_shares([done[i] for i in rng.integers(0, len(done), len(done))], tried, seed, higher=higher) for _ in range(DRAWS)]
    out = []
    for key, value in whole.items():
        low, high = (float(q) for q in np.quantile([one[key] for one in drawn], [0.025, 0.975]))
        out.append(Score(name=key, value=value, low=min(low, value), high=max(high, value), **facts))
    return sorted(out, key=lambda score: -(score.value or 0.0))


def _shares(lines: list[Line], tried: dict[str, Range], seed: int, *, higher: bool) -> dict[str, float]:
    sign = 1 if higher else -1
    with quietly():
        study = optuna.create_study(direction="maximize")
        study.add_trials([
            optuna.trial.create_trial(
                params={key: _even(tried[key], line.params[key]) for key in tried},
                distributions={key: _evenly(r, key) for key, r in tried.items()},
                value=sign * (line.value or 0.0),
            ) for line in lines
        ])  # fmt: skip
        if np.ptp([line.value for line in lines]) == 0:
            return dict.fromkeys(tried, 0.0)
        evaluator = FanovaImportanceEvaluator(n_trees=TREES, max_depth=16, seed=seed)
        found = evaluator.evaluate(study, params=list(tried))
    return {key: min(1.0, max(0.0, float(found.get(key, 0.0)))) for key in tried}


def _even(tried: Range, value: Any) -> Any:
    """A value on the scale on which its range was drawn evenly: what a forest's marginals are taken over."""
    return math.log(value) if tried.log else value


def _evenly(tried: Range, key: str) -> BaseDistribution:
    if not tried.log:
        return distribution(tried, key)
    assert tried.low is not None
    assert tried.high is not None
    return FloatDistribution(math.log(tried.low), math.log(tried.high))
