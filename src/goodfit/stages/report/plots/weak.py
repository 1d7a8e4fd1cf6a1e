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


def robustness(found: WeakFacts) -> Iterator[Chart]:
    """Points of accuracy that each perturbation costs, with its interval."""
    told_of = [(one, gap) for one in found.robust.shaken if (gap := one.difference) and gap.value is not None] if found.robust else []
    if not told_of:
        return
    ranked = sorted(told_of, key=lambda pair: pair[1].value or 0.0)
    order = unique([f"{one.what}{'' if one.preserving else ' *'}" for one, _ in ranked])
    values: Values = [
        {"what": name, "tip": f"{name}: {words.difference(gap)}, {words.count(one.n, 'row')}", **ends(gap, 100.0)}
        for name, (one, gap) in zip(order, ranked, strict=True)
    ]
    y, x, low = names("what", None, order), quantity("value", "accuracy, points"), quantity("low", "accuracy, points")
    layers = [
        layer("rule", {"x": constant(0)}, values=[{}], color=paint("bar"), strokeDash=[4, 3]),
        layer("rule", {"y": y, "x": low, "x2": {"field": "high"}, "tooltip": told()}, color=paint("ink"), strokeWidth=2),
        layer("point", {"y": y, "x": x, "tooltip": told()}, color=paint("model"), filled=True, size=70),
    ]
    keeping = [one for one, _ in ranked if one.preserving]
    hurt = sum(one.answer == "worse" for one in keeping)
    mark = " A star marks changes that may lose the meaning." if any(not one.preserving for one, _ in ranked) else ""
    yield Chart(
        id="robustness", section="weak", title="What is lost when the same is written otherwise", wide=True,
        text=f"Of {words.count(len(keeping), 'change')} with the same meaning, {hurt} lower the accuracy for certain.{mark}",
        columns=["change", "rows", "as it is", "changed", "difference"],
        rows=[[name, f"{one.n:,}", words.score(one.before) if one.before else "", words.score(one.after) if one.after else "",
               words.difference(gap)] for name, (one, gap) in zip(order, ranked, strict=True)],
        spec=spec(values, layers, height={"step": BAND}, about="Differences in accuracy after perturbations, with intervals, against zero"),
    )  # fmt: skip


def _said(found: WeakFacts, overall: Score | None) -> str:
    sure = sum(one.state == "confirmed" for one in found.slices)
    line = "" if overall is None or overall.value is None else f" The dashed line is all rows ({words.score(overall)})."
    where = "one half of the rows" if found.found_on == "folds" else "validation"
    return f"{words.count(len(found.slices), 'slice')} stood out on {where}, {sure} of them confirmed on other rows.{line}"


def _row(one: SliceFacts) -> list[str]:
    return [one.where, f"{one.score.n:,}", words.score(one.score), f"{one.gap:.0f} points", STATES.get(one.state, one.state)]
