"""AUD008: rows of the given validation or test set that stand in a lower split too (same text, or same `split.by` value)."""

from __future__ import annotations

from goodfit.finding import Severity, Where
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene, percent, rate

WARNING, ERROR = 0.01, 0.10
"""Share of test (or validation) rows with a counterpart below: a score can flatter by as many points."""


@check(code="AUD008", kind="leakage", severity="error", looks_for="leaks between given splits", tasks=ALL_TASKS)
def leakage(scene: Scene) -> Outcome:
    """What split counted on the given splits; without given splits it keeps equal rows together and proves it."""
    if not any(file["split"] for file in scene.manifest["files"]):
        return not_applicable("the splits were not given: split made them, and proved that they share nothing")
    left, sizes = scene.hygiene["leaks"]["left"], scene.splits.counts
    touched = {name: max(left["text_touches"][name], left["value_touches"][name]) for name in ("test", "valid")}
    shares = {name: n / sizes[name] for name, n in touched.items() if n}
    if not shares:
        removed = scene.manifest["dropped"].get("leak", 0)
        return passed(f"the given splits share nothing{f' ({removed:,} leaking rows were dropped)' if removed else ''}")
    worst = max(shares.values())
    severity: Severity = "error" if worst >= ERROR else "warning" if worst >= WARNING else "note"
    listed = " and ".join(f"{touched[name]:,} of {sizes[name]:,} {name} rows ({percent(share)})" for name, share in shares.items())
    return found(
        severity, f"{listed} stand in a lower split too",
        detail=f"{_kinds(scene, left)} A model can repeat there what it learned by heart: scores may flatter by up to "
        f"{100 * worst:.1f} points. SPL001 and SPL002 list the rows of the lower split.",
        n_rows=sum(touched.values()), where=Where(split="test" if "test" in shares else "valid"),
        evidence=tuple(rate("leak_rate", touched[name], sizes[name], split=name) for name in shares),
        fix="set split.leaks: drop, which takes them out of the lower split",
    )  # fmt: skip


def _kinds(scene: Scene, left: dict[str, dict[str, int]]) -> str:
    texts, values = sum(left["text_touches"].values()), sum(left["value_touches"].values())
    said = [f"{texts:,} by their text"] if texts else []
    said += [f"{values:,} by their {scene.recipe.split.by}"] if values else []
    return f"{' and '.join(said)}."
