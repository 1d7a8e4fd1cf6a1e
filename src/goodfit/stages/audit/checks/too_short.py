"""AUD056: texts too short to say anything: no letter or digit, or two."""

from __future__ import annotations

import numpy as np

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import CLASSES, Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, percent, rate

LEAST = 3
"""Letters, digits and emoji (a sign of Chinese, Japanese or Korean counts for two)."""
USUAL = 12
"""Of the text in the middle: below it short texts are what the data consists of."""
FEW, NOTE, WARNING = 3, 0.005, 0.10


@check(code="AUD056", kind="too_short", severity="warning", looks_for="texts too short to say anything", tasks=CLASSES)
def too_short(scene: Scene) -> Outcome:
    """Rows of fewer than three signs, shortest first."""
    signs = scene.inside.signs
    n, half = len(signs), float(np.median(signs)) if len(signs) else 0.0
    least = LEAST if half >= USUAL else 1
    rows = np.flatnonzero(signs < least)
    rows = rows[np.argsort(signs[rows], kind="stable")]
    k, empty = len(rows), int((signs == 0).sum())
    if k < max(FEW, NOTE * n):
        few = f"{noun_count(k, 'text')} of {n:,} {'has' if k == 1 else 'have'} fewer than {least} letters or digits"
        return passed(few if k else "every text has letters or digits", rows=scene.inside.ids(rows))
    return found(
        "warning" if k >= WARNING * n else "note", f"{k:,} of {n:,} texts ({percent(k / n)}) are too short to say anything",
        detail=f"They have fewer than {noun_count(least, 'letter')}, digits or emoji; {empty:,} have none. Half of the texts have at least "
        f"{half:,.0f}. What such a text is labelled is known from elsewhere, or by chance.",
        rows=scene.inside.ids(rows), evidence=(rate("too_short_rate", k, n),),
        fix="look at the listed rows: fill in what was cut off, or delete them",
    )  # fmt: skip
