"""A linear classifier that is fitted often: logistic regression by L-BFGS, one class of several (softmax) or each class by itself.

Part of audit's labels. The same optimum as scikit-learn's LogisticRegression (a test holds it; with two classes of softmax the penalty
lies on both, so `strength` s here is s/2 there), in single precision, beginning where the caller says: the fits of a path of strengths
and of planted labels begin at a solution *of the same rows*, so that no held-out row leaks in through a fit that ended early.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

Floats = npt.NDArray[np.float32]
ITERATIONS = 150
TOLERANCE = 2e-4
"""Largest component of the mean gradient at which a fit ends."""


@dataclass(frozen=True)
class Linear:
    """A fitted classifier: scores = features @ weights + bias."""

    weights: Floats
    """[d, K]"""
    bias: Floats
    """[K]"""
    exclusive: bool
    """One class per row (softmax), or each class by itself."""

    def chances(self, features: Floats) -> Floats:
        """Probability of every class, [n, K]."""
        return _chances(features @ self.weights + self.bias, exclusive=self.exclusive)[0]


def fit(features: Floats, targets: Floats, strength: float, *, exclusive: bool, start: Linear | None = None) -> Linear:
    """Minimises sum(log-loss) + |weights|^2 / (2 strength) over n rows; features [n, d], targets [n, K] of 0 and 1."""
    n, d = features.shape
    k = targets.shape[1]
    penalty = 1.0 / (strength * n)

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        coefficients = flat.astype(np.float32).reshape(d + 1, k)
        chances, costs = _chances(features @ coefficients[:d] + coefficients[d], exclusive=exclusive, targets=targets)
        residual = (chances - targets) / np.float32(n)
        gradient = np.empty((d + 1, k))
        gradient[:d] = features.T @ residual + penalty * coefficients[:d]
        gradient[d] = residual.sum(axis=0)
        return costs / n + 0.5 * penalty * float(np.square(flat[: d * k]).sum()), gradient.ravel()

    first = np.zeros((d + 1, k)) if start is None else np.vstack([start.weights, start.bias])
    options = {"maxiter": ITERATIONS, "gtol": TOLERANCE, "ftol": 1e-9, "maxcor": 10}
    found: Any = optimize.minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    whole = found.x.astype(np.float32).reshape(d + 1, k)
    return Linear(whole[:d], whole[d], exclusive)


def _chances(scores: Floats, *, exclusive: bool, targets: Floats | None = None) -> tuple[Floats, float]:
    """Probabilities [n, K] of scores [n, K], and the summed log-loss of targets where they are given."""
    if exclusive:
        shifted = scores - scores.max(axis=1, keepdims=True)
        grown = np.exp(shifted)
        total = grown.sum(axis=1, keepdims=True)
        cost = 0.0 if targets is None else float(np.log(total).sum(dtype=np.float64) - (shifted * targets).sum(dtype=np.float64))
        return grown / total, cost
    small = np.exp(-np.abs(scores))
    chances = np.where(scores >= 0, 1, small) / (1 + small)
    if targets is None:
        return chances, 0.0
    return chances, float((np.maximum(scores, 0) - scores * targets + np.log1p(small)).sum(dtype=np.float64))
