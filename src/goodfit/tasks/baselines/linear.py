"""Logistic regression on sparse features: softmax for one label per row, a sigmoid for each of several.

Part of tasks.baselines, used by tfidf.py. Both are scikit-learn's: lbfgs for the softmax; liblinear for the sigmoids, which on 62
labels took a sixth of the time of one joint lbfgs problem, at equal scores.

Shapes: X CSR [n, F], L labels.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

ITERATIONS = 200
ROUGH, FINE = 0.15, 0.03
"""Largest entry of the gradient at the end, relative to the start: during the search, and for the model that is kept.

scikit-learn's absolute tolerance would end at once where every feature is rare: with 250 telling words in 100,000 rows no entry of the
gradient is above 0.0004 at the start.
"""
RARE = -20.0
"""Logit of a class that the training rows do not have."""


@dataclass(frozen=True)
class Linear:
    """Weights of a fitted model."""

    coef: NDArray[np.float32]
    """[L, F]"""
    intercept: NDArray[np.float64]
    """[L]"""

    def logits(self, x: Any) -> NDArray[np.float64]:
        """[n, L]"""
        return np.asarray(x @ self.coef.T, dtype=np.float64) + self.intercept


class Settings(NamedTuple):
    """How a model is fitted."""

    c: float
    """Inverse strength of the ridge penalty."""
    balanced: bool = False
    """Classes weigh the same in all (softmax only)."""
    tolerance: float = FINE


def fit_softmax(x: Any, y: NDArray[np.int64], n_labels: int, settings: Settings, *, weight: NDArray[np.float32] | None = None) -> Linear:
    """One label per row; a class without rows gets the logit RARE."""
    present = np.unique(y)
    coef = np.zeros((n_labels, x.shape[1]), dtype=np.float32)
    intercept = np.full(n_labels, RARE)
    if len(present) < 2:
        intercept[present] = 0.0
        return Linear(coef, intercept)
    tolerance = settings.tolerance * _first_gradient(x, y, balanced=settings.balanced, weight=weight)
    model = LogisticRegression(C=settings.c, max_iter=ITERATIONS, tol=tolerance, class_weight="balanced" if settings.balanced else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last iterations move nothing that the score can see
        model.fit(x, y, sample_weight=weight)
    if len(present) == 2:  # scikit-learn keeps the difference of the two
        coef[present[1]], intercept[present] = model.coef_[0], (0.0, model.intercept_[0])
    else:
        coef[present], intercept[present] = model.coef_, model.intercept_
    return Linear(coef, intercept)


def _first_gradient(x: Any, y: NDArray[np.int64], *, balanced: bool, weight: NDArray[np.float32] | None) -> float:
    """The largest entry of the gradient of the mean loss where all weights are zero."""
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    row = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    if balanced:
        row = row * (len(y) / (len(classes) * counts))[codes]
    off = (np.eye(len(classes))[codes] - 1 / len(classes)) * row[:, None]
    return max(float(np.abs(x.T @ off).max()) / float(row.sum()), 1e-12)


def fit_sigmoids(x: Any, targets: NDArray[Any], settings: Settings, *, weight: NDArray[np.float32] | None = None) -> Linear:
    """Any number of labels per row: one binary model per label; a label that all rows or none carry keeps its share alone."""
    y = np.asarray(targets) > 0.5
    coef = np.zeros((y.shape[1], x.shape[1]), dtype=np.float32)
    intercept = np.where(y.all(axis=0), -RARE, RARE)
    x = x.astype(np.float64)  # once: liblinear would convert it for every label
    for label in np.flatnonzero(y.any(axis=0) & ~y.all(axis=0)):
        model = LogisticRegression(C=settings.c, solver="liblinear", max_iter=ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x, y[:, label], sample_weight=weight)
        coef[label], intercept[label] = model.coef_[0], model.intercept_[0]
    return Linear(coef, intercept)


def folds(strata: NDArray[np.int64], clusters: NDArray[np.int64] | None, k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The inner fold (0..k-1) of each row [n]: whole clusters, the strata spread evenly (by the first row of each cluster)."""
    if clusters is None:
        first, inverse = np.arange(len(strata)), np.arange(len(strata))
    else:
        _, first, inverse = np.unique(clusters, return_index=True, return_inverse=True)
    order = np.lexsort((rng.permutation(len(first)), strata[first]))
    of_cluster = np.empty(len(first), dtype=np.int64)
    of_cluster[order] = np.arange(len(first)) % k
    return np.asarray(of_cluster[inverse])
