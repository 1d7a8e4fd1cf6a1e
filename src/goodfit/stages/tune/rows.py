"""Validation in two halves: one chooses steps and trials, the other judges what was chosen. Whole clusters go to one side. Part of tune."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from goodfit.data.groups import groups_of
from goodfit.statistics.comparing import LEAST_CLUSTERS, LEAST_ROWS

Indices = NDArray[np.int64]
HALVES = 0x4A1F
MOST = 10_000
"""Rows of a half, at most: a share of so many is known to a point."""
LEAST = 2 * LEAST_ROWS
"""Validation rows below which nothing is searched."""


def units_of(run: Path, rows: list[str]) -> Indices:
    """The cluster of each row, as split has it; rows that it does not know are alone."""
    groups = groups_of(run)(rows)
    alone = groups < 0
    out = np.where(alone, 0, groups)
    out[alone] = out.max(initial=0) + 1 + np.arange(int(alone.sum()))
    return out


def halves(clusters: Indices, seed: int) -> tuple[Indices, Indices]:
    """(choosing, judging): places of rows, about as many on each side, drawn by whole clusters."""
    _, codes = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(codes)
    order = np.random.default_rng([seed, HALVES]).permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    judges = np.zeros(len(sizes), dtype=bool)
    judges[order[before < len(clusters) / 2]] = True
    judging = judges[codes]
    rng = np.random.default_rng([seed, HALVES, 1])
    return _at_most(np.flatnonzero(~judging), rng), _at_most(np.flatnonzero(judging), rng)


def _at_most(rows: Indices, rng: np.random.Generator) -> Indices:
    return rows if len(rows) <= MOST else np.sort(rng.choice(rows, size=MOST, replace=False))


def enough(clusters: Indices, parts: tuple[Indices, Indices]) -> bool:
    """Whether a search on these halves could be believed."""
    return all(len(part) >= LEAST_ROWS and len(np.unique(clusters[part])) >= LEAST_CLUSTERS for part in parts)
