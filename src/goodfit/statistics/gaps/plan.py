"""What a comparison of two groups can show, before it is made: power, the smallest gap that is found, rows needed.

Part of statistics.gaps. `alpha` is the level of one test: `family.first_alpha` says what a family leaves of 5%. `design`: the variance of
the gap over that of as many independent rows (above 1 where rows come in clusters, below 1 where the same templates hold both sides).
"""

from __future__ import annotations

import math

from scipy import optimize, stats

from goodfit.statistics import power as shares

POWER = shares.POWER
MOST_ROWS = shares.MOST_ROWS


def power_of(n_in: float, n_out: float, rate: float, gap: float, alpha: float = 0.05, *, design: float = 1.0) -> float:
    """The chance that a true gap (rate inside minus `rate` outside) is found at two-sided `alpha`.

    Normal law, variance pooled under the null (Fleiss, Levin & Paik 2003, 4.2), with the correction for skewness that the test makes
    (`difference`). Where `design` is not 1 the standard error is estimated from clusters, and the critical value is Student's. Raises
    ValueError where rate + gap is no share.
    """
    other = rate + gap
    if not (0 <= rate <= 1 and -1e-9 <= other <= 1 + 1e-9):
        raise ValueError(f"a rate of {rate} and one of {other}: both lie between 0 and 1")
    n_in, n_out = n_in / design, n_out / design
    pooled = (n_in * other + n_out * rate) / (n_in + n_out)
    null = pooled * (1 - pooled) * (1 / n_in + 1 / n_out)
    at_gap = math.sqrt(max(other * (1 - other), 0.0) / n_in + rate * (1 - rate) / n_out)
    if at_gap == 0 or null <= 0:
        return 1.0 if gap else alpha
    quantile = float(stats.norm.isf(alpha / 2))
    if design != 1:
        quantile = float(stats.t.isf(alpha / 2, degrees_of(n_in, n_out, rate, gap)))
    skew = math.copysign(1, gap) * pooled * (1 - pooled) * (1 - 2 * pooled) * (1 / n_in**2 - 1 / n_out**2) / (6 * null**1.5)
    same, against = ((quantile + side * skew * (quantile**2 - 1)) * math.sqrt(null) for side in (1, -1))
    return float(stats.norm.sf((same - abs(gap)) / at_gap) + stats.norm.cdf((-against - abs(gap)) / at_gap))


def degrees_of(n_in: float, n_out: float, rate: float, gap: float) -> float:
    """Degrees of freedom as `difference.of_shares` gives them, as if each of these (effective) rows were a cluster."""
    other = min(max(rate + gap, 0.0), 1.0)
    inside, outside = other * (1 - other) / n_in, rate * (1 - rate) / n_out
    return max((inside + outside) ** 2 / (inside**2 / max(n_in - 1, 1) + outside**2 / max(n_out - 1, 1)), 1.0)


def smallest_gap(n_in: float, n_out: float, rate: float, alpha: float = 0.05, *, power: float = POWER, design: float = 1.0) -> float:
    """The smallest gap, away from the nearer of 0 and 1, that is found with `power` (`power_of` turned round); 1 where none is."""
    side, most = (-1.0, rate) if rate > 0.5 else (1.0, 1 - rate)

    def missing(gap: float) -> float:
        return power - power_of(n_in, n_out, rate, side * gap, alpha, design=design)

    return 1.0 if missing(most) > 0 else float(optimize.brentq(missing, 1e-9, most, xtol=1e-6))


def rows_for(
    rate: float, gap: float, alpha: float = 0.05, *, n_out: float | None = None, power: float = POWER, design: float = 1.0
) -> int | None:
    """Rows inside that find a true gap of this size with `power`: beside `n_out` rows outside (None: as many as inside).

    Both sides are taken to be near `rate`. None where no number of rows inside does it, the rows outside being too few.
    """
    if gap == 0:
        return None
    wanted = (float(stats.norm.isf(alpha / 2)) + float(stats.norm.ppf(power))) / abs(gap)
    return rows_at(wanted**2 * design * rate * (1 - rate), n_out)


def rows_for_equivalence(
    rate: float, margin: float, *, n_out: float | None = None, power: float = POWER, design: float = 1.0
) -> int | None:
    """Rows inside that show no gap above the margin with `power`, where there is none: both one-sided tests at 5% (Schuirmann 1987)."""
    wanted = (float(stats.norm.isf(0.05)) + float(stats.norm.ppf((1 + power) / 2))) / margin
    return rows_at(wanted**2 * design * rate * (1 - rate), n_out)


def information_for(margin: float, variance: float, alpha: float = 0.05, *, power: float = POWER) -> float:
    """1 / (1 / n_in + 1 / n_out) at which a gap of `margin` is found at `alpha`, and its absence is shown, each with `power`.

    `variance`: of one row.
    """
    found = float(stats.norm.isf(alpha / 2)) + float(stats.norm.ppf(power))
    equal = float(stats.norm.isf(0.05)) + float(stats.norm.ppf((1 + power) / 2))
    return max(found, equal) ** 2 * variance / margin**2


def rows_at(information: float, n_out: float | None) -> int | None:
    """Rows inside with 1 / n_in + 1 / n_out = 1 / information."""
    if n_out is None:
        return max(1, math.ceil(2 * information - 1e-9))
    left = 1 / max(information, 1e-9) - 1 / n_out
    if left <= 1 / MOST_ROWS:
        return None
    return max(1, math.ceil(1 / left - 1e-9))
