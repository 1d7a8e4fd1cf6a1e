"""What the audit saw of the training texts: topics by size, labels that are doubted, and what more rows would bring.

Part of the report stage's `plots`.
"""

from __future__ import annotations

from collections.abc import Iterator

from goodfit.stages.report import words
from goodfit.stages.report.charts import Values, coloured, layer, names, number_of, paint, quantity, spec, told
from goodfit.stages.report.plots.common import BAND, brief, capped
from goodfit.stages.report.schema import Chart, DataFacts

TOPICS_SHOWN = 20
MEASURED, AHEAD = "measured", "forecast"


def topics(data: DataFacts) -> Iterator[Chart]:
    """Training rows per topic, the largest first."""
    if len(data.topics) < 2:
        return
    drawn = data.topics[:TOPICS_SHOWN]
    order = brief([str(one["name"]) for one in drawn])
    values: Values = [
        {"topic": name, "rows": one["n"], "tip": f"{name}: {words.count(one['n'], 'row')}, {100 * one['share']:.0f}%"}
        for name, one in zip(order, drawn, strict=True)
    ]
    y, x = names("topic", None, order), number_of("rows", "rows", drawn[0]["n"], form="~s")
    rough = "" if data.topics_stable else " Two halves of the rows do not give the same clusters: take the names as rough."
    more = f" The {TOPICS_SHOWN} largest are drawn." if len(data.topics) > TOPICS_SHOWN else ""
    named = ", numbered, since their words are those of rows (report.show_text)"
    if not str(data.topics[0]["name"]).startswith("cluster "):
        named = ", named by words that the rest has less often"
    said = f"{words.count(len(data.topics), 'cluster')} of texts that are alike{named}."
    yield Chart(
        id="topics",
        section="data",
        title="Topics of the training texts",
        text=f"{said}{more}{rough}",
        columns=["topic", "rows", "share"],
        rows=capped([[str(one["name"]), f"{one['n']:,}", f"{100 * one['share']:.1f}%"] for one in data.topics]),
        spec=spec(
            values, [layer("bar", {"y": y, "x": x, "tooltip": told()}, color=paint("bar"))], height={"step": BAND}, about="Rows per topic"
        ),
    )


def doubted(data: DataFacts) -> Iterator[Chart]:
    """Flagged rows by the label that they carry and the one that is likelier, the commonest first."""
    found = data.doubted
    if not found:
        return
    drawn = found["pairs"][:TOPICS_SHOWN]
    order = brief([f"{one['label']} → {one['likelier']}" for one in drawn])
    values: Values = [
        {"pair": name, "rows": one["n"], "tip": f"{name}: {words.count(one['n'], 'row')}"} for name, one in zip(order, drawn, strict=True)
    ]
    y, x = names("pair", None, order), number_of("rows", "flagged rows", drawn[0]["n"], form="~s")
    yield Chart(
        id="doubted-labels",
        section="data",
        title="Labels that are doubted",
        text=f"Of {words.count(found['judged'], 'training row')} {found['flags']:,} are flagged: models that never saw the row find "
        "another label likelier. Flags are to be looked at, not to be believed: where classes overlap, right labels are flagged too.",
        columns=["label", "likelier", "flagged rows"],
        rows=capped([[str(one["label"]), str(one["likelier"]), f"{one['n']:,}"] for one in found["pairs"]]),
        spec=spec(
            values, [layer("bar", {"y": y, "x": x, "tooltip": told()}, color=paint("bar"))], height={"step": BAND}, about="Flagged rows"
        ),
    )


def learning_curve(data: DataFacts) -> Iterator[Chart]:
    """What a probe reaches on ever more rows, and the forecast."""
    found = data.learning_curve
    if not found:
        return
    points = [(MEASURED, point) for point in found["measured"]]
    if found["forecast"]:
        points += [(AHEAD, found["measured"][-1]), *((AHEAD, point) for point in found["forecast"])]
    metric = words.upper(words.metric(found["metric"]))
    values: Values = [
        {"rows": p["rows"], "value": 100 * p["value"], "series": series, "tip": f"{series}, {p['rows']:,.0f} rows: {_between(p)}"}
        for series, p in points
    ]
    held: Values = [{"rows": p["rows"], "low": 100 * p["low"], "high": 100 * p["high"]} for series, p in points]
    x, y = quantity("rows", "training rows", form="~s"), quantity("value", f"{metric}, %")
    low = quantity("low", y["title"])
    colour = coloured("series", {MEASURED: "train", AHEAD: "model"} if found["forecast"] else {MEASURED: "train"})
    layers = [
        layer("rule", {"x": x, "y": low, "y2": {"field": "high"}}, values=held, color=paint("model"), opacity=0.35, strokeWidth=2),
        layer("line", {"x": x, "y": y, "color": colour}, strokeWidth=2),
        layer("point", {"x": x, "y": y, "color": colour, "tooltip": told()}, filled=True, size=36),
    ]  # fmt: skip
    last = found["measured"][-1]
    ahead = f" Forecast for {found['forecast'][-1]['rows']:,.0f} rows: {_between(found['forecast'][-1])}." if found["forecast"] else ""
    said = f"A linear model on frozen vectors reaches {_between(last)} with {last['rows']:,.0f} training rows."
    yield Chart(
        id="learning-curve",
        section="data",
        title="What more rows would bring",
        text=f"{said}{ahead} Fine-tuning usually gains more.",
        columns=["training rows", "", metric],
        rows=capped([[f"{p['rows']:,.0f}", series, _between(p)] for series, p in points]),
        spec=spec(values, layers, height=200, about=f"{metric} against training rows"),
    )


def _between(point: dict[str, float]) -> str:
    return f"{100 * point['value']:.1f}% [{100 * point['low']:.1f}, {100 * point['high']:.1f}]"
