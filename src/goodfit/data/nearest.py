"""The nearest rows of every row among those of other groups, by the cosine of their vectors: exact, block by block.

Layer: data. On plain arrays: unit vectors [n, d], and for each row the group of (near-)duplicates, or the cluster, that it is in. 20,000
rows of 384 dimensions take seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
BLOCK = 4_000_000
"""Similarities held at a time."""


def nearest(vectors: Vectors, groups: Ints, k: int, on_block: Callable[[int], object] | None = None) -> tuple[Ints, Vectors]:
    """The k nearest rows of each that are not of its group, nearest first, and their cosines, both [n, k].

    -inf where there are fewer; a vector of zeros is nobody's neighbour. `on_block` hears how many rows are done.
    """
    n = len(vectors)
    rows, cosines = np.zeros((n, k), dtype=np.int64), np.full((n, k), -np.inf, dtype=np.float32)
    nothing = ~np.any(vectors != 0, axis=1)
    step = max(1, BLOCK // max(1, n))
    for start in range(0, n, step):
        part = slice(start, min(n, start + step))
        near = vectors[part] @ vectors.T
        near[(groups[part, None] == groups[None, :]) | nothing[None, :] | nothing[part, None]] = -np.inf
        best = np.argpartition(-near, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(near, best, axis=1)
        order = np.argsort(-found, axis=1, kind="stable")
        rows[part], cosines[part] = np.take_along_axis(best, order, axis=1), np.take_along_axis(found, order, axis=1)
        if on_block is not None:
            on_block(part.stop)
    return rows, cosines
