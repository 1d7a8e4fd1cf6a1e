"""Intervals and tests of shares of yes/no rows, as plain functions of counts.

Part of statistics; the families in `rates` and the edges of `counted` stand on them.

- One share: Wilson 1927; with clusters Wilson on the effective number of rows p(1-p)/variance (never above the real one) with
  the t quantile of `influence` (after Dean & Pagano 2015).
- The mean of several shares (balanced accuracy): score interval with constrained likelihood, as Miettinen & Nurminen 1985 do for a
  difference: a rare class without a seen mistake still widens it. One class gives Wilson exactly.
- a - b of two 0/1 columns: Tango's score interval (1998), exact McNemar mid-p (Fagerland, Lydersen & Laake 2013).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize, stats

from goodfit.statistics.influence import spread, wilson_interval
from goodfit.statistics.sample import Floats, Ints


def normal_quantile(level: float) -> float:
    """The two-sided critical value: 1.96 for 0.95."""
    return float(stats.norm.ppf(0.5 + level / 2))


def wilson(hits: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of hits / n."""
    return wilson_interval(hits / n, n, normal_quantile(level))


def ratio_interval(hits: Floats, of: Floats, clusters: Ints | None, level: float) -> tuple[float, float]:
    """Interval of sum(hits) / sum(of), each [n] in 0/1: Wilson; with clusters on the effective number of rows."""
    total = float(of.sum())
    value = float(hits.sum()) / total
    if clusters is None:
        return wilson(hits.sum(), total, level)
    touched = int(np.count_nonzero(np.bincount(clusters, weights=of)))
    if value in (0.0, 1.0):
        return wilson_interval(value, touched, normal_quantile(level))
    about = spread((hits - value * of) / total, clusters)
    if about.error <= 1e-12:  # every cluster has the same share: as at the edges, no more is known than there are clusters
        return wilson_interval(value, touched, normal_quantile(level))
    effective = value * (1 - value) / about.error**2
    return wilson_interval(value, min(effective, total), about.critical(level))


def tango(only_a: int, only_b: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of the paired difference (only_a - only_b) / n: rows right in a only, in b only, of n (Tango 1998)."""
    z, estimate = normal_quantile(level), (only_a - only_b) / n

    def statistic(difference: float) -> float:
        first = -only_a - only_b + (2 * n - only_a + only_b) * difference
        root = math.sqrt(max(first**2 - 8 * n * (-only_b * difference * (1 - difference)), 0.0))
        chance_b = (root - first) / (4 * n)
        variance = n * (2 * chance_b + difference * (1 - difference))
        gap = only_a - only_b - n * difference
        return gap / math.sqrt(max(variance, 1e-9))

    edge = 1 - 1e-10
    low = -1.0 if estimate <= -edge else optimize.brentq(lambda d: statistic(d) - z, -edge, estimate)
    high = 1.0 if estimate >= edge else optimize.brentq(lambda d: statistic(d) + z, estimate, edge)
    return float(low), float(high)


def mcnemar_midp(only_a: int, only_b: int) -> float:
    """Exact conditional McNemar test with the mid-p correction: two-sided p of no difference."""
    n = only_a + only_b
    if n == 0:
        return 1.0
    fewer = min(only_a, only_b)
    return float(min(1.0, 2 * stats.binom.cdf(fewer, n, 0.5) - stats.binom.pmf(fewer, n, 0.5)))


def mean_of_shares(hits: Floats, of: Floats, critical: float) -> tuple[float, float]:
    """Score interval of mean(hits / of) over classes [K]; rows per class may be effective (fractional) numbers.

    For a supposed mean the likeliest shares r_k with that mean solve hits/r - misses/(1-r) = lambda, a quadratic; the interval holds
    the means whose distance to the estimate is within `critical` standard errors *at those shares*.
    """
    estimate = float(np.mean(hits / of))
    inflate = np.where(of > 1.5, of / np.maximum(of - 1, 0.5), 2.0) if len(of) > 1 else np.ones(1)

    def shares(tilt: float) -> Floats:
        b = of + tilt
        root = np.sqrt(np.maximum(b * b - 4 * tilt * hits, 0))
        positive = 2 * hits / np.where(b + root > 0, b + root, 1)
        return np.clip(np.where(b >= 0, positive, (b - root) / (2 * tilt) if tilt else hits / of), 0, 1)

    def distance(tilt: float) -> float:
        r = shares(tilt)
        variance = float(np.sum(r * (1 - r) / of * inflate)) / len(of) ** 2
        gap = estimate - float(np.mean(r))
        return abs(gap) / math.sqrt(variance) if variance > 0 else (math.inf if gap else 0.0)

    def end(sign: float) -> float:
        far = sign * float(of.sum()) * 1e-3
        while distance(far) < critical and abs(far) < 1e15:
            far *= 2
        if distance(far) < critical:
            return float(np.mean(shares(far)))
        root = optimize.brentq(lambda tilt: min(distance(tilt), 1e6) - critical, 0, far, xtol=1e-12 * abs(far), rtol=1e-12)
        return float(np.mean(shares(root)))

    return (0.0 if estimate <= 0 else end(1.0)), (1.0 if estimate >= 1 else end(-1.0))
