"""AUD004: the same text with different labels. No model can be right on both, and one of them is probably wrong."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, one_array, percent, place, rate

WARNING = 0.01
"""Share of rows in groups of equal texts that disagree."""


@check(code="AUD004", kind="conflicting_labels", severity="warning", looks_for="texts that carry different labels")
def conflicting_labels(scene: Scene) -> Outcome:
    """Texts with different labels: the same up to case and spaces, and, told apart, up to ordinary punctuation; largest group first."""
    counts = scene.hygiene["conflicts"]
    loose = counts["up_to_punctuation"]
    rows, groups = counts["rows"] + loose["rows"], counts["groups"] + loose["groups"]
    labelled = scene.manifest["used"] + sum(scene.manifest["dropped"].get(reason, 0) for reason in ("duplicate", "leak"))
    if not rows:
        return passed("rows with the same text agree on the label")
    table = scene.hygiene_rows.filter(pc.or_(scene.hygiene_rows["conflict"], scene.hygiene_rows["conflict_punctuation"]))
    order = pc.sort_indices(table, sort_keys=[("conflict", "descending"), ("size", "descending"), ("duplicate", "ascending")])
    table = table.take(order)
    share = rows / labelled
    title = "1 text carries different labels" if groups == 1 else f"{groups:,} texts carry different labels"
    return found(
        "warning" if share >= WARNING else "note", title, detail=_detail(counts, loose, labelled),
        rows=one_array(table["row"]), where=place(_first(table["at"])).model_copy(update={"column": scene.recipe.task.label_columns[0]}),
        evidence=(rate("conflict_rate", rows, labelled),),
        fix="read these rows side by side and settle one label per text, unless the label depends on something that the text does not say",
    )  # fmt: skip


def _detail(counts: dict[str, Any], loose: dict[str, int], labelled: int) -> str:
    """Both ways of being the same, each with its numbers."""
    said = []
    for count, what in ((counts, "up to case and spaces"), (loose, "up to commas, full stops, quotes or hyphens")):
        if count["rows"]:
            inside = f"{noun_count(count['groups'], 'text')} ({noun_count(count['rows'], 'row')}, {percent(count['rows'] / labelled)})"
            more = f"{noun_count(count['rows'], 'more row')} of these texts ({percent(count['rows'] / labelled)})"
            said.append(f"{inside if count['groups'] else more} the same {what}")
    return f"With 2 or more labels: {'; '.join(said)}. Texts that differ in an emoticon, a sign, an operator, ? or ! are not counted."


def _first(column: pa.ChunkedArray) -> str:
    return str(column[0].as_py())
