"""What the nearest rows say: the share of every class among the neighbours of a row, itself and its near-duplicates left out.

Part of audit's labels (SimiFeat, Zhu et al. 2022; methods 1.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodfit.data.nearest import nearest

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
NEIGHBOURS = 15
_BLOCK = 512


@dataclass(frozen=True)
class Neighbours:
    """The k nearest rows of every row that belong to another group."""

    rows: Ints
    """[n, k], nearest first."""
    weights: Floats
    """[n, k]: their cosine, not below 0; 0 where there are fewer than k."""

    def shares(self, targets: Floats) -> Floats:
        """The weighted share of every class among them, [n, K] of targets [n, K]; the share over all rows where a row has none."""
        out = np.empty_like(targets)
        for start in range(0, len(targets), _BLOCK):
            part = slice(start, start + _BLOCK)
            out[part] = np.einsum("bk,bkc->bc", self.weights[part], targets[self.rows[part]])
        total = self.weights.sum(axis=1)
        alone = total <= 0
        out[~alone] /= total[~alone, None]
        out[alone] = targets.mean(axis=0)
        return out


def neighbours_of(vectors: Floats, groups: Ints, *, k: int = NEIGHBOURS, on_block: Callable[[int], object] | None = None) -> Neighbours:
    """The k nearest rows by cosine (vectors [n, d] of length 1) that are not of the row's group [n]."""
    rows, cosines = nearest(vectors, groups, min(k, len(vectors) - 1), on_block)
    return Neighbours(rows, np.maximum(cosines, 0))
