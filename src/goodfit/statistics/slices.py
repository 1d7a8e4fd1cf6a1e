"""Which subsets of rows fail more often than the rest, among very many overlapping candidates: step-down max-T permutation.

Part of statistics; evaluate looks for weak slices with it. Losses [n] are exchanged between rows of the same stratum (the class: its
own difficulty is not found again in every subset), B times; a candidate is called where it stands out more than the largest of all
candidates does in 95% of the exchanges. That keeps the chance of any false call at 5% whatever the overlap (Westfall & Young 1993;
Romano & Wolf 2005), where Benjamini & Hochberg let 12-27% through. One-sided: only more loss counts.

The statistic is the sum of losses above those of the strata, over its standard deviation under exchange within strata:
z_s = (sum_i in s (l_i - mean of its stratum)) / sqrt(sum_c v_c m (1 - m / n_c)), m rows of stratum c in s, v_c its sample variance.

Clustered rows (customers, near-duplicates) are averaged first: the cluster is the unit that is exchanged, in the stratum of its first row,
and belongs to a candidate where half of its rows do.

Shapes: n rows, S candidates, C strata, B exchanges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodfit.statistics.sample import Floats, Ints

DRAWS = 1_000
AT_ONCE = 400
"""Candidates whose sums are taken in one product."""
OVERLAP = 0.5
"""Jaccard index from which two candidates are one."""
LEFT_OVER = 2.0
"""z that a candidate must keep without the rows of those chosen before it."""
Mask = npt.NDArray[np.bool_]
Drawn = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Units:
    """What is exchanged: rows, or clusters of rows."""

    losses: Floats
    """[n]"""
    member: Mask
    """[n, S]"""
    strata: Ints
    """[n] 0..C-1"""


@dataclass(frozen=True)
class Found:
    """What became of every candidate."""

    z: Floats
    """[S]; 0 where a candidate is a whole stratum, all rows or none."""
    p: Floats
    """[S] adjusted, step-down: the chance that any candidate stands out so far by chance."""
    alone: Floats
    """[S] of each candidate by itself."""
    critical: float
    """The 95% quantile of the largest |z| of an exchange: for intervals that hold for all candidates together."""


def units_of(losses: Floats, member: Mask, strata: Ints | None, clusters: Ints | None) -> Units:
    """Rows as they are, or averaged over clusters; `strata` and `clusters` [n] any integers, or None."""
    classes = np.zeros(len(losses), np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    if clusters is None or len(np.unique(clusters)) == len(losses):
        return Units(np.asarray(losses, dtype=np.float64), member, classes)
    _, first, owner, sizes = np.unique(clusters, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(owner, kind="stable")
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    held = np.add.reduceat(member[order].astype(np.float32), starts, axis=0) if member.shape[1] else np.zeros((len(sizes), 0))
    sums = np.bincount(owner, weights=losses)
    return Units(sums / sizes, held >= sizes[:, None] / 2, np.unique(classes[first], return_inverse=True)[1])


def stand_out(units: Units, *, draws: int = DRAWS, seed: int = 0) -> Found:
    """z and adjusted p of every candidate."""
    rng = np.random.default_rng([seed, 0x51])
    expected, deviation = _under_exchange(units)
    usable = deviation > 1e-9
    z, drawn = np.zeros(len(deviation)), np.zeros((len(deviation), draws), np.float32)
    columns = np.empty((len(units.losses), draws + 1), np.float32)
    columns[:, 0] = units.losses
    _exchange(units, columns[:, 1:], rng)
    for start in range(0, len(deviation), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        sums = units.member[:, part].T.astype(np.float32) @ columns
        scaled = (sums - expected[part, None]) / np.where(usable[part], deviation[part], 1.0)[:, None] * usable[part, None]
        z[part], drawn[part] = scaled[:, 0], scaled[:, 1:]
    critical = float(np.quantile(np.abs(drawn).max(axis=0), 0.95)) if usable.any() else 0.0
    alone = np.where(usable, (1 + (drawn >= z[:, None] - 1e-6).sum(axis=1)) / (1 + draws), 1.0)
    return Found(z, _step_down(z, drawn, usable), alone, critical)


def _under_exchange(units: Units) -> tuple[Floats, Floats]:
    """Mean and standard deviation of every candidate's sum of losses where losses are exchanged within strata: [S] each."""
    size = np.bincount(units.strata).astype(np.float64)
    mean = np.bincount(units.strata, weights=units.losses) / size
    spread = np.bincount(units.strata, weights=(units.losses - mean[units.strata]) ** 2) / np.maximum(size - 1, 1)
    held = np.stack([units.member[units.strata == c].sum(axis=0) for c in range(len(size))]).astype(np.float64)
    return np.asarray(mean @ held), np.sqrt(np.asarray(spread @ (held * (1 - held / size[:, None]))))


def _exchange(units: Units, out: Drawn, rng: np.random.Generator) -> None:
    """Every column of `out` [n, B]: the losses, shuffled within strata."""
    for c in range(int(units.strata.max()) + 1 if len(units.strata) else 0):
        rows = np.flatnonzero(units.strata == c)
        values = np.repeat(units.losses[rows].astype(np.float32)[None], out.shape[1], axis=0)
        out[rows] = rng.permuted(values, axis=1, out=values).T


def _step_down(z: Floats, drawn: Drawn, usable: Mask) -> Floats:
    """Adjusted p-values: the j-th largest z beside the largest of the candidates that are not larger, never below those before it."""
    p = np.ones(len(z))
    order = np.argsort(-z, kind="stable")
    order = order[usable[order]]
    if not len(order):
        return p
    largest = np.maximum.accumulate(drawn[order[::-1]], axis=0)[::-1]
    reached = (1 + (largest >= z[order, None] - 1e-6).sum(axis=1)) / (1 + drawn.shape[1])
    p[order] = np.maximum.accumulate(reached)
    return p


def distinct(units: Units, found: Found, called: Sequence[int], most: int) -> list[int]:
    """Of the candidates called, strongest first, those that are not the same rows again: at most `most`."""
    chosen: list[int] = []
    covered = np.zeros(len(units.losses), bool)
    for s in sorted(called, key=lambda one: (-found.z[one], one)):
        mine = units.member[:, s]
        if any(jaccard(mine, units.member[:, other]) > OVERLAP for other in chosen):
            continue
        if chosen and _alone(units, mine, covered) < LEFT_OVER:
            continue
        chosen.append(s)
        covered |= mine
        if len(chosen) == most:
            break
    return chosen


def jaccard(a: Mask, b: Mask) -> float:
    """Rows in both over rows in either."""
    either = int((a | b).sum())
    return float((a & b).sum()) / either if either else 0.0


def _alone(units: Units, mine: Mask, covered: Mask) -> float:
    """z of a candidate among the rows that no chosen one has."""
    rest = ~covered
    if not (mine & rest).any():
        return 0.0
    strata = np.unique(units.strata[rest], return_inverse=True)[1]
    left = Units(units.losses[rest], mine[rest, None], strata)
    expected, deviation = _under_exchange(left)
    return float((left.losses @ left.member[:, 0] - expected[0]) / deviation[0]) if deviation[0] > 1e-9 else 0.0


def shrunken(difference: Floats, error: Floats) -> Floats:
    """Differences [S] drawn to zero by how far all of them scatter beyond their standard errors [S] (empirical Bayes, normal-normal)."""
    if not len(difference):
        return difference
    scatter = max(0.0, float(np.mean(difference**2) - np.mean(error**2)))
    return np.asarray(difference * scatter / np.maximum(scatter + error**2, 1e-12))
