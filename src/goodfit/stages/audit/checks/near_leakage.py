"""AUD031: rows of the given validation or test set that nearly stand in a lower split too (the same text or value: AUD008)."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from goodfit.finding import Where
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.kin import OFF, kin_rows
from goodfit.stages.audit.scene import Scene, one_array, percent, rate

NOTE, WARNING = 0.01, 0.05
"""Share of test (or validation) rows with a near-duplicate below."""


@check(code="AUD031", kind="near_leakage", severity="warning", looks_for="near-duplicates in two given splits", tasks=ALL_TASKS)
def near_leakage(scene: Scene) -> Outcome:
    """What split counted on the given splits; where it made them it keeps near-duplicates on one side."""
    if not scene.recipe.split.near_duplicates:
        return not_applicable(OFF)
    if not any(file["split"] for file in scene.manifest["files"]):
        return not_applicable("the splits were not given: split made them, and kept near-duplicates on one side")
    left, sizes = scene.hygiene["leaks"]["left"], scene.splits.counts
    touched = left["near_touches"]
    shares = {name: n / sizes[name] for name, n in touched.items() if n}
    evidence = tuple(rate("near_leak_rate", touched[name], sizes[name], split=name) for name in shares)
    worst = max(shares.values(), default=0.0)
    listed = " and ".join(f"{touched[name]:,} of {sizes[name]:,} {name} rows ({percent(share)})" for name, share in shares.items())
    if worst < NOTE:
        removed = scene.hygiene["leaks"]["found"]["by_near"] - left["by_near"]
        said = f"{listed} nearly stand" if listed else "no row of a given split nearly stands"
        return passed(f"{said} in a lower split{f' ({removed:,} rows were dropped)' if removed else ''}", evidence=evidence)
    rows = kin_rows(scene, "near_leak")
    lower = rows.filter(pc.is_in(rows["split"], value_set=pa.array(["train", "valid"] if touched["test"] else ["train"])))
    return found(
        "warning" if worst >= WARNING else "note", f"{listed} nearly stand in a lower split too",
        detail="They differ from a row of a lower split by a typo, a word, a greeting or the like, beside those that are equal (AUD008): a "
        f"model can repeat there what it learned by heart. {lower.num_rows:,} rows of train and validation are touched; those are listed. "
        "evaluate scores the test rows with and without them.",
        rows=one_array(lower["row"]), where=Where(split="test" if "test" in shares else "valid"), evidence=evidence,
        fix="set split.leaks: drop, which takes them out of the lower split",
    )  # fmt: skip
