"""What the model promised (its confidence) against what it kept (how often it is right).

Part of the report stage's `plots`.
"""

from __future__ import annotations

from collections.abc import Iterator

from goodfit.stages.report import words
from goodfit.stages.report.charts import Values, layer, paint, quantity, spec, told
from goodfit.stages.report.schema import Bin, CalibrationFacts, Chart


def reliability(found: CalibrationFacts) -> Iterator[Chart]:
    """One point per bin of similar confidence, with the interval of what was kept, beside the line of a model that keeps its word."""
    if not found.bins:
        return
    values: Values = [
        {"confidence": b.confidence * 100, "right": b.right * 100, "low": b.right_low * 100, "high": b.right_high * 100, "tip": _tip(b)}
        for b in found.bins
    ]
    least = min(10 * int(min(v["confidence"], v["low"]) // 10) for v in values)
    domain = [least, 100]
    x, y = quantity("confidence", "confidence, %", domain=domain), quantity("right", "right, %", domain=domain)
    low = quantity("low", "right, %", domain=domain)
    kept: Values = [{"confidence": least, "right": least}, {"confidence": 100, "right": 100}]
    layers = [
        layer("line", {"x": x, "y": y}, values=kept, color=paint("bar"), strokeDash=[4, 3], strokeWidth=1.5),
        layer("rule", {"x": x, "y": low, "y2": {"field": "high"}, "tooltip": told()}, color=paint("model"), strokeWidth=2),
        layer("point", {"x": x, "y": y, "tooltip": told()}, color=paint("model"), filled=True, size=50),
    ]
    yield Chart(
        id="reliability",
        section="calibration",
        title="Promised and kept",
        text=f"{_said(found.bins)} The dashed line is a model that keeps its word.",
        columns=["rows", "confidence", "right", "interval"],
        rows=[
            [f"{b.n:,}", words.number(b.confidence), words.number(b.right), words.interval(b.right_low, b.right_high)] for b in found.bins
        ],
        spec=spec(values, layers, height=240, about="How often it is right against its confidence"),
    )


def _tip(b: Bin) -> str:
    return f"{words.count(b.n, 'row')}: says {b.confidence:.0%}, is right in {b.right:.0%} [{b.right_low:.0%}, {b.right_high:.0%}]"


def _said(bins: list[Bin]) -> str:
    over, under = sum(b.confidence > b.right_high for b in bins), sum(b.confidence < b.right_low for b in bins)
    if not over and not under:
        return f"In all {words.count(len(bins), 'bin')} the confidence lies inside the interval of what was kept."
    parts = [f"it promises more than it keeps in {over}"] if over else []
    parts += [f"{'less in' if over else 'it promises less than it keeps in'} {under}"] if under else []
    return f"Of {words.count(len(bins), 'bin')}, {', '.join(parts)}."
