"""Metrics: which scores a task has, and the door through which one more is declared.

Part of tasks; evaluate asks for `measure`. A metric is a function from an Outcome (what a system said of the rows, and the truth)
to one Score. The numbers themselves, with their intervals, are made by statistics and nowhere else.

    @metric("my_score", tasks=(SINGLE,))
    def my_score(outcome: Outcome) -> Score: ...

Shapes: n rows, L labels of the model, U labels that only the rows have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.errors import SettingsError, nearest
from goodfit.score import Score, Verdict
from goodfit.statistics.comparing import Question, compare, no_answer
from goodfit.statistics.folds import as_folds, level_of
from goodfit.statistics.scoring import absent, per_class, score_of
from goodfit.statistics.table import KINDS, PER_CLASS, kind_of

SINGLE, MULTI = "single-label", "multi-label"
NO_PROBABILITIES = "no probabilities were given"


def task_kind(multi_label: bool) -> str:
    """What metrics call the task."""
    return MULTI if multi_label else SINGLE


@dataclass(frozen=True)
class Outcome:
    """The truth of some rows, and what one system said of them."""

    names: tuple[str, ...]
    """The model's labels, then those that only the rows have (no system can give them)."""
    truth: NDArray[Any]
    """int64 [n] in 0..L+U-1, or bool [n, L+U]."""
    predictions: NDArray[Any]
    """int64 [n], or bool [n, L+U]."""
    probabilities: NDArray[Any]
    """[n, L]; NaN throughout where the system gives none."""
    clusters: NDArray[np.int64] | None = None
    """int64 [n]: rows that are not independent of each other."""
    level: float = 0.95
    folds: int | None = None
    """How many models gave the answers, each to rows that it did not learn from; None: one model."""

    @property
    def task(self) -> str:
        """SINGLE or MULTI."""
        return MULTI if self.truth.ndim == 2 else SINGLE

    @property
    def likely(self) -> bool:
        """Whether the system gives probabilities."""
        return not self.probabilities.size or not bool(np.isnan(self.probabilities[0, 0]))

    @property
    def within(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64] | None]:
        """Truth, probabilities and clusters as far as the model's labels go: a label it does not have has no probability."""
        labels = self.probabilities.shape[1]
        if self.task == MULTI:
            return self.truth[:, :labels], self.probabilities, self.clusters
        keep = self.truth < labels
        if keep.all():
            return self.truth, self.probabilities, self.clusters
        return self.truth[keep], self.probabilities[keep], None if self.clusters is None else self.clusters[keep]


Measure = Callable[[Outcome], Score]


@dataclass(frozen=True)
class Metric:
    """A declared metric."""

    name: str
    measure: Measure
    tasks: tuple[str, ...]
    """SINGLE, MULTI, or both."""
    auto: bool
    """Reported with `evaluate.metrics: auto`."""
    kind: str | None = None
    """Its row in the table of statistics, through which two systems are compared; None: it is not compared."""


METRICS: dict[str, Metric] = {}
"""Every metric, those reported by `auto` in the order of the report."""


Declare = Callable[[Measure], Measure]


def metric(name: str, *, tasks: tuple[str, ...] = (SINGLE, MULTI), auto: bool = False, kind: str | None = None) -> Declare:
    """Declares a metric: a function from an Outcome to a Score of that name."""

    def declare(measure: Measure) -> Measure:
        assert name not in METRICS, f"there are two metrics called {name}"
        METRICS[name] = Metric(name, measure, tasks, auto, kind)
        return measure

    return declare


def _data(kind: str, outcome: Outcome) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64] | None]:
    """Labels, predictions and clusters as a kind of the table needs them."""
    if KINDS[kind, outcome.task == MULTI].needs.endswith("probability"):
        return outcome.within
    return outcome.truth, outcome.predictions, outcome.clusters


