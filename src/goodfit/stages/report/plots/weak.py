"""Slices of rows on which a classifier is weaker than elsewhere. Part of the report stage's `plots`."""

from __future__ import annotations

from collections.abc import Iterator

from goodfit.score import Score
from goodfit.stages.report import words
from goodfit.stages.report.charts import Values, constant, layer, names, paint, quantity, spec, told
from goodfit.stages.report.plots.common import BAND, capped, ends, unique
from goodfit.stages.report.schema import Chart
from goodfit.stages.report.schema_weak import SliceFacts, WeakFacts
from goodfit.stages.report.text import shorten

LONGEST = 60
"""Characters of a slice's name in the chart."""
STATES = {
    "confirmed": "confirmed", "not_confirmed": "not confirmed", "too_few_rows": "too few rows to confirm",
    "not_asked": "found on these rows",
}  # fmt: skip


def slices(found: WeakFacts, overall: Score | None) -> Iterator[Chart]:
    """Accuracy within each slice with its interval, beside that of all rows."""
    if not found.slices:
        return
    order = unique([shorten(one.where, LONGEST) for one in found.slices])
    values: Values = [
        {"slice": name, "tip": f"{name}: {words.score(one.score)} right, {words.count(one.score.n, 'row')}", **ends(one.score, 100.0)}
        for name, one in zip(order, found.slices, strict=True)
    ]
    y, domain = names("slice", None, order), [0, 100]
    x, low = quantity("value", "right, %", domain=domain), quantity("low", "right, %", domain=domain)
    layers = [
        layer("rule", {"y": y, "x": low, "x2": {"field": "high"}, "tooltip": told()}, color=paint("ink"), strokeWidth=2),
        layer("point", {"y": y, "x": x, "tooltip": told()}, color=paint("model"), filled=True, size=80),
    ]
    if overall is not None and overall.value is not None:
        layers.append(layer("rule", {"x": constant(100 * overall.value)}, values=[{}], color=paint("bar"), strokeDash=[4, 3]))
    yield Chart(
        id="slices", section="weak", title="Rows that fail more often than others of their classes", text=_said(found, overall),
        columns=["slice", "rows", "right", "expected below its classes", "answer"],
        rows=capped([_row(one) for one in found.slices]), wide=True,
        spec=spec(values, layers, height={"step": BAND + 4}, about="Accuracy within slices, with intervals, beside all rows"),
    )  # fmt: skip


def _said(found: WeakFacts, overall: Score | None) -> str:
    sure = sum(one.state == "confirmed" for one in found.slices)
    line = "" if overall is None or overall.value is None else f" The dashed line is all rows ({words.score(overall)})."
    return f"{words.count(len(found.slices), 'slice')} stood out on validation, {sure} of them confirmed on other rows.{line}"


def _row(one: SliceFacts) -> list[str]:
    return [one.where, f"{one.score.n:,}", words.score(one.score), f"{one.gap:.0f} points", STATES.get(one.state, one.state)]
