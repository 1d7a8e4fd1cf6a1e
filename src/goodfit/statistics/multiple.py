"""Many comparisons and many looks: corrected p-values, corrected verdicts, widened intervals.

Part of statistics. Named comparisons (models, baselines) by Holm; exploratory families (tokens, features) by Benjamini & Hochberg.
Looks at one test set by the union bound: after k models the trusted interval is the one of level 1 - (1 - level) / k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from goodfit.score import Score, Verdict
from goodfit.statistics.proportions import normal_quantile

Correction = Literal["holm", "benjamini_hochberg"]
Floats = npt.NDArray[np.float64]


def holm(p: Sequence[float]) -> Floats:
    """Adjusted p-values that keep the chance of any false claim (Holm 1979), in the order given."""
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    steps = np.maximum.accumulate(raw[order] * (len(raw) - np.arange(len(raw))))
    return _back(np.minimum(steps, 1.0), order)


def benjamini_hochberg(p: Sequence[float]) -> Floats:
    """Adjusted p-values that keep the expected share of false claims (Benjamini & Hochberg 1995), in the order given."""
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    steps = raw[order] * len(raw) / np.arange(1, len(raw) + 1)
    return _back(np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0), order)


def _back(ordered: Floats, order: npt.NDArray[np.int64]) -> Floats:
    out = np.empty_like(ordered)
    out[order] = ordered
    return out


def adjust(verdicts: Sequence[Verdict], family: str, *, correction: Correction = "holm") -> list[Verdict]:
    """Verdicts that were asked together, with adjusted p; better or worse becomes cannot_tell where the adjusted p no longer allows it.

    A Verdict without p (nothing to test) keeps its answer and does not count.
    """
    tested = [i for i, verdict in enumerate(verdicts) if verdict.p is not None]
    method = holm if correction == "holm" else benjamini_hochberg
    adjusted = method([p for v in verdicts if (p := v.p) is not None])
    out = list(verdicts)
    for i, p in zip(tested, adjusted, strict=True):
        out[i] = _corrected(verdicts[i], float(p), len(tested)).model_copy(update={"family": family, "correction": correction})
    return out


def _corrected(verdict: Verdict, p: float, together: int) -> Verdict:
    level = verdict.difference.level if verdict.difference else 0.95
    if verdict.answer not in ("better", "worse") or p <= 1 - level:
        return verdict.model_copy(update={"p_adjusted": p})
    text = f"cannot tell: {verdict.text}, but not after correcting for {together} comparisons"
    return verdict.model_copy(update={"p_adjusted": p, "answer": "cannot_tell", "text": text})


def level_for(looks: int, level: float = 0.95) -> float:
    """The level at which each of `looks` intervals has to be made so that all of them hold together with `level`."""
    return 1 - (1 - level) / max(looks, 1)


def widen(score: Score, looks: int) -> Score:
    """The interval of a Score for `looks` models scored on its rows, from the interval alone.

    Each half is stretched by the ratio of the normal quantiles (1.43 for 10 looks), for shares on the log-odds scale so that it stays
    within 0..1. `score(..., level=level_for(looks))` makes it from the rows, and is to be preferred where they are at hand.
    """
    if score.value is None or score.low is None or score.high is None or looks <= 1:
        return score
    level = level_for(looks, score.level)
    stretch = normal_quantile(level) / normal_quantile(score.level)
    if score.unit == "share" and score.low > 0 and score.high < 1 and score.low < score.value < score.high:
        middle = _logit(score.value)
        low, high = _expit(middle - stretch * (middle - _logit(score.low))), _expit(middle + stretch * (_logit(score.high) - middle))
    else:
        low, high = score.value - stretch * (score.value - score.low), score.value + stretch * (score.high - score.value)
        if score.unit == "share" and score.low >= 0:
            low, high = max(low, 0.0), min(high, 1.0)
    return score.about(low=low, high=high, level=level, method=f"{score.method}_widened")


def _logit(x: float) -> float:
    return math.log(x / (1 - x))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x))