def _lacks(kind: str, *outcomes: Outcome) -> bool:
    """Whether a kind needs probabilities that some system does not give."""
    needs = KINDS[kind, outcomes[0].task == MULTI].needs
    return needs.endswith("probability") and not all(one.likely for one in outcomes)


def _from_table(kind: str) -> Measure:
    def measure(outcome: Outcome) -> Score:
        if _lacks(kind, outcome):
            return absent(kind_of(kind, multilabel=outcome.task == MULTI), len(outcome.truth), outcome.level, NO_PROBABILITIES)
        truth, predictions, clusters = _data(kind, outcome)
        return score_of(kind, truth, predictions, clusters=clusters, level=outcome.level, folds=outcome.folds)

    return measure


_AUTO = (
    "macro_f1", "accuracy", "subset_accuracy", "balanced_accuracy", "micro_f1", "samples_f1", "hamming_loss", "mcc",
    "roc_auc", "pr_auc", "log_loss", "ece",
)  # fmt: skip
_ASKED = ("weighted_f1", "macro_f1_common", "error_rate", "kappa", "brier", "calibration_slope", "calibration_intercept")
for _kind in (*_AUTO, *_ASKED):
    _tasks = tuple(task for task, of_labels in ((SINGLE, False), (MULTI, True)) if (_kind, of_labels) in KINDS)
    metric(_kind, tasks=_tasks, auto=_kind in _AUTO, kind=_kind)(_from_table(_kind))


def names_for(asked: str | Sequence[str], task: str) -> list[str]:
    """The metrics that a recipe asks for, the primary one first; SettingsError for a name that the task does not have."""
    if isinstance(asked, str):
        return [name for name, one in METRICS.items() if one.auto and task in one.tasks]
    for name in asked:
        require(name, task, "evaluate.metrics")
    return list(dict.fromkeys(asked))


def require(name: str, task: str, key: str) -> Metric:
    """The metric of a name; SettingsError (with the key of the recipe) where the task does not have it."""
    found = METRICS.get(name)
    if found is not None and task in found.tasks:
        return found
    there = [known for known, one in METRICS.items() if task in one.tasks]
    why = f"is not a score of a {task} task" if found else "is not a score"
    near = nearest(name, there)
    fix = (f"did you mean {near}? " if near else "") + f"there are {', '.join(there)}"
    if name in PER_CLASS:
        fix = f"{name} is reported for every label without asking; over all labels there are {', '.join(there)}"
    raise SettingsError(f"{key}: {name!r} {why}", fix=fix)


def measure(names: Sequence[str], outcome: Outcome) -> list[Score]:
    """The scores of one system, in the order of the names."""
    return [METRICS[name].measure(outcome) for name in names]


def of_labels(kind: str, outcome: Outcome, level: float) -> list[Score]:
    """One kind of score of every label."""
    made = per_class(kind, outcome.truth, outcome.predictions, names=outcome.names, clusters=outcome.clusters,
                     level=level_of(level, outcome.folds))  # fmt: skip
    return [as_folds(one, outcome.folds, level) for one in made]


def measure_labels(outcome: Outcome) -> list[Score]:
    """precision, recall and F1 of every label, label by label; a label without rows has scores that say why there is no value."""
    listed = [of_labels(kind, outcome, outcome.level) for kind in PER_CLASS]
    return [one for of_label in zip(*listed, strict=True) for one in of_label]


def against(name: str, a: Outcome, b: Outcome, *, question: str) -> Verdict | None:
    """Is a better than b on these rows? None for a metric that is not compared."""
    kind = METRICS[name].kind
    if kind is None:
        return None
    asked = Question(question, level=a.level, folds=a.folds)
    if _lacks(kind, a, b):
        return no_answer(kind_of(kind, multilabel=a.task == MULTI), asked, len(a.truth), NO_PROBABILITIES)
    truth, ours, clusters = _data(kind, a)
    theirs = _data(kind, b)[1]
    return compare(kind, truth, ours, theirs, clusters=clusters, question=asked)
