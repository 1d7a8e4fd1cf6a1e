"""Decisions at the same overall false-positive rate: so that a system that says less (or more) does not look fairer for it.

Part of statistics.gaps. Gaps of two systems at their own thresholds differ also where one flags fewer rows of everybody; at equal overall
false-positive rate that is taken out, and levelling down shows as a lower true-positive rate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from goodfit.statistics.influence import Flags
from goodfit.statistics.sample import Floats, Ints


class AtFpr(NamedTuple):
    """`decisions` bool [n] = scores >= `threshold`; `achieved`: their false-positive rate, never above `target`."""

    decisions: Flags
    threshold: float
    achieved: float
    target: float


def at_equal_fpr(scores: Floats, truth: Ints, target: float) -> AtFpr:
    """Decisions with the largest false-positive rate that is not above `target`. `scores` [n], `truth` 0/1 [n].

    Tied scores are decided alike, so the rate may fall short of the target: `achieved` says by how much. Raises ValueError for a target
    outside 0..1, scores that are not finite, or no negative row.
    """
    scores, negative = np.asarray(scores, dtype=np.float64), np.asarray(truth) == 0
    if not 0 <= target <= 1:
        raise ValueError(f"a false-positive rate of {target}: it lies between 0 and 1")
    if not np.isfinite(scores).all():
        raise ValueError("scores: not all numbers are finite")
    if not negative.any():
        raise ValueError("no negative row: there is no false-positive rate")
    levels = np.unique(scores)[::-1]
    false = np.searchsorted(np.sort(-scores[negative]), -levels, side="right") / int(negative.sum())
    allowed = int(np.sum(false <= target + 1e-12))
    threshold = float(levels[allowed - 1]) if allowed else float(np.nextafter(levels[0], np.inf))
    decisions = scores >= threshold
    return AtFpr(decisions, threshold, float(decisions[negative].mean()), target)
