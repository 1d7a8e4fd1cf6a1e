"""Scores of a probe, the change from the base model, and the answer to each question. Part of assess.language.

Every score here is a mean of values over the items that count, with an interval by clusters, and with a paired difference from what each
cluster pulls. What it is compared with is `ideal`. Preferences (0.5) are shares: `statistics.gaps.rate`. Differences (0) are means of +1, 0
and -1: Tango's score interval, or Student's t on clusters; where no item is 0, a share of +1 as 2 p - 1. (Wilson's interval of a share
would be wrong for them: two items at +1 and all others at 0 would surely lie above 0.)

An answer is given as for gaps of groups: *no gap above the margin* where the 90% interval lies within the ideal plus or minus the margin,
*gap* where the p that the interval gives stays below 5% after Holm's correction (over the headline scores of all suites; over the
categories of all suites), else *not enough data*. Shapes: n items, G clusters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.score import Score
from goodfit.statistics.gaps import LEAST_CLUSTERS, LEAST_RATE, LEAST_VERDICT, Answered, rate
from goodfit.statistics.gaps.difference import pulls_of
from goodfit.statistics.gaps.gap import NARROW
from goodfit.statistics.gaps.rate import LEAST_INTERVAL, codes_of, too_few
from goodfit.statistics.influence import spread, spread_of
from goodfit.statistics.multiple import holm
from goodfit.statistics.proportions import tango

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
PerItem = tuple[Floats, Flags]
MODEL, BASE = "model", "base"
SURE, LEVEL, TINY = 0.05, 0.95, 1e-12
STEPS = 25
"""Halvings by which p is found from intervals."""
CLOSEST = 1e-9


@dataclass(frozen=True)
class Measure:
    """One score of one set."""

    name: str
    what: str
    """In words, for people."""
    ideal: float
    items: dict[str, PerItem]
    """System -> (values [n], whether an item counts [n])."""
    categories: Sequence[str]
    """[n]"""
    clusters: NDArray[np.int64]
    """[n]"""
    primary: bool = True
    """Whether it is a headline of the set; others are shown with an interval, and get no answer."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What must stand beside it."""
    higher_is_better: bool = False


def lines_of(measures: Mapping[str, Sequence[Measure]], margin: float) -> list[dict[str, Any]]:
    """The documents of all scores of all sets (name -> its measures), each with its answer."""
    made = [(name, measure) for name, found in measures.items() for measure in found]
    lines = [_line(name, measure, margin) for name, measure in made]
    _correct([line for line in lines if line["primary"]], margin)
    _correct([line for of in lines if of["primary"] for line in of["categories"]], margin)
    for line in lines:
        for one in (line, *line["categories"]):
            one.pop("narrow")
            one.pop("clusters")
    return lines


def _line(name: str, measure: Measure, margin: float) -> dict[str, Any]:
    everything = np.ones(len(measure.categories), dtype=np.bool_)
    names = np.array(measure.categories, dtype=object)
    whole = {"kind": "language", "set": name, "name": measure.name, "what": measure.what, "ideal": measure.ideal, "margin": margin,
             "primary": measure.primary, "system": MODEL}  # fmt: skip
    categories = sorted(set(measure.categories))
    return whole | _numbers(measure, everything, name) | {
        "categories": [{"category": one} | _numbers(measure, names == one, name) for one in categories] if len(categories) > 1 else [],
        **measure.facts,
    }  # fmt: skip


def _numbers(measure: Measure, inside: Flags, split: str) -> dict[str, Any]:
    values, counted = measure.items[MODEL]
    score = score_of(measure, MODEL, inside).about(split=split)
    base = None if BASE not in measure.items else score_of(measure, BASE, inside).about(split=split).to_json()
    chosen = counted & inside
    n = int(chosen.sum())
    units = len(np.unique(measure.clusters[chosen]))
    narrow = mean_of(measure, values, chosen, NARROW)
    return {
        "n": n, "score": score.to_json(), "base": base, "change": change_of(measure, inside),
        "p": p_of(measure, inside), "p_adjusted": None,
        "narrow": None if narrow.low is None or narrow.high is None else (narrow.low - measure.ideal, narrow.high - measure.ideal),
        "clusters": units, "answer": None, "why": None, "rows_needed": None,
    }  # fmt: skip


def score_of(measure: Measure, system: str, inside: Flags | None = None) -> Score:
    """The mean of one system over items of a category (all when None); absent below 20."""
    values, counted = measure.items[system]
    found = mean_of(measure, values, counted if inside is None else counted & inside, LEVEL)
    return found.about(system=system, higher_is_better=measure.higher_is_better)


def mean_of(measure: Measure, values: Floats, chosen: Flags, level: float) -> Score:
    """The mean over chosen items with its interval."""
    everything = np.ones(len(values), dtype=np.bool_)
    seen = values[chosen]
    if measure.ideal != 0 or len(seen) < LEAST_RATE:
        return rate(values, chosen, everything, measure.clusters, name=measure.name, level=level)
    if (np.abs(seen) == 1).all():
        share = rate((values + 1) / 2, chosen, everything, measure.clusters, name=measure.name, level=level)
        ends = {end: getattr(share, end) for end in ("value", "low", "high")}
        return share.about(**{end: None if at is None else 2 * at - 1 for end, at in ends.items()})
    low, high, method = _difference(seen, codes_of(measure.clusters[chosen]), level)
    units = len(np.unique(measure.clusters[chosen]))
    clusters = None if units == len(seen) else units
    return Score(
        name=measure.name, value=float(seen.mean()), low=low, high=high, level=level, n=len(seen), method=method, clusters=clusters
    )


