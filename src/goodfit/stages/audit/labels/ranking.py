"""How suspicious the label of a row is, and which label is likelier.

Part of audit's labels. The log-ratio of the likeliest other class to the given one finds labels that are wrong anyhow; confusions between
classes are found by what knows of them. So rows are ranked by the mean of two ranks: that of the log-ratio, and with up to 10 classes that
of the chance that the label is wrong where classes are mistaken for each other as the confident joint counts them; with more classes the
joint is too thin, and the margin P(other) - P(given) takes its place (methods 1.3; docs/decisions/0401). Where a row has several labels
each is a question of its own, and the row is as suspicious as the least certain of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from goodfit.stages.audit.labels.joint import confident_joint

Chances = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FEW_CLASSES = 10
_LEAST = 1e-6
STRATA = (0.05, 0.10, 0.25, 0.60)
"""Shares of the rows in the strata of suspicion, the most suspicious first: reviews are drawn by them."""


@dataclass(frozen=True)
class Ranking:
    """What each of n rows is suspected of."""

    score: Floats
    """[n], the larger the more suspicious; comparable within one data set only."""
    label: Ints
    """[n]: the given class; of several labels a row the one concerned."""
    suggested: Ints
    """[n]: the likelier class; of several labels a row the one concerned (to be added where it is not given, else left out)."""
    probability: Floats
    """[n]: of what is suggested."""


def rank_classes(labels: Ints, chances: Chances) -> Ranking:
    """One class per row: labels [n], chances [n, K]."""
    n, k = chances.shape
    rows = np.arange(n)
    given = chances[rows, labels].astype(np.float64)
    rivals = chances.astype(np.float64)
    rivals[rows, labels] = -1
    suggested = rivals.argmax(axis=1)
    other = rivals[rows, suggested]
    ratio = np.log(other + _LEAST) - np.log(given + _LEAST)
    second = doubt(labels, chances) if k <= FEW_CLASSES else other - given
    return Ranking((stats.rankdata(ratio) + stats.rankdata(second)) / (2 * n), labels, suggested, other)


def doubt(labels: Ints, chances: Chances) -> Floats:
    """The chance that the label is wrong, [n]: Bayes' rule with how often a class is given as another, from the confident joint."""
    joint = confident_joint(labels, chances)
    mistaken = joint / np.maximum(joint.sum(axis=0), 1e-9)
    likelihood = chances.astype(np.float64) * mistaken[labels]
    right = likelihood[np.arange(len(labels)), labels]
    out: Floats = 1 - right / np.maximum(likelihood.sum(axis=1), 1e-12)
    return out


def rank_sets(given: npt.NDArray[np.bool_], chances: Chances) -> Ranking:
    """Several classes per row: given [n, K], chances [n, K] of each class by itself."""
    sure = np.where(given, chances, 1 - chances).astype(np.float64)
    worst = sure.argmin(axis=1)
    doubted = 1 - sure[np.arange(len(sure)), worst]
    return Ranking(doubted, worst, worst, doubted)


def positions(score: Floats) -> Ints:
    """The place of every row, 0 for the most suspicious, [n]; equal scores keep the order of the rows."""
    out = np.empty(len(score), dtype=np.int64)
    out[np.argsort(-score, kind="stable")] = np.arange(len(score))
    return out


def strata_of(position: Ints) -> npt.NDArray[np.int8]:
    """The stratum of every row by its place, int8 [n]: 0 the first 5%, 1 the next 10%, 2 the next 25%, 3 the rest."""
    ends = np.ceil(np.cumsum(STRATA[:-1]) * len(position) - 1e-9)
    return np.searchsorted(ends, position, side="right").astype(np.int8)
