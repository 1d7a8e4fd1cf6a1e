"""Are the probabilities right? Calibration error, intercept and slope; the temperature that repairs them; bins for a plot.

Part of statistics; `evaluate` reports these and fits the temperature on validation rows. A *decision* is a row's most probable
class with its probability (multi-label: every label of every row, with the row as cluster).

The plain expected calibration error is biased upward: a perfectly calibrated model shows 6.4 points with 200 rows in 10 bins. Here the
squared error is debiased in bins of equal mass (Kumar, Liang & Ma 2019): E2 = sum_b w_b (m_b^2 - v_b) with m_b the mean of
probability - right and v_b its variance; `ece` is the root of E2, and its interval the root of the interval of E2. Near perfect
calibration the truth lies on the boundary 0 and the interval is conservative (98-100%): no two-sided 95% interval exists there.
Intercept and slope (logistic recalibration, Cox 1958) are regular numbers: 0 and 1 when calibrated, a slope below 1 is
overconfident.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special

from goodfit.statistics.influence import Pulled, spread
from goodfit.statistics.proportions import ratio_interval
from goodfit.statistics.sample import Contrast, Estimate, Floats, Ints, Sample, Unscorable, joined

CLIP = 1e-6
"""Probabilities nearer to 0 or 1 count as this far away, where a logit is taken."""
LEAST_OF_EACH = 5
"""Right and wrong decisions from which intercept and slope are given, and the calibration error's bins have a spread to speak of."""


@dataclass(frozen=True)
class Decisions:
    """`confidence` [m] in 0..1, `right` [m] as 0/1, `clusters` [m] or None."""

    confidence: Floats
    right: Floats
    clusters: Ints | None


def decisions(sample: Sample) -> Decisions:
    """The most probable class of each row; multi-label: each label, the row (or its cluster) as cluster."""
    y, p = sample.labels, sample.predictions
    if p.min() < 0 or p.max() > 1 + 1e-6:
        raise ValueError("probabilities lie between 0 and 1")
    if y.ndim == 2:
        owner = np.arange(sample.n) if sample.clusters is None else sample.clusters
        return Decisions(p.ravel().astype(np.float64), y.ravel().astype(np.float64), np.repeat(owner, p.shape[1]))
    if p.ndim == 1:
        confidence, chosen = np.maximum(p, 1 - p), (p > 0.5).astype(np.int64)
    else:
        confidence, chosen = p.max(axis=1), p.argmax(axis=1)
    return Decisions(confidence.astype(np.float64), (chosen == y).astype(np.float64), sample.clusters)


def bin_of(confidence: Floats, bins: int | None = None) -> Ints:
    """The equal-mass bin of each decision; equal confidences share a bin. Bins: 5 below 200 decisions, 10, 15 from 2,000."""
    wanted = bins or (5 if len(confidence) < 200 else 10 if len(confidence) < 2000 else 15)
    inner = np.unique(np.quantile(confidence, np.linspace(0, 1, wanted + 1)[1:-1]))
    return np.searchsorted(inner, confidence, side="left").astype(np.int64)


@dataclass(frozen=True)
class CalibrationError:
    """The family of `ece`: debiased error with an analytic interval; two systems by their two intervals and what they share."""

    interval: str = "debiased_bins"
    test: str = "paired_mover"

    def point(self, sample: Sample) -> float:
        """The calibration error."""
        return math.sqrt(max(_debiased(sample).squared, 0.0))

    def measure(self, sample: Sample, level: float, rng: np.random.Generator) -> Estimate:
        """The calibration error with its interval (nothing is drawn).

        The interval is made from the spread within the bins. Where nearly every decision is right (or wrong) there is next to none, and
        it would shrink to a point: it is then drawn out to what the mean confidence and the Wilson interval of the share right allow.
        """
        return self._measure(sample, _debiased(sample), level)

    def _measure(self, sample: Sample, found: _Debiased, level: float) -> Estimate:
        about = spread(found.linear, found.made.clusters)
        half = about.critical(level) * math.sqrt(about.error**2 + found.quadratic)
        value, low, high = (math.sqrt(max(x, 0.0)) for x in (found.squared, found.squared - half, found.squared + half))
        answers = found.made if sample.labels.ndim == 1 else _answers(found.made)
        if _fewer(answers) < LEAST_OF_EACH:
            least, most = _overall(answers, level)
            low, high = min(low, least), max(high, most)
        return Estimate(value, low, min(high, 1.0), self.interval if sample.clusters is None else f"{self.interval}_clustered")

    def contrast(self, a: Sample, b: Sample, level: float, rng: np.random.Generator) -> Contrast:
        """a - b, each system in its own bins: the two intervals joined, with the correlation of what rows do to each.

        Resampled bins would not do: a draw repeats rows, which adds calibration error of its own, and its spread says little about a
        root near zero.
        """
        found = [_debiased(sample) for sample in (a, b)]
        one, other = (self._measure(sample, made, level) for sample, made in zip((a, b), found, strict=True))
        low, high = joined(one, other, _shared(found[0], found[1], a)) or (None, None)
        return Contrast(one.value - other.value, low, high, None, self.test if a.clusters is None else f"{self.test}_clustered")


