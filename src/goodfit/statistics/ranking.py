"""ROC-AUC and average precision with the influence of every row; several classes one against the rest, averaged.

Part of statistics; the rows roc_auc and pr_auc of `table`. O(n log n) per class, nothing is drawn.

- ROC-AUC: DeLong's structural components by midranks (Sun & Xu 2014); their squares add up to DeLong's variance exactly, their
  sums within clusters give Obuchowski's (1997). The covariance between classes is in the rows too.
- Average precision (scikit-learn's definition, ties by threshold): the infinitesimal jackknife (Jaeckel 1972). Raising the weight of a
  row moves the number of positives, its own precision, and the precision at every positive scored at or below it. Its interval is
  moved by the bias, which averages over many classes do not shrink; the value itself stays scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

from goodfit.statistics.influence import Pulled
from goodfit.statistics.proportions import mean_of_shares, normal_quantile
from goodfit.statistics.sample import Floats, Sample, Unscorable

Flags = npt.NDArray[np.bool_]
OneClass = Callable[[Flags, Floats], Pulled]
LEAST_OF_A_CLASS = 5
"""Binary: rows of the rarer class from which AUC is given."""


def auc_of_class(positive: Flags, scores: Floats) -> Pulled:
    """AUC and DeLong influence [n]; there must be both positives and negatives."""
    n, ones = len(positive), int(positive.sum())
    zeros = n - ones
    ranks = stats.rankdata(scores)
    above = (ranks[positive] - stats.rankdata(scores[positive])) / zeros
    below = 1 - (ranks[~positive] - stats.rankdata(scores[~positive])) / ones
    value = float(above.mean())
    influence = np.empty(n)
    influence[positive] = (above - value) / np.sqrt(ones * max(ones - 1, 1))
    influence[~positive] = (below - value) / np.sqrt(zeros * max(zeros - 1, 1))
    return Pulled(value, influence * np.sqrt((n - 1) / n))


def precision_of_class(positive: Flags, scores: Floats) -> Pulled:
    """Average precision, its influence [n] and its bias; there must be a positive.

    T and N count positives and rows scored at or above each row. Derivatives are by the weight of a row; the bias is half the sum of
    the second ones (the value is too high because each positive stands in its own precision).
    """
    order = np.argsort(-scores, kind="stable")
    ordered, y = scores[order], positive[order].astype(np.float64)
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    tied = np.searchsorted(last, np.arange(len(order)))
    first = np.concatenate([[0], last[:-1] + 1])[tied]
    t, n, ones = np.cumsum(y)[last][tied], (last + 1.0)[tied], float(y.sum())

    def at_or_below(values: Floats) -> Floats:
        return np.asarray(np.cumsum(values[::-1])[::-1][first])

    precision = t / n
    value = float((y * precision).sum()) / ones
    slope = y * precision + y * at_or_below(y / n) - at_or_below(y * t / n**2)
    curvature = 2 * y * (1 - precision) / n + 2 * at_or_below(y * t / n**3) - 2 * y * at_or_below(y / n**2)
    influence = np.empty(len(order))
    influence[order] = (slope - y * value) / ones
    bias = float(np.sum(curvature / ones - 2 * slope * y / ones**2 + 2 * value * y / ones**2)) / 2
    return Pulled(value, influence, bias)


def averaged_over_classes(sample: Sample, one: OneClass) -> Pulled:
    """Binary: `one` itself; several classes (or labels): mean over those with rows on both sides, and the mean influence."""
    columns = _columns(sample)
    if not columns:
        raise Unscorable("only one class among the labels")
    if len(columns) == 1 and sample.labels.ndim == 1 and min(columns[0][2], sample.n - columns[0][2]) < LEAST_OF_A_CLASS:
        raise Unscorable(f"fewer than {LEAST_OF_A_CLASS} rows of one class")
    value, bias, influence = 0.0, 0.0, np.zeros(sample.n)
    for positive, scores, _ in columns:
        of_class = one(positive, np.asarray(scores))
        value += of_class.value / len(columns)
        bias += of_class.bias / len(columns)
        influence += of_class.influence / len(columns)
    return Pulled(min(value, 1.0), influence, min(max(bias, 0.0), value / 2))


def _columns(sample: Sample) -> list[tuple[Flags, Floats, int]]:
    """(positive [n], scores [n], number of positives) of each class that has rows on both sides."""
    y, p = sample.labels, sample.predictions
    if y.ndim == 1 and (p.ndim == 1 or p.shape[1] == 2):
        pairs = [(y == 1, p if p.ndim == 1 else p[:, 1])]
    else:
        pairs = [(y[:, k] if y.ndim == 2 else y == k, p[:, k]) for k in range(p.shape[1])]
    counted = [(positive, scores, int(positive.sum())) for positive, scores in pairs]
    return [c for c in counted if 0 < c[2] < sample.n]


def roc_auc(sample: Sample) -> Pulled:
    """ROC-AUC (one against the rest, averaged) and influence [n]."""
    return averaged_over_classes(sample, auc_of_class)


def pr_auc(sample: Sample) -> Pulled:
    """Average precision (one against the rest, averaged) and influence [n]."""
    return averaged_over_classes(sample, precision_of_class)


def perfect_ranking(sample: Sample, value: float, level: float) -> tuple[float, float]:
    """Interval where every pair is ranked right (or wrong): the rarer side of each class as a share without a miss.

    With m rows on the rarer side the lower end is m / (m + 3.84), close to the rule of three 1 - 3/m and a little more careful.
    """
    shrink = sample.units / sample.n
    rarer = np.array([min(ones, sample.n - ones) for _, _, ones in _columns(sample)], dtype=np.float64) * shrink
    hits = rarer if value > 0.5 else np.zeros_like(rarer)
    return mean_of_shares(hits, rarer, normal_quantile(level))
