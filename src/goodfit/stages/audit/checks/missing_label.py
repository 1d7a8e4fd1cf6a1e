"""AUD009: rows without a label. They are not used, and if they are not missing by chance, the model learns a skewed picture."""

from __future__ import annotations

from goodfit.stages.audit.check import ALL_TASKS, Outcome, check
from goodfit.stages.audit.lost import lost_rows
from goodfit.stages.audit.scene import Scene


@check(code="AUD009", kind="missing_label", severity="error", looks_for="rows without a label or an answer", tasks=ALL_TASKS)
def missing_label(scene: Scene) -> Outcome:
    """Rows whose label is missing, blank, or NaN."""
    if scene.task == "generation":
        return lost_rows(
            scene, ("missing_completion", "no_answer"), what="have no answer", passed_as="every row has what is to be learned",
            meaning="The answer is missing, or no turn is the assistant's (task.speakers names speakers that are not known by themselves).",
            fix="give answers, delete the rows, or name the column in task.completion",
        )  # fmt: skip
    column = scene.recipe.task.label
    blank = "none of the labels, write []" if scene.splits.multi_label else "a class of its own, write its name"
    return lost_rows(
        scene, ("missing_label",), what="have no label", passed_as="every row has a label",
        meaning=f"Blank, NaN or null in column {column!r}. What nobody could label is often what is hard: without it scores flatter.",
        fix=f"label these rows or delete them; where blank means {blank}",
    )  # fmt: skip
