"""AUD004: the same text with different labels. No model can be right on both, and one of them is probably wrong."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from goodfit.stages.audit.check import Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, number, one_array, percent, place, rate

WARNING = 0.01
"""Share of rows in groups of equal texts that disagree."""


@check(code="AUD004", kind="conflicting_labels", severity="warning", looks_for="texts that carry different labels")
def conflicting_labels(scene: Scene) -> Outcome:
    """Groups of rows with the same normalised text and different labels, largest group first."""
    counts = scene.hygiene["conflicts"]
    labelled = scene.manifest["used"] + sum(scene.manifest["dropped"].get(reason, 0) for reason in ("duplicate", "leak"))
    if not counts["rows"]:
        return passed("rows with the same text agree on the label")
    table = scene.hygiene_rows.filter(scene.hygiene_rows["conflict"])
    order = pc.sort_indices(table, sort_keys=[("size", "descending"), ("duplicate", "ascending")])
    table = table.take(order)
    share = counts["rows"] / labelled
    title = "1 text carries different labels" if counts["groups"] == 1 else f"{counts['groups']:,} texts carry different labels"
    inside = f"{number(counts['groups'], 'group')} ({counts['rows']:,} rows, {percent(share)})"
    return found(
        "warning" if share >= WARNING else "note", title, detail=f"The same normalised text appears with 2 or more labels in {inside}.",
        rows=one_array(table["row"]), where=place(_first(table["at"])).model_copy(update={"column": scene.recipe.task.label_columns[0]}),
        evidence=(rate("conflict_rate", counts["rows"], labelled),),
        fix="read these rows side by side and settle one label per text, unless the label depends on something that the text does not say",
    )  # fmt: skip


def _first(column: pa.ChunkedArray) -> str:
    return str(column[0].as_py())
