"""AUD062: toxic content. Not measured: there is no scorer here whose own bias is known and small."""

from __future__ import annotations

from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, not_applicable
from goodfit.stages.audit.scene import Scene


@check(code="AUD062", kind="toxic", severity="note", looks_for="toxic content in the texts", tasks=ALL_TASKS)
def toxic(scene: Scene) -> Outcome:
    """Says why it is not measured."""
    return not_applicable(
        "toxic content is not measured: lists of words mark dialect and the names of groups rather than harm, and the scorers that can be "
        "had offline rate neutral sentences about some groups as toxic (goodfit explain AUD062)"
    )
