"""The linear probe: what a linear classifier on frozen features reaches, cross-validated on the training rows. Part of choose.

A softmax (one label a row) or a sigmoid for each label (several), with a ridge penalty, by L-BFGS on float32 products. Features are
standardised. The strength is chosen once, by the log-loss of one fold; every row is answered by a model that never saw its cluster.

Shapes: n rows, d features, L labels; targets bool [n, L].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
GRID = (0.01, 0.1, 1.0, 10.0)
"""Inverse strengths, as scikit-learn's C."""
FOLDS = 5
ITERATIONS = 60
TOLERANCE = 1e-4
"""Relative change of the loss at which the search for the weights ends."""
LEAST = 1e-7


@dataclass(frozen=True)
class Probed:
    """What the probe said of every row while it did not know its cluster."""

    probabilities: NDArray[np.float32]
    """[n, L]"""
    strength: float
    """The C that was taken."""

    def predictions(self, *, multi_label: bool) -> NDArray[np.int64] | Bools:
        """Class index int64 [n], or bool [n, L] at a half."""
        if multi_label:
            return np.asarray(self.probabilities >= 0.5)
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


def probe(features: NDArray[np.float32], targets: Bools, fold: NDArray[np.int64], *, multi_label: bool) -> Probed:
    """Answers every row out of its fold; `fold` [n] in 0 .. FOLDS - 1, whole clusters together."""
    x = standardised(features)
    y = targets.astype(np.float32)
    out = np.zeros(targets.shape, dtype=np.float32)
    kinds = sorted(set(fold.tolist()))
    strength, start = _strength(x, y, fold == kinds[0], multi_label=multi_label)
    for k in kinds:
        held = fold == k
        weights = fit_linear(x[~held], y[~held], strength, multi_label=multi_label, start=start)
        out[held] = answers(x[held], weights, multi_label=multi_label)
    return Probed(out, strength)


def standardised(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Columns of mean 0 and deviation 1, and a column of ones."""
    x = np.asarray(features, dtype=np.float32)
    x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-6)
    return np.concatenate([x, np.ones((len(x), 1), dtype=np.float32)], axis=1)


def _strength(x: NDArray[np.float32], y: NDArray[np.float32], held: Bools, *, multi_label: bool) -> tuple[float, NDArray[np.float32]]:
    """The C of the grid with the least log-loss on the held rows, and its weights to start from; it ends where the loss rises."""
    best, least, kept, weights = GRID[0], np.inf, None, None
    for strength in GRID:
        weights = fit_linear(x[~held], y[~held], strength, multi_label=multi_label, start=weights)
        loss = _loss(answers(x[held], weights, multi_label=multi_label), y[held], multi_label=multi_label)
        if loss > least:
            break
        best, least, kept = strength, loss, weights
    assert kept is not None
    return best, kept


def _loss(p: NDArray[np.float32], y: NDArray[np.float32], *, multi_label: bool) -> float:
    p = np.clip(p, LEAST, 1 - LEAST)
    each = y * np.log(p) + ((1 - y) * np.log1p(-p) if multi_label else 0.0)
    return float(-each.sum() / len(y))


def fit_linear(
    x: NDArray[np.float32], y: NDArray[np.float32], strength: float, *, multi_label: bool, start: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """[d + 1, L]: the weights with the least loss; the last row of `x`'s columns, the ones, is not penalised."""
    n, shape = len(x), (x.shape[1], y.shape[1])
    penalty = np.full(shape, 1 / (strength * n))
    penalty[-1] = 0.0

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(shape)
        p = answers(x, w.astype(np.float32), multi_label=multi_label)
        gradient = (x.T @ (p - y)).astype(np.float64) / n + penalty * w
        return _loss(p, y, multi_label=multi_label) + float((penalty * w * w).sum() / 2), gradient.ravel()

    first = np.zeros(shape) if start is None else start.astype(np.float64)
    found = minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS, "ftol": TOLERANCE, "maxcor": 8})
    return np.asarray(found.x.reshape(shape), dtype=np.float32)


def answers(x: NDArray[np.float32], weights: NDArray[np.float32], *, multi_label: bool) -> NDArray[np.float32]:
    """Probabilities [n, L]."""
    z = x @ weights
    if multi_label:
        return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))), dtype=np.float32)
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(z / z.sum(axis=1, keepdims=True), dtype=np.float32)


def folds_of(targets: Bools, clusters: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """[n] the fold of every row: whole clusters, the classes (of several labels a row's rarest) spread evenly."""
    rank = np.argsort(np.argsort(targets.sum(axis=0), kind="stable"), kind="stable")
    strata = np.where(targets, rank[None], targets.shape[1]).min(axis=1)
    _, first, inverse = np.unique(clusters, return_index=True, return_inverse=True)
    order = np.lexsort((np.random.default_rng(seed).permutation(len(first)), strata[first]))
    of_cluster = np.empty(len(first), dtype=np.int64)
    of_cluster[order] = np.arange(len(first)) % FOLDS
    return np.asarray(of_cluster[inverse.reshape(-1)])
