"""The confident joint, and the rows that it prunes (confident learning: Northcutt, Jiang & Chuang, JAIR 2021).

Part of audit's labels; a test holds every count to cleanlab's on the same probabilities. The joint counts rows of a given class that
look, with more than that class's usual confidence, like another. It takes overlap of classes for wrong labels too, so its total is an
upper end of the noise, never an estimate of it (docs/why/label-noise.md).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Chances = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def thresholds(labels: Ints, chances: Chances) -> npt.NDArray[np.float64]:
    """The mean probability of each class over the rows that carry it, [K]."""
    k = chances.shape[1]
    own = chances[np.arange(len(labels)), labels]
    rows = np.bincount(labels, minlength=k)
    out: npt.NDArray[np.float64] = np.bincount(labels, weights=own, minlength=k) / np.maximum(rows, 1)
    return np.where(rows > 0, np.maximum(out, 1e-6), np.inf)


def counted_joint(labels: Ints, chances: Chances) -> Ints:
    """Rows of given class y (first axis) that look like class c (second), [K, K], at least one on the diagonal.

    labels [n], chances [n, K]. A row counts where some class reaches its threshold: as that class, or where several do as the likeliest.
    """
    k = chances.shape[1]
    confident = chances >= thresholds(labels, chances) - 1e-6
    reached = confident.sum(axis=1)
    looks = np.where(reached > 1, chances.argmax(axis=1), confident.argmax(axis=1))
    counted = reached > 0
    counts: Ints = np.bincount(labels[counted] * k + looks[counted], minlength=k * k).reshape(k, k)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1))
    return counts


def confident_joint(labels: Ints, chances: Chances) -> npt.NDArray[np.float64]:
    """The same scaled so that the row of y sums to the rows given y, [K, K]."""
    counts = counted_joint(labels, chances).astype(np.float64)
    given = np.bincount(labels, minlength=len(counts))
    return counts / counts.sum(axis=1, keepdims=True) * given[:, None]


def off_share(joint: npt.NDArray[np.float64]) -> float:
    """The share of rows off the diagonal."""
    return float(1 - np.trace(joint) / joint.sum())


def pruned(labels: Ints, chances: Chances) -> Mask:
    """Prune by noise rate: for given y and other c as many rows of y as the joint counts there, those with the largest P(c) - P(y).

    A row whose given class is the likeliest is never pruned; one row of each class stays. Mask [n].
    """
    joint = np.rint(confident_joint(labels, chances)).astype(np.int64)
    np.fill_diagonal(joint, 0)
    out = np.zeros(len(labels), dtype=bool)
    for y in np.flatnonzero(joint.sum(axis=1)):
        rows = np.flatnonzero(labels == y)
        for c in np.flatnonzero(joint[y]):
            margin = chances[rows, c] - chances[rows, y]
            worst = np.argsort(-margin, kind="stable")[: min(int(joint[y, c]), len(rows) - 1)]
            out[rows[worst]] = True
    return out & (chances.argmax(axis=1) != labels)
