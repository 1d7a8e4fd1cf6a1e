"""AUD007: a few classes hold most of the rows; accuracy then says little, and rare classes are learned late or never."""

from __future__ import annotations

import numpy as np

from goodfit.finding import Severity
from goodfit.stages.audit.check import Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene, percent, rate

NOTE_EFFECTIVE, WARNING_EFFECTIVE = 0.6, 0.25
"""Effective number of classes as a share of their number, below which it is worth a note, a warning."""
NOTE_RATIO, WARNING_RATIO = 10, 100
"""Rows of the largest class per row of the smallest."""


@check(code="AUD007", kind="imbalance", severity="warning", looks_for="classes of very different size")
def imbalance(scene: Scene) -> Outcome:
    """The effective number of classes, exp of the entropy of the labels (Hill 1973), and the largest and smallest class."""
    counts = scene.counts("train")
    held = counts[counts > 0]
    if len(held) < 2:
        return not_applicable("only one class has training rows")
    effective = effective_classes(held)
    largest, smallest = int(np.argmax(counts)), int(np.flatnonzero(counts)[np.argmin(held)])
    ratio, share = float(held.max() / held.min()), effective / len(held)
    rows = scene.splits.counts["train"]
    said = (
        f"{len(held):,} classes weigh as much as {effective:.1f} of equal size. Largest: {scene.labels[largest]!r}, "
        f"{percent(counts[largest] / rows)} of the training rows; smallest: {scene.labels[smallest]!r}, {percent(counts[smallest] / rows)}."
    )
    evidence = (rate("class_share", int(counts[largest]), rows, label=scene.labels[largest], split="train"),
                rate("class_share", int(counts[smallest]), rows, label=scene.labels[smallest], split="train"))  # fmt: skip
    severity = _severity(ratio, share)
    if severity is None:
        return passed(f"the largest class has {ratio:.1f} times the rows of the smallest", detail=said, evidence=evidence)
    naive = f" Always answering {scene.labels[largest]!r} is right {percent(counts[largest] / rows)} of the time."
    always = "" if scene.splits.multi_label else naive
    return found(
        severity, f"the largest class has {ratio:,.0f} times the rows of the smallest", detail=said + always, evidence=evidence,
        fix="judge by macro-F1 and per-class scores; train.class_weights: balanced; collect rows of the small classes",
    )  # fmt: skip


def effective_classes(counts: np.ndarray) -> float:
    """exp(H(p)) of the shares of the classes: their number if all are equal, near 1 if one holds nearly all rows."""
    shares = counts / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _severity(ratio: float, share: float) -> Severity | None:
    if ratio >= WARNING_RATIO or share < WARNING_EFFECTIVE:
        return "warning"
    return "note" if ratio >= NOTE_RATIO or share < NOTE_EFFECTIVE else None
