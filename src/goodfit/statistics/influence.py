"""Intervals from influence values: each row's pull on the estimate, added up within clusters.

Part of statistics; the family `Influenced` (means, log-loss, ROC-AUC, PR-AUC, correlation, calibration slope) and the
clustered Wilson interval of `rates` stand on `spread`. An estimate with influence psi_i per row has variance sum(psi_i^2);
with clusters the psi are summed inside each first (Obuchowski 1997 for AUC, Miller 2024 for means), times the jackknife
factor N / (N - n_g) of cluster g.

The critical value is Student's t with degrees of freedom from the kurtosis of the cluster influences: the variance estimate
is itself a mean of squares, so when few units carry it (rare errors with a large loss, two clusters with all the mistakes) it
is as uncertain as one from few observations. Satterthwaite's moment formula gives 2 / (1/k - 1/G) with
k = (sum psi^2)^2 / sum psi^4; the sample kurtosis is itself too small, 1.5 in place of 2 makes up for that
(docs/why/statistics.md has the simulation: plain t falls to 84%, this stays within 92-97%).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from goodfit.statistics.sample import Contrast, Estimate, Floats, Ints, Sample, Unscorable

Flags = NDArray[np.bool_]
Scale = Literal["identity", "log", "logit", "wilson", "fisher"]


class Pulled(NamedTuple):
    """An estimate, what each row pulls it [n] (adding up to about zero), and how far it lies above the truth on average."""

    value: float
    influence: Floats
    bias: float = 0.0


Curve = Callable[[Sample], Pulled]
KURTOSIS_SHARE = 1.5
LARGEST, LARGEST_LOG = 1e300, 600.0
"""What ends on the log scale stop at: a Score holds finite numbers."""
LEAST_DEGREES = 1.5


@dataclass(frozen=True)
class Spread:
    """Standard error of an estimate, and the degrees of freedom of that standard error."""

    error: float
    degrees: float

    def critical(self, level: float) -> float:
        """The two-sided critical value of Student's t."""
        return float(stats.t.ppf(0.5 + level / 2, self.degrees))

    def p(self, difference: float) -> float:
        """Two-sided p of a true difference of zero."""
        if self.error == 0:
            return 1.0 if difference == 0 else 0.0
        return float(2 * stats.t.sf(abs(difference) / self.error, self.degrees))


def spread(influence: Floats, clusters: Ints | None) -> Spread:
    """Standard error and degrees of freedom from influence values [n] (which add up to about zero)."""
    n = len(influence)
    if clusters is None:
        pulls, sizes = influence, np.ones(1)
    else:
        pulls = np.asarray(np.bincount(clusters, weights=influence), dtype=np.float64)
        sizes = np.bincount(clusters).astype(np.float64)
    units = len(pulls)
    if units < 2:
        raise Unscorable("one row" if clusters is None else "all rows are one cluster")
    return spread_of(pulls * n / np.maximum(n - sizes, 1) * math.sqrt((units - 1) / units))


def spread_of(pulls: Floats) -> Spread:
    """The same from pulls of whole units [G], scaled so that their squares add up to the variance."""
    units, square = len(pulls), float(np.sum(pulls**2))
    if square <= 0:
        return Spread(0.0, max(units - 1.0, LEAST_DEGREES))
    carried_by = square**2 / float(np.sum(pulls**4))
    degrees = KURTOSIS_SHARE / max(1 / carried_by - 1 / units, KURTOSIS_SHARE / units)
    return Spread(math.sqrt(square), min(max(degrees, LEAST_DEGREES), max(units - 1.0, LEAST_DEGREES)))


def wilson_interval(value: float, effective: float, critical: float) -> tuple[float, float]:
    """Wilson's score interval of a share for any effective number of rows and critical value."""
    square = critical**2 / effective
    middle = (value + square / 2) / (1 + square)
    half = math.sqrt(square) / (1 + square) * math.sqrt(max(value * (1 - value), 0.0) + square / 4)
    low = 0.0 if value <= 0 else max(middle - half, 0.0)
    high = 1.0 if value >= 1 else min(middle + half, 1.0)
    return min(low, value), max(high, value)


