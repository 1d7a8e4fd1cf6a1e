"""Does any member of an axis differ? The largest |z| of all members beside what exchange makes of it.

Part of statistics.gaps. What is exchanged depends on how rows hang together, so that the test is exact, rare events included (drawn signs
are not: with 100 rows a member at 2% they alarmed in 30 to 80 of 100 families without any gap):

- rows: outcomes between rows; for shares by counts (multivariate hypergeometric over the patterns of membership, which may overlap).
- clusters of one membership each (customers): the clusters' sums of (value - mean) between clusters.
- clusters of the same mix (templates filled with every member): values within clusters, turned round by a random step.
- clusters of different mixes, or more than 50,000 units: the smallest p of the members times their number.

Of a single question the omnibus p is that question's. With U_s = the sum over rows of member s of (value - mean), z_s = U_s over its
standard deviation under exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goodfit.statistics.gaps.rate import is_share
from goodfit.statistics.influence import Flags
from goodfit.statistics.sample import Floats, Ints

DRAWS = 999
MOST_PATTERNS, MOST_UNITS = 1_000, 50_000
ENTRIES_AT_ONCE = 4_000_000
SAME_MIX = 0.05
"""Of the variance of membership, what may lie between clusters that count as being of the same mix."""


@dataclass(frozen=True)
class Omnibus:
    """`p` is None where no gap could be tested."""

    p: float | None
    method: str
    largest: float | None = None
    """The largest |z| of a member."""


def omnibus(values: Floats, members: Flags, p: Sequence[float], clusters: Ints | None = None, *, seed: int = 0) -> Omnibus:
    """The chance of so large a |z| in any member [n, S] where membership says nothing about `values` [n]; `p` [S]: of each gap by itself.

    `clusters`: 0..G-1 [n] or None.
    """
    if not len(p):
        return Omnibus(None, "none: no gap has enough rows")
    if np.ptp(values) == 0:
        return Omnibus(1.0, "every row gives the same value")
    if len(p) == 1:
        return Omnibus(p[0], "one_question")
    rng = np.random.default_rng([seed, 0x0B])
    if clusters is None and is_share(values):
        patterns, of_row = _patterns(members)
        if len(patterns) <= MOST_PATTERNS:
            return _counts_exchanged(values, patterns, of_row, rng)
    away, held = values - values.mean(), members.astype(np.float64)
    if clusters is None and len(values) <= MOST_UNITS:
        return _exchanged(away, held, rng, "permutation")
    if clusters is not None and len(values) <= MOST_UNITS:
        size = np.bincount(clusters).astype(np.float64)
        mix = np.stack([np.bincount(clusters, weights=held[:, s]) / size for s in range(held.shape[1])], axis=1)
        if np.isin(mix, (0.0, 1.0)).all():
            return _exchanged(np.bincount(clusters, weights=away).astype(np.float64), mix, rng, "permutation_of_clusters")
        share = held.mean(axis=0)
        between = (size @ (mix - share) ** 2) / len(values)
        if (between <= SAME_MIX * share * (1 - share)).all():
            return _turned(values, held, clusters, rng)
    return Omnibus(min(1.0, min(p) * len(p)), "smallest_p")


def _patterns(members: Flags) -> tuple[Flags, Ints]:
    """Distinct rows of [n, S], and which of them each row is [n]; by whole numbers where S allows (ten times faster)."""
    keys = members @ (1 << np.arange(members.shape[1])) if members.shape[1] <= 62 else members
    _, first, of_row = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return members[first], of_row.reshape(-1)


def _counts_exchanged(values: Floats, patterns: Flags, of_row: Ints, rng: np.random.Generator) -> Omnibus:
    sizes, hits = np.bincount(of_row), np.bincount(of_row, weights=values)
    n, total = len(values), int(values.sum())
    held = patterns.astype(np.float64)
    inside = sizes @ held
    deviation = np.sqrt(inside * (n - inside) * total * (n - total) / (n**2 * (n - 1)))
    drawn = rng.multivariate_hypergeometric(sizes, total, size=DRAWS, method="marginals")
    z = np.abs(np.concatenate([hits[None], drawn]) @ held - inside * total / n) / deviation
    return _compared(z.max(axis=1), "permutation")


def _exchanged(away: Floats, held: Floats, rng: np.random.Generator, method: str) -> Omnibus:
    """Units (rows or clusters) change places: `away` [G] adds up to 0, `held` [G, S] in 0/1."""
    count, inside = len(away), held.sum(axis=0)
    deviation = np.sqrt(inside * (1 - inside / count) * float(away.var(ddof=1)))
    if not (deviation > 0).all():
        return Omnibus(1.0, "every unit gives the same value")

    def some(size: int) -> Floats:
        return np.asarray(rng.permuted(np.repeat(away[None], size, axis=0), axis=1) @ held)

    return _largest(away @ held, some, deviation, count, method)


def _turned(values: Floats, held: Floats, clusters: Ints, rng: np.random.Generator) -> Omnibus:
    """Within each cluster, rows in an order drawn once, values move on by a step drawn anew: [n] -> [size, n] draws."""
    order = np.lexsort((rng.random(len(values)), clusters))
    size = np.bincount(clusters)
    start, own = (np.cumsum(size) - size)[clusters[order]], clusters[order]
    away = (values - (np.bincount(clusters, weights=values) / size)[clusters])[order]
    place, within = np.arange(len(order)) - start, size[own]
    sides = held[order]
    square = np.bincount(own, weights=away**2) / np.maximum(size - 1, 1)
    inside = np.stack([np.bincount(own, weights=sides[:, s]) for s in range(sides.shape[1])], axis=1)
    deviation = np.sqrt(square @ (inside * (1 - inside / size[:, None])))
    if not (deviation > 0).all():
        return Omnibus(1.0, "every cluster gives the same value")

    def some(draws: int) -> Floats:
        steps = rng.integers(0, size, size=(draws, len(size)))
        return np.asarray(away[start + (place + steps[:, own]) % within] @ sides)

    return _largest(away @ sides, some, deviation, len(order), "permutation_within_clusters")


def _largest(seen: Any, some: Callable[[int], Floats], deviation: Any, width: int, method: str) -> Omnibus:
    parts, left = [np.abs(seen / deviation).max(keepdims=True)], DRAWS
    while left:
        size = min(left, max(1, ENTRIES_AT_ONCE // width))
        parts.append(np.abs(some(size) / deviation).max(axis=1))
        left -= size
    return _compared(np.concatenate(parts), method)


def _compared(largest: Floats, method: str) -> Omnibus:
    """Mid-p: of draws that are exactly as large as what was seen, half count; p is never 0."""
    above, tied = int(np.sum(largest[1:] > largest[0] + 1e-9)), int(np.sum(np.abs(largest[1:] - largest[0]) <= 1e-9))
    return Omnibus((1 + above + tied / 2) / len(largest), method, float(largest[0]))
