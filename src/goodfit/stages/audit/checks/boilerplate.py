"""AUD053: sentences and lines that stand in many different texts: greetings, signatures, disclaimers, headers of an export."""

from __future__ import annotations

import numpy as np

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, percent, rate

MANY, SHARE = 10, 0.002
"""Different texts that a sentence stands in, in number and as a share, to be boilerplate."""
NOTE, WARNING = 0.02, 0.30
"""Shares of rows that hold some."""


@check(code="AUD053", kind="boilerplate", severity="warning", looks_for="sentences that stand in many texts", tasks=ALL_TASKS)
def boilerplate(scene: Scene) -> Outcome:
    """Rows with boilerplate, those with most of it first."""
    repeated = scene.inside.repeated
    n = repeated.looked_at
    least = max(MANY, int(np.ceil(SHARE * n)))
    sentences = repeated.sentences(least)
    counts = np.zeros(n, dtype=np.int64)
    for sentence in sentences:
        counts[sentence.rows] += 1
    rows = np.flatnonzero(counts)
    rows = rows[np.argsort(-counts[rows], kind="stable")]
    k = len(rows)
    if k < NOTE * n or not k:
        return passed(f"{k:,} of {n:,} texts hold a sentence that stands in many" if k else "no sentence stands in many texts")
    first = sentences[0]
    return found(
        "warning" if k >= WARNING * n else "note", f"{k:,} of {n:,} texts ({percent(k / n)}) hold boilerplate",
        detail=f"{noun_count(len(sentences), 'sentence')} {'stands' if len(sentences) == 1 else 'stand'} in {least:,} different texts or "
        f"more, the commonest in {first.texts:,}; looked for in the "
        "first and last three sentences of a text. It takes tokens, makes different texts look alike, and may tell a class or a source.",
        rows=scene.inside.ids(rows), evidence=(rate("boilerplate_rate", k, n),),
        fix="cut it off, in the data and wherever the model will be used; leave it where it is what the text is about",
    )  # fmt: skip
