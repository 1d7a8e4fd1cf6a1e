"""How well frozen features tell the labels: H-score, LogME and nearest neighbours. Pure functions of arrays; part of choose.

H-score is tr(cov(F)^-1 cov(E[F|Y])) with a shrunken covariance (Bao et al. 2019; Ibrahim et al. 2022), LogME the largest log evidence of
a Bayesian linear model of each label, per row (You et al. 2021). Both take the weight of each row, so that resampled rows cost no copies.

Shapes: n rows, d features, L labels; targets bool [n, L], one label a row or several.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

from goodfit.data.nearest import nearest

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NEIGHBOURS = 10
WIDEST = 128
"""Principal components that H-score and LogME see, at most; at most a fifth of the rows, too (beyond it both are unstable)."""
ROUNDS = 11
"""Fixed-point rounds of LogME; its authors' number."""


class Cloud(NamedTuple):
    """Features as H-score and LogME take them: centred principal components [n, k], and how far their covariance is shrunk."""

    points: Floats
    shrinkage: float


def cloud(features: NDArray[np.float32]) -> Cloud:
    """The leading principal components: at most WIDEST, and a fifth of the rows. Models of any width become comparable by it."""
    x = np.asarray(features, dtype=np.float64)
    x = x - x.mean(axis=0)
    k = max(1, min(WIDEST, x.shape[1], len(x) // 5))
    values, vectors = np.linalg.eigh(x.T @ x)
    points = x @ vectors[:, ::-1][:, :k]
    scale = np.sqrt(max(float(values[-1]) / len(x), 1e-30))
    points = points / scale
    return Cloud(points, float(ledoit_wolf_shrinkage(points, assume_centered=True)))


def h_score(given: Cloud, targets: Bools, weight: Floats | None = None) -> float:
    """How much of the features' spread the labels explain, in the metric of that spread; larger is better.

    One label a row: the trace over class means. Several: the mean over the labels of the two-class H-score, each from a label's mean.
    """
    w = np.ones(len(targets)) if weight is None else weight
    n = float(w.sum())
    x = given.points - (w @ given.points) / n
    covariance = (x * w[:, None]).T @ x / n
    k = covariance.shape[0]
    shrunk = (1 - given.shrinkage) * covariance + given.shrinkage * (np.trace(covariance) / k) * np.eye(k)
    y = targets.astype(np.float64)
    rows = w @ y
    held = (rows > 0) & (rows < n)
    sums = (y[:, held] * w[:, None]).T @ x
    share = rows[held] / n
    within = np.einsum("lk,lk->l", sums, np.linalg.solve(shrunk, sums.T).T) / n**2
    if not len(share):
        return 0.0
    single = bool((targets.sum(axis=1) == 1).all())
    scores = within / share if single else within / (share * (1 - share))
    return float((1 - given.shrinkage) * (scores.sum() if single else scores.mean()))


def log_me(given: Cloud, targets: Bools, weight: Floats | None = None) -> float:
    """Log evidence per row, averaged over the labels; larger is better (it is mostly negative)."""
    w = np.ones(len(targets)) if weight is None else weight
    n = float(w.sum())
    y = targets.astype(np.float64)
    y = y - (w @ y) / n
    x = given.points - (w @ given.points) / n
    values, vectors = np.linalg.eigh((x * w[:, None]).T @ x)
    squared = np.maximum(values, 1e-12)
    turned = vectors.T @ ((x * w[:, None]).T @ y)
    explained = turned**2 / squared[:, None]
    total = (w[:, None] * y**2).sum(axis=0)
    return float(evidence(squared, explained, total, n).mean())


def evidence(squared: Floats, explained: Floats, total: Floats, n: float) -> Floats:
    """[L] log evidence per row of y = F m + noise, at the alpha and beta that maximise it.

    squared: [k] squared singular values of F. explained: [k, L] squared projections of y onto F's left singular vectors. total: [L]
    squared length of y.
    """
    alpha, beta = np.ones(explained.shape[1]), np.ones(explained.shape[1])
    k, s = len(squared), squared[:, None]
    for _ in range(ROUNDS):
        inverse = 1 / (alpha + beta * s)
        gamma = (beta * s * inverse).sum(axis=0)
        length = np.maximum(((beta * inverse) ** 2 * s * explained).sum(axis=0), 1e-30)
        residual = np.maximum(total - explained.sum(axis=0) + ((alpha * inverse) ** 2 * explained).sum(axis=0), 1e-30)
        before = alpha / beta
        alpha, beta = gamma / length, np.maximum(n - gamma, 1e-9) / residual
        if np.all(np.abs(alpha / beta - before) <= 1e-3 * before):
            break
    inverse = 1 / (alpha + beta * s)
    length = ((beta * inverse) ** 2 * s * explained).sum(axis=0)
    residual = total - explained.sum(axis=0) + ((alpha * inverse) ** 2 * explained).sum(axis=0)
    found = k * np.log(alpha) + n * np.log(beta) - np.log(alpha + beta * s).sum(axis=0) - beta * residual - alpha * length
    return np.asarray((found - n * np.log(2 * np.pi)) / (2 * n))


def neighbours(features: NDArray[np.float32], targets: Bools, clusters: NDArray[np.int64]) -> Floats:
    """[n, L] share of each label among a row's 10 nearest rows of other clusters, by cosine of the centred features, weighted by it."""
    x = features - features.mean(axis=0)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    rows, closeness = nearest(x, clusters, max(1, min(NEIGHBOURS, len(x) - 1)))
    share = np.where(np.isfinite(closeness), np.maximum(closeness, 1e-3), 0.0)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(np.einsum("nk,nkl->nl", share, targets.astype(np.float32)[rows]), dtype=np.float64)
