"""Answers that are withheld where the model is not sure: from which confidence on at most so many are wrong, as a promise.

Part of statistics (methods 10). Rows in the order of their confidence; a *level* covers those above a threshold. A threshold that is
chosen because few of its rows were wrong breaks the promise in about half of the cases. So levels are tested one after another, from the
surest rows on, by the exact binomial bound (Clopper & Pearson) at 95%, and the last before the first that fails is taken (fixed-sequence
testing, "Learn then Test", Angelopoulos et al. 2021; Geifman & El-Yaniv 2017): in 95 of 100 cases the share wrong among all answered rows
to come is at most the promised one. Levels are set by rank, so that the rows above a threshold are a plain sample of what lies above it.

Shapes: n rows, M levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from goodfit.statistics.sample import Floats

STEPS = 100
"""Levels: hundredths of the rows."""
SURE = 0.95
ALL = -1.0
"""The threshold below every confidence."""


@dataclass(frozen=True)
class Level:
    """Rows above a confidence."""

    threshold: float
    """Rows with more than it are answered."""
    covered: int
    errors: int


def levels_of(confidence: Floats, right: npt.NDArray[np.bool_]) -> list[Level]:
    """The levels of some rows, the surest rows first; the last covers all."""
    n = len(confidence)
    if not n:
        return []
    order = np.argsort(-confidence, kind="stable")
    sorted_, wrong = confidence[order], np.cumsum(~np.asarray(right, dtype=bool)[order])
    out: list[Level] = []
    for rank in sorted({math.ceil(n * step / STEPS) for step in range(1, STEPS)}):
        threshold = float(sorted_[rank - 1])
        covered = int(np.searchsorted(-sorted_, -threshold, side="left"))  # ties with the threshold are not above it
        if covered and (not out or covered > out[-1].covered):
            out.append(Level(threshold, covered, int(wrong[covered - 1])))
    return [*out, Level(ALL, n, int(wrong[-1]))]


def most_wrong(errors: int, covered: int, sure: float = SURE) -> float:
    """The upper end of the share wrong (Clopper & Pearson, one-sided)."""
    return 1.0 if errors >= covered else float(stats.beta.ppf(sure, errors + 1, covered - errors))


def promised(levels: list[Level], risk: float, sure: float = SURE) -> Level | None:
    """The level that answers most rows and is promised to have at most `risk` of them wrong; None where none can be promised."""
    least = math.ceil(math.log(1 - sure) / math.log(1 - risk)) if risk < 1 else 1
    least = 2 * least if levels and levels[-1].covered >= 2 * least else least  # so that one mistake among the surest does not end it
    found: Level | None = None
    for level in levels:
        if level.covered < least:
            continue  # not even without a mistake could it be promised
        if most_wrong(level.errors, level.covered, sure) > risk:
            break
        found = level
    return found


def risk_curve(confidence: Floats, right: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Share of rows answered and share of these wrong, at every row, the surest first: [n] each."""
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~np.asarray(right, dtype=bool)[order])
    place = np.arange(1, len(confidence) + 1)
    return place / max(1, len(confidence)), wrong / place


def area_under(confidence: Floats, right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """AURC, the mean share wrong over all coverages, and what it exceeds that of a model whose confidence knows every mistake (E-AURC)."""
    ideal = area_of(np.asarray(right, dtype=np.float64), right)
    own = area_of(confidence, right)
    return own, own - ideal


def weighted_area(wrong: npt.NDArray[np.bool_], weight: npt.NDArray[np.int64]) -> float:
    """The mean of the risk curve of rows in the order of their confidence, each counted `weight` times (0: left out): for resampling."""
    seen = np.cumsum(weight)
    held = weight > 0
    return float(np.sum(weight[held] * np.cumsum(weight * wrong)[held] / seen[held]) / max(1, int(seen[-1]))) if held.any() else 0.0


def area_of(confidence: Floats, right: npt.NDArray[np.bool_]) -> float:
    """The mean of the risk curve; rows of equal confidence count as in the middle of all their orders."""
    n = len(confidence)
    if not n:
        return 0.0
    values, inverse, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    wrong = np.bincount(inverse, weights=~np.asarray(right, dtype=bool), minlength=len(values))
    before, seen, total = 0.0, 0, 0.0
    for mistakes, size in zip(wrong.tolist(), counts.tolist(), strict=True):
        steps = np.arange(1, size + 1)
        total += float(np.sum((before + mistakes * steps / size) / (seen + steps)))
        before, seen = before + mistakes, seen + size
    return total / n
