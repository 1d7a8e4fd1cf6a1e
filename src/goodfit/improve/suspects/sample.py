"""A sample over all strata of suspicion, with known chances: what tells how many labels are wrong in all rows. Part of suspects.

The most suspicious rows alone say how good the suspicion is, not how many labels are wrong. So the review is shared out over the most
suspicious 5% of the rows, the next 10%, the next 25% and the rest (ALLOCATION of audit's labels). Inside a stratum rows are taken in the
order of a hash of the seed, and the strata take turns in proportion: whoever stops early has still seen a stratified sample, and a larger
sample only adds rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goodfit.improve.review.draw import chance
from goodfit.improve.suspects.listing import STRATA, Suspects
from goodfit.stages.audit.labels import ALLOCATION

LEAST = 20


@dataclass(frozen=True)
class Drawn:
    """One row of the sample."""

    row: str
    stratum: int
    p: float
    """The chance of any row of its stratum to be drawn."""


def draw(suspects: Suspects, n: int, seed: int, held: Sequence[int] = ()) -> list[Drawn]:
    """`n` rows in the order in which they are shown; `held`: rows per stratum of an earlier, smaller draw, which all stay."""
    sizes, strata, rows = suspects.sizes(), suspects.strata, suspects.rows
    wanted = [max(new, old) for new, old in zip(allocate(n, sizes), held or [0] * STRATA, strict=True)]
    out: list[tuple[float, float, Drawn]] = []
    for stratum, take in enumerate(wanted):
        hashed = sorted((chance(seed, "suspect", rows[i]), rows[i]) for i in np.flatnonzero(strata == stratum))
        for place, (order, row) in enumerate(hashed[:take]):
            out.append(((place + 0.5) / take, order, Drawn(row, stratum, take / sizes[stratum])))
    return [drawn for _, _, drawn in sorted(out, key=lambda entry: entry[:2])]


def allocate(n: int, sizes: Sequence[int]) -> list[int]:
    """Rows per stratum: ALLOCATION of n, what a small stratum cannot give going to the others; sums to min(n, all).

    Row by row to the stratum that is furthest behind its share (Sainte-Laguë), so that a larger n only adds rows.
    """
    out = [0] * len(sizes)
    for _ in range(min(n, sum(sizes))):
        behind = [share / (2 * taken + 1) if taken < size else -1.0 for share, taken, size in zip(ALLOCATION, out, sizes, strict=True)]
        out[behind.index(max(behind))] += 1
    return out
