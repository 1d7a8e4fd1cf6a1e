"""Numbers that are functions of counts: macro-F1, weighted F1, MCC, kappa, and their multi-label relatives.

Part of statistics. Per class k three sums suffice: rows that carry it, rows predicted as it, rows where both agree (sums laid
out as [carried 0..K-1, predicted 0..K-1, hits 0..K-1]). The family `Counted` draws those sums: BCa bootstrap for the interval,
and for two systems BCa on the difference plus the swap test. The percentile bootstrap, which every tutorial uses, covers 75-89%
with 77 classes (docs/why/statistics.md).

Definitions are scikit-learn's; a class that no row carries and no row is predicted as has no F1 and is left out of the mean
(`average="macro"` on the labels seen). MCC and kappa are 0 where they would be 0/0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from goodfit.statistics.bootstrap import (
    Statistic,
    Units,
    bca,
    bias_within,
    clustered_critical,
    draws_for,
    leave_one_out,
    pulls_of,
    resample,
    swap_test,
    units_of,
)  # fmt: skip
from goodfit.statistics.proportions import normal_quantile
from goodfit.statistics.sample import Contrast, Estimate, Floats, Sample, Unscorable, joined

Ends = tuple[float, float] | None
"""An interval, or None where none can be given."""
Edge = Callable[[Floats, int, float], Ends]
"""(sums [3K], independent units, level) -> interval where no row changes the value because all are right, or all wrong."""
COMMON = 10
"""Rows from which a class counts as common."""


def class_rows(sample: Sample) -> Any:
    """Single-label rows as sparse [n, 3K]."""
    y, p, n = sample.labels, sample.predictions, sample.n
    classes = int(max(y.max(), p.max())) + 1
    hit = np.flatnonzero(y == p)
    row = np.concatenate([np.arange(n), np.arange(n), hit])
    column = np.concatenate([y, classes + p, 2 * classes + y[hit]])
    return sparse.csr_array((np.ones(len(row)), (row, column)), shape=(n, 3 * classes))


def label_rows(sample: Sample) -> Any:
    """Multi-label rows (or one class against the rest, [n]) as sparse [n, 3L]."""
    y, p = sample.labels.reshape(sample.n, -1), sample.predictions.reshape(sample.n, -1)
    blocks = [sparse.csr_array(part, dtype=np.float64) for part in (y, p, y & p)]
    return sparse.csr_array(sparse.hstack(blocks))


def _parts(sums: Floats) -> tuple[Floats, Floats, Floats]:
    classes = sums.shape[-1] // 3
    return sums[..., :classes], sums[..., classes : 2 * classes], sums[..., 2 * classes :]


def _ratio(over: Floats, under: Floats, empty: float = 0.0) -> Floats:
    return np.asarray(np.divide(over, under, out=np.full(np.broadcast(over, under).shape, empty), where=under > 0))


def macro_f1(sums: Floats) -> Floats:
    """Mean F1 of the classes seen."""
    carried, predicted, hits = _parts(sums)
    either = carried + predicted
    return _ratio(_ratio(2 * hits, either).sum(-1), (either > 0).sum(-1))


def weighted_f1(sums: Floats) -> Floats:
    """Mean F1 weighted by the rows of each class."""
    carried, predicted, hits = _parts(sums)
    return _ratio((carried * _ratio(2 * hits, carried + predicted)).sum(-1), carried.sum(-1))


def micro_f1(sums: Floats) -> Floats:
    """F1 of all decisions together."""
    carried, predicted, hits = _parts(sums)
    return _ratio(2 * hits.sum(-1), (carried + predicted).sum(-1))


def balanced_accuracy(sums: Floats) -> Floats:
    """Mean recall of the classes that have rows."""
    carried, _, hits = _parts(sums)
    return _ratio(_ratio(hits, carried).sum(-1), (carried > 0).sum(-1))


def mcc(sums: Floats) -> Floats:
    """Matthews correlation coefficient of any number of classes (Gorodkin 2004)."""
    carried, predicted, hits = _parts(sums)
    n, right = carried.sum(-1), hits.sum(-1)
    spread_carried = np.maximum(n**2 - (carried**2).sum(-1), 0)
    spread_predicted = np.maximum(n**2 - (predicted**2).sum(-1), 0)
    return _ratio(right * n - (carried * predicted).sum(-1), np.sqrt(spread_carried) * np.sqrt(spread_predicted))


def kappa(sums: Floats) -> Floats:
    """Cohen's kappa."""
    carried, predicted, hits = _parts(sums)
    n = carried.sum(-1)
    by_chance = (carried * predicted).sum(-1)
    return _ratio(hits.sum(-1) * n - by_chance, n**2 - by_chance)


def recall(sums: Floats) -> Floats:
    """Hits among the rows of one class [..., 3]; 0 where there are none."""
    carried, _, hits = _parts(sums)
    return _ratio(hits, carried)[..., 0]


def precision(sums: Floats) -> Floats:
    """Hits among the rows predicted as one class [..., 3]; 0 where there are none."""
    _, predicted, hits = _parts(sums)
    return _ratio(hits, predicted)[..., 0]


