"""The same resampled rows for every candidate: what makes differences between them far surer than each score by itself. Part of choose.

Shapes: B draws, n rows, L labels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
DRAWS = 200


def weights(clusters: NDArray[np.int64], seed: int, draws: int = DRAWS) -> NDArray[np.float32]:
    """[B, n] how often each row stands in each draw; whole clusters are drawn, with replacement."""
    names, inverse = np.unique(clusters, return_inverse=True)
    groups = len(names)
    drawn = np.random.default_rng([seed, 17]).multinomial(groups, np.full(groups, 1 / groups), size=draws)
    return drawn[:, inverse.reshape(-1)].astype(np.float32)


def as_bools(said: NDArray[np.int64] | Bools, labels: int) -> Bools:
    """Class indices as bool [n, L]; what is bool already stays."""
    return np.asarray(said, dtype=bool) if said.ndim == 2 else np.asarray(np.eye(labels, dtype=bool)[said])


def macro_f1(truth: Bools, said: Bools, weight: NDArray[np.float32]) -> Floats:
    """[B] macro-F1 of each draw over the classes that it holds; a label nobody gave and nobody had does not count."""
    right = weight @ (truth & said).astype(np.float32)
    there, given = weight @ truth.astype(np.float32), weight @ said.astype(np.float32)
    counted = there > 0
    each = np.divide(2 * right, there + given, out=np.zeros_like(right), where=there + given > 0)
    return np.asarray((each * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1), dtype=np.float64)
