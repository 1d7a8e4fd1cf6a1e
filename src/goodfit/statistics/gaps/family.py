"""Gaps that are asked together: one omnibus test per family, and one correction over the whole assessment.

Part of statistics.gaps. A family is one metric (of one label) on one axis. The rule, so that a whole assessment without any gap raises an
alarm in at most 5 of 100 cases, however many metrics, axes and members it asks about:

1. Gaps that can have no verdict (fewer than 100 rows or 20 clusters) are not tested and do not count. Two members that share out the rows
   between them are one question.
2. Two tiers, declared beforehand: all primary gaps of all families together have 4% (Holm 1979), all secondary ones 1% (Holm). A tier
   that asks nothing leaves its share to the other. Adjusted p is p x (Holm's factor) x (5% / share): 0.05 is the bar for both.
3. No gap is called in a family whose omnibus test does not reject at 5%: adjusted p is at least the omnibus p. That only takes calls away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from goodfit.statistics.gaps.gap import Gap, gap
from goodfit.statistics.gaps.omnibus import Omnibus, omnibus
from goodfit.statistics.gaps.rate import codes_of
from goodfit.statistics.gaps.rows import Axis
from goodfit.statistics.influence import Flags
from goodfit.statistics.multiple import holm
from goodfit.statistics.sample import Floats

BAR = 0.05
SHARES = {True: 0.04, False: 0.01}
"""Of 5%: what primary gaps have, and secondary ones."""


@dataclass(frozen=True)
class Family:
    """One metric on one axis; `p_adjusted` and `alpha` are filled by `correct`."""

    name: str
    """`language x tpr`."""
    gaps: Mapping[str, Gap]
    omnibus: Omnibus
    primary: bool = True
    twins: Mapping[str, str] = field(default_factory=dict)
    """Member -> the member whose question is the same, turned round."""
    p_adjusted: Mapping[str, float | None] = field(default_factory=dict)
    """0.05 is the bar."""
    alpha: float = BAR
    """Level of one test, in Holm's first step: what power and rows needed are computed with."""

    @property
    def questions(self) -> list[str]:
        """Members whose gap is tested."""
        return [name for name, one in self.gaps.items() if one.enough and one.p is not None and name not in self.twins]


def family_of(name: str, values: Floats, counted: Flags, axis: Axis, *, primary: bool = True, seed: int = 0) -> Family:
    """The gaps of all members of an axis, and their omnibus test. `values`, `counted` [n]: from `rows.per_row`."""
    gaps = {member: gap(values, counted, inside, axis.clusters, known=axis.known) for member, inside in axis.members.items()}
    chosen = counted if axis.known is None else counted & axis.known
    able = [member for member, one in gaps.items() if one.enough and one.p is not None]
    twins: dict[str, str] = {}
    for i, b in enumerate(able):
        for a in able[:i]:
            if gaps[a].n_inside == gaps[b].n_outside and np.array_equal(axis.members[a][chosen], ~axis.members[b][chosen]):
                twins[b] = a
    asked = [member for member in able if member not in twins]
    groups = None if axis.clusters is None else codes_of(axis.clusters[chosen])
    masks = np.stack([axis.members[member][chosen] for member in asked], axis=1) if asked else np.zeros((0, 0), dtype=np.bool_)
    p = [float(gaps[member].p or 0.0) for member in asked]
    return Family(name, gaps, omnibus(values[chosen], masks, p, groups, seed=seed), primary, twins)


def correct(families: Sequence[Family]) -> list[Family]:
    """The families of one whole assessment, in the order given, with `p_adjusted` and `alpha` by the rule above."""
    out = list(families)
    counts = {tier: sum(len(f.questions) for f in families if f.primary is tier) for tier in SHARES}
    for tier in SHARES:
        share = share_of(tier, counts)
        raw = [p for f in families if f.primary is tier for m in f.questions if (p := f.gaps[m].p) is not None]
        adjusted = iter(np.minimum(holm(raw) * BAR / share, 1.0)) if raw else iter(())
        for i, family in enumerate(families):
            if family.primary is not tier:
                continue
            least = family.omnibus.p or 0.0
            found: dict[str, float | None] = {m: max(float(next(adjusted)), least) for m in family.questions}
            told = {m: found.get(family.twins.get(m, m)) for m in family.gaps}
            out[i] = replace(family, p_adjusted=told, alpha=first_alpha(counts[tier], share))
    return out


def share_of(primary: bool, counts: Mapping[bool, int]) -> float:
    """What a tier has of 5%: its share, and all of it where the other tier asks nothing."""
    return SHARES[primary] if counts.get(not primary, 0) else BAR


def first_alpha(questions: int, share: float = BAR) -> float:
    """The level of one test among so many, in Holm's first (strictest) step."""
    return share / max(questions, 1)