@dataclass(frozen=True)
class _Debiased:
    """`squared` error without the bias of the bins, what each decision does to it (`linear` [m], its mean is 0), and the part of its
    variance that is of second order.
    """

    made: Decisions
    squared: float
    linear: Floats
    quadratic: float


def _debiased(sample: Sample) -> _Debiased:
    made = decisions(sample)
    place, gap = bin_of(made.confidence), made.confidence - made.right
    count = np.bincount(place).astype(np.float64)
    weight, mean = count / count.sum(), np.bincount(place, weights=gap) / np.maximum(count, 1)
    residual = gap - mean[place]
    noise = _noise(residual, place, count, made.clusters)
    linear = (2 * mean[place] * residual + mean[place] ** 2 - np.sum(weight * mean**2)) / len(gap)
    quadratic = 2 * float(np.sum(weight[:, None] * noise**2 * weight[None, :]))
    return _Debiased(made, float(np.sum(weight * (mean**2 - np.diag(noise)))), linear, quadratic)


def _shared(a: _Debiased, b: _Debiased, sample: Sample) -> float:
    """How far the two errors move together over rows (or clusters), -1..1; the part of second order is taken as not shared."""
    sums = [_per_row(x.linear, sample.n) for x in (a, b)]
    if sample.clusters is not None:
        sums = [np.bincount(sample.clusters, weights=x).astype(np.float64) for x in sums]
    squares = [float(np.sum(x**2)) + made.quadratic for x, made in zip(sums, (a, b), strict=True)]
    return float(np.sum(sums[0] * sums[1])) / math.sqrt(squares[0] * squares[1]) if min(squares) > 0 else 0.0


def _noise(residual: Floats, place: Ints, count: Floats, clusters: Ints | None) -> Floats:
    """Covariance of the bin means [bins, bins]; without clusters it is diagonal."""
    bins = len(count)
    if clusters is None:
        return np.diag(np.bincount(place, weights=residual**2, minlength=bins) / np.maximum(count * (count - 1), 1))
    groups = int(clusters.max()) + 1
    sums = np.bincount(clusters * bins + place, weights=residual, minlength=groups * bins).reshape(groups, bins)
    return np.asarray(groups / max(groups - 1, 1) * (sums.T @ sums) / np.maximum(np.outer(count, count), 1))


def intercept(sample: Sample) -> Pulled:
    """Shift in log-odds that would make the confidences right on average, and influence [n]; below 0: too confident."""
    made = decisions(sample)
    _enough(made)
    offset = special.logit(np.clip(made.confidence, CLIP, 1 - CLIP))

    def excess(shift: float) -> float:
        return float(np.sum(special.expit(offset + shift) - made.right))

    shift = float(optimize.brentq(excess, -40, 40))
    chance = special.expit(offset + shift)
    return Pulled(shift, _per_row((made.right - chance) / np.sum(chance * (1 - chance)), sample.n))


def slope(sample: Sample) -> Pulled:
    """Slope of right on the log-odds of the confidence (logistic regression), and influence [n]; below 1: too confident."""
    made = decisions(sample)
    _enough(made)
    x = special.logit(np.clip(made.confidence, CLIP, 1 - CLIP))
    if np.ptp(x) < 1e-9:
        raise Unscorable("every decision has the same confidence")
    design = np.stack([np.ones_like(x), x], axis=1)
    weights, chance, information = _logistic(design, made.right)
    pulls = (design * (made.right - chance)[:, None]) @ np.linalg.inv(information)
    return Pulled(float(weights[1]), _per_row(pulls[:, 1], sample.n))


def _per_row(pulls: Floats, n: int) -> Floats:
    return np.asarray(pulls.reshape(n, -1).sum(axis=1))


def _answers(made: Decisions) -> Decisions:
    """Of a yes or no per label: how sure the answer is, and whether it is right."""
    return Decisions(
        np.maximum(made.confidence, 1 - made.confidence), 1.0 * ((made.confidence >= 0.5) == (made.right > 0.5)), made.clusters
    )


