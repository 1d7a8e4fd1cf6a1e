"""What a second reader would say of every label: probabilities of every class of a row, by models that never saw the row.

Part of audit's labels: START HERE. Logistic regression on the rows' vectors, cross-validated by class and group, three times over, mixed
with what the nearest rows of other groups carry (methods 1.1-1.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodfit.stages.audit.labels.folds import FOLDS, folds_of
from goodfit.stages.audit.labels.linear import Linear, fit
from goodfit.stages.audit.labels.neighbours import Neighbours, neighbours_of

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
STRENGTHS = (0.1, 1.0, 10.0)
REPEATS = 3
WEIGHT = 0.7
"""Of the regression in the mix; chosen on sets that no benchmark reports (docs/decisions/0401)."""
WORK = 600_000_000
"""Rows times classes times features up to which the folds are drawn three times, else once."""
OnProgress = Callable[[float], None]


@dataclass(frozen=True)
class Subject:
    """What is judged: n rows of K classes."""

    vectors: Floats
    """[n, d], of length 1."""
    targets: Floats
    """[n, K]: 1 for the classes given, else 0."""
    groups: Ints
    """[n]: rows of one group (near-duplicates, one customer) do not judge each other."""
    exclusive: bool
    """One class per row."""
    seed: int = 0

    @property
    def labels(self) -> Ints:
        """The given class of every row, [n] (of several the rarest: what folds go by)."""
        if self.exclusive:
            return self.targets.argmax(axis=1)
        rare = self.targets / np.maximum(self.targets.sum(axis=0), 1)
        return np.where(rare.any(axis=1), rare.argmax(axis=1), self.targets.shape[1])


@dataclass(frozen=True)
class Opinion:
    """Probabilities of every class of every row, [n, K] each."""

    linear: Floats
    near: Floats
    neighbours: Neighbours
    strength: float
    """The inverse penalty that held-out labels liked best."""
    first: tuple[Linear, ...]
    """The models of the first folds, one per fold."""
    fold: Ints
    """[n]: the first folds."""

    @property
    def mixed(self) -> Floats:
        """Both together."""
        return mix(self.linear, self.near)


def mix(linear: Floats, near: Floats) -> Floats:
    """What regression and nearest rows say together, [n, K]."""
    out: Floats = np.float32(WEIGHT) * linear + np.float32(1 - WEIGHT) * near
    return out


def opinion_of(subject: Subject, *, on_progress: OnProgress | None = None) -> Opinion:
    """Judges every row by models that never saw it or its group."""
    told = on_progress or (lambda _: None)
    neighbours = neighbours_of(subject.vectors, subject.groups, on_block=lambda done: told(0.2 * done / len(subject.vectors)))
    features = centred(subject.vectors)
    fold = folds_of(subject.labels, subject.groups, subject.seed)
    linear, models, strength = _best(subject, features, fold)
    told(0.5)
    again = REPEATS if features.size * subject.targets.shape[1] <= WORK else 1
    for repeat in range(1, again):
        other = folds_of(subject.labels, subject.groups, subject.seed + repeat)
        linear = linear + out_of_fold(subject, features, other, strength)[0]
        told(0.5 + 0.5 * repeat / (again - 1))
    return Opinion(linear / np.float32(again), neighbours.shares(subject.targets), neighbours, strength, models, fold)


def centred(vectors: Floats) -> Floats:
    """Vectors with their mean taken away: the same models, found in fewer steps."""
    out: Floats = vectors - vectors.mean(axis=0)
    return out


def out_of_fold(
    subject: Subject, features: Floats, fold: Ints, strength: float, start: tuple[Linear, ...] | None = None
) -> tuple[Floats, tuple[Linear, ...]]:
    """Probabilities [n, K] of each fold's rows by the model of the other folds, and those models."""
    out = np.empty_like(subject.targets)
    models = []
    for k in range(FOLDS):
        held = fold == k
        begin = None if start is None else start[k]
        model = fit(features[~held], subject.targets[~held], strength, exclusive=subject.exclusive, start=begin)
        out[held] = model.chances(features[held])
        models.append(model)
    return out, tuple(models)


def _best(subject: Subject, features: Floats, fold: Ints) -> tuple[Floats, tuple[Linear, ...], float]:
    """The strength whose held-out log-loss on the given labels is lowest, with its probabilities and models."""
    best: tuple[float, Floats, tuple[Linear, ...], float] | None = None
    models = None
    for strength in STRENGTHS:
        chances, models = out_of_fold(subject, features, fold, strength, models)
        given = np.where(subject.targets > 0, chances, 1 if subject.exclusive else 1 - chances)
        loss = -float(np.log(np.maximum(given, 1e-6)).mean())
        if best is None or loss < best[0]:
            best = (loss, chances, models, strength)
    assert best is not None
    return best[1:]
