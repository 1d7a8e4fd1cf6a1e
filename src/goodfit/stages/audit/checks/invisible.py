"""AUD051: signs that nobody sees: control characters, zero-width ones, such as turn the direction, hidden alphabets."""

from __future__ import annotations

import numpy as np

from goodfit.data.clean.damage import INVISIBLE
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, listing, percent, rate

NOTE = 0.001
"""Share of rows from which it is worth a note (one row with a hidden alphabet or a turned direction is)."""
WARNING = 0.05


@check(code="AUD051", kind="invisible_characters", severity="warning", looks_for="signs that nobody sees", tasks=ALL_TASKS)
def invisible(scene: Scene) -> Outcome:
    """Rows with invisible signs; those that mojibake made are AUD050's."""
    inside = scene.inside
    damaged = inside.marked("mojibake").rows
    marked = {kind: np.setdiff1d(inside.marked(kind).rows, damaged) for kind in INVISIBLE}
    every = inside.marked(*INVISIBLE).rows
    rows = every[~np.isin(every, damaged)]
    n, k = inside.n, len(rows)
    said = [f"{INVISIBLE[kind][0]} in {len(where):,}" for kind, where in marked.items() if len(where)]
    sly = len(marked["direction"]) + len(marked["hidden"])
    if not k or (k < NOTE * n and not sly):
        return passed(f"{k:,} of {n:,} texts hold signs that nobody sees" if k else "no text holds signs that nobody sees")
    return found(
        "warning" if k >= WARNING * n else "note", f"{k:,} of {n:,} texts ({percent(k / n)}) hold signs that nobody sees",
        detail=f"{listing(said)}. Two texts that look the same are not the same to a tokenizer; where only one source or one class "
        "has them, a model can tell it by them. Tags and turned directions can also hide words from a reader.",
        rows=scene.inside.ids(rows), evidence=(rate("invisible_rate", k, n),),
        fix="take them out of the texts, in the data and wherever the model will be used; keep joiners where the script needs them",
    )  # fmt: skip
