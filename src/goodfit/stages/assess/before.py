"""The data before the model: how often each group stands in the training rows, and which labels go with it. Part of assess.

On training and validation rows; test rows are never read for it. Label rates are compared one group against the rest, with the same
estimators as the model's gaps; the correlation of group and label is the phi coefficient. Shapes: n rows, L labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.data.groups import shared
from goodfit.data.identity.match import Matcher
from goodfit.recipe import Recipe
from goodfit.stages.assess.population import Axis, asked_axes
from goodfit.stages.assess.rows import SplitRows, axes_of, group_columns, learned_sides
from goodfit.statistics.gaps import LEAST_RATE, Family, correct, family_of, rate
from goodfit.statistics.gaps import Axis as Members
from goodfit.tasks import Classification

LABELS = 12
"""Labels that are looked at, the most frequent (of two the rarer: it says all of the other)."""
SHOWN = 40
"""Associations that are written down, the surest first."""
Around = tuple[Sequence[str], Mapping[str, Matcher]]


def data_facts(recipe: Recipe, splits: SplitRows, table: pa.Table, around: Around) -> dict[str, Any]:
    """Representation and label rates of every group, and what is sure of them. `around`: labels of the task, matchers by list."""
    labels, matchers = around
    if not table.num_rows or not recipe.groups:
        return {"n": table.num_rows, "axes": [], "associations": [], "disagreement": []}
    texts = table["text"].to_pylist()
    axes, _ = asked_axes(axes_of(recipe.groups, table, texts, matchers), ())
    clusters = shared(np.concatenate([splits.clusters(side) for side in learned_sides(splits)])) if splits.clustered else None
    task = Classification(tuple(labels), multi_label=recipe.task.multi_label)
    truth = _truth(table, task)
    return {
        "n": table.num_rows, "axes": [_represented(axis, len(texts)) for axis in axes],
        "associations": _associations(axes, truth, labels, clusters), "disagreement": _disagreement(recipe, table, axes, clusters),
    }  # fmt: skip


def learned_rows(recipe: Recipe, splits: SplitRows) -> pa.Table:
    """The rows of training and validation: row, text, label, groups, annotators."""
    columns = ("row", "text", "label", *group_columns(recipe), *(f"annotator.{name}" for name in recipe.task.annotators))
    return pa.concat_tables([splits.table(side, columns=columns) for side in learned_sides(splits)])


def _truth(table: pa.Table, task: Classification) -> npt.NDArray[np.bool_]:
    """[n, L]: which labels each row carries."""
    found = np.asarray(task.encode_targets(table["label"].to_pylist(), unknown="mark"))
    return found > 0.5 if task.multi_label else found[:, None] == np.arange(task.n_labels)[None, :]


def _represented(axis: Axis, n: int) -> dict[str, Any]:
    sizes = axis.inside.sum(axis=0)
    members = [{"member": name, "n": int(k) if k >= LEAST_RATE else None, "share": round(float(k) / n, 4) if k >= LEAST_RATE else None,
                "below": None if k >= LEAST_RATE else LEAST_RATE}
               for name, k in zip(axis.members, sizes.tolist(), strict=True)]  # fmt: skip
    return {"axis": axis.title, "members": members, "known": int(axis.known.sum()), "left_out": list(axis.left_out)}


def _associations(axes: Sequence[Axis], truth: npt.NDArray[np.bool_], labels: Sequence[str], clusters: Any) -> list[dict[str, Any]]:
    """Labels that are surely more or less frequent in a group than in the rest (Holm over all of them at 5%), the largest first."""
    sizes = truth.sum(axis=0)
    order = np.argsort(sizes, kind="stable")[:1] if len(labels) == 2 else np.argsort(-sizes, kind="stable")[:LABELS]
    everyone = np.ones(len(truth), dtype=bool)
    asked = [(axis, k) for axis in axes for k in order.tolist()]
    families = correct([
        family_of(f"{axis.title} x {labels[k]}", truth[:, k].astype(float), everyone, members_of(axis, clusters)) for axis, k in asked
    ])  # fmt: skip
    out = [one for (axis, k), family in zip(asked, families, strict=True) for one in _sure(axis, labels[k], truth[:, k], family)]
    return sorted(out, key=lambda one: -abs(one["difference"]))[:SHOWN]


def _sure(axis: Axis, label: str, carried: npt.NDArray[np.bool_], family: Family) -> list[dict[str, Any]]:
    out = []
    for k, (member, gap) in enumerate(family.gaps.items()):
        p = family.p_adjusted.get(member)
        if gap.value is None or p is None or p >= 0.05:
            continue
        inside = axis.inside[:, k] & axis.known
        out.append({
            "axis": axis.title, "member": member, "label": label, "rate": gap.rate_inside, "elsewhere": gap.rate_outside,
            "difference": gap.value, "low": gap.low, "high": gap.high, "n": gap.n_inside, "p_adjusted": p,
            "phi": round(phi(inside[axis.known], carried[axis.known]), 4),
        })  # fmt: skip
    return out


def members_of(axis: Axis, clusters: Any) -> Members:
    """The axis as statistics take it."""
    return Members({name: axis.inside[:, k] for k, name in enumerate(axis.members)}, axis.known, clusters)


def phi(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    """The correlation of two 0/1 columns; 0 where one of them is constant."""
    if a.all() or b.all() or not a.any() or not b.any():
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _disagreement(recipe: Recipe, table: pa.Table, axes: Sequence[Axis], clusters: Any) -> list[dict[str, Any]]:
    """Share of rows on which annotators do not agree, by group, where there are annotators."""
    names = recipe.task.annotators
    if not names:
        return []
    said = [table[f"annotator.{name}"].to_pylist() for name in names]
    given = [[one for one in row if one not in (None, "")] for row in zip(*said, strict=True)]
    counted = np.array([len(row) > 1 for row in given])
    apart = np.array([len(set(row)) > 1 for row in given], dtype=float)
    out = []
    for axis in axes:
        for k, member in enumerate(axis.members):
            found = rate(apart, counted, axis.inside[:, k], clusters, name="disagreement")
            if found.value is not None:
                out.append({"axis": axis.title, "member": member, "rate": found.to_json()})
    return out
