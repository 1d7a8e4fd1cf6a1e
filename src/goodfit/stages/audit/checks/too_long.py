"""AUD057: texts far longer than all others: several rows run together, or a whole file in one cell."""

from __future__ import annotations

import numpy as np

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene, listing, rate

TIMES = 10
"""Times the length that 99 of 100 texts stay below."""
LEAST = 2_000
"""Characters below which no text is too long."""
MINIMUM = 50
"""Rows without which there is no usual length."""


@check(code="AUD057", kind="too_long", severity="note", looks_for="texts far longer than the others", tasks=ALL_TASKS)
def too_long(scene: Scene) -> Outcome:
    """Rows above ten times the length that all but the longest 1% (at least two) stay below, longest first."""
    characters = scene.lengths.characters
    if len(characters) < MINIMUM:
        return not_applicable(f"it takes {MINIMUM} rows to know what is usual; there are {len(characters):,}")
    beyond = max(2, int(np.ceil(0.01 * len(characters))))
    most = int(np.partition(characters, -beyond - 1)[-beyond - 1])
    rows = np.flatnonzero(characters > max(LEAST, TIMES * most))
    rows = rows[np.argsort(-characters[rows], kind="stable")]
    if not len(rows):
        return passed("no text is far longer than the others")
    longest = listing([f"{characters[row]:,}" for row in rows], shown=3)
    return found(
        "note", f"{noun_count(len(rows), 'text')} {'is' if len(rows) == 1 else 'are'} far longer than the others",
        detail=f"All but {beyond:,} of {len(characters):,} texts have at most {most:,} characters; these have {longest}. "
        "In a csv file a quote that is not closed swallows the rows behind it.",
        rows=scene.inside.ids(rows), evidence=(rate("too_long_rate", len(rows), len(characters)),),
        fix="look at the place in the file: close the quote, or divide the text",
    )  # fmt: skip
