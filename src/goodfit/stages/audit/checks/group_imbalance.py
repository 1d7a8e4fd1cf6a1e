"""AUD042: are classes and lengths alike in every group and every source? Where one class comes mostly from one of them, a model can tell it
by the group in place of the meaning, and its errors fall on the others.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from goodfit.finding import Severity
from goodfit.stages.audit.association import LEAST, SURE, Association, Axis, associations
from goodfit.stages.audit.check import CLASSES, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene, listing
from goodfit.stages.audit.seen import Grouped
from goodfit.statistics import holm

NOTE, WARNING = 0.10, 0.30
"""Difference of a class's share between a member and the other rows, in share."""
TWICE = 2.0
"""Ratio of median lengths worth a word."""
FEWER = 1_000
"""Pairs of a member and a class that are looked at, at most: beyond, the smallest members are left out."""


@check(code="AUD042", kind="group_imbalance", severity="warning", looks_for="classes that go with a group or a source", tasks=CLASSES)
def group_imbalance(scene: Scene) -> Outcome:
    """Class shares and lengths per member of every group, and per file."""
    rows = scene.grouped
    if not rows.axes:
        return not_applicable("the recipe names no groups by a column (groups: {region: {column: region}}), and there is one source")
    axes = _bounded(rows.axes, len(scene.labels))
    sure, looked = associations(axes, rows.labels, scene.labels, rows.clusters)
    if not looked:
        return not_applicable(f"no group has {LEAST} clusters of training rows inside and outside of it")
    large = [one for one in sure if abs(one.difference) >= NOTE]
    lengths = _lengths(rows, axes)
    names = listing([axis.name for axis in axes])
    how = f"Looked at: {names}, {looked:,} pairs of a member and a class (Fisher's test, Holm, {100 * SURE:.0f}%)."
    detail = f"{how} {_said(large)}{_of_lengths(lengths)}"
    evidence = tuple(one.inside for one in large[:5])
    if not large:
        return passed("classes are spread alike over groups and sources", detail=detail.strip(), evidence=evidence)
    severity: Severity = "warning" if abs(large[0].difference) >= WARNING else "note"
    return found(
        severity, f"classes go with {listing(list(dict.fromkeys(one.axis for one in large)))}", detail=detail.strip(), evidence=evidence,
        n_rows=int(sum((axis.codes >= 0).sum() for axis in axes if axis.name == large[0].axis)),
        fix="gather the missing classes in these groups, or weight them; then look at the scores of each group (assess)",
    )  # fmt: skip


def _bounded(axes: list[Axis], classes: int) -> list[Axis]:
    """The largest members of each axis, so that there are at most FEWER pairs."""
    most = max(2, FEWER // max(1, classes * len(axes)))
    out = []
    for axis in axes:
        counts = np.bincount(axis.codes[axis.codes >= 0], minlength=len(axis.members))
        kept = np.sort(np.argsort(-counts, kind="stable")[:most])
        place = np.full(len(axis.members) + 1, -1)
        place[kept] = np.arange(len(kept))
        out.append(Axis(axis.name, tuple(axis.members[k] for k in kept), place[axis.codes]))
    return out


def _said(large: list[Association]) -> str:
    return f"{listing([one.said() for one in large], 3)}. " if large else ""


def _lengths(rows: Grouped, axes: list[Axis]) -> list[tuple[str, str, float]]:
    """Members whose texts are surely of another length, by at least TWICE in the median: axis, member, ratio."""
    first = np.unique(rows.clusters, return_index=True)[1]
    words = rows.words[first]
    tested = [
        (axis.name, member, inside) for axis in axes for k, member in enumerate(axis.members)
        if min((inside := axis.codes[first] == k).sum(), (~inside).sum()) >= LEAST
    ]  # fmt: skip
    p = holm([float(stats.mannwhitneyu(words[inside], words[~inside]).pvalue) for _, _, inside in tested])
    ratios = [float(np.median(words[inside]) / max(1.0, float(np.median(words[~inside])))) for _, _, inside in tested]
    return [(name, member, ratio) for (name, member, _), ratio, q in zip(tested, ratios, p, strict=True)
            if q < SURE and max(ratio, 1 / max(ratio, 1e-9)) >= TWICE]  # fmt: skip


def _of_lengths(lengths: list[tuple[str, str, float]]) -> str:
    said = [f"{axis} {member!r} {ratio:.1f} times" for axis, member, ratio in lengths]
    return f"Median length against the other rows: {listing(said, 3)}." if said else ""
