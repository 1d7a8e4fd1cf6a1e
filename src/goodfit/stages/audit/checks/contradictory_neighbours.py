"""AUD032: near-duplicates that carry different labels. Some are mistakes; in others the word that differs is what decides."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import CLASSES, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.kin import OFF, differences, kin_rows, seen_pairs
from goodfit.stages.audit.scene import Scene, one_array, percent, place, rate

NOTE = 0.002
"""Share of rows, and at least two groups; fewer are named where nothing is wrong."""


@check(code="AUD032", kind="contradictory_neighbours", severity="note", looks_for="near-duplicates with different labels", tasks=CLASSES)
def contradictory_neighbours(scene: Scene) -> Outcome:
    """Groups of near-duplicates that disagree, largest first, and by what their texts differ."""
    if not scene.recipe.split.near_duplicates:
        return not_applicable(OFF)
    counts = scene.hygiene["near_conflicts"]
    read = scene.hygiene["read"]
    if not counts["rows"]:
        return passed("near-duplicates agree on the label")
    rows, column = kin_rows(scene, "near_conflict"), scene.recipe.task.label_columns[0]
    evidence = (rate("near_conflict_rate", counts["rows"], read),)
    said = f"{noun_count(counts['rows'], 'row')} in {noun_count(counts['groups'], 'group')} of near-duplicates carry different labels"
    if counts["rows"] < NOTE * read or counts["groups"] < 2:
        return passed(f"few near-duplicates disagree on the label: {said}", evidence=evidence)
    return found(
        "note", f"{said} ({percent(counts['rows'] / read)})", detail=_detail(scene, rows),
        rows=one_array(rows["row"]), where=place(str(rows["at"][0].as_py())).model_copy(update={"column": column}),
        evidence=evidence,
        fix="read these rows side by side: where the differing word decides, they are right, and worth having; settle the others",
    )  # fmt: skip


def _detail(scene: Scene, rows: pa.Table) -> str:
    pairs = seen_pairs(scene, rows)
    if not pairs.num_rows:
        return "They stand in the test set, or beside rows of it; its texts are not looked at here."
    a, b = (scene.splits.take(pairs[name].to_pylist(), columns=("text", "label")) for name in ("a", "b"))
    told = differences(scene, one_array(a["text"]), one_array(b["text"]))
    words = ", ".join(f"{words} ({n:,})" for words, n in told)
    labels = Counter(tuple(sorted((_label(x), _label(y)))) for x, y in zip(a["label"].to_pylist(), b["label"].to_pylist()))
    most = ", ".join(f"{x} and {y} ({n:,})" for (x, y), n in labels.most_common(3))
    differ = f"Differs by: {words}. " if words else "They differ by more than a word or two. "
    return f"{differ}Labels that meet most often: {most}. Compared: {noun_count(pairs.num_rows, 'pair')} of train and validation."


def _label(value: Any) -> str:
    return repr(value) if isinstance(value, str) or value is None else " + ".join(map(repr, sorted(value))) or "no label"
