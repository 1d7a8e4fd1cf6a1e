"""AUD052: HTML, forum codes, Markdown and escapes that were left over in the texts."""

from __future__ import annotations

from goodfit.data.clean.markup import MARKUP
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, listing, percent, rate

NOTE, WARNING = 0.005, 0.10
"""Shares of rows."""
NOTE_WRITTEN = 0.05
"""The same for a note where a model learns to write: some answers are about HTML."""
FEW = 3
"""Rows below which nothing is said."""


@check(code="AUD052", kind="markup", severity="warning", looks_for="markup that was left over", tasks=ALL_TASKS)
def markup(scene: Scene) -> Outcome:
    """Rows with markup, most of it first. Where a model learns to write, Markdown and code are what it shall write."""
    inside, writes = scene.inside, scene.task == "generation"
    kinds = [kind for kind in MARKUP if not (writes and kind in ("markdown", "escape"))]
    marked = inside.marked(*kinds)
    n, k = inside.n, len(marked.rows)
    if k < max(FEW, (NOTE_WRITTEN if writes else NOTE) * n):
        return passed(f"{k:,} of {n:,} texts hold markup" if k else "no text holds markup")
    said = [f"{MARKUP[kind][0]} in {len(inside.marked(kind).rows):,}" for kind in kinds if len(inside.marked(kind).rows)]
    left = len(inside.marked(*(kind for kind in kinds if kind != "markdown")).rows)
    return found(
        "warning" if left >= WARNING * n and not writes else "note", f"{k:,} of {n:,} texts ({percent(k / n)}) hold markup",
        detail=f"{listing(said)}. It takes tokens, and where only one source or one class has it, a model can tell it by that.",
        rows=scene.inside.ids(marked.rows), evidence=(rate("markup_rate", k, n),),
        fix="strip it, in the data and wherever the model will be used; leave it where the texts that the model will meet have it too",
    )  # fmt: skip
