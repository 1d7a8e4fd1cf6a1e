"""How many of the flags are real: labels are changed on purpose in a copy of this very data set, and looked for.

Part of audit's labels. What can be measured so is the recall of the flags: the share of changed labels that they find, where labels are
wrong anyhow and where they are wrong as the classes are confused. How many flags are real follows from it once one supposes how many
labels are wrong, which nothing here can tell (flags.py): precision = recall x wrong rows / flags. So the answer names what it supposes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from goodfit.stages.audit.labels.flags import flagged
from goodfit.stages.audit.labels.opinion import Opinion, Subject, centred, mix, out_of_fold
from goodfit.statistics.proportions import wilson

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
SHARE = 0.05
"""Of the labels are changed in one copy: few enough that the rest of the data stays as it is."""
ENOUGH, COPIES = 150, 3
"""Changed labels that are enough; copies at most."""


@dataclass(frozen=True)
class Found:
    """Of so many planted wrong labels so many are flagged."""

    anyhow: tuple[int, int]
    """Labels changed to any other class: found, planted."""
    confused: tuple[int, int]
    """Labels changed as the data confuses the classes: found, planted."""

    @property
    def recall(self) -> float:
        """Share found, both kinds weighing alike."""
        return float(np.mean([found / planted for found, planted in (self.anyhow, self.confused) if planted] or [0.0]))

    @property
    def ends(self) -> tuple[float, float]:
        """From the lower end (95%) of the kind that is found worse to the upper end of the one that is found better."""
        each = [wilson(found, planted) for found, planted in (self.anyhow, self.confused) if planted]
        return (min(low for low, _ in each), max(high for _, high in each)) if each else (0.0, 1.0)


def precision(recall: float, noise: float, rows: int, flags: int) -> float:
    """Share of the flags that are real, where a share `noise` of the rows has a wrong label."""
    return min(1.0, recall * noise * rows / flags) if flags else 0.0


def look_for_planted(subject: Subject, opinion: Opinion, *, on_copy: Callable[[float], None] | None = None) -> Found:
    """Changes labels in copies, judges the copies by the folds that are there, and counts what the flags find."""
    n = len(subject.targets)
    rng = np.random.default_rng([subject.seed, 1])
    features = centred(subject.vectors)
    each = max(2, round(SHARE * n))
    counts = np.zeros((2, 2), dtype=np.int64)
    copies = min(COPIES, -(-ENOUGH // each))
    for copy in range(copies):
        rows = rng.permutation(n)[:each]
        confused = np.arange(each) % 2 == 1
        targets = changed(subject, opinion.mixed, rows, confused, rng)
        planted = replace(subject, targets=targets)
        linear, _ = out_of_fold(planted, features, opinion.fold, opinion.strength, opinion.first)
        hit = flagged(planted, mix(linear, opinion.neighbours.shares(targets)))[rows]
        for kind in (0, 1):
            counts[kind] += hit[confused == kind].sum(), (confused == kind).sum()
        if on_copy is not None:
            on_copy((copy + 1) / copies)
    (a, b), (c, d) = counts.tolist()
    return Found((a, b), (c, d))


def changed(subject: Subject, chances: Floats, rows: Ints, confused: Mask, rng: np.random.Generator) -> Floats:
    """Targets with one label of each of `rows` changed: to any other class, or where `confused` as the classes are."""
    targets = subject.targets.copy()
    k = targets.shape[1]
    like = confusions(subject.targets, chances)
    for row, alike in zip(rows, confused):
        held = np.flatnonzero(targets[row] > 0)
        given = int(rng.choice(held)) if len(held) else -1
        weights = np.where(targets[row] > 0, 0.0, like[given] if alike and given >= 0 else 1.0)
        if given >= 0:
            targets[row, given] = 0
        if weights.sum() > 0 and (subject.exclusive or rng.random() < 0.5 or given < 0):
            targets[row, int(rng.choice(k, p=weights / weights.sum()))] = 1
        elif subject.exclusive and given >= 0:
            targets[row, (given + 1 + rng.integers(k - 1)) % k] = 1
    return targets


def confusions(targets: Floats, chances: Floats) -> npt.NDArray[np.float64]:
    """The mean probability of every class over the rows of each, [K, K], nothing on the diagonal."""
    out: npt.NDArray[np.float64] = (targets.T @ chances / np.maximum(targets.sum(axis=0)[:, None], 1)).astype(np.float64)
    np.fill_diagonal(out, 0)
    return out
