"""Rows that could not be used, judged by their share: what AUD001, AUD002 and AUD009 have in common."""

from __future__ import annotations

from goodfit.finding import Severity
from goodfit.stages.audit.check import Outcome, found, passed
from goodfit.stages.audit.scene import Scene, percent, rate

WARNING, ERROR = 0.01, 0.30
"""Share of rows lost from which it is worth a warning, and from which the file is not what it was taken for."""


def lost_rows(scene: Scene, reasons: tuple[str, ...], *, what: str, passed_as: str, meaning: str, fix: str) -> Outcome:
    """The rows dropped for these reasons."""
    read = scene.hygiene["read"]
    n = sum(scene.hygiene["dropped"].get(reason, 0) for reason in reasons)
    if not n:
        return passed(passed_as)
    share = n / read
    severity: Severity = "error" if share >= ERROR else "warning" if share >= WARNING else "note"
    rows, where = scene.dropped(*reasons)
    columns = scene.recipe.task.label_columns if "missing_label" in reasons else scene.recipe.task.text
    if where is not None and columns:
        where = where.model_copy(update={"column": columns[0]})
    return found(
        severity, f"{n:,} of {read:,} rows ({percent(share)}) {what}", detail=f"{meaning} They are not used.", rows=rows, where=where,
        evidence=(rate("lost_rate", n, read),), fix=fix,
    )  # fmt: skip
