"""What split tells of near-duplicates: groups, which of them disagree on the label, and templates. Part of hygiene.

A row of hygiene.parquet says: near (number of the group of texts that are nearly the same, null where there is none), near_size (rows of
that group), twin (the row that it was found near to; where labels differ, one of another label), near_conflict (a near-duplicate with
another text carries another label), below (its text or value stands, or its text nearly, in a lower split), near_leak (it stands in a
given split, and nearly in another), template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.data.duplicates import group_sizes
from goodfit.stages.split.assign import Division
from goodfit.stages.split.groups import Ints, Mask, in_order
from goodfit.stages.split.look import DUPLICATE


@dataclass(frozen=True)
class Kin:
    """Near-duplicates among the rows that were used, or would have been but for being repeats or leaks; arrays of shape (n,)."""

    group: Ints
    """The first row of the group, the row's own number where it stands alone."""
    several: Mask
    """Rows of groups with two texts or more."""
    texts: int
    """Texts of these groups beyond the first of each."""
    twin: Ints
    """The row to look at beside this one, -1 where none."""
    conflict: Mask
    template: Mask
    numbers: Ints
    """Rows that differ in their numbers only: the first of them."""
    too_large: Mask
    apart: Mask
    """Rows of groups that `split.by` would have tied to most of the others: not kept together."""


def kin_of(division: Division) -> Kin:
    """What `look` found, with the labels."""
    look = division.look
    near = look.near
    counted = (look.reasons == 0) | (look.reasons >= DUPLICATE)
    own = np.arange(len(look))
    group = np.where(counted, near.group, own)
    leads = counted & (look.same == own)
    per_group = np.bincount(group[leads], minlength=len(look))
    several = counted & (per_group[group] > 1)
    conflict, twin = _contradictions(group, look.same, look.label_codes, several)
    twin = np.where(conflict & _disagree(near.twin, look.label_codes), near.twin, twin)
    twin = np.where(twin >= 0, twin, np.where(several, near.twin, -1))
    return Kin(
        group, several, int((per_group[per_group > 1] - 1).sum()), twin, conflict, near.template & counted,
        np.where(counted, near.numbers, own), near.too_large & counted,
        near.apart & counted & several,
    )  # fmt: skip


def _contradictions(group: Ints, same: Ints, labels: Ints, several: Mask) -> tuple[Mask, Ints]:
    """Rows whose group holds another text with another label (a text counts under the label of its first row), and that text's row."""
    none = np.zeros(len(group), dtype=bool), np.full(len(group), -1, dtype=np.int64)
    leads = np.flatnonzero(several & (same == np.arange(len(group))) & (labels >= 0))
    if not len(leads):
        return none
    order = leads[np.lexsort((leads, labels[leads], group[leads]))]
    first = np.r_[True, group[order][1:] != group[order][:-1]]
    # Of the rows of a group, sorted by label, the first and the last carry different labels where any two do.
    run = np.cumsum(first) - 1
    begin = order[np.flatnonzero(first)]
    end = order[np.r_[np.flatnonzero(first)[1:] - 1, len(order) - 1]]
    differs = (labels[begin] != labels[end])[run]
    other = np.where(labels[order] != labels[begin][run], begin[run], end[run])
    conflict, twin = none
    conflict[order[differs]], twin[order[differs]] = True, other[differs]
    repeats = np.flatnonzero(several & (same != np.arange(len(group))))
    conflict[repeats], twin[repeats] = conflict[same[repeats]], twin[same[repeats]]
    return conflict, twin


def _disagree(twin: Ints, labels: Ints) -> Mask:
    """Rows whose own twin carries another label."""
    out: Mask = (twin >= 0) & (labels >= 0) & (labels[twin] >= 0) & (labels[twin] != labels)
    return out


def kin_facts(kin: Kin) -> dict[str, Any]:
    """Counts for hygiene.json."""
    sizes = group_sizes(np.where(kin.several, kin.group, np.arange(len(kin.group))))
    numbers = group_sizes(kin.numbers)
    return {
        "near_duplicates": {
            "groups": _count(kin.group, kin.several), "rows": int(kin.several.sum()), "extra": kin.texts,
            "largest": int(sizes[kin.several].max(initial=0)), "not_kept_together": int(kin.apart.sum()),
        },
        "near_conflicts": {"groups": _count(kin.group, kin.conflict), "rows": int(kin.conflict.sum())},
        "templates": {
            "rows": int(kin.template.sum()), "by_numbers": int(numbers.max(initial=0)), "not_kept_together": int(kin.too_large.sum()),
        },
    }  # fmt: skip


def kin_columns(kin: Kin, division: Division, rows: pa.ChunkedArray, index: Ints) -> dict[str, pa.Array]:
    """The columns of hygiene.parquet for these rows of the store; `rows`: the ids of all."""
    several, twin = kin.several[index], kin.twin[index]
    numbers = np.full(len(kin.group), -1, dtype=np.int64)
    numbers[kin.several] = in_order(kin.group[kin.several])
    sizes = np.bincount(kin.group[kin.several], minlength=len(kin.group))[kin.group[index]]
    leak = division.found.by_near | division.left.by_near | division.left.near_touched
    return {
        "near": pa.array(numbers[index], mask=~several, type=pa.int32()),
        "near_size": pa.array(sizes, type=pa.int32()),
        "twin": rows.take(pa.array(twin, mask=twin < 0)).combine_chunks(),
        "near_conflict": pa.array(kin.conflict[index]),
        "below": pa.array((division.left.touched | division.left.near_touched)[index]),
        "near_leak": pa.array(leak[index]),
        "template": pa.array(kin.template[index]),
    }


def told(kin: Kin, division: Division) -> npt.NDArray[np.bool_]:
    """Rows that stand in hygiene.parquet for what is told here."""
    return kin.several | kin.template | division.left.touched


def _count(groups: Ints, mask: Mask) -> int:
    return len(np.unique(groups[mask]))
