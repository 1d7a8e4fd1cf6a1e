"""Families of kinds that are shares of yes/no rows.

Part of statistics; rows of `table` are made of these. `Rate` (accuracy, any mean of 0/1), `Share` (precision, recall, F1 of one
class), `MeanOfShares` (balanced accuracy). Nothing is drawn for a single system.

F1 of one class: F1 = 2J/(1+J) with J = hits / (hits + misses + false alarms), and given how many rows carry the class as label or
as prediction, hits are binomial: Wilson on J, carried over. It holds where all rows are right, and for rare classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goodfit.statistics.counted import Counted
from goodfit.statistics.influence import spread
from goodfit.statistics.proportions import mcnemar_midp, mean_of_shares, normal_quantile, ratio_interval, tango
from goodfit.statistics.sample import Contrast, Estimate, Floats, Sample, Unscorable


@dataclass(frozen=True)
class Rate:
    """A family of kinds: the mean of a yes/no per row."""

    flags: Callable[[Sample], Floats]
    interval: str = "wilson"
    test: str = "tango"

    def point(self, sample: Sample) -> float:
        """The share of rows."""
        return float(self.flags(sample).mean())

    def measure(self, sample: Sample, level: float, rng: np.random.Generator) -> Estimate:
        """The share with its interval (nothing is drawn)."""
        flags = self.flags(sample)
        low, high = ratio_interval(flags, np.ones_like(flags), sample.clusters, level)
        return Estimate(float(flags.mean()), low, high, "wilson" if sample.clusters is None else "wilson_clustered")

    def contrast(self, a: Sample, b: Sample, level: float, rng: np.random.Generator) -> Contrast:
        """a - b; clusters: t on cluster sums of the differences."""
        gaps = self.flags(a) - self.flags(b)
        only_a, only_b, n = int((gaps > 0).sum()), int((gaps < 0).sum()), len(gaps)
        value, differing = (only_a - only_b) / n, (only_a + only_b) / n
        if a.clusters is None:
            low, high = tango(only_a, only_b, n, level)
            return Contrast(value, low, high, mcnemar_midp(only_a, only_b), "tango", discordance=differing)
        about = spread((gaps - value) / n, a.clusters)
        if about.error == 0:
            low, high = tango(a.units * (value > 0), a.units * (value < 0), a.units, level)
            return Contrast(value, low, high, about.p(value), "tango_clustered", discordance=differing)
        half = about.critical(level) * about.error
        return Contrast(value, max(value - half, -1.0), min(value + half, 1.0), about.p(value), "paired_t_clustered")


@dataclass(frozen=True)
class Share:
    """A family of kinds for one class against the rest: hits among some rows; `f1` carries the share J over to F1 = 2J/(1+J)."""

    of: Callable[[Sample], Floats]
    """Which rows count: those of the class, those predicted as it, or either."""
    counted: Counted
    """The same number from counts, for the paired comparison."""
    empty: str
    """Why there is no value where no row counts."""
    f1: bool = False
    interval: str = "wilson"
    test: str = "paired_bootstrap"

    def point(self, sample: Sample) -> float:
        """The share; Unscorable where no row counts."""
        return self._parts(sample)[2]

    def measure(self, sample: Sample, level: float, rng: np.random.Generator) -> Estimate:
        """The share with its interval (nothing is drawn); `n` is the rows that count (F1: the rows of the class)."""
        hits, of, value = self._parts(sample)
        low, high = ratio_interval(hits, of, sample.clusters, level)
        method = ("wilson_union" if self.f1 else "wilson") + ("" if sample.clusters is None else "_clustered")
        n = int(sample.labels.sum()) if self.f1 else int(of.sum())
        return Estimate(value, self._carry(low), self._carry(high), method, n=n)

    def contrast(self, a: Sample, b: Sample, level: float, rng: np.random.Generator) -> Contrast:
        """a - b by the paired bootstrap of counts."""
        self._parts(a), self._parts(b)
        return self.counted.contrast(a, b, level, rng)

    def _parts(self, sample: Sample) -> tuple[Floats, Floats, float]:
        of = self.of(sample)
        if not of.any() or (self.f1 and not sample.labels.any()):
            raise Unscorable(self.empty)
        hits = (sample.labels & sample.predictions).astype(np.float64)
        return hits, of, self._carry(float(hits.sum() / of.sum()))

    def _carry(self, share: float) -> float:
        return 2 * share / (1 + share) if self.f1 else share


@dataclass(frozen=True)
class MeanOfShares:
    """Balanced accuracy: the mean of the recalls of the classes that have rows."""

    counted: Counted
    interval: str = "score_mean_of_shares"
    test: str = "paired_bootstrap"

    def point(self, sample: Sample) -> float:
        """The mean recall."""
        return self.counted.point(sample)

    def measure(self, sample: Sample, level: float, rng: np.random.Generator) -> Estimate:
        """The mean recall with its score interval (nothing is drawn)."""
        right = (sample.labels == sample.predictions).astype(np.float64)
        rows = np.bincount(sample.labels).astype(np.float64)
        all_hits = np.asarray(np.bincount(sample.labels, weights=right), dtype=np.float64)
        hits, of = all_hits[rows > 0], rows[rows > 0]
        value = float(np.mean(hits / of))
        if sample.clusters is None:
            return Estimate(value, *mean_of_shares(hits, of, normal_quantile(level)), self.interval)
        missed = right - (all_hits / np.maximum(rows, 1))[sample.labels]
        about = spread(missed / rows[sample.labels] / len(of), sample.clusters)
        independent = float(np.sum(hits / of * (1 - hits / of) / of)) / len(of) ** 2
        design = max(about.error**2 / independent, 1.0) if independent > 0 else sample.n / sample.units
        low, high = mean_of_shares(hits / design, of / design, about.critical(level))
        return Estimate(value, low, high, f"{self.interval}_clustered")

    def contrast(self, a: Sample, b: Sample, level: float, rng: np.random.Generator) -> Contrast:
        """a - b by the paired bootstrap of counts."""
        return self.counted.contrast(a, b, level, rng)
