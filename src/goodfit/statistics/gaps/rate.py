"""The rate of a group, with its interval; and from how many rows anything is said at all.

Part of statistics.gaps. No rate from fewer than 20 rows, no verdict from fewer than 100 (or 20 clusters).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from goodfit.score import Score
from goodfit.statistics.influence import Flags, spread
from goodfit.statistics.proportions import ratio_interval, wilson
from goodfit.statistics.sample import Floats, Ints

LEAST_RATE = 20
"""Counted rows from which a rate, or a gap, is given."""
LEAST_VERDICT = 100
"""Counted rows, inside and outside, from which a verdict is given."""
LEAST_CLUSTERS = 20
"""Clusters with counted rows, inside and outside, from which a verdict is given."""
LEAST_INTERVAL = 5
"""Clusters from which an interval is given."""
EXACT_BELOW = 40
"""Rows below which the interval of a share is the exact one of Clopper & Pearson."""


def too_few(least: int = LEAST_RATE) -> str:
    """The reason a Score gives where there are too few rows."""
    return f"n below {least}"


def shown(n: int) -> str:
    """A number of rows as outputs may print it: small cells are not told apart."""
    return f"{n:,}" if n >= LEAST_RATE else f"below {LEAST_RATE}"


def codes_of(clusters: Any) -> Ints | None:
    """Any names -> 0..G-1; None where there are none or every row is its own."""
    if clusters is None:
        return None
    names, codes = np.unique(np.asarray(clusters), return_inverse=True)
    return None if len(names) == len(codes) else codes.astype(np.int64).reshape(-1)


def is_share(values: Floats) -> bool:
    """Whether all values are 0 or 1."""
    return bool(np.isin(values, (0.0, 1.0)).all())


def rate(values: Floats, counted: Flags, inside: Flags, clusters: Ints | None = None, *, name: str = "rate", level: float = 0.95) -> Score:
    """The mean of `values` [n] over the counted rows [n] of a group (`inside` [n]), from `rows.per_row`; absent below 20 rows.

    0/1 without clusters: Wilson (1927), below 40 rows Clopper & Pearson (1934). With clusters: Wilson on the effective number of rows, with
    Student's t (`proportions.ratio_interval`). Other values: t on cluster sums. `higher_is_better` is left to the caller.
    """
    chosen = counted & inside
    seen, groups = values[chosen], codes_of(clusters[chosen]) if clusters is not None else None
    n = len(seen)
    units = None if groups is None else int(groups.max()) + 1
    if n < LEAST_RATE:
        return Score(name=name, n=n, level=level, why_absent=too_few())
    value = float(seen.mean())
    low, high, method = _interval(seen, groups, level)
    return Score(name=name, value=value, low=low, high=high, level=level, n=n, method=method, clusters=units)


def _interval(seen: Floats, groups: Ints | None, level: float) -> tuple[float | None, float | None, str]:
    value, clustered = float(seen.mean()), "" if groups is None else "_clustered"
    if groups is not None and groups.max() + 1 < LEAST_INTERVAL:
        return None, None, f"none: fewer than {LEAST_INTERVAL} clusters"
    if is_share(seen):
        if groups is None and len(seen) < EXACT_BELOW:
            return *clopper_pearson(int(seen.sum()), len(seen), level), "clopper_pearson"
        if groups is None:
            return *wilson(float(seen.sum()), len(seen), level), "wilson"
        return *ratio_interval(seen, np.ones_like(seen), groups, level), "wilson_clustered"
    about = spread((seen - value) / len(seen), groups)
    if about.error <= 1e-12:
        return None, None, "none: every row gives the same value"
    half = about.critical(level) * about.error
    return max(value - half, -1.0), min(value + half, 1.0), f"t{clustered}"


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of hits / n (Clopper & Pearson 1934)."""
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(stats.beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits == n else float(stats.beta.isf(tail, hits + 1, n - hits))
    return low, high
