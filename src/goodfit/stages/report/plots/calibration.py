"""What the model promised (its confidence) against what it kept (how often it is right).

Part of the report stage's `plots`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from goodfit.stages.report import words
from goodfit.stages.report.charts import Values, coloured, layer, names, paint, quantity, spec, told
from goodfit.stages.report.plots.common import BAND, unique
from goodfit.stages.report.schema import Bin, CalibrationFacts, Chart

KEPT, PROMISED = "what it kept", "what it promised"


def reliability(found: CalibrationFacts) -> Iterator[Chart]:
    """One line per bin of similar confidence: how often it was right, with its interval, beside what it promised.

    Lines, not a square from 0 to 100: a good model promises nearly the same for most rows, and its points would lie on one another.
    """
    if not found.bins:
        return
    order = _lines(found.bins)
    values: Values = [
        {
            "bin": label,
            "confidence": b.confidence * 100,
            "right": b.right * 100,
            "low": b.right_low * 100,
            "high": b.right_high * 100,
            "tip": _tip(b),
        }
        for label, b in zip(order, found.bins, strict=True)
    ]
    least = min(min(v["confidence"], v["low"]) for v in values)
    domain = [max(0, min(95, 5 * math.floor(least / 5))), 100]
    y, x = names("bin", None, order), quantity("right", "%", domain=domain)
    low, promised = quantity("low", "%", domain=domain), quantity("confidence", "%", domain=domain)
    colour = coloured("series", {KEPT: "model", PROMISED: "mark"})
    layers = [
        layer("rule", {"y": y, "x": low, "x2": {"field": "high"}, "tooltip": told()}, color=paint("model"), strokeWidth=3),
        layer("point", {"y": y, "x": x, "color": colour, "tooltip": told()}, values=_of(values, KEPT), filled=True, size=85),
        layer("point", {"y": y, "x": promised, "color": colour, "tooltip": told()}, values=_of(values, PROMISED), filled=True, size=30),
    ]
    yield Chart(
        id="reliability",
        section="calibration",
        title="Promised and kept",
        text=_said(found.bins),
        columns=["rows", "confidence", "right", "interval"],
        rows=[
            [f"{b.n:,}", words.number(b.confidence), words.number(b.right), words.interval(b.right_low, b.right_high)] for b in found.bins
        ],
        spec=spec(values, layers, height={"step": BAND}, about="How often it is right beside its confidence"),
    )


def _lines(bins: list[Bin]) -> list[str]:
    """What each bin promised, with as many digits as tell the bins apart."""
    for digits in (1, 2, 3):
        said = [f"says {100 * b.confidence:.{digits}f}%" for b in bins]
        if len(set(said)) == len(said):
            return said
    return unique(said)


def _of(values: Values, series: str) -> Values:
    return [value | {"series": series} for value in values]


def _tip(b: Bin) -> str:
    return f"{words.count(b.n, 'row')}: says {b.confidence:.0%}, is right in {b.right:.0%} [{b.right_low:.0%}, {b.right_high:.0%}]"


def _said(bins: list[Bin]) -> str:
    over, under = sum(b.confidence > b.right_high for b in bins), sum(b.confidence < b.right_low for b in bins)
    if not over and not under:
        where = "In the one bin" if len(bins) == 1 else f"In all {words.count(len(bins), 'bin')}"
        return f"{where} the confidence lies inside the interval of what was kept."
    parts = [f"it promises more than it keeps in {over}"] if over else []
    parts += [f"{'less in' if over else 'it promises less than it keeps in'} {under}"] if under else []
    return f"Of {words.count(len(bins), 'bin')}, {', '.join(parts)}."
