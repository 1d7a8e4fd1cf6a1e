"""AUD054: texts that say nothing in any language: keys struck at random, one sign or syllable over and over."""

from __future__ import annotations

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, percent, rate

FEW, NOTE, WARNING = 3, 0.001, 0.05
"""Rows, and shares of rows: about 1 sound text of 20,000 is taken for gibberish."""


@check(code="AUD054", kind="gibberish", severity="warning", looks_for="texts that say nothing in any language", tasks=ALL_TASKS)
def gibberish(scene: Scene) -> Outcome:
    """Rows of gibberish, in file order."""
    inside = scene.inside
    rows = inside.marked("gibberish").rows
    n, k = inside.asked, len(rows)
    of = f"{n:,} texts" if n == inside.n else f"{n:,} texts drawn by chance from {inside.n:,}"
    if k < max(FEW, NOTE * n):
        title = f"{noun_count(k, 'text')} of {of} may be gibberish" if k else f"none of {of} is gibberish"
        return passed(title, rows=scene.inside.ids(rows))
    return found(
        "warning" if k >= WARNING * n else "note", f"{k:,} of {of} ({percent(k / n)}) are gibberish",
        detail="Their letters follow each other as in no language of the Latin script, or one sign or syllable fills them. A label on "
        "such a text is chance: a model can only learn it by heart.",
        rows=scene.inside.ids(rows), evidence=(rate("gibberish_rate", k, n),),
        fix="look at the listed rows and delete them; keep them with a label of their own where the model will meet such texts",
    )  # fmt: skip
