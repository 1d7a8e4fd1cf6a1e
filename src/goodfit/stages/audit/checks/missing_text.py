"""AUD001: rows without any text (no value in the text columns). They are not used."""

from __future__ import annotations

from goodfit.stages.audit.check import ALL_TASKS, Outcome, check
from goodfit.stages.audit.lost import lost_rows
from goodfit.stages.audit.scene import Scene


@check(code="AUD001", kind="missing_text", severity="error", looks_for="rows without a text", tasks=ALL_TASKS)
def missing_text(scene: Scene) -> Outcome:
    """Rows whose text columns are all missing."""
    columns = ", ".join(map(repr, scene.recipe.task.text))
    meaning = f"No value in {columns}. If the values are elsewhere, task.text names the wrong columns."
    return lost_rows(
        scene, ("missing_text", "missing_prompt", "no_messages"), what="have no text", passed_as="every row has a text",
        meaning=meaning if columns else "No turns, or nothing before the answer. SPL008 says in which columns it was looked for.",
        fix="fill in the texts, delete the rows, or name other columns in task.text",
    )  # fmt: skip
