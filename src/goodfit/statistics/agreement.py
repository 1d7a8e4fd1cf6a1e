"""Do raters agree? Krippendorff's alpha by the coincidence matrix, beside the plain share of agreeing pairs.

Part of statistics. alpha = 1 - D_o / D_e: disagreement seen within units over the disagreement of values paired at random (Krippendorff
2011, "Computing Krippendorff's alpha-reliability", whose examples the tests reproduce). 1 is agreement, 0 is chance. Where nearly all
values are alike, alpha is low although nearly all pairs agree, because chance would agree too: so both are always shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from goodfit.score import Score
from goodfit.statistics.influence import on_scale, spread, wilson_interval
from goodfit.statistics.proportions import normal_quantile
from goodfit.statistics.sample import Floats

Metric = Literal["nominal", "ordinal", "interval"]
RESAMPLES = 1000
LEAST_UNITS = 10
"""Units below which no interval is given."""


@dataclass(frozen=True)
class Agreement:
    """Alpha and the raw share of agreeing pairs, each a Score whose n is units rated twice or more."""

    alpha: Score
    raw: Score


def krippendorff(ratings: Any, metric: Metric = "nominal") -> float:
    """Alpha alone; NaN where no unit is rated twice or all values are the same."""
    counts, values = _counts(np.asarray(ratings, dtype=np.float64))
    return float(_alpha(counts, values, metric, np.ones((1, len(counts))))[0]) if len(counts) else float("nan")


def agreement(ratings: Any, metric: Metric = "nominal", *, level: float = 0.95, seed: int = 0) -> Agreement:
    """Alpha and raw agreement of `ratings` [raters, units], NaN where a rater did not rate; values are numbers (codes, if nominal).

    Only units with two ratings or more count. Alpha's interval: bootstrap over units (percentiles, 1,000 draws); raw agreement's:
    Wilson on the effective number of units. Absent where no unit is rated twice, or where all values are the same (alpha only).
    """
    counts, values = _counts(np.asarray(ratings, dtype=np.float64))
    units = len(counts)
    facts: dict[str, Any] = {"level": level, "n": units}
    if units == 0:
        why = "no unit was rated twice"
        return Agreement(Score(name="alpha", unit="ratio", why_absent=why, **facts), Score(name="raw_agreement", why_absent=why, **facts))
    raw = _raw(counts, facts)
    value = float(_alpha(counts, values, metric, np.ones((1, units)))[0])
    if not np.isfinite(value):
        return Agreement(Score(name="alpha", unit="ratio", why_absent="all ratings are the same value", **facts), raw)
    if units < LEAST_UNITS:
        none = f"none: {units} units, an interval takes at least {LEAST_UNITS}"
        return Agreement(Score(name="alpha", value=value, unit="ratio", method=none, **facts), raw)
    rng = np.random.default_rng(seed)
    drawn = _alpha(counts, values, metric, rng.multinomial(units, np.full(units, 1 / units), size=RESAMPLES).astype(np.float64))
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    alpha = Score(name="alpha", value=value, low=min(float(low), value), high=max(float(high), value), unit="ratio",
                  method="bootstrap_units", resamples=len(drawn), **facts)  # fmt: skip
    return Agreement(alpha, raw)


def _counts(ratings: Floats) -> tuple[Floats, Floats]:
    """How often each unit has each value [units, values], of units rated twice or more; and the values, rising."""
    if ratings.ndim != 2:
        raise ValueError("ratings have a row per rater and a column per unit")
    values = np.unique(ratings[~np.isnan(ratings)])
    counts = np.stack([(ratings == v).sum(axis=0) for v in values], axis=1) if len(values) else np.zeros((ratings.shape[1], 0))
    kept: npt.NDArray[Any] = counts[counts.sum(axis=1) >= 2]
    used = kept.sum(axis=0) > 0
    return kept[:, used].astype(np.float64), values[used]


def _alpha(counts: Floats, values: Floats, metric: Metric, times: Floats) -> Floats:
    """Alpha of each draw [B]; `times` [B, units] says how often a draw holds each unit. NaN where there is one value only."""
    size = counts.sum(axis=1)
    pairs = (counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(values))) / (size - 1)[:, None, None]
    coincidence = np.einsum("bu,ucd->bcd", times, pairs)
    margins = coincidence.sum(axis=2)
    total = margins.sum(axis=1)
    distance = _distance(margins, values, metric)
    seen = (coincidence * distance).sum(axis=(1, 2)) / total
    chance = (margins[:, :, None] * margins[:, None, :] * distance).sum(axis=(1, 2)) / (total * (total - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(chance > 0, 1 - seen / chance, np.nan))


def _distance(margins: Floats, values: Floats, metric: Metric) -> Floats:
    """Squared difference of two values [B or 1, values, values]; the ordinal one counts the ratings that lie between."""
    if metric == "nominal":
        return np.asarray(1.0 - np.eye(len(values)))[None]
    if metric == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2)[None]
    rank = np.cumsum(margins, axis=1) - margins / 2
    return np.asarray((rank[:, :, None] - rank[:, None, :]) ** 2)


def _raw(counts: Floats, facts: dict[str, Any]) -> Score:
    """Mean over units of the share of agreeing pairs."""
    size = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (size * (size - 1))
    value, level = float(agreeing.mean()), float(facts["level"])
    if len(agreeing) < 2:
        return Score(name="raw_agreement", value=value, method="none: one unit", **facts)
    about = spread((agreeing - value) / len(agreeing), None)
    if about.error <= 1e-12:
        low, high = wilson_interval(value, len(agreeing), normal_quantile(level))
    else:
        low, high = on_scale(value, about, "wilson", level)
    return Score(name="raw_agreement", value=value, low=low, high=high, method="wilson_effective", **facts)
