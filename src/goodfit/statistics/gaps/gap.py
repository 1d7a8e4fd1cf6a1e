"""A gap: the rate of a group minus the rate of everybody else, with interval, p, and the answer that it allows.

Part of statistics.gaps. Shares: the skewness-corrected score of `difference`; with clusters on the effective number of rows, with
Student's t. Other values: t on what each cluster (or row) pulls the difference. Clusters that hold both sides are paired by that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from goodfit.score import Answer, Score
from goodfit.statistics.gaps.difference import TINY, Two, arms_of, effective, limits, of_shares, statistic, two_sided
from goodfit.statistics.gaps.plan import information_for
from goodfit.statistics.gaps.rate import LEAST_CLUSTERS, LEAST_INTERVAL, LEAST_RATE, LEAST_VERDICT, codes_of, is_share, too_few
from goodfit.statistics.influence import Flags, Spread
from goodfit.statistics.proportions import normal_quantile, tango
from goodfit.statistics.sample import Floats, Ints

NARROW = 0.90
"""The level whose interval lies within the margin where two one-sided tests at 5% show equivalence."""


@dataclass(frozen=True)
class Gap:
    """One group against the rest. Where it could not be computed `why_absent` says why; a gap may lack an interval (see `method`)."""

    n_inside: int
    n_outside: int
    value: float | None = None
    """Rate inside minus rate outside."""
    low: float | None = None
    high: float | None = None
    narrow: tuple[float, float] | None = None
    """The 90% interval."""
    p: float | None = None
    """Two-sided, of no gap; below 1 - level exactly where the interval leaves out 0."""
    rate_inside: float | None = None
    rate_outside: float | None = None
    clusters: tuple[int, int] | None = None
    """Clusters with counted rows inside and outside; None where rows are independent."""
    spread: float = 0.0
    """Variance of the gap times (1 / n_inside + 1 / n_outside)^-1: what one row would have, were rows independent."""
    share: bool = True
    """Whether both rates are means of 0 and 1."""
    level: float = 0.95
    method: str = ""
    why_absent: str | None = None

    @property
    def enough(self) -> bool:
        """Whether there are rows (and clusters) for a verdict."""
        rows = min(self.n_inside, self.n_outside) >= LEAST_VERDICT
        return rows and (self.clusters is None or min(self.clusters) >= LEAST_CLUSTERS) and self.narrow is not None

    @property
    def design(self) -> float:
        """Variance of the gap over that of independent rows at the same rates (1 where it is not known)."""
        if self.rate_inside is None or self.rate_outside is None or self.clusters is None or not self.share:
            return 1.0
        n1, n0, p1, p0 = self.n_inside, self.n_outside, self.rate_inside, self.rate_outside
        independent = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) / (1 / n1 + 1 / n0)
        return self.spread / independent if independent > TINY and self.spread > 0 else 1.0

    def about(self, **changes: Any) -> Gap:
        """The same gap with other facts."""
        return replace(self, **changes)

    def score(self, name: str, *, higher_is_better: bool = True) -> Score:
        """As a Score; `n` is the counted rows inside."""
        if self.value is None:
            return Score(name=name, n=self.n_inside, level=self.level, why_absent=self.why_absent, higher_is_better=higher_is_better)
        return Score(
            name=name, value=self.value, low=self.low, high=self.high, level=self.level, n=self.n_inside, method=self.method,
            clusters=None if self.clusters is None else self.clusters[0], higher_is_better=higher_is_better,
        )  # fmt: skip


class Answered(NamedTuple):
    """The word, why, and where rows would settle it, how many rows of this member in the conditioning class."""

    answer: Answer
    why: str
    rows_needed: int | None = None


def gap(
    values: Floats, counted: Flags, inside: Flags, clusters: Ints | None = None, *, known: Flags | None = None, level: float = 0.95
) -> Gap:
    """Mean of `values` [n] over counted rows inside minus that over counted rows outside, of the rows whose membership is `known` [n].

    `values`, `counted`: from `rows.per_row`. `inside`: bool [n]. `clusters`: int [n], any numbers. Absent below 20 rows on either side.
    """
    chosen = counted if known is None else counted & known
    seen, side = values[chosen].astype(np.float64), inside[chosen]
    groups = None if clusters is None else codes_of(clusters[chosen])
    n1 = int(side.sum())
    n0 = len(side) - n1
    if min(n1, n0) == 0:
        return Gap(n1, n0, level=level, why_absent="no row inside" if n1 == 0 else "no row outside")
    held = None if groups is None else (len(np.unique(groups[side])), len(np.unique(groups[~side])))
    if min(n1, n0) < LEAST_RATE:
        return Gap(n1, n0, clusters=held, level=level, why_absent=too_few())
    means = float(seen[side].mean()), float(seen[~side].mean())
    made = _measured(seen, side, groups, means, level)
    low, high = made.wide if made.wide is not None else (None, None)
    return Gap(
        n1, n0, means[0] - means[1], low, high, made.narrow, made.p, *means, clusters=held, spread=made.variance / (1 / n1 + 1 / n0),
        share=is_share(seen), level=level, method=made.method,
    )  # fmt: skip


class _Measured(NamedTuple):
    wide: tuple[float, float] | None
    narrow: tuple[float, float] | None
    p: float | None
    variance: float
    method: str


def _measured(seen: Floats, side: Flags, groups: Ints | None, means: tuple[float, float], level: float) -> _Measured:
    share, n1 = is_share(seen), int(side.sum())
    rows = n1, len(side) - n1
    if share and groups is None:
        two = Two(means[0], rows[0], means[1], rows[1])
        variance = sum(m * (1 - m) / n for m, n in zip(means, rows, strict=True))
        return _scored(two, None, variance, level, "score_skew")
    fewest = rows if groups is None else (len(np.unique(groups[side])), len(np.unique(groups[~side])))
    if min(fewest) < LEAST_INTERVAL:
        return _Measured(None, None, None, 0.0, f"none: fewer than {LEAST_INTERVAL} clusters")
    arms, difference = arms_of(seen, side, groups), means[0] - means[1]
    about, ending = arms.spread, "" if groups is None else "_clustered"
    if about.error <= TINY and share and abs(difference) <= TINY and groups is not None:
        units = min(fewest)
        return _Measured(tango(0, 0, units, level), tango(0, 0, units, NARROW), 1.0, 0.0, "tango_clusters_alike")
    if share and groups is not None:
        two = effective(means, rows, arms) if about.error > TINY else Two(means[0], fewest[0], means[1], fewest[1])
        return _scored(two, of_shares(arms, side, groups), about.error**2, level, f"score_skew{ending}")
    if about.error <= TINY:
        return _Measured(None, None, None, 0.0, "none: every row gives the same value")
    ends = []
    for one in (level, NARROW):
        half = about.critical(one) * about.error
        ends.append((difference - half, difference + half))
    return _Measured(ends[0], ends[1], about.p(difference), about.error**2, f"welch_t{ending}")


def _scored(two: Two, about: Spread | None, variance: float, level: float, method: str) -> _Measured:
    wide, narrow = (limits(two, normal_quantile(one) if about is None else about.critical(one)) for one in (level, NARROW))
    p = two_sided(statistic(two, 0.0), about)
    if p >= 1 - level:  # the same statistic: only rounding can part the two
        wide = min(wide[0], 0.0), max(wide[1], 0.0)
    return _Measured(wide, narrow, p, variance, method)


def answer_of(gap: Gap, margin: float, p_adjusted: float | None, *, alpha: float = 0.05) -> Answered:
    """The answer to one question of a family; `margin` > 0 is the largest gap that does not matter.

    `no_gap_above_margin`: the 90% interval lies within +-margin (two one-sided tests at 5%, Schuirmann 1987), even if a small gap is sure.
    `gap`: adjusted p is below 5%. `not_enough_data`: neither, or too few rows; with `rows_needed` (`alpha`: level of this one test).
    `not_measured`: no row on one side.
    """
    if margin <= 0:
        raise ValueError(f"the margin is {margin}: it is above 0")
    if min(gap.n_inside, gap.n_outside) == 0:
        return Answered("not_measured", gap.why_absent or "no row")
    if not gap.enough:
        return Answered("not_enough_data", _lacking(gap), rows_needed(gap, margin, alpha))
    assert gap.narrow is not None
    if -margin < gap.narrow[0] and gap.narrow[1] < margin:
        return Answered("no_gap_above_margin", f"the 90% interval lies within {margin:g}")
    if p_adjusted is not None and p_adjusted < 0.05:
        return Answered("gap", "p adjusted below 0.05")
    return Answered("not_enough_data", "neither a gap nor its absence is sure", rows_needed(gap, margin, alpha))


def _lacking(gap: Gap) -> str:
    if min(gap.n_inside, gap.n_outside) < LEAST_VERDICT:
        return f"n {'inside' if gap.n_inside < LEAST_VERDICT else 'outside'} below {LEAST_VERDICT}"
    if gap.clusters is not None and min(gap.clusters) < LEAST_CLUSTERS:
        return f"clusters {'inside' if gap.clusters[0] < LEAST_CLUSTERS else 'outside'} below {LEAST_CLUSTERS}"
    return gap.method


def rows_needed(gap: Gap, margin: float, alpha: float = 0.05) -> int:
    """Rows of this member in the conditioning class that would give an answer: more than now.

    With them a true gap of `margin` is found with 80% power at `alpha`, and no gap is shown to be within the margin with 80% power, at
    the rates and the design effect seen. The rows outside stay as they are; where these are too few, both sides grow alike.
    """
    information = information_for(margin, _variance(gap), alpha)
    n1, n0 = gap.n_inside, max(gap.n_outside, 1)
    left = 1 / max(information, 1.0) - 1 / n0
    growth = max(information * (1 / max(n1, 1) + 1 / n0), LEAST_VERDICT / n0)
    needed = growth * max(n1, 1)
    if left > 0 and n0 >= LEAST_VERDICT and 1 / left <= max(10 * n1, 10 * LEAST_VERDICT):
        needed = 1 / left
    if gap.clusters is not None:
        needed = max(needed, n1 * LEAST_CLUSTERS / max(min(gap.clusters), 1))
    return max(math.ceil(needed - 1e-9), LEAST_VERDICT, n1 + 1)


def _variance(gap: Gap) -> float:
    """Of one row: at the rate of both sides together, kept away from 0 and 1, times the design effect; 1/4 where nothing is known."""
    if not gap.share and gap.spread > 0:
        return gap.spread
    if gap.rate_inside is None or gap.rate_outside is None or not gap.share:
        return 0.25
    n1, n0 = gap.n_inside, gap.n_outside
    pooled = (gap.rate_inside * n1 + gap.rate_outside * n0 + 1) / (n1 + n0 + 2)
    rate = min(max(pooled, 0.01), 0.99)
    return rate * (1 - rate) * gap.design
