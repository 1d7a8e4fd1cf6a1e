"""AUD033: texts that fill in a template: one frame of words, with a number or a name in it. They say less than their number of rows."""

from __future__ import annotations

from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.kin import OFF, kin_rows
from goodfit.stages.audit.scene import Scene, one_array, percent, place, rate

NOTE = 0.10
"""Share of the rows."""
WARNING = 0.50


@check(code="AUD033", kind="templates", severity="warning", looks_for="texts that fill in a template", tasks=ALL_TASKS)
def templates(scene: Scene) -> Outcome:
    """Rows that mostly consist of words which more than a tenth of the rows share, or that differ from many others in numbers only."""
    if not scene.recipe.split.near_duplicates:
        return not_applicable(OFF)
    counts, read = scene.hygiene["templates"], scene.hygiene["read"]
    share = counts["rows"] / read
    evidence = (rate("template_rate", counts["rows"], read),)
    if share < NOTE:
        return passed(f"{counts['rows']:,} of {read:,} rows fill in a template" if counts["rows"] else "no template", evidence=evidence)
    rows = kin_rows(scene, "template")
    numbers = f" {counts['by_numbers']:,} rows differ from one another in their numbers only." if counts["by_numbers"] > 1 else ""
    apart = counts["not_kept_together"]
    split = f" {apart:,} are too many and too alike to be kept on one side: test rows look like training rows." if apart else ""
    warning = share >= WARNING and scene.task != "generation"
    return found(
        "warning" if warning else "note", f"{counts['rows']:,} of {read:,} rows ({percent(share)}) fill in a template",
        detail=f"Most of their text is a frame of words that many rows share.{numbers}{split} What a model learns of such rows is the "
        "frame and what stands in it; texts that people write freely may fare worse than the scores say.",
        rows=one_array(rows["row"]), where=place(str(rows["at"][0].as_py())), evidence=evidence,
        fix="test on texts that were not made from the template; give split.by a column that names the template, if there is one",
    )  # fmt: skip
