"""Folds of rows: every class in each of them as evenly as may be, the rows of a group together.

Part of audit's labels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
FOLDS = 5


def folds_of(kinds: Ints, groups: Ints, seed: int, *, folds: int = FOLDS) -> Ints:
    """The fold of every row, [n]: whole `groups` [n] dealt out class by class of `kinds` [n] (a group goes by its commonest class)."""
    rng = np.random.default_rng([seed, 3])
    _, group = np.unique(groups, return_inverse=True)
    size = np.bincount(group)
    kind = _commonest(kinds, group)
    order = np.lexsort((rng.permutation(len(size)), kind))
    before = np.cumsum(size[order]) - size[order]
    first = np.r_[True, kind[order][1:] != kind[order][:-1]]
    within = before - np.maximum.accumulate(np.where(first, before, 0))
    rows = np.bincount(kind, weights=size).astype(np.int64)
    turn = rng.integers(folds, size=len(rows))
    fold = np.empty(len(size), dtype=np.int64)
    fold[order] = (within * folds // rows[kind[order]] + turn[kind[order]]) % folds
    out: Ints = fold[group]
    return out


def _commonest(kinds: Ints, group: Ints) -> Ints:
    """The commonest kind of each group, [groups]."""
    pairs, counts = np.unique(np.stack([group, kinds]), axis=1, return_counts=True)
    order = np.lexsort((counts, pairs[0]))
    last = np.r_[pairs[0][order][1:] != pairs[0][order][:-1], True]
    out: Ints = pairs[1][order][last]
    return out
