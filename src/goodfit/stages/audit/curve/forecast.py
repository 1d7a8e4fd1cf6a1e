"""Extending a learning curve: every form, exponent and asymptote that the measured points allow, each by how well it fits them.

Part of audit. The error at n rows is a + b n^-c (pow3) on most curves (Brumen 2021, Hestness 2017), but neither the form nor the asymptote
of this one is known, and the parameter bootstrap of one form alone is far too narrow (it covers 81% in place of 95%; methods 4). So the
forecast is an average over many models (Hoeting et al. 1999): power law, exponential, Hill and no gain at all, over a grid of their
exponents and of asymptotes between zero and the best error seen, each weighted by its likelihood and by how common its form is. To that
come the noise of the level, which all sizes share, and that of one training run.
Shapes: s sizes, r repeats, d draws, t targets, m models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

Floats = NDArray[np.float64]
MOST = 4.0
"""Times the largest size: no forecast goes further."""
DRAWS = 2000
FLOOR = 0.003
"""Standard error of a point, at least: no form holds exactly."""
RUN = 0.3
"""Share of the scatter that is the training run's; the rest is that of few held-out rows, which the level's noise has already."""
WORSE, WORSE_SURE = 0.01, 5.0
"""A curve on which the largest size is worse by a point than a smaller one, beyond this many standard errors, is no learning curve."""
Answer = Literal["forecast", "not_a_curve", "too_few_sizes"]


@dataclass(frozen=True)
class Curve:
    """What was measured: scores (share, higher is better) at rising sizes."""

    sizes: NDArray[np.int64]
    """[s] training rows."""
    scores: Floats
    """[r, s]; a repeat has its own held-out rows."""

    @property
    def level(self) -> Floats:
        """[r] how much easier a repeat's held-out rows are than the average's; larger sizes, which scatter less, count more."""
        weight = self.sizes / self.sizes.sum()
        out: Floats = (self.scores - self.scores.mean(axis=0)) @ weight
        return out

    @property
    def mean(self) -> Floats:
        """[s]"""
        out: Floats = self.scores.mean(axis=0)
        return out

    @property
    def scatter(self) -> Floats:
        """[s] standard deviation of one training run around its level: a power of the size, since few repeats alone say little."""
        left = self.scores - self.level[:, None] - self.mean
        freedom = max(1, len(self.scores) - 1)
        variance = np.maximum((left**2).sum(axis=0) / freedom, 1e-10)
        # The logarithm of a variance of few degrees of freedom is too low on average.
        heard = np.log(variance) - (digamma(freedom / 2) - np.log(freedom / 2))
        x = np.log(self.sizes / self.sizes[-1])
        slope = min(0.0, float(np.polyfit(x, heard, 1)[0])) if len(x) > 1 else 0.0
        out: Floats = np.exp(0.5 * (heard.mean() + slope * (x - x.mean())))
        return out

    @property
    def noise(self) -> Floats:
        """[s] standard error of each mean, the shared level left out."""
        out: Floats = np.maximum(self.scatter / np.sqrt(len(self.scores)), FLOOR)
        return out

    @property
    def level_noise(self) -> float:
        """Standard error of the level that all sizes share."""
        return float(self.level.std(ddof=1) / np.sqrt(len(self.level))) if len(self.level) > 1 else 0.0


@dataclass(frozen=True)
class Forecast:
    """What a curve says of other sizes."""

    answer: Answer
    targets: NDArray[np.int64]
    """[t] rows."""
    value: Floats
    """[t] median of the draws; empty where `answer` is no forecast."""
    low: Floats
    high: Floats
    draws: Floats
    """[d, t] scores: differences of two targets are made draw by draw, so that what they have in common goes out."""

    def gain(self, more: int, base: int, level: float = 0.95) -> tuple[float, float, float]:
        """(median, low, high) of the score at target `more` above that at target `base` (places in `targets`)."""
        found = self.draws[:, more] - self.draws[:, base]
        half = (1 - level) / 2
        low, middle, high = np.quantile(found, [half, 0.5, 1 - half])
        return float(middle), float(low), float(high)


def forecast(
    curve: Curve, targets: NDArray[np.int64], rng: np.random.Generator, *, level: float = 0.95, rows_scored: int | None = None
) -> Forecast:
    """The score at the target sizes. ValueError for a target beyond MOST times the largest size: nobody can tell.

    `rows_scored`: where the score at a target is to be measured on so many new rows, the noise of that measurement is in the interval.
    """
    if (targets > MOST * curve.sizes[-1]).any():
        raise ValueError(f"a forecast goes to {MOST:g} times the largest size, {curve.sizes[-1]}, at most")
    none = np.zeros(0)
    if len(curve.sizes) < 4 or falls(curve):
        answer: Answer = "too_few_sizes" if len(curve.sizes) < 4 else "not_a_curve"
        return Forecast(answer, targets, none, none, none, np.zeros((0, len(targets))))
    errors = _draw(curve, targets, rng)
    if rows_scored is not None:
        errors += rng.normal(size=errors.shape) * np.sqrt(np.clip(errors * (1 - errors), 0.01, None) / rows_scored)
    scores = np.clip(1 - errors, 0, 1)
    half = (1 - level) / 2
    low, middle, high = np.quantile(scores, [half, 0.5, 1 - half], axis=0)
    return Forecast("forecast", targets, middle, low, high, scores)


def falls(curve: Curve) -> bool:
    """Whether the largest size is clearly worse than a smaller one: about one curve in seven is ill-behaved (Yan 2025)."""
    drop = curve.mean[:-1] - curve.mean[-1]
    sure = drop / np.sqrt(curve.noise[:-1] ** 2 + curve.noise[-1] ** 2)
    return bool(((drop > WORSE) & (sure > WORSE_SURE)).any())


def _draw(curve: Curve, targets: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """[d, t] errors at the targets, by models drawn by their weight; the level's noise is in them, and that of one run."""
    largest, s = float(curve.sizes[-1]), len(curve.sizes)
    errors, weight = 1 - curve.mean, 1 / curve.noise**2
    shape, prior = _models(np.concatenate([curve.sizes, targets]) / largest)
    asymptotes = np.linspace(0, 1, 21) * errors.min()
    x, ahead = shape[:, :s], shape[:, s:]
    left = errors[None, :] - asymptotes[:, None]
    spread = (x**2) @ weight
    slope = np.maximum((left * weight) @ x.T / spread, 0)  # [a, m]
    residual = left[:, None, :] - slope[..., None] * x[None]
    cost = -0.5 * (residual**2) @ weight + prior
    odds = np.exp(cost - cost.max()).reshape(-1)
    chosen = rng.choice(odds.size, size=DRAWS, p=odds / odds.sum())
    a, model = chosen // len(shape), chosen % len(shape)
    b = np.maximum(slope[a, model] + rng.normal(size=DRAWS) / np.sqrt(spread[model]), 0)
    found = asymptotes[a][:, None] + b[:, None] * ahead[model]
    run = rng.normal(size=(DRAWS, len(targets))) * RUN * curve.scatter[-1]
    out: Floats = found + run + rng.standard_t(max(1, len(curve.scores) - 1), size=(DRAWS, 1)) * curve.level_noise
    return out


def _models(n: Floats) -> tuple[Floats, Floats]:
    """[m, n] what every model multiplies its slope with at n (in units of the largest size), and [m] the logarithm of its prior."""
    exponents = np.geomspace(0.05, 1.5, 40)
    power = n[None, :] ** -exponents[:, None]
    rates = np.geomspace(0.1, 6.0, 20)
    exponential = np.exp(-rates[:, None] * n[None, :])
    halves, steep = (grid.reshape(-1, 1) for grid in np.meshgrid(np.geomspace(0.02, 10, 12), np.geomspace(0.3, 1.5, 8)))
    hill = halves**steep / (halves**steep + n[None, :] ** steep)
    common = -0.5 * ((exponents - 0.5) / 0.25) ** 2
    flat = np.ones((1, len(n)))
    parts = [(power, common, 0.5), (exponential, np.zeros(len(rates)), 0.1), (hill, np.zeros(len(halves)), 0.25), (flat, np.zeros(1), 0.2)]
    priors = [np.log(share) + prior - np.log(np.exp(prior).sum()) for _, prior, share in parts]
    return np.concatenate([part[0] for part in parts]), np.concatenate(priors)
