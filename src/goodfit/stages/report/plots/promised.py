"""How many answers are wrong if only the surest are given. Part of the report stage's `plots`."""

from __future__ import annotations

from collections.abc import Iterator

from goodfit.stages.report import words
from goodfit.stages.report.charts import Values, layer, paint, quantity, spec, told
from goodfit.stages.report.schema import Chart
from goodfit.stages.report.schema_promised import PromisedFacts

HEIGHT = 220.0


def withheld(found: PromisedFacts) -> Iterator[Chart]:
    """The risk-coverage curve, with the promises that are given on it."""
    if len(found.curve) < 2:
        return
    values: Values = [
        {"answered": 100 * share, "wrong": 100 * risk, "tip": f"{share:.0%} answered: {risk:.1%} wrong"} for share, risk in found.curve
    ]
    most = max(float(v["wrong"]) for v in values)
    x, y = quantity("answered", "answered, %", domain=[0, 100]), quantity("wrong", "wrong among them, %", domain=[0, max(1.0, most * 1.05)])
    layers = [layer("line", {"x": x, "y": y}, color=paint("model"), strokeWidth=2)]
    points: Values = [
        {"answered": 100 * one.answered.value, "wrong": 100 * one.error.value,
         "tip": f"promised at most {one.at_most_wrong:.0%} wrong: {words.score(one.answered)} answered, {words.score(one.error)} wrong"}
        for one in found.withheld
        if one.answered is not None and one.answered.value is not None and one.error is not None and one.error.value is not None
    ]  # fmt: skip
    if points:
        layers.append(layer("point", {"x": x, "y": y, "tooltip": told()}, values=points, color=paint("ink"), filled=True, size=70))
    dots = " Points: where the promises made on validation lie." if points else ""
    yield Chart(
        id="withheld", section="calibration", title="If only the surest answers are given",
        text=f"Of all answers {found.curve[-1][1]:.1%} are wrong, of the surest half {_at(found, 0.5):.1%}.{dots}",
        columns=["answered", "wrong among them"], rows=[[f"{share:.0%}", words.number(risk)] for share, risk in found.curve[::6]],
        spec=spec(values, layers, height=HEIGHT, about="Share wrong by share answered"),
    )  # fmt: skip


def _at(found: PromisedFacts, share: float) -> float:
    return min(found.curve, key=lambda point: abs(point[0] - share))[1]
