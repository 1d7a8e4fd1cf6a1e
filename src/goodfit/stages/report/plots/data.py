"""The rows before any training: how many of each class, how long, and where they are cut.

Part of the report stage's `plots`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goodfit.stages.report import words
from goodfit.stages.report.charts import Values, constant, layer, names, number_of, paint, quantity, spec, told
from goodfit.stages.report.plots.common import BAND, ROWS_SHOWN, brief, capped, with_gap
from goodfit.stages.report.schema import Chart, DataFacts
from goodfit.stages.report.text import label as shown
from goodfit.stages.report.text import name as readable

LABELS_SHOWN = 30
"""Of many classes the commonest and the rarest are drawn, half of this number of each."""


def labels(data: DataFacts) -> Iterator[Chart]:
    """Rows per class, the commonest first."""
    if not data.labels:
        return
    ranked = sorted(data.labels.items(), key=lambda pair: (-pair[1], pair[0]))
    tabled = "all" if len(ranked) <= ROWS_SHOWN else f"the {ROWS_SHOWN} commonest"
    half, many = LABELS_SHOWN // 2, len(ranked) > LABELS_SHOWN
    drawn = ranked[:half] + ranked[-half:] if many else ranked
    order = brief([label for label, _ in drawn])
    values: Values = [
        {"label": label, "rows": n, "tip": f"{label}: {words.count(n, 'row')}"} for label, (_, n) in zip(order, drawn, strict=True)
    ]
    y, x = names("label", None, with_gap(order) if many else order), number_of("rows", "rows", ranked[0][1], form="~s")
    both = f" The {half} commonest and the {half} rarest are drawn; the table has {tabled}." if many else ""
    span = f"from “{order[0]}” ({words.count(ranked[0][1], 'row')}) to “{order[-1]}” ({ranked[-1][1]:,})"
    yield Chart(
        id="labels",
        section="data",
        title=f"Rows per class{f', {words.split(data.labels_of)} rows' if data.labels_of else ''}",
        text=f"{words.count(len(ranked), 'class', 'classes')}, {span}.{both}",
        columns=["class", "rows"],
        rows=capped([[shown(label), f"{n:,}"] for label, n in ranked]),
        spec=spec(
            values, [layer("bar", {"y": y, "x": x, "tooltip": told()}, color=paint("bar"))], height={"step": BAND}, about="Rows per class"
        ),
    )


def lengths(data: DataFacts) -> Iterator[Chart]:
    """How long the rows are, and where they are cut."""
    if not data.lengths:
        return
    edges, heights, unit = data.lengths["edges"], data.lengths["counts"], data.lengths["unit"]
    spans = [f"{low:,g} to {high:,g}" for low, high in zip(edges[:-1], edges[1:], strict=True)]
    values: Values = [
        {"from": low, "to": high, "rows": n, "tip": f"{span} {unit}: {words.count(n, 'row')}"}
        for span, low, high, n in zip(spans, edges[:-1], edges[1:], heights, strict=True)
    ]
    x = quantity("from", unit, form="~s", domain=[edges[0], edges[-1]])
    x["axis"]["tickMinStep"] = 1
    y = number_of("rows", "rows", max(heights), form="~s")
    layers = [layer("bar", {"x": x, "x2": {"field": "to"}, "y": y, "y2": {"datum": 0}, "tooltip": told()}, color=paint("bar"))]
    cut = data.max_length if unit == "tokens" else None
    drawn = False
    if cut is not None and edges[0] <= cut <= edges[-1]:
        drawn = True
        layers.append(layer("rule", {"x": constant(cut)}, values=[{}], color=paint("mark"), strokeDash=[4, 3], strokeWidth=1.5))
    of = data.lengths.get("split")
    rows = f"{words.split(of)} row" if of else "row"
    said = f" The maximum is {cut:,} tokens{' (dashed line)' if drawn else ''}: {_cut(data, of, rows)}." if cut is not None else ""
    yield Chart(
        id="lengths",
        section="data",
        title=f"Length of the rows in {readable(unit)}",
        text=f"{words.count(sum(heights), rows)}, {_span(edges, heights)} {readable(unit)} long.{said}",
        columns=[readable(unit), "rows"],
        rows=capped([[span, f"{n:,}"] for span, n in zip(spans, heights, strict=True)]),
        spec=spec(values, layers, height=180, about="Histogram of row lengths"),
    )


def _span(edges: Sequence[float], heights: Sequence[int]) -> str:
    """The shortest and the longest row: known where their bins are one wide, else about."""
    held = [i for i, n in enumerate(heights) if n] or [0, len(heights) - 1]
    first, last = held[0], held[-1]
    if edges[first + 1] - edges[first] == 1 and edges[last + 1] - edges[last] == 1:
        return f"{edges[first]:,g} to {edges[last]:,g}" if first != last else f"{edges[first]:,g}"
    return f"about {edges[first]:,g} to {edges[last + 1]:,g}" if edges[first] > 0 else f"up to about {edges[last + 1]:,g}"


def _cut(data: DataFacts, of: str | None, rows: str) -> str:
    """What the maximum did to the rows of the histogram, and to others."""
    here = data.cut if of is None or "" in data.cut else {split: n for split, n in data.cut.items() if split == of}
    n, others = sum(here.values()), {split: n for split, n in data.cut.items() if split not in here}
    ends = f"{words.count(n, rows)} lost {'its' if n == 1 else 'their'} end" if n else f"no {rows} lost its end"
    return ends + (f", {words.cut_rows(others)} did" if others else "")