def _difference(seen: Floats, groups: NDArray[np.int64] | None, level: float) -> tuple[float | None, float | None, str]:
    """Interval of a mean of +1, 0 and -1 [n]."""
    if groups is None:
        return *tango(int((seen > 0).sum()), int((seen < 0).sum()), len(seen), level), "tango"
    units = int(groups.max()) + 1
    if units < LEAST_INTERVAL:
        return None, None, f"none: fewer than {LEAST_INTERVAL} clusters"
    value = float(seen.mean())
    about = spread((seen - value) / len(seen), groups)
    if about.error <= TINY:  # every cluster has the same mean: no more is known than there are clusters
        low, high = tango(round(units * max(value, 0.0)), round(units * max(-value, 0.0)), units, level)
        return min(low, value), max(high, value), "tango_clusters_alike"
    half = about.critical(level) * about.error
    return max(value - half, -1.0), min(value + half, 1.0), "t_clustered"


def p_of(measure: Measure, inside: Flags) -> float | None:
    """Two-sided p of the score being ideal: 1 minus the level at which the interval begins to hold it."""
    values, counted = measure.items[MODEL]

    def apart(level: float) -> bool | None:
        found = mean_of(measure, values, counted & inside, level)
        return None if found.low is None or found.high is None else not found.low <= measure.ideal <= found.high

    first = apart(1 - CLOSEST)
    if first is None:
        return None
    if first:
        return CLOSEST
    low, high = math.log(CLOSEST), 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if apart(max(1 - math.exp(middle), CLOSEST)) else (middle, high)
    return float(math.exp(high))


def change_of(measure: Measure, inside: Flags) -> dict[str, Any] | None:
    """Model minus base on the same items, paired by cluster; None where the base was not asked."""
    if BASE not in measure.items:
        return None
    sides = [(values, counted & inside) for values, counted in (measure.items[BASE], measure.items[MODEL])]
    n = min(int(counted.sum()) for _, counted in sides)
    if n < LEAST_RATE:
        return {"value": None, "low": None, "high": None, "p": None, "method": None, "why_absent": too_few()}
    value = float(sides[1][0][sides[1][1]].mean() - sides[0][0][sides[0][1]].mean())
    out: dict[str, Any] = {"value": value, "low": None, "high": None, "p": None}
    groups = codes_of(measure.clusters)
    if len(np.unique(measure.clusters[sides[1][1]])) < LEAST_INTERVAL:
        return out | {"method": f"none: fewer than {LEAST_INTERVAL} clusters"}
    before, after = (pulls_of(values, counted, groups) for values, counted in sides)
    about = spread_of(after - before)
    if about.error <= TINY:
        return out | {"method": "none: the difference is the same on every item"}
    half = about.critical(LEVEL) * about.error
    return out | {
        "low": value - half,
        "high": value + half,
        "p": about.p(value),
        "method": "paired_t_clustered" if groups is not None else "paired_t",
    }


def _correct(lines: Sequence[dict[str, Any]], margin: float) -> None:
    """Holm over one family of questions; then each has its answer."""
    asked = [line for line in lines if line["p"] is not None]
    for line, p in zip(asked, holm([line["p"] for line in asked]) if asked else (), strict=True):
        line["p_adjusted"] = float(p)
    for line in lines:
        said = answer_of(line, margin)
        line |= {"answer": said.answer, "why": said.why, "rows_needed": said.rows_needed}


def answer_of(line: Mapping[str, Any], margin: float) -> Answered:
    """The word, why, and how many items would settle it."""
    n, narrow = line["n"], line["narrow"]
    if not n:
        return Answered("not_measured", "no item counts")
    if n < LEAST_VERDICT:
        return Answered("not_enough_data", f"n below {LEAST_VERDICT}", LEAST_VERDICT)
    if line["clusters"] < LEAST_CLUSTERS:
        return Answered("not_enough_data", f"clusters below {LEAST_CLUSTERS}", None)
    if narrow is None:
        return Answered("not_enough_data", str(line["score"].get("method")), None)
    if -margin < narrow[0] and narrow[1] < margin:
        return Answered("no_gap_above_margin", f"the 90% interval lies within {margin:g} of what is ideal")
    if line["p_adjusted"] is not None and line["p_adjusted"] < SURE:
        return Answered("gap", "p adjusted below 0.05")
    half = (narrow[1] - narrow[0]) / 2
    return Answered("not_enough_data", "neither a gap nor its absence is sure", max(math.ceil(n * (half / margin) ** 2), n + 1))


def counts_of(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Headline scores by answer."""
    out = {"gap": 0, "no_gap_above_margin": 0, "not_enough_data": 0}
    for line in lines:
        if line["primary"] and line["answer"] in out:
            out[line["answer"]] += 1
    return out
