"""What will be asked: every population, axis, member, measure and label, before a single answer is read. Part of assess.

The grid is what makes "not measured" exhaustive: each of its questions ends as a gap with an answer, or among what was not measured, with
the reason. Declared measures (`assess.metrics`) are primary; all others are looked at too, at a bar of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goodfit.recipe import Assess
from goodfit.statistics.gaps import METRICS

LABELS = 6
"""Labels that are looked at one by one where the recipe names none, the most frequent."""
OF_LABEL = ("fpr", "fnr")
"""Harms of a label that has consequences."""
SECOND = ("error", "tpr", "fpr", "ppv", "selection", "bias")
"""Measures beside the declared ones (equal opportunity, equalised odds, predictive and demographic parity, calibration)."""
OPPOSITE = {"tpr": "fnr", "fnr": "tpr", "fpr": "tnr", "tnr": "fpr", "error": "accuracy", "accuracy": "error"}
"""A measure that says the same of the same rows."""


@dataclass(frozen=True)
class Measure:
    """One measure, of one label where it is of one."""

    metric: str
    label: str | None
    primary: bool

    @property
    def name(self) -> str:
        """`fpr of 'hate'`, `error`."""
        return self.metric if self.label is None else f"{self.metric} of {self.label!r}"


@dataclass(frozen=True)
class Grid:
    """The measures of a task, and the labels that are left out of it."""

    measures: tuple[Measure, ...]
    labels: tuple[str, ...]
    """Those that are looked at one by one."""
    left_out: tuple[str, ...]

    @property
    def primary(self) -> tuple[Measure, ...]:
        """The declared ones."""
        return tuple(one for one in self.measures if one.primary)


def grid_of(section: Assess, labels: Sequence[str], counts: dict[str, int], *, multi_label: bool) -> Grid:
    """The measures for a task with these labels (`counts`: training rows of each)."""
    looked = labels_of(section, labels, counts, multi_label=multi_label)
    auto = ("error", *(OF_LABEL if section.label else ()))
    declared = auto if section.metrics == "auto" else tuple(section.metrics)
    primary = [one for metric in declared for one in _each(metric, looked, primary=True)]
    taken = {(one.metric, one.label) for one in primary} | {(OPPOSITE.get(one.metric), one.label) for one in primary}
    second = [one for metric in SECOND for one in _each(metric, looked, primary=False) if (one.metric, one.label) not in taken]
    return Grid((*primary, *second), looked, tuple(label for label in labels if label not in looked) if len(labels) > 2 else ())


def labels_of(section: Assess, labels: Sequence[str], counts: dict[str, int], *, multi_label: bool) -> tuple[str, ...]:
    """The labels that are looked at: those that the recipe names; of two the rarer, which says all of the other; else the most frequent."""
    if section.label:
        return tuple(section.label)
    by_size = sorted(labels, key=lambda label: (-counts.get(label, 0), label))
    if len(labels) == 2 and not multi_label:
        return (by_size[-1],)
    kept = set(by_size[:LABELS])
    return tuple(label for label in labels if label in kept)


def _each(metric: str, labels: Sequence[str], *, primary: bool) -> list[Measure]:
    if not METRICS[metric].needs_label and metric != "bias":
        return [Measure(metric, None, primary)]
    return [Measure(metric, label, primary) for label in labels]
