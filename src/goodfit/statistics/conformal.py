"""Sets of labels with a promised coverage: split conformal prediction, and its law.

Part of statistics (methods 10). A *score* [n, L] says how strange each label would be for each row; the set of a row holds the labels
whose score is at most the ceil((n + 1)(1 - alpha))-th smallest score of the true labels of n calibration rows. Whatever the model, new rows
that are exchangeable with these then have their true label in the set with probability 1 - alpha; for a given calibration set the coverage
is Beta(n + 1 - l, l) with l = floor((n + 1) alpha) (Vovk 2012): 90% +- 2.6 points at n = 500.

`lac` 1 - p (Sadinle et al. 2019): the smallest sets. `raps` (Angelopoulos et al. 2021): the probability of all labels down to this one, and
a penalty for each beyond the first k: sets whose size follows how hard the row is; here without the random tie-break, so that equal rows
get equal sets. `per class`: a threshold for each class (Mondrian): each class has its coverage. Several labels a row: conformal risk
control (Angelopoulos et al. 2024): the share of a row's labels that is missed is at most alpha on average.

Shapes: n calibration rows, L labels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

from goodfit.statistics.sample import Floats, Ints


def lac(probabilities: Any) -> Floats:
    """1 - p of each label [n, L]."""
    return 1.0 - np.asarray(probabilities, dtype=np.float64)


def raps(probabilities: Any, penalty: float, free: int) -> Floats:
    """Probability of the labels at least as likely as each one, and `penalty` for every rank beyond `free` [n, L]."""
    p = np.asarray(probabilities, dtype=np.float64)
    order = np.argsort(-p, axis=1, kind="stable")
    ranks = np.arange(p.shape[1])
    sums = np.cumsum(np.take_along_axis(p, order, axis=1), axis=1) + penalty * np.maximum(ranks + 1 - free, 0)
    out = np.empty_like(p)
    np.put_along_axis(out, order, sums, axis=1)
    return out


def quantile(scores: Floats, alpha: float) -> float:
    """The score that sets may have at most; infinite where the rows are too few for the promise (all labels are in every set then)."""
    place = math.ceil(round((len(scores) + 1) * (1 - alpha), 9))
    return math.inf if place > len(scores) else float(np.sort(scores)[place - 1])


def per_class(scores: Floats, labels: Ints, classes: int, alpha: float) -> Floats:
    """A quantile for each class [L], from the true labels' scores [n]."""
    return np.array([quantile(scores[labels == k], alpha) for k in range(classes)])


def law(n: int, alpha: float) -> tuple[float, float]:
    """The two numbers of the Beta distribution of the coverage, given n calibration rows."""
    missed = math.floor(round((n + 1) * alpha, 9))
    return float(n + 1 - missed), float(missed)


def as_promised(covered: int, of: int, n: int, alpha: float) -> float:
    """Chance that at most `covered` of `of` new rows are covered, were they exchangeable with the n calibration rows (beta-binomial)."""
    a, b = law(n, alpha)
    return 1.0 if b <= 0 else float(stats.betabinom.cdf(covered, of, a, b))


def labels_found(probabilities: Any, carried: Any, alpha: float) -> float:
    """Several labels a row: the largest threshold at which the labels at or above it miss at most `alpha` of a row's labels on average.

    Conformal risk control: the mean missed share of the n rows, with one more row that misses everything, is at most alpha. 0: all labels.
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(carried, dtype=bool)
    n, sizes = len(p), y.sum(axis=1)
    rows = np.repeat(np.arange(n), sizes)
    held = p[y]
    order = np.argsort(held, kind="stable")
    missed = np.cumsum(1.0 / sizes[rows[order]]) / max(1, n) if len(held) else np.zeros(0)
    allowed = alpha - (1 - alpha) / max(1, n)
    kept = int(np.searchsorted(missed, allowed + 1e-12, side="right")) if allowed >= 0 else -1
    if kept < 0:
        return 0.0
    return float(held[order[kept]]) if kept < len(held) else 1.0
