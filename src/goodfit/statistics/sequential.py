"""Stopping whenever one likes: an e-process and a confidence sequence for the chance to win, valid under any peeking.

Part of statistics. A reviewer looks after every judgement and stops when the answer is clear; an ordinary 95% interval looked at that way
errs far more often than 5%. Betting does not (Waudby-Smith & Ramdas 2023): against the claim "the mean is m" a gambler stakes a share of
the capital on each next value,

    E_t(m) = product over i <= t of (1 + lambda_i (x_i - m)),   lambda_i from the values before i only (aGRAPA),

which cannot be expected to grow while the claim is true. E_t(1/2) >= 1/alpha answers "is one preferred?"; the means m whose capital has
never reached 1/alpha are the confidence sequence. Units are prompts, in the order in which they were judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from goodfit.statistics.sample import Floats

STAKE = 0.5
"""At most this share of the capital can be lost in one step."""
PRIOR_MEAN, PRIOR_VARIANCE = 0.5, 0.25
GRID = 501


@dataclass(frozen=True)
class Sequence:
    """What n values say by now; every field holds at the same time for every earlier look too."""

    n: int
    mean: float | None
    evidence: float
    """E: the capital won against the claim of one half; 1/alpha decides."""
    low: float
    high: float
    """The confidence sequence by now (running intersection)."""
    decided_at: int | None
    """How many values it took to decide; None where not decided yet."""
    level: float

    @property
    def decided(self) -> bool:
        """Whether one half is ruled out: judging may stop."""
        return self.decided_at is not None


def sequence(values: Any, *, weights: Any = None, mean_weight: float | None = None, level: float = 0.95) -> Sequence:
    """The state after `values` [n] in [0, 1] (1 a win, 0.5 a tie, 0 a loss), in the order of judging.

    `weights` are inverse inclusion probabilities as shares of the largest that the design has (so in 0 to 1), `mean_weight` their mean over
    the design: a value counts as 1/2 + w (x - 1/2), whose mean is one half exactly where the weighted mean is; the confidence sequence is
    scaled back by the mean weight.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or (len(x) and (x.min() < 0 or x.max() > 1)):
        raise ValueError("a sequence has one value between 0 and 1 per prompt")
    scale = 1.0
    mean = float(x.mean()) if len(x) else None
    if weights is not None and len(x):
        w = np.asarray(weights, dtype=np.float64)
        if w.min() <= 0 or w.max() > 1 + 1e-9:
            raise ValueError("weights are shares of the largest one: above 0, at most 1")
        mean = float(w @ x / w.sum())
        scale = 1 / (float(w.mean()) if mean_weight is None else mean_weight)
        x = 0.5 + w * (x - 0.5)
    claims = np.linspace(0, 1, GRID)[1:-1]
    capital = _capital(x, np.append(claims, 0.5))
    limit = np.log(1 / (1 - level))
    highest = np.maximum.accumulate(capital, axis=0) if len(x) else capital
    standing = claims[highest[-1, :-1] < limit] if len(x) else claims
    low, high = (float(standing.min()), float(standing.max())) if len(standing) else (float(x.mean()), float(x.mean()))
    step = 1 / (GRID - 1)
    crossed = np.flatnonzero(capital[:, -1] >= limit) if len(x) else np.array([], dtype=np.int64)
    evidence = float(np.exp(min(capital[-1, -1], 700.0))) if len(x) else 1.0
    return Sequence(
        len(x), mean, evidence, _back(max(low - step, 0.0), scale), _back(min(high + step, 1.0), scale),
        int(crossed[0]) + 1 if len(crossed) else None, level,
    )  # fmt: skip


def _capital(x: Floats, claims: Floats) -> Floats:
    """log E_t(m) [n, claims]: the stake follows the mean and variance of the values before, half a value of prior each."""
    n = len(x)
    before = np.arange(n)
    mean = (PRIOR_MEAN + np.concatenate([[0.0], np.cumsum(x)[:-1]])) / (1 + before) if n else np.zeros(0)
    spread = np.cumsum((x - (PRIOR_MEAN + np.cumsum(x)) / (2 + before)) ** 2) if n else np.zeros(0)
    variance = (PRIOR_VARIANCE + np.concatenate([[0.0], spread[:-1]])) / (1 + before) if n else np.zeros(0)
    gap = mean[:, None] - claims[None, :]
    stake = gap / (variance[:, None] + gap**2)
    stake = np.clip(stake, -STAKE / (1 - claims), STAKE / claims)
    return np.asarray(np.cumsum(np.log1p(stake * (x[:, None] - claims[None, :])), axis=0))


def _back(end: float, scale: float) -> float:
    return float(min(max(0.5 + (end - 0.5) * scale, 0.0), 1.0))
