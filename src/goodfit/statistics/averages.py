"""What is averaged over rows: log-loss, Brier score, per-row F1 and Hamming loss, any value; and correlations.

Part of statistics; rows of `table` made of `Influenced`. A mean's influence is (x - mean) / n: the interval is Student's t, with
clusters that of the ratio of cluster sums (clusters weigh by their rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from goodfit.statistics.influence import Influenced, Pulled, Scale, Spread, on_scale, wilson_interval
from goodfit.statistics.proportions import normal_quantile
from goodfit.statistics.sample import Estimate, Floats, Sample, Unscorable


def mean_of(values: Any) -> Pulled:
    """Mean and influence [n]."""
    x = np.asarray(values, dtype=np.float64)
    mean = float(x.mean())
    return Pulled(mean, (x - mean) / len(x))


def values(sample: Sample) -> Pulled:
    """The mean of one value per row."""
    return mean_of(sample.predictions)


def shares(sample: Sample) -> Pulled:
    """The mean of one value in [0, 1] per row."""
    if sample.predictions.min() < 0 or sample.predictions.max() > 1:
        raise ValueError("a bounded mean takes values between 0 and 1")
    return mean_of(sample.predictions)


def same_everywhere(sample: Sample, value: float, level: float) -> tuple[float, float]:
    """Interval of a mean in [0, 1] where every row has the same value: that of as many yes/no rows."""
    return wilson_interval(value, sample.units, normal_quantile(level))


def _in_unit(probabilities: Any) -> Any:
    if probabilities.min() < 0 or probabilities.max() > 1 + 1e-6:
        raise ValueError("probabilities lie between 0 and 1")
    return probabilities


def log_loss_of_rows(sample: Sample) -> Floats:
    """-log of the probability given to the label [n], in nats (multi-label: mean over labels).

    Probabilities are clipped to the resolution of their type (as scikit-learn does), so that a confident mistake costs at most 16
    nats in float32.
    """
    y, p = sample.labels, _in_unit(sample.predictions)
    least = float(np.finfo(p.dtype).eps)
    if p.ndim == 2 and y.ndim == 1:
        chosen = np.take_along_axis(p, y[:, None], axis=1)[:, 0].astype(np.float64)
    else:
        chosen = np.where(y.astype(bool), p, 1 - p).astype(np.float64)
    losses = -np.log(np.clip(chosen, least, 1))
    return losses.mean(axis=1) if losses.ndim == 2 else losses


def log_loss(sample: Sample) -> Pulled:
    """Mean log-loss."""
    return mean_of(log_loss_of_rows(sample))


def brier(sample: Sample) -> Pulled:
    """Mean squared distance to the truth: sum over classes (0 to 2); binary and multi-label: of the one probability (0 to 1)."""
    y, p = sample.labels, _in_unit(sample.predictions)
    if y.ndim == 2:
        return mean_of(((p - y) ** 2).mean(axis=1))
    if p.ndim == 1 or p.shape[1] == 2:
        return mean_of(((p if p.ndim == 1 else p[:, 1]) - y) ** 2)
    given = np.take_along_axis(p, y[:, None], axis=1)[:, 0].astype(np.float64)
    return mean_of(np.einsum("nk,nk->n", p, p, dtype=np.float64) - 2 * given + 1)


def hamming_loss(sample: Sample) -> Pulled:
    """Share of label decisions that are wrong, rows as the unit."""
    return mean_of((sample.labels != sample.predictions).mean(axis=1))


def samples_f1(sample: Sample) -> Pulled:
    """Mean over rows of the F1 between the row's labels and predictions; a row without either is right (1)."""
    both = (sample.labels & sample.predictions).sum(axis=1)
    either = sample.labels.sum(axis=1) + sample.predictions.sum(axis=1)
    return mean_of(np.divide(2.0 * both, either, out=np.ones(sample.n), where=either > 0))


def _standardised(values: Any) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if np.ptp(x) == 0:
        raise Unscorable("one of the two columns has a single value")
    return np.asarray((x - x.mean()) / x.std())


def pearson(sample: Sample) -> Pulled:
    """Pearson correlation and influence xy - r (x^2 + y^2) / 2 of standardised columns."""
    x, y = _standardised(sample.labels), _standardised(sample.predictions)
    r = float(np.clip(np.mean(x * y), -1, 1))
    return Pulled(r, (x * y - r * (x**2 + y**2) / 2) / sample.n)


def spearman(sample: Sample) -> Pulled:
    """Spearman rank correlation and its influence, the part through the ranks of the others included."""
    x, y = _standardised(stats.rankdata(sample.labels)), _standardised(stats.rankdata(sample.predictions))
    r = float(np.clip(np.mean(x * y), -1, 1))
    scale = np.sqrt(12.0)
    pulls = x * y + scale * (_pull_through_ranks(x, y) + _pull_through_ranks(y, x)) - 3 * r
    return Pulled(r, (pulls - pulls.mean()) / sample.n)


def _pull_through_ranks(x: Floats, y: Floats) -> Floats:
    """Mean over the others of [x_i <= x_j] y_j: what row i adds through the ranks of the rows above it."""
    order = np.argsort(x, kind="stable")
    above = np.empty(len(x))
    above[order] = np.cumsum(y[order][::-1])[::-1] - y[order] / 2
    return above / len(x)


def fisher_z(sample: Sample, r: float, level: float, *, ranks: bool) -> Estimate:
    """Fisher's z with variance 1 / (n - 3); of ranks (1 + r^2 / 2) / (n - 3) (Bonett & Wright 2000).

    Fieller's constant 1.06 for ranks covers 91% at r = 0.9.
    """
    if sample.n < 4:
        raise Unscorable("n below 4")
    error = np.sqrt((1 + r**2 / 2 if ranks else 1.0) / (sample.n - 3)) * (1 - r**2)
    low, high = on_scale(r, Spread(float(error), 1e9), "fisher", level)
    return Estimate(r, low, high, "fisher_z")


@dataclass(frozen=True)
class Correlation(Influenced):
    """Correlations: Fisher's z; with clusters t on Fisher's scale from the influences."""

    interval: str = "fisher_z"
    test: str = "influence_paired"
    scale: Scale = "fisher"
    ranks: bool = False
    """Of ranks (Spearman) rather than of the values (Pearson)."""

    def measure(self, sample: Sample, level: float, rng: np.random.Generator) -> Estimate:
        """The correlation with its interval."""
        r = self.point(sample)
        if abs(r) > 1 - 1e-12:
            return Estimate(r, None, None, "none: the two columns agree exactly")
        return fisher_z(sample, r, level, ranks=self.ranks) if sample.clusters is None else super().measure(sample, level, rng)
