"""Are a group's rows ranked as others' are? Without any threshold, from the scores alone.

Part of statistics.gaps. Borkan et al. (2019): subgroup AUC (within the group), BPSN (background positive, subgroup negative: low where
the group's negatives are scored too high), BNSP (background negative, subgroup positive: low where its positives are scored too low), and
the average equality gap of one class (1/2 - Mann-Whitney of group against background; 0 is none, below 0 the group is scored higher).
Intervals: DeLong on the log-odds scale (`ranking`), summed within clusters.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from goodfit.score import Score
from goodfit.statistics.gaps.difference import TINY
from goodfit.statistics.gaps.gap import NARROW, Gap
from goodfit.statistics.gaps.rate import LEAST_INTERVAL, LEAST_RATE, codes_of, too_few
from goodfit.statistics.influence import Flags, on_scale, spread
from goodfit.statistics.ranking import auc_of_class, perfect_ranking
from goodfit.statistics.sample import Floats, Ints, Sample

Ranked = Literal["subgroup_auc", "background_auc", "bpsn_auc", "bnsp_auc", "aeg_positive", "aeg_negative"]


def ranked(kind: Ranked, scores: Floats, truth: Ints, inside: Flags, clusters: Ints | None = None, *, known: Flags | None = None) -> Score:
    """One of the six numbers, with its 95% interval. `scores` [n], `truth` 0/1 [n], `inside` [n]; absent below 20 rows on either side.

    `n` is the number of rows on the rarer of the two sides that are compared.
    """
    chosen, upper = _sides(kind, np.asarray(truth).astype(np.bool_), inside)
    if known is not None:
        chosen = chosen & known
    upper, seen = upper[chosen], np.asarray(scores, dtype=np.float64)[chosen]
    n, equality = min(int(upper.sum()), int((~upper).sum())), kind.startswith("aeg")
    if n < LEAST_RATE:
        return Score(name=kind, n=n, why_absent=too_few())
    groups = None if clusters is None else codes_of(clusters[chosen])
    units = None if groups is None else int(groups.max()) + 1
    value, influence, _ = auc_of_class(upper, seen)
    low: float | None
    high: float | None
    low, high, method = None, None, "delong_logit" if groups is None else "delong_logit_clustered"
    if units is not None and units < LEAST_INTERVAL:
        method = f"none: fewer than {LEAST_INTERVAL} clusters"
    elif value in (0.0, 1.0):
        low, high = perfect_ranking(Sample(upper.astype(np.int64), seen, groups), value, 0.95)
    else:
        about = spread(influence, groups)
        low, high = on_scale(value, about, "logit", 0.95) if about.error > TINY else (None, None)
        method = method if low is not None else "none: every row gives the same value"
    if equality:
        value, low, high = 0.5 - value, None if high is None else 0.5 - high, None if low is None else 0.5 - low
    return Score(name=kind, value=value, low=low, high=high, n=n, method=method, clusters=units)


def _sides(kind: Ranked, positive: Flags, inside: Flags) -> tuple[Flags, Flags]:
    """(rows that are compared [n], those that should stand higher [n])."""
    if kind.startswith("aeg"):
        return (positive if kind == "aeg_positive" else ~positive), inside
    chosen = {
        "subgroup_auc": inside, "background_auc": ~inside, "bpsn_auc": inside != positive, "bnsp_auc": inside == positive,
    }[kind]  # fmt: skip
    return chosen, positive


def auc_gap(scores: Floats, truth: Ints, inside: Flags, clusters: Ints | None = None, *, known: Flags | None = None) -> Gap:
    """AUC within the group minus AUC within the rest: t on what each cluster (or row) pulls the difference.

    `n_inside` and `n_outside` are the rows of the rarer class on each side.
    """
    chosen = np.ones(len(inside), dtype=np.bool_) if known is None else known
    positive, side = np.asarray(truth)[chosen] == 1, inside[chosen]
    seen, groups = np.asarray(scores, dtype=np.float64)[chosen], None if clusters is None else codes_of(clusters[chosen])
    n1, n0 = (min(int((positive & one).sum()), int((~positive & one).sum())) for one in (side, ~side))
    if min(n1, n0) < LEAST_RATE:
        return Gap(n1, n0, share=False, why_absent=too_few())
    influence, values = np.zeros(len(seen)), []
    for sign, one in ((1.0, side), (-1.0, ~side)):
        value, pulls, _ = auc_of_class(positive[one], seen[one])
        influence[one] = sign * pulls
        values.append(value)
    held = None if groups is None else (len(np.unique(groups[side])), len(np.unique(groups[~side])))
    found = Gap(
        n1, n0, values[0] - values[1], rate_inside=values[0], rate_outside=values[1], clusters=held, share=False,
        method=f"none: fewer than {LEAST_INTERVAL} clusters",
    )  # fmt: skip
    if held is not None and min(held) < LEAST_INTERVAL:
        return found
    return _with_interval(found, influence, groups)


def _with_interval(found: Gap, influence: Floats, groups: Ints | None) -> Gap:
    about, value = spread(influence, groups), found.value or 0.0
    if about.error <= TINY:
        return found.about(method="none: every row gives the same value")
    half, narrow = (about.critical(level) * about.error for level in (found.level, NARROW))
    rows = 1 / (1 / found.n_inside + 1 / found.n_outside)
    return found.about(
        low=value - half, high=value + half, narrow=(value - narrow, value + narrow), p=about.p(value), spread=about.error**2 * rows,
        method="delong_t" if groups is None else "delong_t_clustered",
    )  # fmt: skip
