"""Expected gains as distributions: how much a step would raise the score, drawn many times, and what past steps of its kind came to.

Part of iterate. Every proposal's gain is DRAWS numbers in units of the primary score; the interval, the mean and the chance of any gain
are read from them. What a diagnosis calls possible is seldom obtained whole: the realised share is drawn from a Beta distribution that
starts at BELIEF and is moved by what earlier proposals of the same action predicted and obtained in this workspace (history.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goodfit.score import Score

Floats = NDArray[np.float64]
DRAWS = 2000
BELIEF = (2.0, 3.0)
"""Beta distribution of the share of an upper bound that is obtained, before there is any history (mean 40%; methods 16)."""
NORMAL = 1.959964
"""Half-width of a 95% interval in standard errors."""


@dataclass(frozen=True)
class Gain:
    """What a step may bring."""

    draws: Floats
    """[DRAWS] points of the primary score as a share (0.01 = one point), positive is better."""

    @property
    def mean(self) -> float:
        """The expected gain."""
        return float(self.draws.mean())

    @property
    def chance(self) -> float:
        """Share of the draws above 0."""
        return float((self.draws > 0).mean())

    def score(self, primary: str, n: int) -> Score:
        """The gain as a Score with its 95% interval."""
        low, high = np.quantile(self.draws, [0.025, 0.975])
        return Score(name=f"{primary}_gain", value=self.mean, low=float(low), high=float(high), n=n, method="drawn", split="valid")

    def capped(self, most: float | None) -> Gain:
        """No more than the room that is left above the score; None: no such bound is known."""
        return self if most is None else Gain(np.minimum(self.draws, max(0.0, most)))


def around(value: float, low: float, high: float, rng: np.random.Generator) -> Floats:
    """[DRAWS] numbers around an estimate with a 95% interval; each side has its own spread."""
    z = rng.normal(size=DRAWS)
    spread = np.where(z > 0, max(high - value, 0.0), max(value - low, 0.0)) / NORMAL
    drawn: Floats = value + z * spread
    return drawn


def realised(bound: Floats, shares: tuple[float, float], rng: np.random.Generator) -> Floats:
    """[DRAWS] of what is obtained of an upper bound [DRAWS]; `shares`: the Beta distribution of the obtained share."""
    drawn: Floats = bound * rng.beta(*shares, size=len(bound))
    return drawn
