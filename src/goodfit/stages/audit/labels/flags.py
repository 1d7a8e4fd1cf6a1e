"""Which rows are flagged as probably mislabelled, and between which bounds the share of wrong labels lies.

Part of audit's labels (methods 1.4, 1.5 and "Noise rate"). Without trusted labels the share of wrong labels is not identified: classes
that overlap look like wrong labels. So there are two ends and no middle. At least: rows of which both readers, each for itself, are sure
that they belong to the same other class. At most: the total of the confident joint, which takes all overlap for noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodfit.stages.audit.labels.joint import confident_joint, off_share, pruned
from goodfit.stages.audit.labels.opinion import Opinion, Subject
from goodfit.statistics.proportions import wilson

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
SURE, DOUBTED = 0.5, 0.1
"""One class per row: both readers give another class at least the first, and the given class less than the second."""
DOUBTED_OF_SEVERAL, KNOWN = 0.05, 0.7
"""Several labels: both give a label less than the first, of those that they give the second on average where it stands; or one that does
not stand there more than one less the first. Rare labels look doubtful everywhere, so only those count that the readers know."""
RESAMPLES = 200


@dataclass(frozen=True)
class Bounds:
    """Ends of the share of rows with a wrong label."""

    n: int
    agreed: int
    """Rows of which both readers are sure."""
    joint: float
    """Total of the confident joint off its diagonal."""
    joint_ends: tuple[float, float]
    """Its bootstrap interval."""

    @property
    def low(self) -> float:
        """At least: Wilson's lower end of the agreed rows."""
        return wilson(self.agreed, self.n)[0]

    @property
    def high(self) -> float:
        """At most: the upper end of the joint's interval."""
        return max(self.joint_ends[1], self.low)


def flagged(subject: Subject, chances: Floats) -> Mask:
    """Rows that the confident joint prunes, [n]; of several labels a row those that it prunes for any of them."""
    if subject.exclusive:
        return pruned(subject.labels, chances)
    out = np.zeros(len(chances), dtype=bool)
    for given, chance in zip(subject.targets.T.astype(np.int64), chances.T):
        out |= pruned(given, np.stack([1 - chance, chance], axis=1))
    return out


def agreed(subject: Subject, opinion: Opinion) -> Mask:
    """Rows of which both readers are sure that the same other class is right, [n] (of several labels: that one of them is wrong)."""
    given = subject.targets > 0
    if not subject.exclusive:
        return _agreed_of_several(given, opinion)
    both = np.where(given, 0, np.minimum(opinion.linear, opinion.near)).max(axis=1)
    own = np.where(given, np.maximum(opinion.linear, opinion.near), 0).max(axis=1)
    out: Mask = (both >= SURE) & (own < DOUBTED)
    return out


def _agreed_of_several(given: Mask, opinion: Opinion) -> Mask:
    rows = np.maximum(given.sum(axis=0), 1)
    known = np.minimum((opinion.linear * given).sum(axis=0), (opinion.near * given).sum(axis=0)) / rows >= KNOWN
    added = given & known & (np.maximum(opinion.linear, opinion.near) < DOUBTED_OF_SEVERAL)
    missing = ~given & (np.minimum(opinion.linear, opinion.near) > 1 - DOUBTED_OF_SEVERAL)
    out: Mask = np.any(added | missing, axis=1)
    return out


def bounds(subject: Subject, opinion: Opinion) -> Bounds:
    """At least and at most, each with its sampling error."""
    n = len(subject.targets)
    rng = np.random.default_rng([subject.seed, 2])
    joint = _total(subject, opinion, np.arange(n))
    low, high = np.quantile([_total(subject, opinion, rng.integers(n, size=n)) for _ in range(RESAMPLES)], (0.025, 0.975))
    return Bounds(n, int(agreed(subject, opinion).sum()), joint, (min(float(low), joint), max(float(high), joint)))


def _total(subject: Subject, opinion: Opinion, rows: npt.NDArray[np.int64]) -> float:
    """Off the diagonal of the joint over these rows; of several labels: rows that some joint prunes."""
    chances = opinion.mixed[rows]
    if subject.exclusive:
        return off_share(confident_joint(subject.labels[rows], chances))
    return float(flagged(Subject(chances, subject.targets[rows], rows, False), chances).mean())
