"""Measuring a learning curve: a linear probe on frozen vectors, trained on nested subsets and scored on rows that it never sees.

Part of audit (methods 4). In each of five repeats another fifth of the rows is held out, whole clusters at a time; the subsets of the rest
are nested. The probe has nothing to be tuned: a penalty that fits the smallest size would bend the curve. Shapes: n rows, d
dimensions, L classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from goodfit.stages.audit.curve.forecast import Curve

REPEATS = 5
"""Each holds out another fifth of the rows, so that together they score every row once."""
SIZES = 8
MOST_HELD_OUT = 4_000
LEAST = 32
"""Rows to learn from, whichever are held out."""
CLASS_ROWS = 100
"""Rows that a class needs for a curve of its own."""
WORK = 2_000_000
"""Rows times classes that are fitted at the largest size, at most."""
Ints = NDArray[np.int64]
Score = Callable[[NDArray[Any], NDArray[Any]], float]


@dataclass(frozen=True)
class Probe:
    """Rows to measure on. `targets`: int64 [n], or bool [n, L] for several labels a row."""

    vectors: NDArray[np.float32]
    targets: NDArray[Any]
    clusters: Ints
    classes: int


def sizes_of(n: int, classes: int) -> Ints:
    """Rising sizes to n, evenly in their logarithm, from two rows a class or a thirty-second part."""
    least = max(2 * classes, n // 32, 16)
    if least * 2 > n:
        return np.array([n], dtype=np.int64)
    return np.unique(np.round(np.geomspace(least, n, SIZES)).astype(np.int64))


def learning_curve(
    probe: Probe, score: Score, *, seed: int, tell: Callable[[int, int], object] | None = None
) -> tuple[Curve, list[Curve | None]] | None:
    """The curve of `score(targets, predictions)`, and each class's recall (None where it has too few rows).

    None where a cluster is so large that nothing is left to learn or to be scored. Rows beyond what WORK allows are left out by chance.
    """
    rng = np.random.default_rng([seed, 0xC0])
    folds = _folds(probe.clusters, rng)
    parts = np.bincount(folds, minlength=REPEATS)
    least = len(folds) - int(parts.max())
    if parts.min() == 0 or least < LEAST:
        return None
    sizes = sizes_of(min(least, max(2_000, WORK // probe.classes)), probe.classes)
    scores = np.zeros((REPEATS, len(sizes)))
    recalls = np.zeros((REPEATS, len(sizes), probe.classes))
    rows = _rows_of(probe.targets, probe.classes)
    with threadpool_limits(1, user_api="blas"):  # small products: threads would mostly wait for each other
        for repeat in range(REPEATS):
            held = rng.permutation(np.flatnonzero(folds == repeat))[:MOST_HELD_OUT]
            order = rng.permutation(np.flatnonzero(folds != repeat))
            known = probe.targets[held]
            for place, size in enumerate(sizes.tolist()):
                use = order[:size]
                vectors, targets = probe.vectors[use], probe.targets[use]
                said = fit(vectors, targets).predict(probe.vectors[held])
                scores[repeat, place] = score(known, said)
                recalls[repeat, place] = _recalls(known, said, probe.classes)
                if tell is not None:
                    tell(repeat * len(sizes) + place + 1, REPEATS * len(sizes))
    shown = rows >= CLASS_ROWS
    curves = [Curve(sizes, recalls[:, :, k]) if shown[k] else None for k in range(probe.classes)]
    return Curve(sizes, scores), curves


def _folds(clusters: Ints, rng: np.random.Generator) -> Ints:
    """[n] which repeat holds a row out: whole clusters, parts of about equal size."""
    names, member, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(names))
    middle = np.cumsum(sizes[shuffled]) - sizes[shuffled] / 2
    fold = np.empty(len(names), dtype=np.int64)
    fold[shuffled] = np.minimum(middle * REPEATS / len(clusters), REPEATS - 1).astype(np.int64)
    return fold[member]


class _Several:
    """One regression per label."""

    def __init__(self, models: list[Any]) -> None:
        self.models = models

    def predict(self, vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
        """[n, L]"""
        return np.stack([model.predict(vectors) for model in self.models], axis=1)


def fit(vectors: NDArray[np.float32], targets: NDArray[Any]) -> Any:
    """The probe: linear discriminant analysis with the shrinkage of Ledoit & Wolf (2004), which has nothing to be tuned.

    Several labels a row: a logistic regression each. Where all rows agree it always says that.
    """
    if targets.ndim == 2:
        return _Several([_regression(vectors, column) for column in targets.T])
    known, counts = np.unique(targets, return_counts=True)
    if len(known) < 2:
        return _Constant(targets[0])
    if len(targets) <= len(known) or counts.max() < 2:
        return _regression(vectors, targets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # collinear components, more classes than rows: shrinkage is there for these
        return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(vectors, targets)


def _regression(vectors: NDArray[np.float32], targets: NDArray[Any]) -> Any:
    if len(np.unique(targets)) < 2:
        return _Constant(targets[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)  # many classes in few rows are no regression
        return LogisticRegression(C=10.0, max_iter=60, tol=1e-3).fit(vectors, targets)


class _Constant:
    """Where all rows have one class."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def predict(self, vectors: NDArray[np.float32]) -> NDArray[Any]:
        """[n]"""
        return np.full(len(vectors), self.value)


def _rows_of(targets: NDArray[Any], classes: int) -> NDArray[np.float64]:
    return targets.sum(axis=0).astype(float) if targets.ndim == 2 else np.bincount(targets, minlength=classes).astype(float)


def _recalls(targets: NDArray[Any], said: NDArray[Any], classes: int) -> NDArray[np.float64]:
    hit = targets & said if targets.ndim == 2 else targets == said
    rows = _rows_of(targets, classes)
    hits = hit.sum(axis=0).astype(float) if targets.ndim == 2 else np.bincount(targets[hit], minlength=classes).astype(float)
    out: NDArray[np.float64] = np.divide(hits, rows, out=np.full(classes, np.nan), where=rows > 0)
    return out
