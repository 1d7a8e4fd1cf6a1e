"""AUD050: texts that were decoded by the wrong table, and signs that were lost on the way."""

from __future__ import annotations

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, listing, percent, rate

WARNING = 0.01
"""Share of rows from which it is worth a warning."""
MANY = 5
"""Rows below which it is not, whatever their share."""


@check(code="AUD050", kind="mojibake", severity="warning", looks_for="texts that were decoded wrongly", tasks=ALL_TASKS)
def mojibake(scene: Scene) -> Outcome:
    """Rows with mojibake or with replacement characters, most of it first."""
    inside = scene.inside
    wrong, gone = inside.marked("mojibake"), inside.marked("lost")
    either = inside.marked("mojibake", "lost")
    n, k = inside.n, len(either.rows)
    if not k:
        return passed("no text was decoded wrongly")
    said = [f"{how} ({noun_count(texts, 'text')})" for how, texts in inside.tables.most_common()]
    parts = [f"In {noun_count(len(wrong.rows), 'row')} signs were read by the wrong table: {listing(said)}."] if len(wrong.rows) else []
    parts += [f"{noun_count(len(gone.rows), 'row')} held signs that could not be read (U+FFFD): they are lost."] if len(gone.rows) else []
    return found(
        "warning" if k >= WARNING * n and k >= MANY else "note",
        f"{k:,} of {n:,} texts ({percent(k / n)}) {'was' if k == 1 else 'were'} decoded wrongly",
        detail=" ".join(parts) + " A model learns the damage as spelling, and meets sound text later.",
        rows=scene.inside.ids(either.rows), evidence=(rate("mojibake_rate", k, n),),
        fix="export the data once more as UTF-8 from where it is sound, or name the table in data.encoding; ftfy mends what is left",
    )  # fmt: skip
