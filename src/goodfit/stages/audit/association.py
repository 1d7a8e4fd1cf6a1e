"""Do classes go with something that they should not go with: a group, a source, a word? One member and one class at a time.

Part of audit (methods 3; Gardner et al. 2021 call it competency). Fisher's exact test on one row of each cluster, so that one customer's
many rows are one observation; effects are differences of shares on all rows. Shapes: n rows, L classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from goodfit.score import Score
from goodfit.statistics import holm, score

LEAST = 20
"""Rows that a member needs, and the rest."""
SURE = 0.01
"""Chance of a false claim over all pairs that are looked at together."""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Association:
    """A class's share among the rows of one member, and among the others."""

    axis: str
    member: str
    label: str
    inside: Score
    outside: float
    p: float

    @property
    def difference(self) -> float:
        """Points of share."""
        return (self.inside.value or 0.0) - self.outside

    def said(self) -> str:
        """`70% of region 'north' are 'billing', 20% elsewhere`."""
        here, there = 100 * (self.inside.value or 0), 100 * self.outside
        return f"{here:.0f}% of {self.axis} {self.member!r} are {self.label!r}, {there:.0f}% elsewhere"


@dataclass(frozen=True)
class Axis:
    """Something that rows have, and which member of it each has."""

    name: str
    members: tuple[str, ...]
    codes: Ints
    """[n], -1 for none."""


def associations(axes: list[Axis], labels: npt.NDArray[Any], names: tuple[str, ...], clusters: Ints) -> tuple[list[Association], int]:
    """Those that are sure (Holm over all pairs at SURE), the largest difference first; and how many pairs were looked at.

    `labels`: int64 [n], or bool [n, L].
    """
    held = labels if labels.ndim == 2 else labels[:, None] == np.arange(len(names))
    first = np.unique(clusters, return_index=True)[1]
    seen: list[Association] = []
    for axis in axes:
        for k, member in enumerate(axis.members):
            inside = axis.codes == k
            if min(int(inside[first].sum()), int((~inside)[first].sum())) < LEAST:
                continue
            for c, label in enumerate(names):
                p = _fisher(inside[first], held[first, c])
                share = score("rate", None, held[inside, c], level=1 - SURE).about(
                    name="class_share", label=label, group={axis.name: member}, split="train"
                )
                seen.append(Association(axis.name, member, label, share, float(held[~inside, c].mean()), p))
            if len(axis.members) == 2 and k == 0:
                break  # the other member says the same
    adjusted = holm([one.p for one in seen])
    sure = [one for one, p in zip(seen, adjusted, strict=True) if p < SURE]
    return sorted(sure, key=lambda one: (-abs(one.difference), one.axis, one.member, one.label)), len(seen)


def _fisher(inside: npt.NDArray[np.bool_], held: npt.NDArray[np.bool_]) -> float:
    table = [[int((inside & held).sum()), int((inside & ~held).sum())], [int((~inside & held).sum()), int((~inside & ~held).sum())]]
    return float(stats.fisher_exact(table)[1])