def _overall(made: Decisions, level: float) -> tuple[float, float]:
    """The least and the most that the mean confidence can be off, were the share right anywhere in its Wilson interval."""
    low, high = ratio_interval(made.right, np.ones_like(made.right), made.clusters, level)
    mean = float(made.confidence.mean())
    return max(low - mean, mean - high, 0.0), max(high - mean, mean - low, 0.0)


def _fewer(made: Decisions) -> int:
    """Right or wrong decisions, whichever are fewer."""
    return min(int(made.right.sum()), len(made.right) - int(made.right.sum()))


def _enough(made: Decisions) -> None:
    if _fewer(made) < LEAST_OF_EACH:
        raise Unscorable(f"fewer than {LEAST_OF_EACH} decisions are {'wrong' if made.right.mean() > 0.5 else 'right'}")


def _logistic(design: Floats, truth: Floats) -> tuple[Floats, Floats, Floats]:
    """Weights, fitted chances, information of a logistic regression by damped Newton steps; Unscorable where it has no maximum."""
    weights = np.zeros(design.shape[1])
    for _ in range(100):
        chance = special.expit(design @ weights)
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        if np.linalg.cond(information) > 1e12 or np.abs(weights).max() > 1e3:
            break
        step = np.linalg.solve(information, design.T @ (truth - chance))
        weights = weights + step / max(1.0, float(np.abs(step).max()) / 2)
        if float(np.abs(step).max()) < 1e-10:
            return weights, chance, information
    raise Unscorable("the confidences separate right from wrong: the slope has no finite value")


@dataclass(frozen=True)
class ReliabilityBin:
    """One bar of a reliability plot: mean confidence and share right (with its interval) of `n` decisions."""

    low: float
    high: float
    confidence: float
    right: float
    right_low: float
    right_high: float
    n: int


def reliability(sample: Sample, *, bins: int | None = None, level: float = 0.95) -> list[ReliabilityBin]:
    """Equal-mass bins of confidence with Wilson intervals of the share right, from least to most confident."""
    made = decisions(sample)
    place, out = bin_of(made.confidence, bins), []
    for k in range(int(place.max()) + 1):
        here = place == k
        if not here.any():
            continue
        inside, right = made.confidence[here], made.right[here]
        groups = None if made.clusters is None else np.unique(made.clusters[here], return_inverse=True)[1]
        low, high = ratio_interval(right, np.ones_like(right), None if groups is None or groups.max() == 0 else groups, level)
        out.append(
            ReliabilityBin(float(inside.min()), float(inside.max()), float(inside.mean()), float(right.mean()), low, high, int(here.sum()))
        )
    return out


@dataclass(frozen=True)
class Temperature:
    """What logits are divided by; the log-loss of the rows it was fitted on before and after; `at_bound` where no optimum lies inside."""

    value: float
    before: float
    after: float
    at_bound: bool


def temperature(logits: Any, labels: Any) -> Temperature:
    """The temperature in 0.05..20 with the least log-loss (Guo et al. 2017), by Brent's method on its logarithm.

    logits [n, K] with int labels [n] (softmax), or [n, L] with bool labels [n, L] (sigmoids). Fit it on validation rows.
    """
    z, y = np.asarray(logits), np.asarray(labels)
    z = z if z.dtype == np.float32 else z.astype(np.float64)
    if len(z) == 0 or len(z) != len(y) or not np.isfinite(z).all():
        raise ValueError("temperature needs finite logits and as many labels")
    loss = _sigmoid_loss(z, y) if y.ndim == 2 else _softmax_loss(z, y)
    found = optimize.minimize_scalar(lambda log_t: loss(math.exp(log_t)), bounds=(math.log(0.05), math.log(20)), method="bounded")
    value, before = math.exp(float(found.x)), loss(1.0)
    if float(found.fun) > before:
        return Temperature(1.0, before, before, at_bound=False)
    return Temperature(value, before, float(found.fun), at_bound=abs(abs(float(found.x)) - math.log(20)) < 1e-3)


def _softmax_loss(z: Floats, y: Ints) -> Callable[[float], float]:
    gaps = z - np.take_along_axis(z, y[:, None].astype(np.int64), axis=1)
    return lambda t: float(np.mean(special.logsumexp(gaps / t, axis=1), dtype=np.float64))


def _sigmoid_loss(z: Floats, y: Any) -> Callable[[float], float]:
    wrong_way = np.where(y, -z, z)
    return lambda t: float(np.mean(np.logaddexp(0, wrong_way / t), dtype=np.float64))


__all__ = [
    "CalibrationError", "Decisions", "ReliabilityBin", "Temperature", "decisions", "intercept", "reliability", "slope", "temperature",
]  # fmt: skip
