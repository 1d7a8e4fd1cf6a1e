"""Rows that mean the same in other words: neighbours of their vectors that are nearer than chance brings in this very data set.

Layer: data (methods 2, tier 4). On plain arrays: unit vectors [n, d], and for each row the group of (near-)duplicates it is in. How near
is near depends on the encoder, the topic and the region, so no cosine is fixed. The cosines of a row's nearest strangers have an
exponential tail (extreme-value theory; Pickands 1975, Weissman 1978): its scale comes from the 6th to the 20th neighbour, which are no
paraphrases, and says how far above the 21st the first may stand by chance. Rows are judged by that p-value with Benjamini & Hochberg
(1995): of the rows that are told, one in ten is expected to be there by chance, whether paraphrases are many or few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodfit.data.nearest import Ints, Vectors, nearest

Floats = npt.NDArray[np.float64]
FEWEST = 200
"""Rows from which a tail can be told."""
FIRST, LAST = 5, 20
"""Neighbours (counted from 0) that the scale is taken from, the last being where the tail begins."""
FALSE = 0.1
"""Share of the rows told that are expected to be there by chance."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest rows of other groups of n rows, nearest first; shape (n, k)."""

    rows: Ints
    similarity: Floats
    """Cosines; -1 where there is no such row."""


@dataclass(frozen=True)
class Paraphrases:
    """p pairs of rows that are nearer than chance, surest first."""

    pairs: Ints
    """Shape (p, 2), lower number first, no pair twice."""
    similarity: Floats
    """Their cosines, shape (p,)."""
    excess: Floats
    """How far above chance: in units of the tail's scale, shape (p,)."""


def neighbours(vectors: Vectors, groups: Ints, k: int = LAST + 1) -> Neighbours:
    """The k nearest rows of other groups."""
    rows, cosines = nearest(vectors, groups, min(k, len(vectors)))
    return Neighbours(rows, np.maximum(cosines.astype(np.float64), -1.0))


def paraphrases(vectors: Vectors, groups: Ints, *, false: float = FALSE) -> Paraphrases:
    """Pairs of rows of different groups that mean the same as far as the vectors go; none of fewer than FEWEST rows."""
    nothing = Paraphrases(np.zeros((0, 2), np.int64), np.zeros(0), np.zeros(0))
    if len(vectors) < FEWEST:
        return nothing
    near = neighbours(vectors, groups)
    excess = _excess(near)
    best = excess.max(axis=1)
    chance = -np.expm1(LAST * np.log1p(-np.exp(-np.maximum(best, 1e-12))))
    ranked = np.sort(chance)
    told = np.flatnonzero(ranked <= false * np.arange(1, len(ranked) + 1) / len(ranked))
    if not len(told):
        return nothing
    bar = np.sort(best)[::-1][told.max()]
    row, place = np.nonzero((excess >= bar) & (excess >= best[:, None]))
    return _pairs(row, near.rows[row, place], near.similarity[row, place], excess[row, place])


def _excess(near: Neighbours) -> Floats:
    """How far each neighbour stands above where the tails of both rows begin, in units of their scale; shape (n, LAST)."""
    start = near.similarity[:, LAST]
    harmonic = np.r_[0, np.cumsum(1 / np.arange(1, LAST + 1))]
    expected = np.mean(harmonic[LAST] - harmonic[FIRST:LAST])
    scale = np.maximum((near.similarity[:, FIRST:LAST] - start[:, None]).mean(axis=1) / expected, 1e-6)
    other = near.rows[:, :LAST]
    both = np.sqrt((scale[:, None] + scale[other]) / 2 * np.median(scale))
    out: Floats = (near.similarity[:, :LAST] - (start[:, None] + start[other]) / 2) / both
    return out


def _pairs(row: Ints, other: Ints, similarity: Floats, excess: Floats) -> Paraphrases:
    both = np.sort(np.stack([row, other], axis=1), axis=1)
    unique, first = np.unique(both, axis=0, return_index=True)
    order = np.argsort(-excess[first], kind="stable")
    return Paraphrases(unique[order], similarity[first][order], excess[first][order])
