"""AUD001: rows without any text (no value in the text columns). They are not used."""

from __future__ import annotations

from goodfit.stages.audit.check import Outcome, check
from goodfit.stages.audit.lost import lost_rows
from goodfit.stages.audit.scene import Scene


@check(code="AUD001", kind="missing_text", severity="error", looks_for="rows without a text")
def missing_text(scene: Scene) -> Outcome:
    """Rows whose text columns are all missing."""
    columns = ", ".join(map(repr, scene.recipe.task.text))
    return lost_rows(
        scene, ("missing_text",), what="have no text", passed_as="every row has a text",
        meaning=f"No value in {columns}. If the values are elsewhere, task.text names the wrong columns.",
        fix="fill in the texts, delete the rows, or name other columns in task.text",
    )  # fmt: skip
