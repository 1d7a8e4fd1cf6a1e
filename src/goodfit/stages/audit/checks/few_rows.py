"""AUD006: classes with so few rows that they can hardly be learned, or whose score will be a guess; with how wide it will be."""

from __future__ import annotations

import numpy as np

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, listing
from goodfit.statistics.power import half_width, half_width_macro

LEARNABLE = 10
"""Training rows below which a class is a warning."""
SCORABLE = 20
"""Training rows below which it is worth a note (methods 3: smallest class below 20 rows)."""


@check(code="AUD006", kind="few_rows", severity="warning", looks_for="classes with too few rows")
def few_rows(scene: Scene) -> Outcome:
    """Classes by training rows, and the half-width that their rows of test (or validation) allow."""
    train = scene.counts("train")
    on = "test" if scene.splits.counts["test"] else "valid"
    scored = scene.counts(on)
    width = _macro_width(scored)
    if train.min(initial=SCORABLE) >= SCORABLE:
        smallest = scene.labels[int(np.argmin(train))]
        return passed(f"the smallest class, {smallest!r}, has {int(train.min()):,} training rows", detail=width)
    few = [int(i) for i in np.argsort(train, kind="stable") if train[i] < SCORABLE]
    listed = listing([f"{scene.labels[i]!r} {int(train[i]):,} (and {int(scored[i]):,} in {on})" for i in few])
    worst = few[0]
    alone = _alone(int(scored[worst]))
    return found(
        "warning" if train[worst] < LEARNABLE else "note",
        f"{len(few):,} of {len(scene.labels):,} classes have fewer than {SCORABLE} training rows",
        detail=f"Training rows: {listed}.{alone} {width}".strip(), n_rows=int(train[few].sum()),
        fix="collect rows of these classes, merge them with a neighbour, or judge them by hand",
    )  # fmt: skip


def _alone(rows: int) -> str:
    """What so few rows mean for the class's own recall."""
    return f" On {noun_count(rows, 'row')} a recall of 80% has an interval of ±{100 * half_width(rows):.0f} points." if rows else ""


def _macro_width(scored: np.ndarray) -> str:
    """What the rows per class mean for the interval of macro-F1."""
    held = scored[scored > 0]
    if not len(held):
        return ""
    width = 100 * half_width_macro(held.tolist())
    return f"With the rows per class that are scored a macro-F1 of 80% will have an interval of about ±{width:.1f} points."
