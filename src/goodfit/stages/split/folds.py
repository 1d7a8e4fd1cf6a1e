"""Folds of small data: every row that is used gets one, so that each is answered once by a model that did not learn from it.

Part of split, for `split.folds`. Whole groups go to a fold (rows that are nearly the same, or share `split.by`, never teach about each
other); within each label and side the folds get as many rows as they can, so that a fold's model trains, chooses its step and is judged on
rows like all others.
"""

from __future__ import annotations

import numpy as np

from goodfit.errors import DataError
from goodfit.stages.split.groups import Ints, Keys


def folds_of(groups: Ints, under: Ints, keys: Keys, k: int, known: Ints | None = None) -> Ints:
    """The fold 0..k-1 of every row [n]; DataError where there are fewer groups than folds.

    Args:
        groups: the group of every row [n], numbered from 0.
        under: what a group is dealt out under, a number per group (its label and its side).
        keys: the place of every group in the order, uniform.
        k: folds.
        known: the fold that a row had in the division that is kept [n], -1 for new rows. A group goes where the first of its rows was.

    """
    sizes = np.bincount(groups, minlength=len(under))
    if len(under) < k:
        raise DataError(
            f"the rows form {len(under)} group{'s' if len(under) != 1 else ''} that must stay together (same text, or same split.by): too "
            f"few for {k} folds", fix="set split.folds lower, give more rows, or name a finer column in split.by",
        )  # fmt: skip
    fold = _kept(groups, known, len(under))
    settled = fold >= 0
    whole = np.bincount(fold[settled], weights=sizes[settled], minlength=k).astype(np.int64)
    for one in np.unique(under):
        members = np.flatnonzero((under == one) & ~settled)
        kept = (under == one) & settled
        own = np.bincount(fold[kept], weights=sizes[kept], minlength=k).astype(np.int64)
        # Large groups first: what comes after them evens out.
        for group in members[np.lexsort((keys[members], -sizes[members]))].tolist():
            place = min(range(k), key=lambda j: (own[j], whole[j], j))
            fold[group] = place
            own[place] += sizes[group]
            whole[place] += sizes[group]
    return np.asarray(fold[groups])


def _kept(groups: Ints, known: Ints | None, n: int) -> Ints:
    """The fold of every group that has one already, -1 else."""
    fold = np.full(n, -1, dtype=np.int64)
    if known is not None:
        rows = np.flatnonzero(known >= 0)[::-1]  # the first row of a group is written last
        fold[groups[rows]] = known[rows]
    return fold
