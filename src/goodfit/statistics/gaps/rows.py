"""What each row contributes to a rate: every rate here is a mean of values over the rows that count for it.

Part of statistics.gaps. Rates, gaps, composites and differences between systems all start from `per_row`, so that they share one
estimator. Shapes: n rows, L classes or labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from goodfit.score import Unit
from goodfit.statistics.influence import Flags
from goodfit.statistics.sample import Floats, Ints

Harm = Literal["higher", "lower", "either", "none"]


@dataclass(frozen=True)
class Metric:
    """One rate: what it is a mean of, over which rows, and which way is a harm."""

    name: str
    conditioning: str
    """The rows that count, in words."""
    harm: Harm
    """`higher`: a higher rate is worse; `either`: away from 0 is worse; `none`: a fact of the data."""
    needs_label: bool = True
    needs_scores: bool = False
    unit: Unit = "share"

    @property
    def higher_is_better(self) -> bool:
        """As a Score says it."""
        return self.harm == "lower"


METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        Metric("error", "all rows", "higher", needs_label=False),
        Metric("accuracy", "all rows", "lower", needs_label=False),
        Metric("tpr", "rows of the class", "lower"),
        Metric("fpr", "rows of other classes", "higher"),
        Metric("fnr", "rows of the class", "higher"),
        Metric("tnr", "rows of other classes", "lower"),
        Metric("ppv", "rows predicted as the class", "lower"),
        Metric("selection", "all rows", "none"),
        Metric("base_rate", "all rows", "none"),
        Metric("bias", "all rows", "either", needs_scores=True),
    )
}
"""Equal `selection`: demographic parity. Equal `tpr`: equality of opportunity; with equal `fpr`: equalised odds (Hardt et al. 2016). Equal
`ppv`: predictive parity. `bias`: mean probability minus base rate, calibration in the large."""


@dataclass(frozen=True)
class Facts:
    """Truth and what a system said, of the same rows.

    `truth`, `said`: int [n] (class index), or 0/1 [n, L] for several labels a row. `scores`: float [n, L], or [n] (probability of class 1),
    or None. `clusters`: int [n] or None (customer, template, document).
    """

    truth: Any
    said: Any
    scores: Any = None
    clusters: Ints | None = None

    def __post_init__(self) -> None:
        """Shapes agree, and numbers are finite; else ValueError."""
        truth, said = np.asarray(self.truth), np.asarray(self.said)
        if truth.shape != said.shape or truth.ndim not in (1, 2):
            raise ValueError(f"truth has shape {truth.shape}, said {said.shape}: both are [n], or both are [n, L]")
        for name, other in (("scores", self.scores), ("clusters", self.clusters)):
            if other is not None and len(other) != len(truth):
                raise ValueError(f"{len(other)} {name} for {len(truth)} rows")
        if self.scores is not None and not np.isfinite(self.scores).all():
            raise ValueError("scores: not all numbers are finite")

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.truth)


@dataclass(frozen=True)
class Axis:
    """Who belongs to whom: a mask [n] per member (a row may have several members or none); `known` [n]: rows whose membership is known.

    With `known` None every row is known: a row without a member counts as outside of each.
    """

    members: Mapping[str, Flags]
    known: Flags | None = None
    clusters: Ints | None = None


def per_row(metric: str, facts: Facts, label: int | None = None) -> tuple[Floats, Flags]:
    """(values float [n], counted bool [n]): the rate of any set of rows is the mean of values over its counted rows.

    `label`: the class (column) that is one against the rest; `error` and `accuracy` may go without (several labels a row: all right).
    Raises ValueError for an unknown metric, a missing label, or missing scores.
    """
    about = METRICS.get(metric)
    if about is None:
        raise ValueError(f"no metric {metric!r}; there are {', '.join(METRICS)}")
    if about.needs_label and label is None:
        raise ValueError(f"{metric} is of one class against the rest: say which (label=)")
    truth, said = _one(np.asarray(facts.truth), label), _one(np.asarray(facts.said), label)
    everyone = np.ones(facts.n, dtype=np.bool_)
    if metric in ("error", "accuracy"):
        right = truth == said if truth.ndim == 1 else (truth == said).all(axis=1)
        return (right if metric == "accuracy" else ~right).astype(np.float64), everyone
    if metric == "bias":
        return _probability(facts, label or 0) - truth, everyone
    values, counted = {
        "tpr": (said, truth), "fnr": (~said, truth), "fpr": (said, ~truth), "tnr": (~said, ~truth),
        "ppv": (truth, said), "selection": (said, everyone), "base_rate": (truth, everyone),
    }[metric]  # fmt: skip
    return values.astype(np.float64), counted


def _one(array: Any, label: int | None) -> Any:
    if label is None:
        return array
    return array[:, label].astype(np.bool_) if array.ndim == 2 else array == label


def _probability(facts: Facts, label: int) -> Floats:
    if facts.scores is None:
        raise ValueError("bias needs scores (probabilities)")
    scores = np.asarray(facts.scores, dtype=np.float64)
    if scores.ndim == 1:
        return scores if label == 1 else 1 - scores
    return np.asarray(scores[:, label])
