"""AUD030: rows whose text is nearly that of another row: a typo, a word, a greeting around. Split keeps them on one side."""

from __future__ import annotations

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.kin import OFF, example, kin_rows
from goodfit.stages.audit.scene import Scene, one_array, percent, place, rate

NOTE, WARNING = 0.01, 0.10
"""Share of rows that nearly repeat another one."""


@check(code="AUD030", kind="near_duplicates", severity="warning", looks_for="rows that nearly repeat another row", tasks=ALL_TASKS)
def near_duplicates(scene: Scene) -> Outcome:
    """Groups of texts that are nearly the same, largest first, over all rows."""
    if not scene.recipe.split.near_duplicates:
        return not_applicable(OFF)
    counts, read = scene.hygiene["near_duplicates"], scene.hygiene["read"]
    share = counts["extra"] / read
    rows = kin_rows(scene, "near")
    evidence = (rate("near_duplicate_rate", counts["extra"], read),)
    title = f"{counts['extra']:,} of {read:,} rows ({percent(share)}) nearly repeat another row"
    if share < NOTE:
        if not counts["extra"]:
            return passed("no row nearly repeats another one", evidence=evidence)
        return passed(f"few rows nearly repeat another one: {counts['extra']:,} of {read:,}", evidence=evidence)
    given = any(file["split"] for file in scene.manifest["files"])
    where = "Those that stand in two given splits are AUD031." if given else "They stand on one side of the split."
    if apart := counts["not_kept_together"]:
        column = scene.recipe.split.by
        where = f"{apart:,} of these rows do not: with {column}, they would tie most rows into one group." if not given else where
    return found(
        "warning" if share >= WARNING else "note", title,
        detail=f"{noun_count(counts['groups'], 'group')} of texts that differ by a typo, a word, a greeting or the like, the largest with "
        f"{counts['largest']:,} rows; for example {example(scene, rows)}. {where} A group counts as one case in every interval: "
        "the data say less than their number of rows.",
        rows=one_array(rows["row"]), where=place(str(rows["at"][0].as_py())), evidence=evidence,
        fix="read the largest groups: rows that add nothing can go; those that are what the model will meet can stay",
    )  # fmt: skip
