"""Do two samples of texts come from one source, which texts differ most, and which regions does one leave thin?

Part of audit (methods 3). The classifier two-sample test (Lopez-Paz & Oquab 2017): a classifier learns to tell the samples apart on one
half and is tried on the other, so that the interval of its AUC is valid without permutations (a p-value from cross-validation is not:
10% false alarms at 5%). Effect first: with enough rows everything is significant. Shapes: n and m texts, d dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from goodfit.score import Score
from goodfit.statistics import holm, score

DIMENSIONS = 64
LEAST = 40
"""Rows of either sample for a test."""
NEAREST = 0.95
"""Quantile of the distances within the training sample beyond which a text is far from it."""
BLOCK = 1024
TWICE = 2.0
"""Times the training share from which a cluster is thin."""
Vectors = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Shift:
    """How well two samples can be told apart."""

    auc: Score
    """0.5: not at all; measured on halves that the classifier did not see."""
    odds: NDArray[np.float64]
    """[m] of every text of the second sample: how unlike the first it is, by a classifier that did not see it."""


@dataclass(frozen=True)
class Coverage:
    """How much of a second sample lies far from the first."""

    far: Score
    """Share beyond the distance that 5% of the first sample's own texts are beyond."""
    distance: NDArray[np.float64]
    """[m] cosine distance to the nearest text of the first sample."""


@dataclass(frozen=True)
class Region:
    """A cluster that the second sample is fuller of than the first."""

    cluster: int
    share: float
    """Of the second sample."""
    trained: float
    """Of the first."""
    p: float
    """After Holm's correction over all clusters."""


def shift(
    first: Vectors, second: Vectors, lengths: tuple[Ints, Ints], clusters: tuple[Ints, Ints], *, seed: int, level: float = 0.99
) -> Shift | None:
    """Tells the samples apart by vectors and length (characters); None where there are too few texts, or clusters, for a test.

    Rows of one cluster stay on one side of the halves, and are one unit of the interval.
    """
    if min(len(np.unique(clusters[0])), len(np.unique(clusters[1]))) < LEAST:
        return None
    vectors = np.concatenate([first, second])
    y = np.r_[np.zeros(len(first), np.int64), np.ones(len(second), np.int64)]
    group = np.r_[clusters[0], clusters[1]]
    length = np.log1p(np.r_[lengths[0], lengths[1]])
    features = np.column_stack([_reduced(vectors, seed), (length - length.mean()) / max(float(length.std()), 1e-9)])
    names, member = np.unique(group, return_inverse=True)
    half = np.random.default_rng([seed, 0x5F]).permutation(len(names))[member] % 2
    odds = np.zeros(len(y))
    for side in (0, 1):
        learn = half != side
        if len(np.unique(y[learn])) < 2:
            return None
        model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=200).fit(features[learn], y[learn])
        odds[half == side] = model.decision_function(features[half == side])
    held = half == 1  # one half only: the two halves' AUCs are not independent of each other
    several = len(names) < len(group)
    auc = score("roc_auc", y[held], stats.rankdata(odds[held]) / held.sum(), clusters=group[held] if several else None, level=level)
    return Shift(auc.about(name="shift_auc"), odds[len(first) :])


def coverage(first: Vectors, second: Vectors, clusters: Ints, *, seed: int, level: float = 0.99) -> Coverage | None:
    """The share of the second sample that has no near text in the first; None below LEAST texts of either.

    The first sample's own distances are those of some of its texts to all others of other `clusters` [n], as the second's are.
    """
    if min(len(first), len(second)) < LEAST:
        return None
    asked = np.random.default_rng([seed, 0xC5]).permutation(len(first))[: min(len(first) // 2, 2 * len(second), 2000)]
    own = _nearest(first[asked], first, (clusters[asked], clusters))
    limit = float(np.quantile(own, NEAREST))
    distance = _nearest(second, first)
    return Coverage(score("rate", None, distance > limit, level=level).about(name="far_share"), distance)


def regions(first: Ints, second: Ints, clusters: int, *, level: float = 0.01) -> list[Region]:
    """Clusters whose share of the second sample is at least TWICE that of the first, surely (two-sided Fisher test, Holm over clusters)."""
    a, b = np.bincount(first, minlength=clusters), np.bincount(second, minlength=clusters)
    p = np.array([float(stats.fisher_exact([[a[k], len(first) - a[k]], [b[k], len(second) - b[k]]])[1]) for k in range(clusters)])
    adjusted = holm(p.tolist())
    share, trained = b / max(1, len(second)), a / max(1, len(first))
    thin = [k for k in range(clusters) if adjusted[k] < level and share[k] > TWICE * trained[k]]
    return sorted(
        (Region(k, float(share[k]), float(trained[k]), float(adjusted[k])) for k in thin), key=lambda region: -region.share + region.trained
    )


def _reduced(vectors: Vectors, seed: int) -> NDArray[np.float64]:
    """Principal components in units of the first: small ones stay small, since a classifier of few rows would learn their noise."""
    d = min(DIMENSIONS, vectors.shape[1], len(vectors) - 1)
    found: NDArray[np.float64] = PCA(d, random_state=seed, svd_solver="randomized").fit_transform(vectors).astype(np.float64)
    return found / max(float(found[:, 0].std()), 1e-9)


def _nearest(asked: Vectors, among: Vectors, clusters: tuple[Ints, Ints] | None = None) -> NDArray[np.float64]:
    """Cosine distance of each text to the nearest of the others; `clusters` of both: those of one cluster do not count."""
    out = np.empty(len(asked))
    for start in range(0, len(asked), BLOCK):
        similar = asked[start : start + BLOCK] @ among.T
        if clusters is not None:
            similar[clusters[0][start : start + BLOCK, None] == clusters[1][None, :]] = -2
        out[start : start + BLOCK] = 1 - similar.max(axis=1)
    return out
