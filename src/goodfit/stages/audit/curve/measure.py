"""Measuring a learning curve: a linear probe on frozen vectors, trained on nested subsets and scored on rows that it never sees.

Part of audit (methods 4). In each of five repeats another fifth of the rows is held out, whole clusters at a time; the subsets of the rest
are nested. The penalty is chosen anew at every size: one that fits the smallest bends the curve. Shapes: n rows, d dimensions, L classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from goodfit.stages.audit.curve.forecast import Curve

REPEATS = 5
"""Each holds out another fifth of the rows, so that together they score every row once."""
SIZES = 8
MOST_HELD_OUT = 4_000
PENALTIES = (0.3, 3.0, 30.0)
"""C of the regression (vectors of length 1)."""
LEAST = 32
"""Rows to learn from, whichever are held out."""
CHOSEN_ONCE = 1_000
"""Rows from which the first repeat's choice of C serves all: below, the choice is itself a matter of luck."""
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
    penalty: dict[int, float] = {}
    for repeat in range(REPEATS):
        held = rng.permutation(np.flatnonzero(folds == repeat))[:MOST_HELD_OUT]
        order = rng.permutation(np.flatnonzero(folds != repeat))
        known = probe.targets[held]
        for place, size in enumerate(sizes.tolist()):
            use = order[:size]
            vectors, targets = probe.vectors[use], probe.targets[use]
            if size not in penalty or size < CHOSEN_ONCE:
                penalty[size] = choose_penalty(vectors, targets, score, rng)
            said = fit(vectors, targets, penalty[size]).predict(probe.vectors[held])
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


def choose_penalty(vectors: NDArray[np.float32], targets: NDArray[Any], score: Score, rng: np.random.Generator) -> float:
    """The C of PENALTIES with the best score on a fifth of the rows when the others are learned."""
    order = rng.permutation(len(targets))
    cut = max(1, len(order) // 5)
    check, learn = order[:cut], order[cut:]

    def right(c: float) -> float:
        return score(targets[check], fit(vectors[learn], targets[learn], c).predict(vectors[check]))

    return max(PENALTIES, key=right)


class _Several:
    """One regression per label."""

    def __init__(self, models: list[Any]) -> None:
        self.models = models

    def predict(self, vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
        """[n, L]"""
        return np.stack(
            [model.predict(vectors) if hasattr(model, "predict") else np.full(len(vectors), model) for model in self.models], axis=1
        )


def fit(vectors: NDArray[np.float32], targets: NDArray[Any], c: float) -> Any:
    """The probe: logistic regression, for several labels a row one each; where all rows agree it always says that."""
    if targets.ndim == 2:
        return _Several([fit(vectors, column, c) for column in targets.T])
    if len(np.unique(targets)) < 2:
        return _Constant(targets[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)  # many classes in few rows are no regression
        return LogisticRegression(C=c, max_iter=60, tol=1e-3).fit(vectors, targets)


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
