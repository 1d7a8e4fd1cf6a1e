"""The first door: labels and predictions in, Scores out. Everything that reports a number about a model comes through here.

Part of statistics. `score` and `per_class` never raise for data on which a number does not exist: the Score then says why it is
absent. They raise ValueError for arrays that do not fit together, and SettingsError for a kind that does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from goodfit.score import Score
from goodfit.statistics.folds import as_folds, level_of
from goodfit.statistics.influence import Influenced
from goodfit.statistics.sample import Estimate, Sample, Unscorable, sample_of
from goodfit.statistics.table import PER_CLASS, Kind, kind_of

LEAST_CLUSTERS = 5
"""Clusters below which a number is given without an interval."""
FEW_ROWS = 5
"""Rows below which a class is too rare for a dependable F1."""


def score(
    kind: str, labels: Any, predictions: Any, *, clusters: Any = None, level: float = 0.95, seed: int = 0
) -> Score:  # fmt: skip
    """One number with its interval.

    Args:
        kind: a name of the table: `accuracy`, `macro_f1`, `roc_auc`, `log_loss`, `mean` …
        labels: int [n]; bool [n, L] for multi-label; None for `rate`, `mean`, `loss`, `bounded_mean`; float [n] for correlations.
        predictions: int [n], bool [n, L], probabilities [n, K] (binary also [n]), or one value per row [n], as the kind needs.
        clusters: any name per row [n]; rows of one cluster (customer, document, template) are not independent.
        level: confidence level; `multiple.level_for` gives the one for several looks.
        seed: same seed, same bits.

    """
    row = kind_of(kind, multilabel=np.ndim(labels) == 2)
    try:
        sample = sample_of(row.needs, labels, predictions, clusters)
    except Unscorable as reason:
        return absent(row, 0, level, str(reason))
    return measure(row, sample, level, np.random.default_rng(seed))


def score_of(kind: str, labels: Any, predictions: Any, *, clusters: Any = None, level: float = 0.95, folds: int | None = None) -> Score:
    """`score` of answers that `folds` models gave, each to rows that it did not learn from; None: one model gave them."""
    return as_folds(score(kind, labels, predictions, clusters=clusters, level=level_of(level, folds)), folds, level)


def rate_of(flags: Any, clusters: Any = None) -> Score:
    """The share of rows; as if they were independent where there are too few clusters for an interval."""
    found = score("rate", None, flags, clusters=clusters)
    return found if found.low is not None else score("rate", None, flags)


def point(kind: str, labels: Any, predictions: Any) -> float | None:
    """The number alone, without interval or smallest n: for early stopping. None where it does not exist."""
    row = kind_of(kind, multilabel=np.ndim(labels) == 2)
    try:
        return row.family.point(sample_of(row.needs, labels, predictions))
    except Unscorable:
        return None


def per_class(
    kind: str, labels: Any, predictions: Any, *, names: Sequence[str], clusters: Any = None, level: float = 0.95
) -> list[Score]:  # fmt: skip
    """`precision`, `recall` or `f1` of every class (or label), in the order of `names`; `n` of a recall or F1 is the class's rows.

    labels and predictions are int [n] with K = len(names) classes, or bool [n, L].
    """
    if kind not in PER_CLASS:
        raise ValueError(f"{kind} is not given per class; {', '.join(PER_CLASS)} are")
    row, multilabel = kind_of(kind), np.ndim(labels) == 2
    try:
        whole = sample_of("multilabel_prediction" if multilabel else "prediction", labels, predictions, clusters)
    except Unscorable as reason:
        return [absent(row, 0, level, str(reason)).about(label=name) for name in names]
    seen = whole.labels.shape[1] if multilabel else int(max(whole.labels.max(), whole.predictions.max())) + 1
    if seen > len(names) or (multilabel and seen < len(names)):
        raise ValueError(f"{len(names)} names for {seen} classes")
    rng = np.random.default_rng(0)
    return [measure(row, whole.column(j), level, rng).about(label=name) for j, name in enumerate(names)]


def left_out(
    kind: str, labels: Any, predictions: Any, kept: Any, *, clusters: Any = None, level: float = 0.95
) -> Score:  # fmt: skip
    """How far a number moves when rows are left out: its value on the kept rows minus that on all.

    Which rows are kept counts as chance too. For kinds with an influence per row (means, losses per size); `kept` is bool [n], the rest
    as in `score`.
    """
    row, kept = kind_of(kind), np.asarray(kept, dtype=bool)
    if not isinstance(row.family, Influenced):
        raise ValueError(f"{kind} has no influence per row")
    try:
        whole = sample_of(row.needs, labels, predictions, clusters)
        part = sample_of(row.needs, None if labels is None else np.asarray(labels)[kept], np.asarray(predictions)[kept])
        found = row.family.moved(whole, part, kept, level)
        if whole.clusters is not None and whole.units < LEAST_CLUSTERS:
            found = Estimate(found.value, None, None, f"none: fewer than {LEAST_CLUSTERS} clusters")
    except Unscorable as reason:
        return absent(row, len(kept), level, str(reason)).about(name=f"{row.name}_difference")
    return Score(
        name=f"{row.name}_difference", value=found.value, low=found.low, high=found.high, level=level, n=len(kept), unit=row.unit,
        higher_is_better=row.higher_is_better, method=found.method, clusters=None if whole.clusters is None else whole.units,
    )  # fmt: skip


def rare_classes(labels: Any, names: Sequence[str], *, least: int = FEW_ROWS) -> list[tuple[str, int]]:
    """Classes (or labels) with fewer than `least` rows, rarest first: what makes a macro-F1 undependable, by name."""
    array = np.asarray(labels)
    counts = array.sum(axis=0) if array.ndim == 2 else np.bincount(array.astype(np.int64), minlength=len(names))
    rare = [(name, int(count)) for name, count in zip(names, counts, strict=True) if count < least]
    return sorted(rare, key=lambda pair: pair[1])


def measure(row: Kind, sample: Sample, level: float, rng: np.random.Generator) -> Score:
    """A Score from a checked sample."""
    if sample.n < row.min_n:
        return absent(row, sample.n, level, f"n below {row.min_n}")
    try:
        if sample.clusters is not None and sample.units < LEAST_CLUSTERS:
            made = Estimate(row.family.point(sample), None, None, f"none: fewer than {LEAST_CLUSTERS} clusters")
        else:
            made = row.family.measure(sample, level, rng)
    except Unscorable as reason:
        return absent(row, sample.n, level, str(reason))
    low, high = (_within(end) if row.unit == "share" else end for end in (made.low, made.high))
    return Score(
        name=row.name, value=made.value, low=low, high=high, level=level, n=sample.n if made.n is None else made.n,
        unit=row.unit, higher_is_better=row.higher_is_better, method=made.method, resamples=made.resamples,
        clusters=None if sample.clusters is None else sample.units,
    )  # fmt: skip


def _within(end: float | None) -> float | None:
    """An end of a share's interval, which no share can lie beyond."""
    return None if end is None else min(max(end, 0.0), 1.0)


def absent(row: Kind, n: int, level: float, reason: str) -> Score:
    """The Score of a number that does not exist."""
    return Score(name=row.name, level=level, n=n, unit=row.unit, higher_is_better=row.higher_is_better, why_absent=reason)
