"""Two systems on the same rows: did a gap shrink, and did any group pay for it?

Part of statistics.gaps. Difference in differences with the rows (or clusters) that both systems share, and non-inferiority per group: no
group's rate rose by more than a margin. The second is what shows levelling down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from goodfit.score import Answer
from goodfit.statistics.gaps.difference import TINY, pulls_of
from goodfit.statistics.gaps.gap import NARROW, Gap, gap
from goodfit.statistics.gaps.rate import LEAST_CLUSTERS, LEAST_INTERVAL, LEAST_RATE, LEAST_VERDICT, codes_of, is_share, too_few
from goodfit.statistics.influence import Flags, Spread, spread_of
from goodfit.statistics.proportions import tango
from goodfit.statistics.sample import Floats, Ints

PerRow = tuple[Floats, Flags]


@dataclass(frozen=True)
class Systems:
    """The same rows under two systems: (values, counted) of each, from `rows.per_row`; `known`, `clusters` [n] or None."""

    before: PerRow
    after: PerRow
    clusters: Ints | None = None
    known: Flags | None = None


@dataclass(frozen=True)
class Change:
    """A number after minus the number before; absent with `why_absent`."""

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    method: str = ""
    level: float = 0.95
    why_absent: str | None = None
    before: float | None = None
    after: float | None = None

    @property
    def shrank(self) -> bool:
        """Of a gap: whether it surely moved towards 0 and lies nearer to it."""
        if self.before is None or self.after is None or self.low is None or self.high is None:
            return False
        sure = self.high < 0 if self.before > 0 else self.low > 0
        return sure and abs(self.after) < abs(self.before)


class NotWorse(NamedTuple):
    """`met`: the rate rose by no more than the margin (95%, one-sided); `missed`: it surely did; else `undecided`."""

    answer: Answer
    why: str
    change: Change


def change_of_gap(systems: Systems, inside: Flags, *, level: float = 0.95) -> Change:
    """Gap after minus gap before: t on what each cluster (or row) pulls the difference of the two gaps."""
    first, second = (
        gap(values, counted, inside, systems.clusters, known=systems.known, level=level)
        for values, counted in (systems.before, systems.after)
    )
    n = min(first.n_inside, second.n_inside)
    if first.value is None or second.value is None:
        return Change(n, level=level, why_absent=first.why_absent or second.why_absent)
    known = np.ones(len(inside), dtype=np.bool_) if systems.known is None else systems.known
    groups = None if systems.clusters is None else codes_of(systems.clusters)
    pulls = [
        pulls_of(values, counted & known & inside, groups) - pulls_of(values, counted & known & ~inside, groups)
        for values, counted in (systems.before, systems.after)
    ]
    found = Change(n, second.value - first.value, level=level, before=first.value, after=second.value)
    return _with_interval(found, spread_of(pulls[1] - pulls[0]), _fewest(first, second), clustered=groups is not None)


def _fewest(first: Gap, second: Gap) -> int:
    return min(min(g.clusters) if g.clusters else LEAST_CLUSTERS for g in (first, second))


def _with_interval(found: Change, about: Spread, clusters: int, *, clustered: bool) -> Change:
    value, facts = found.value or 0.0, found.__dict__
    if clusters < LEAST_INTERVAL:
        return Change(**facts | {"method": f"none: fewer than {LEAST_INTERVAL} clusters"})
    if about.error <= TINY:
        return Change(**facts | {"method": "none: the difference is the same on every row"})
    half = about.critical(found.level) * about.error
    ends = {"low": value - half, "high": value + half, "p": about.p(value)}
    return Change(**facts | ends | {"method": "paired_t_clustered" if clustered else "paired_t"})


def not_worse(systems: Systems, inside: Flags, margin: float, *, higher_is_worse: bool = True, looks: int = 1) -> NotWorse:
    """Whether a group's rate rose (or fell, `higher_is_worse` False) by no more than `margin`, at 95% one-sided; no answer below 100 rows.

    `looks`: groups asked together; `missed` is then said at 5% for all of them. Shares of the same rows: Tango's score interval; else t.
    """
    if margin < 0:
        raise ValueError(f"the margin is {margin}: it is 0 or more")
    change, clusters = _change(systems, inside, NARROW)
    if change.value is None:
        return NotWorse("not_enough_data", change.why_absent or "", change)
    if change.n < LEAST_VERDICT or clusters < LEAST_CLUSTERS:
        why = f"n below {LEAST_VERDICT}" if change.n < LEAST_VERDICT else f"clusters below {LEAST_CLUSTERS}"
        return NotWorse("not_enough_data", why, change)
    if change.low is None or change.high is None:
        return NotWorse("undecided", change.method, change)
    if (change.high if higher_is_worse else -change.low) <= margin:
        return NotWorse("met", f"not worse by more than {margin:g}", change)
    strict = change if looks == 1 else _change(systems, inside, 1 - (1 - NARROW) / looks)[0]
    least = strict.low if higher_is_worse else None if strict.high is None else -strict.high
    if least is not None and least > margin:
        return NotWorse("missed", f"worse by more than {margin:g}", change)
    return NotWorse("undecided", "the interval holds the margin", change)


def _change(systems: Systems, inside: Flags, level: float) -> tuple[Change, int]:
    """The group's rate after minus before, and its clusters (many where rows are independent)."""
    known = inside if systems.known is None else inside & systems.known
    sides = [counted & known for _, counted in (systems.before, systems.after)]
    n, groups = min(int(side.sum()) for side in sides), None if systems.clusters is None else codes_of(systems.clusters)
    clusters = LEAST_CLUSTERS if groups is None else min(len(np.unique(groups[side])) for side in sides)
    if n < LEAST_RATE:
        return Change(n, level=level, why_absent=too_few()), clusters
    first, second = (values[side] for (values, _), side in zip((systems.before, systems.after), sides, strict=True))
    rates = float(first.mean()), float(second.mean())
    found = Change(n, rates[1] - rates[0], level=level, before=rates[0], after=rates[1])
    same = np.array_equal(sides[0], sides[1])
    if same and is_share(first) and is_share(second) and (groups is None or np.array_equal(first, second)):
        of = n if groups is None else clusters
        low, high = tango(int((second > first).sum()), int((second < first).sum()), of, level)
        return Change(
            **found.__dict__ | {"low": low, "high": high, "method": "tango" if groups is None else "tango_clusters_alike"}
        ), clusters
    pulls = [pulls_of(values, side, groups) for (values, _), side in zip((systems.before, systems.after), sides, strict=True)]
    return _with_interval(found, spread_of(pulls[1] - pulls[0]), clusters, clustered=groups is not None), clusters


def nobody_worse(
    systems: Systems, members: Mapping[str, Flags], margin: float, *, higher_is_worse: bool = True
) -> tuple[Answer, dict[str, NotWorse]]:
    """Whether no group's rate rose by more than the margin: `met` where each group's answer is (no correction is needed for that).

    `missed` where any group surely rose more; `not_enough_data` where a group has too few rows; else `undecided`.
    """
    found = {
        name: not_worse(systems, inside, margin, higher_is_worse=higher_is_worse, looks=max(len(members), 1))
        for name, inside in members.items()
    }
    answers = {one.answer for one in found.values()}
    order: tuple[Answer, ...] = ("missed", "not_enough_data", "undecided", "met")
    return next((answer for answer in order if answer in answers), "not_measured"), found
