"""What n rows can show, before and after a measurement: half-widths, smallest visible gaps, rows needed.

Part of statistics. `goodfit check` uses it before anything is trained; `comparing` fills `rows_needed` of a Verdict with it.
Power is 80% throughout: with that many rows, four of five repetitions would give a firm answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import optimize, stats

from goodfit.statistics.influence import wilson_interval
from goodfit.statistics.proportions import normal_quantile

POWER = 0.8
PILOT = 0.8
"""Confidence of the upper bound that stands in for a spread seen in a pilot."""
MOST_ROWS = 1_000_000_000


def half_width(n: float, value: float = 0.8, *, level: float = 0.95, design: float = 1.0) -> float:
    """Half the width of a share's Wilson interval from n rows; `design` > 1 where rows come in clusters (variance ratio)."""
    low, high = wilson_interval(value, n / design, normal_quantile(level))
    return (high - low) / 2


def half_width_macro(supports: Sequence[int], value: float = 0.8, *, level: float = 0.95) -> float:
    """Half the width of macro-F1's (or balanced accuracy's) interval with `supports` rows per class, were every class at `value`.

    The mean of K shares has the variance of a share from K^2 / sum(1 / n_k) rows: the rare classes decide.
    """
    rows = [n for n in supports if n > 0]
    if not rows:
        raise ValueError("no class has rows")
    return half_width(len(rows) ** 2 / sum(1 / n for n in rows), value, level=level)


def half_width_mean(n: int, deviation: float, *, level: float = 0.95) -> float:
    """Half the width of a mean's t interval."""
    return float(stats.t.ppf(0.5 + level / 2, n - 1)) * deviation / math.sqrt(n)


def half_width_auc(positives: int, negatives: int, value: float = 0.85, *, level: float = 0.95) -> float:
    """Half the width of an AUC's interval (Hanley & McNeil 1982, exponential scores)."""
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    variance = value * (1 - value) + (positives - 1) * (q1 - value**2) + (negatives - 1) * (q2 - value**2)
    return normal_quantile(level) * math.sqrt(variance / (positives * negatives))


def smallest_gap(n_a: int, n_b: int, value: float = 0.8, *, level: float = 0.95, power: float = POWER) -> float:
    """Smallest difference of a share between two groups of other rows that is found with `power`; at most 1."""
    z, lift = normal_quantile(level), float(stats.norm.ppf(power))
    side = -1.0 if value > 0.5 else 1.0

    def missing(gap: float) -> float:
        other = value + side * gap
        pooled = (n_a * value + n_b * other) / (n_a + n_b)
        under_null = math.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
        at_gap = math.sqrt(value * (1 - value) / n_a + max(other * (1 - other), 0) / n_b)
        return gap - z * under_null - lift * at_gap

    most = max(value, 1 - value)
    return 1.0 if missing(most) < 0 else float(optimize.brentq(missing, 0, most))


def smallest_difference(n: int, discordance: float, *, level: float = 0.95, power: float = POWER) -> float:
    """Smallest paired difference of a share that n rows show with `power`, where the systems differ on a share `discordance` of rows."""
    z, lift = normal_quantile(level), float(stats.norm.ppf(power))

    def missing(gap: float) -> float:
        return gap - (z * math.sqrt(discordance) + lift * math.sqrt(max(discordance - gap**2, 0))) / math.sqrt(n)

    return discordance if missing(discordance) < 0 else float(optimize.brentq(missing, 0, discordance))


def rows_for_paired(gap: float, discordance: float, *, level: float = 0.95, power: float = POWER) -> int | None:
    """Rows that show a paired difference of a share: (z sqrt(q) + z' sqrt(q - d^2))^2 / d^2 (Connett, Smith & McHugh 1987)."""
    gap = abs(gap)
    if gap == 0:
        return None
    q = max(discordance, gap)
    z, lift = normal_quantile(level), float(stats.norm.ppf(power))
    return _whole((z * math.sqrt(q) + lift * math.sqrt(max(q - gap**2, 0))) ** 2 / gap**2)


def rows_for_mean(gap: float, deviation: float, *, level: float = 0.95, power: float = POWER) -> int | None:
    """Rows that show a difference whose per-row standard deviation is `deviation`: ((z + z') sd / d)^2."""
    if gap == 0:
        return None
    return _whole(((normal_quantile(level) + float(stats.norm.ppf(power))) * deviation / gap) ** 2)


def careful_discordance(discordance: float, n: int) -> float:
    """Upper 80% bound (one-sided) of a discordance seen in n rows."""
    return wilson_interval(discordance, n, float(stats.norm.ppf(PILOT)))[1]


def careful_deviation(deviation: float, n: int) -> float:
    """Upper 80% bound (one-sided) of a standard deviation seen in n units."""
    return deviation * math.sqrt((n - 1) / float(stats.chi2.ppf(1 - PILOT, n - 1)))


def _whole(rows: float) -> int | None:
    return None if rows > MOST_ROWS else max(1, math.ceil(rows))
