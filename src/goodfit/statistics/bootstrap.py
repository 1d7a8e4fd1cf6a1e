"""Resampling, once: what is drawn as a whole, the draws, and the interval or p-value that they give.

Part of statistics; the family `Counted` uses it for every number that is a function of sums over rows (confusion counts,
multi-label counts, calibration bins). A row is a sparse vector of what it adds to those sums; rows that add the same are one
*sort* of unit with a count, so that a draw costs as many binomials as there are sorts, not rows. With clusters the cluster is
the unit. Beyond `MOST_SORTS` the units are pooled at random into blocks: sums of independent units are independent, so the
draws keep their variance, and half-widths move by about 1 / sqrt(2 blocks) = 1.6%.

Shapes: U sorts of units, D sums, B draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse, stats

from goodfit.statistics.influence import spread_of
from goodfit.statistics.sample import Floats, Ints

Statistic = Callable[[Floats], Floats]
"""Sums [..., D] -> values [...]; must be finite for any sums that a resample can have."""

RESAMPLES = 2_000
MOST_RESAMPLES = 20_000
OUTERMOST = 10
"""Draws in each tail beyond which quantiles are extrapolated."""
PERMUTATIONS = 9_999
MOST_SORTS = 4_000
BLOCKS = 2_000
ENTRIES_AT_ONCE = 2_000_000
"""Entries of a chunk of draws: 16 MB."""


def draws_for(level: float) -> int:
    """Draws for a level: 2,000 at 95%, more where the ends lie further out, at most 20,000."""
    return int(min(max(RESAMPLES, math.ceil(100 / max(1 - level, 1e-6))), MOST_RESAMPLES))


@dataclass(frozen=True)
class Units:
    """What is drawn: `sums` [U, D] (sparse; what one unit of each sort adds) and `counts` [U] (units of that sort)."""

    sums: Any
    counts: Ints

    @property
    def n(self) -> int:
        """Number of units."""
        return int(self.counts.sum())

    def total(self) -> Floats:
        """The sums over all units [D]."""
        return np.asarray(self.sums.T @ self.counts, dtype=np.float64)


def units_of(rows: Any, clusters: Ints | None, rng: np.random.Generator) -> Units:
    """Rows (sparse [n, D]) and the cluster of each (0..G-1) -> Units, pooled into blocks where there are too many sorts."""
    if clusters is not None:
        sums = _add_up(rows, clusters, int(clusters.max()) + 1)
        counts = np.ones(sums.shape[0], dtype=np.int64)
    else:
        sums, counts = _sorts(rows, rng)
    if sums.shape[0] <= MOST_SORTS:
        return Units(sums, counts)
    whole = sums if clusters is not None else rows
    block = rng.permutation(whole.shape[0]) % BLOCKS
    return Units(_add_up(whole, block, BLOCKS), np.ones(BLOCKS, dtype=np.int64))


def _add_up(rows: Any, group: Ints, groups: int) -> Any:
    gather = sparse.csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(groups, len(group)))
    return sparse.csr_array(gather @ rows)


def _sorts(rows: Any, rng: np.random.Generator) -> tuple[Any, Ints]:
    """Distinct rows and how often each occurs, told apart by a random 64-bit hash of their entries."""
    pairs = sparse.csr_array(rows)
    salt = rng.integers(1, 2**63, size=pairs.shape[1], dtype=np.uint64)
    bits = pairs.data.astype(np.float64).view(np.uint64) | np.uint64(1)
    mixed = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(salt[pairs.indices] * bits, dtype=np.uint64)])
    keys = mixed[pairs.indptr[1:]] - mixed[pairs.indptr[:-1]]
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return pairs[first], counts.astype(np.int64)


def _chunks(draws: int, width: int) -> Iterator[int]:
    step = max(1, ENTRIES_AT_ONCE // max(1, width))
    for start in range(0, draws, step):
        yield min(step, draws - start)


def resample(units: Units, statistic: Statistic, draws: int, rng: np.random.Generator) -> Floats:
    """The statistic on `draws` samples of as many units, drawn with replacement: [draws]."""
    sorts, n = len(units.counts), units.n
    one_by_one = n < 12 * sorts
    sort_of = np.repeat(np.arange(sorts, dtype=np.int64), units.counts) if one_by_one else None
    parts = []
    for size in _chunks(draws, max(*units.sums.shape, n if one_by_one else 1)):
        if sort_of is None:
            drawn = rng.multinomial(n, units.counts / n, size=size)
        else:
            drawn = _tally(sort_of[rng.integers(0, n, size=(size, n), dtype=np.int32)], sorts)
        parts.append(statistic(drawn @ units.sums))
    return np.concatenate(parts)


def _tally(drawn: Ints, sorts: int) -> Ints:
    """How often each sort stands in each row of `drawn` [B, n]: [B, sorts]."""
    size = len(drawn)
    drawn += np.arange(size)[:, None] * sorts
    return np.bincount(drawn.ravel(), minlength=size * sorts).reshape(size, sorts)


def leave_one_out(units: Units, statistic: Statistic) -> Floats:
    """The statistic without one unit of each sort: [U] (the jackknife; weigh by `units.counts`)."""
    total = units.total()
    return _for_each(units, lambda part, _: statistic(total - part))


def bias_within(units: Units, statistic: Statistic, strata: Ints) -> float:
    """Jackknife bias if the number of units in each stratum (0..S-1, one per sort) were fixed, as in a stratified sample."""
    total, value, size = units.total(), float(statistic(units.total())), np.bincount(strata, weights=units.counts)
    member = sparse.csr_array((units.counts.astype(np.float64), (strata, np.arange(len(strata)))), shape=(len(size), len(strata)))
    of_stratum = np.asarray((member @ units.sums).toarray())
    rest = np.maximum(size[strata] - 1, 1)[:, None]

    def without(part: Floats, place: slice) -> Floats:
        return statistic(total + (of_stratum[strata[place]] - size[strata[place], None] * part) / rest[place])

    moved = _for_each(units, without) - value
    return float(np.sum(units.counts * moved * (size[strata] - 1) / size[strata]))


def _for_each(units: Units, of: Callable[[Floats, slice], Floats]) -> Floats:
    """`of` (dense sums [u, D] of some sorts, their place) for all sorts, in chunks: [U]."""
    parts, start = [], 0
    for size in _chunks(*units.sums.shape):
        place = slice(start, start + size)
        parts.append(of(units.sums[place].toarray(), place))
        start += size
    return np.concatenate(parts)


def pulls_of(without: Floats, units: Units) -> Floats:
    """Jackknife influences [U] from leave-one-out values [U]."""
    return np.asarray(np.average(without, weights=units.counts) - without)


def clustered_critical(without: Floats, units: Units, level: float) -> float:
    """Critical value for few units: Student's t with the degrees of freedom of `influence`, times sqrt(G / (G - 1)) (Hesterberg 2015)."""
    pulls = np.repeat(pulls_of(without, units), units.counts)
    return spread_of(pulls).critical(level) * math.sqrt(units.n / (units.n - 1))


