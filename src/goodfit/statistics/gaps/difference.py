"""The difference of two shares by the score: interval and p from one statistic, right in both tails for rare events.

Part of statistics.gaps. The statistic of Miettinen & Nurminen (1985), with Laud's correction for skewness (2017, after Gart & Nam 1990):
at a supposed difference d the likeliest shares with that difference give variance V and third moment m; with S the distance to the
difference seen, S / sqrt(V) = z + A (z^2 - 1), A = m / (6 V^1.5), is solved for z. Interval and p come from the same z, so the interval
leaves out 0 exactly where p < 0.05. Numbers of rows may be effective ones (fractions) and critical values Student's: so it serves clusters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from goodfit.statistics.influence import LEAST_DEGREES, Flags, Spread, spread_of
from goodfit.statistics.sample import Floats, Ints

EDGE = 1 - 1e-9
TINY = 1e-12


class Two(NamedTuple):
    """Two shares and the (effective) rows behind each."""

    inside: float
    rows_inside: float
    outside: float
    rows_outside: float


def statistic(two: Two, difference: float) -> float:
    """z of the shares seen where the true difference is `difference`; it falls as the difference rises."""
    p1, p0 = _likeliest(two, difference)
    n1, n0 = two.rows_inside, two.rows_outside
    v1, v0 = p1 * (1 - p1) / n1, p0 * (1 - p0) / n0
    total = n1 + n0
    variance = (v1 + v0) * total / max(total - 1, 1)
    away = two.inside - two.outside - difference
    if variance <= 0:
        return math.copysign(math.inf, away) if abs(away) > TINY else 0.0
    z = away / math.sqrt(variance)
    skew = (v1 * (1 - 2 * p1) / n1 - v0 * (1 - 2 * p0) / n0) / (6 * variance**1.5)
    if abs(skew) < 1e-6:
        return z
    return float((math.sqrt(max(1 + 4 * skew * (z + skew), 0.0)) - 1) / (2 * skew))


def _likeliest(two: Two, difference: float) -> tuple[float, float]:
    """The likeliest (inside, outside) whose difference is `difference`: the root of a cubic (Miettinen & Nurminen 1985, appendix)."""
    n1, n0 = two.rows_inside, two.rows_outside
    x1, x0 = two.inside * n1, two.outside * n0
    n, hits = n1 + n0, x1 + x0
    a2 = ((n1 + 2 * n0) * difference - n - hits) / (3 * n)
    a1 = (n0 * difference - n - 2 * x0) * difference + hits
    q = a2**3 - a1 * a2 / (2 * n) + x0 * difference * (1 - difference) / (2 * n)
    p = math.copysign(math.sqrt(max(a2**2 - a1 / (3 * n), 0.0)), q)
    angle = math.acos(min(max(q / p**3, -1.0), 1.0)) if abs(p) > TINY else math.pi / 2
    outside = 2 * p * math.cos((math.pi + angle) / 3) - a2
    outside = min(max(outside, 0.0, -difference), 1.0, 1.0 - difference)
    return min(max(outside + difference, 0.0), 1.0), outside


def limits(two: Two, critical: float) -> tuple[float, float]:
    """The differences whose statistic lies within +-critical."""
    seen = two.inside - two.outside

    def end(sign: float) -> float:
        far, near = -sign * EDGE, min(max(seen, -EDGE), EDGE)
        if sign * statistic(two, far) <= critical or sign * statistic(two, near) >= critical:
            return -sign
        return float(optimize.brentq(lambda d: sign * statistic(two, d) - critical, far, near, xtol=1e-7))

    return min(end(1.0), seen), max(end(-1.0), seen)


class Arms(NamedTuple):
    """How far two means, and their difference, would move without each cluster."""

    inside: float
    """Variance of the mean inside."""
    outside: float
    shared: float
    """Their covariance: high where the same clusters hold both."""
    spread: Spread
    """Of the difference."""


def arms_of(values: Floats, inside: Flags, clusters: Ints | None) -> Arms:
    """Jackknife over clusters (or rows) of mean(values[inside]) - mean(values[~inside]); each side has two clusters or more."""
    sides = [pulls_of(values, side, clusters) for side in (inside, ~inside)]
    squares = [float(np.sum(side**2)) for side in sides]
    return Arms(squares[0], squares[1], float(sides[0] @ sides[1]), spread_of(sides[0] - sides[1]))


def pulls_of(values: Floats, side: Flags, clusters: Ints | None) -> Floats:
    """How far the mean of one side moves without each unit [G], scaled so that the squares add up to its variance."""
    held, sums = side.astype(np.float64), np.where(side, values, 0.0)
    mean = float(sums.sum() / held.sum())
    if clusters is not None:
        held = np.bincount(clusters, weights=held).astype(np.float64)
        sums = np.bincount(clusters, weights=sums).astype(np.float64)
    units = int(np.count_nonzero(held))
    return np.asarray((sums - mean * held) / np.maximum(held.sum() - held, 1) * math.sqrt((units - 1) / units))


def effective(means: tuple[float, float], rows: tuple[int, int], arms: Arms) -> Two:
    """The two shares with as many independent rows as would give the variance of the difference that the clusters show.

    One design effect for both sides (each with its own would change the pooled share, and with it the variance under no gap): the variances
    of both over those of independent rows, never below 1, times what is left where clusters that hold both sides move them together
    (templates). A side of all or none right shows no variance and takes the design effect of the other.
    """
    independent = sum(m * (1 - m) / n for m, n in zip(means, rows, strict=True))
    apart = arms.inside + arms.outside
    design = max(apart / independent, 1.0) if independent > TINY else 1.0
    if min(arms.inside, arms.outside) > TINY:
        design *= max(1 - 2 * arms.shared / apart, 1e-6)
    return Two(means[0], rows[0] / design, means[1], rows[1] / design)


def of_shares(arms: Arms, inside: Flags, clusters: Ints) -> Spread:
    """The spread with the degrees of freedom that the score of two shares takes: Welch & Satterthwaite's, from numbers of clusters.

    Clusters of different sizes count as (sum of sizes)^2 / sum of squares. The rule from kurtosis (`influence`) would count rare events
    twice, since the score takes the variance of shares from the shares: it raised 1 alarm of 100 where 5 are due.
    """
    counted = []
    for side in (inside, ~inside):
        sizes = np.bincount(clusters, weights=side).astype(np.float64)
        counted.append(float(sizes.sum() ** 2 / np.sum(sizes**2)))
    parts = arms.inside**2 / max(counted[0] - 1, 1) + arms.outside**2 / max(counted[1] - 1, 1)
    degrees = (arms.inside + arms.outside) ** 2 / parts if parts > 0 else min(counted) - 1
    return Spread(arms.spread.error, max(degrees, LEAST_DEGREES))


def two_sided(z: float, about: Spread | None) -> float:
    """p of a statistic: normal, or Student's t where its standard error was estimated from clusters."""
    if math.isinf(z):
        return 0.0
    tail: Callable[[float], float] = stats.norm.sf if about is None else stats.t(about.degrees).sf
    return float(min(1.0, 2 * tail(abs(z))))