def common_rows(sample: Sample) -> Any:
    """Like `class_rows` (or `label_rows`), with the classes of fewer than `COMMON` rows left out of every sum."""
    rows = label_rows(sample) if sample.labels.ndim == 2 else class_rows(sample)
    classes = rows.shape[1] // 3
    carried = np.asarray(rows.sum(axis=0))[:classes]
    keep = np.flatnonzero(carried >= COMMON)
    if not len(keep):
        raise Unscorable(f"no class has {COMMON} rows")
    return sparse.csr_array(rows[:, np.concatenate([keep, classes + keep, 2 * classes + keep])])


@dataclass(frozen=True)
class Counted:
    """A family of kinds: a statistic of sums over rows, drawn with replacement."""

    rows: Callable[[Sample], Any]
    statistic: Statistic
    edge: Edge | None = None
    strata: bool = False
    """Whether each row carries exactly one class, by which a split may have been stratified."""
    uneven: bool = False
    """Whether rows weigh very differently (texts of any length): the critical value then is that of clusters, also without them."""
    interval: str = "bca"
    test: str = "paired_bootstrap"

    def point(self, sample: Sample) -> float:
        """The number alone."""
        rows = self.rows(sample)
        return float(self.statistic(np.asarray(rows.sum(axis=0), dtype=np.float64).ravel()))

    def measure(self, sample: Sample, level: float, rng: np.random.Generator) -> Estimate:
        """The number with its BCa interval."""
        units = units_of(self.rows(sample), sample.clusters, rng)
        total = units.total()
        value = float(self.statistic(total))
        without = leave_one_out(units, self.statistic)
        clustered = sample.clusters is not None
        if np.ptp(without) <= 1e-12:
            ends = None if self.edge is None else self.edge(total, sample.units, level)
            if ends is None:
                return Estimate(value, None, None, "none: no row changes the value")
            return Estimate(float(round(value)), *ends, f"{self.interval}_clustered_edge" if clustered else f"{self.interval}_edge")
        resamples = draws_for(level)
        draws = resample(units, self.statistic, resamples, rng)
        shift = self._halfway(units, value, without, float(draws.std())) if not clustered and self.strata else 0.0
        critical = clustered_critical(without, units, level) if clustered or self.uneven else normal_quantile(level)
        low, high = bca(value, draws, pulls_of(without, units), units.counts, critical, shift)
        return Estimate(value, low, high, "cluster_bootstrap" if clustered else self.interval, resamples)

    def _halfway(self, units: Units, value: float, without: Floats, deviation: float) -> float:
        """What brings the bias correction halfway to that of a stratified sample, in standard deviations.

        The draws let the rows per class vary, as in a plain sample; in a stratified split they hardly do, and with many classes the
        bias of macro-F1 comes mostly from there. Which of the two the rows are is not known here. (The correction counts twice in BCa,
        once for the draws and once for the estimate: hence a quarter.) Units pooled into blocks have no class.
        """
        if deviation == 0 or units.counts.max() == 1:
            return 0.0
        strata = np.asarray(units.sums[:, : units.sums.shape[1] // 3].argmax(axis=1)).ravel()
        plain = (units.n - 1) * (float(np.average(without, weights=units.counts)) - value)
        return (plain - bias_within(units, self.statistic, strata)) / deviation / 4

    def contrast(self, a: Sample, b: Sample, level: float, rng: np.random.Generator) -> Contrast:
        """a - b: BCa of the paired bootstrap, p from the swap test."""
        pairs = units_of(sparse.csr_array(sparse.hstack(_same_width(self.rows(a), self.rows(b)))), a.clusters, rng)
        half = pairs.sums.shape[1] // 2

        def gap(sums: Floats) -> Floats:
            return self.statistic(sums[..., :half]) - self.statistic(sums[..., half:])

        value, clustered = float(gap(pairs.total())), a.clusters is not None
        if not _differ(pairs, half):
            bound = normal_quantile(level) ** 2
            return Contrast(0.0, -bound / (a.units + bound), bound / (a.units + bound), 1.0, "no_row_differs")
        resamples = draws_for(level)
        draws, without = resample(pairs, gap, resamples, rng), leave_one_out(pairs, gap)
        critical = clustered_critical(without, pairs, level) if clustered or self.uneven else normal_quantile(level)
        low, high = bca(value, draws, pulls_of(without, pairs), pairs.counts, critical)
        if np.ptp(without) <= 1e-12:  # all right against all wrong
            low, high = joined(self.measure(a, level, rng), self.measure(b, level, rng)) or (low, high)
        p = swap_test(pairs, self.statistic, rng)
        return Contrast(value, low, high, p, "paired_cluster_bootstrap" if clustered else self.test, resamples)


def _same_width(a: Any, b: Any) -> list[Any]:
    """Both with as many classes: a class that one system never predicts still has its columns."""
    classes = max(a.shape[1], b.shape[1]) // 3
    return [a if a.shape[1] == 3 * classes else _widen(a, classes) for a in (a, b)]


def _widen(rows: Any, classes: int) -> Any:
    had = rows.shape[1] // 3
    entries = rows.tocoo()
    column = entries.coords[1] // had * classes + entries.coords[1] % had
    return sparse.csr_array((entries.data, (entries.coords[0], column)), shape=(rows.shape[0], 3 * classes))


def _differ(pairs: Units, half: int) -> bool:
    return bool(abs(pairs.sums[:, :half] - pairs.sums[:, half:]).sum() > 0)