def on_scale(value: float, spread: Spread, scale: Scale, level: float) -> tuple[float, float]:
    """The t interval, made on a scale where the estimate is closer to normal, and brought back.

    identity: any number; log: above 0; logit and wilson: inside (0, 1); fisher: inside (-1, 1).
    """
    critical, error = spread.critical(level), spread.error
    if scale == "wilson":
        return wilson_interval(value, value * (1 - value) / error**2, critical)
    if scale == "log":
        half = min(critical * error / value, LARGEST_LOG)
        return value * math.exp(-half), min(value * math.exp(half), LARGEST)
    if scale == "logit":
        middle, half = math.log(value / (1 - value)), critical * error / (value * (1 - value))
        return _expit(middle - half), _expit(middle + half)
    if scale == "fisher":
        middle, half = math.atanh(value), critical * error / (1 - value**2)
        return math.tanh(middle - half), math.tanh(middle + half)
    return value - critical * error, value + critical * error


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


@dataclass(frozen=True)
class Influenced:
    """A family of kinds: an estimate with an influence per row; interval on `scale`, paired test on the differences."""

    curve: Curve
    interval: str
    test: str
    scale: Scale = "identity"
    bounds: tuple[float, float] = (-math.inf, math.inf)
    """Where the number can lie; the ends of the interval are clipped to it."""
    at_edge: Callable[[Sample, float, float], tuple[float, float]] | None = None
    """(sample, value, level) -> interval where no row pulls and the value is 0 or 1 (AUC = 1, all rows right)."""

    def point(self, sample: Sample) -> float:
        """The estimate alone."""
        return self.curve(sample).value

    def measure(self, sample: Sample, level: float, rng: np.random.Generator) -> Estimate:
        """The estimate with its interval (nothing is drawn)."""
        value, influence, bias = self.curve(sample)
        method = self.interval if sample.clusters is None else f"{self.interval}_clustered"
        about = spread(influence, sample.clusters)
        if about.error <= 1e-12 * max(1.0, abs(value)):
            if self.at_edge is None or value not in (0.0, 1.0):
                return Estimate(value, None, None, "none: every row gives the same value")
            return Estimate(value, *self.at_edge(sample, value, level), f"{method}_edge")
        low, high = on_scale(value - bias, about, self.scale, level)
        return Estimate(value, min(max(low, self.bounds[0]), value), max(min(high, self.bounds[1]), value), method)

    def contrast(self, a: Sample, b: Sample, level: float, rng: np.random.Generator) -> Contrast:
        """a - b: t interval and test on the differences of the influences."""
        first, second = self.curve(a), self.curve(b)
        about, difference = spread(first.influence - second.influence, a.clusters), first.value - second.value
        method = self.test if a.clusters is None else f"{self.test}_clustered"
        if about.error <= 1e-12 * max(1.0, abs(first.value)):
            return Contrast(difference, None, None, None, "none: the difference is the same on every row")
        half = about.critical(level) * about.error
        return Contrast(difference, difference - half, difference + half, about.p(difference), method)

    def moved(self, whole: Sample, part: Sample, kept: Flags, level: float) -> Estimate:
        """The value on part of the rows minus that on all of them: t interval on the difference of both influences."""
        first, second = self.curve(part), self.curve(whole)
        influence = -second.influence
        influence[kept] += first.influence
        about, value = spread(influence, whole.clusters), first.value - second.value
        method = "t_left_out" if whole.clusters is None else "t_left_out_clustered"
        if about.error <= 1e-12 * max(1.0, abs(second.value)):
            return Estimate(value, None, None, "none: every row gives the same value")
        half = about.critical(level) * about.error
        return Estimate(value, value - half, value + half, method)
