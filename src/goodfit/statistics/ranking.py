"""ROC-AUC and average precision with the influence of every row; several classes one against the rest, averaged.

Part of statistics; the rows roc_auc and pr_auc of `table`. O(n log n) per class, nothing is drawn.

- ROC-AUC: DeLong's structural components by midranks (Sun & Xu 2014); their squares add up to DeLong's variance exactly, their
  sums within clusters give Obuchowski's (1997). The covariance between classes is in the rows too.
- Average precision (scikit-learn's definition, ties by threshold): the infinitesimal jackknife. Raising the weight of row j moves
  the number of positives, its own precision, and the precision at every positive scored at or below it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

from goodfit.statistics.proportions import mean_of_shares, normal_quantile
from goodfit.statistics.sample import Floats, Sample, Unscorable

Flags = npt.NDArray[np.bool_]
OneClass = Callable[[Flags, Floats], tuple[float, Floats]]
LEAST_OF_A_CLASS = 5
"""Binary: rows of the rarer class from which AUC is given."""


def auc_of_class(positive: Flags, scores: Floats) -> tuple[float, Floats]:
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
    return value, influence * np.sqrt((n - 1) / n)


def precision_of_class(positive: Flags, scores: Floats) -> tuple[float, Floats]:
    """Average precision and its influence [n]; there must be a positive."""
    order = np.argsort(-scores, kind="stable")
    ordered, truth = scores[order], positive[order].astype(np.float64)
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    tied = np.searchsorted(last, np.arange(len(order)))
    hits, at = np.cumsum(truth)[last][tied], (last + 1.0)[tied]
    precision, ones = hits / at, truth.sum()
    value = float((precision * truth).sum() / ones)
    first = np.concatenate([[0], last[:-1] + 1])[tied]
    gained = _from_here_down(truth / at)[first]
    diluted = _from_here_down(truth * hits / at**2)[first]
    influence = np.empty(len(order))
    influence[order] = (truth * (precision - value) + truth * gained - diluted) / ones
    return value, influence


def _from_here_down(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values[::-1])[::-1])


def averaged_over_classes(sample: Sample, one: OneClass) -> tuple[float, Floats]:
    """Binary: `one` itself; several classes (or labels): mean over those with rows on both sides, and the mean influence."""
    columns = _columns(sample)
    if not columns:
        raise Unscorable("only one class among the labels")
    if len(columns) == 1 and sample.labels.ndim == 1 and min(columns[0][2], sample.n - columns[0][2]) < LEAST_OF_A_CLASS:
        raise Unscorable(f"fewer than {LEAST_OF_A_CLASS} rows of one class")
    value, influence = 0.0, np.zeros(sample.n)
    for positive, scores, _ in columns:
        of_class, pulls = one(positive, np.asarray(scores))
        value += of_class / len(columns)
        influence += pulls / len(columns)
    return min(value, 1.0), influence


def _columns(sample: Sample) -> list[tuple[Flags, Floats, int]]:
    """(positive [n], scores [n], number of positives) of each class that has rows on both sides."""
    y, p = sample.labels, sample.predictions
    if y.ndim == 1 and (p.ndim == 1 or p.shape[1] == 2):
        pairs = [(y == 1, p if p.ndim == 1 else p[:, 1])]
    else:
        pairs = [(y[:, k] if y.ndim == 2 else y == k, p[:, k]) for k in range(p.shape[1])]
    counted = [(positive, scores, int(positive.sum())) for positive, scores in pairs]
    return [c for c in counted if 0 < c[2] < sample.n]


def roc_auc(sample: Sample) -> tuple[float, Floats]:
    """ROC-AUC (one against the rest, averaged) and influence [n]."""
    return averaged_over_classes(sample, auc_of_class)


def pr_auc(sample: Sample) -> tuple[float, Floats]:
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