def bca(value: float, draws: Floats, pulls: Floats, counts: Ints, critical: float, shift: float = 0.0) -> tuple[float, float]:
    """Bias-corrected and accelerated percentile interval (Efron 1987; DiCiccio & Efron 1996).

    `pulls` [U] are the jackknife influences of the sorts, `counts` [U] their units: the acceleration comes from them. `critical` is the
    normal score of the ends (1.96). `shift` is added to the bias correction, in standard deviations of the draws.
    """
    square = float(np.sum(counts * pulls**2))
    acceleration = float(np.sum(counts * pulls**3)) / (6 * square**1.5) if square > 0 else 0.0
    below = float(np.mean(draws < value) + np.mean(draws == value) / 2)
    bias = float(stats.norm.ppf(min(max(below, 0.5 / len(draws)), 1 - 0.5 / len(draws)))) + shift

    def end(z: float) -> float:
        shifted = bias + z
        return normal_tailed_quantile(draws, bias + shifted / max(1 - acceleration * shifted, 0.05))

    return min(end(-critical), value), max(end(critical), value)


def normal_tailed_quantile(draws: Floats, z: float) -> float:
    """Quantile of the draws at the normal score z; beyond the ten outermost draws the tail goes on as a normal one.

    With many classes the bias correction asks for percentiles (z near 4) that no sensible number of draws can show.
    """
    edge = float(stats.norm.ppf(1 - OUTERMOST / len(draws)))
    inside = min(max(z, -edge), edge)
    found = float(np.quantile(draws, float(stats.norm.cdf(inside)), method="hazen"))
    return found + (z - inside) * float(draws.std())


def swap_test(pairs: Units, statistic: Statistic, rng: np.random.Generator, draws: int = PERMUTATIONS) -> float:
    """p of no difference: each unit's two halves (a's sums, b's sums) change places with chance 1/2; two-sided, (1 + #) / (B + 1)."""
    half = pairs.sums.shape[1] // 2
    total = pairs.total()
    total_a, total_b = total[:half], total[half:]
    seen = abs(float(statistic(total_a) - statistic(total_b)))
    change = sparse.csr_array(pairs.sums[:, half:] - pairs.sums[:, :half])
    differing = np.flatnonzero(abs(change).sum(axis=1))
    if len(differing) == 0:
        return 1.0
    change, counts = change[differing], pairs.counts[differing]
    reached = 0
    for size in _chunks(draws, max(change.shape)):
        moved = _swaps(counts, size, rng) @ change
        reached += int(np.sum(np.abs(statistic(total_a + moved) - statistic(total_b - moved)) >= seen - 1e-12))
    return (1 + reached) / (1 + draws)


def _swaps(counts: Ints, size: int, rng: np.random.Generator) -> Floats:
    out = rng.integers(0, 2, size=(size, len(counts)), dtype=np.int8).astype(np.float64)
    several = np.flatnonzero(counts > 1)
    if len(several):
        out[:, several] = rng.binomial(counts[several], 0.5, size=(size, len(several)))
    return out
