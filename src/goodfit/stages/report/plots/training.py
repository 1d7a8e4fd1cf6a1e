"""The curves of a training: loss, and the score, on training and validation rows; the step that was kept is marked.

Part of the report stage's `plots`.
"""

from __future__ import annotations

from collections.abc import Iterator

from goodfit.stages.report import words
from goodfit.stages.report.charts import Values, coloured, constant, layer, paint, quantity, spec, told
from goodfit.stages.report.plots.common import capped
from goodfit.stages.report.schema import Chart
from goodfit.stages.report.schema_training import MapFacts, MapPoint, Point, TrainingFacts
from goodfit.stages.report.text import label

COLOURS = {"train": "bar", "train_probe": "train", "valid": "model"}
SUSPECT = "suspected label"
REGIONS = {"easy": "bar", "ambiguous": "train", "hard": "mark", SUSPECT: "model"}
FEWEST_POINTS = 20
SERIES = {"train": "training batches", "train_probe": "training rows", "valid": "validation rows"}


def curves(training: TrainingFacts) -> Iterator[Chart]:
    """Loss and score against the step; nothing of what was looked at only once."""
    best = training.best.step if training.best else None
    if len({p.step for p in training.loss}) > 1:
        yield _curve("loss", "Loss", training.loss, best, percent=False)
    if len({p.step for p in training.score}) > 1:
        percent = all(0 <= p.value <= 1 for p in training.score) and training.metric not in ("log_loss", "mcc", "kappa")
        yield _curve("score", words.upper(words.metric(training.metric or "score")), training.score, best, percent=percent)


def _curve(key: str, title: str, points: list[Point], best: int | None, *, percent: bool) -> Chart:
    scale, unit = (100.0, "share") if percent else (1.0, "ratio")
    values: Values = [
        {
            "step": p.step,
            "value": p.value * scale,
            "series": _series(p),
            "tip": f"step {p.step:,}, {_series(p)}: {words.number(p.value, unit)}",
        }
        for p in points
    ]
    x, y = quantity("step", "optimiser step", form=",d"), quantity("value", f"{title}, %" if percent else title)
    colour = coloured("series", {_series(p): COLOURS.get(p.split, "rival") for p in points})
    looks = [v for v, p in zip(values, points, strict=True) if p.split != "train"]
    layers = [
        layer("line", {"x": x, "y": y, "color": colour}, strokeWidth=2),
        layer("point", {"x": x, "y": y, "color": colour, "tooltip": told()}, values=looks, filled=True, size=36),
    ]
    held: Values = [{"step": p.step, "low": p.low * scale, "high": p.high * scale} for p in points if _has_interval(p)]  # type: ignore[operator]
    if held:
        low = quantity("low", y["title"])
        layers.insert(
            0, layer("rule", {"x": x, "y": low, "y2": {"field": "high"}}, values=held, color=paint("model"), opacity=0.35, strokeWidth=2)
        )
    if best is not None:
        layers.append(layer("rule", {"x": constant(best)}, values=[{}], color=paint("mark"), strokeDash=[4, 3], strokeWidth=1.5))
    return Chart(
        id=f"curve-{key}",
        section="training",
        title=title,
        text=_said(title, points, best, unit),
        columns=["step", "rows", title],
        rows=capped([[f"{p.step:,}", _series(p), words.number(p.value, unit)] for p in points if p.split != "train"]),
        spec=spec(values, layers, height=200, about=f"{title} against the optimiser step"),
    )


def data_map(training: TrainingFacts) -> Iterator[Chart]:
    """Training rows by how sure the model was of their label while it learned, and how much that changed."""
    found = training.map
    if found is None or len(found.points) < FEWEST_POINTS:
        return
    values: Values = [
        {"variability": p.variability, "confidence": 100 * p.confidence, "region": SUSPECT if p.suspect else p.region, "tip": _tip(p)}
        for p in sorted(found.points, key=lambda p: p.suspect)
    ]
    present = [name for name in REGIONS if any(v["region"] == name for v in values)]
    x = quantity("variability", "how much it changed (standard deviation)", domain=[0, 0.5])
    y = quantity("confidence", "mean probability of the label, %", domain=[0, 100])
    colour = coloured("region", {name: REGIONS[name] for name in present})
    yield Chart(
        id="data-map",
        section="training",
        title="How the training rows were learned",
        text=_map_said(found),
        columns=["row", "label", "mean probability", "suspected by the audit"],
        rows=capped([[row, label(given, 40), words.number(sure), "yes" if suspect else "no"] for row, given, sure, suspect in found.hard]),
        spec=spec(
            values, [layer("point", {"x": x, "y": y, "color": colour, "tooltip": told()}, filled=True, size=22, opacity=0.75)],
            height=240, about="Mean probability of the given label against its variability",
        ),
    )  # fmt: skip


def _tip(point: MapPoint) -> str:
    return f"{point.region}{', suspected' if point.suspect else ''}: {point.confidence:.0%}, ± {point.variability:.2f}"


def _map_said(found: MapFacts) -> str:
    share = {region: words.number(n / found.rows) for region, n in found.regions.items()}
    said = ", ".join(f"{part} {region}" for region, part in share.items())
    doubted = (
        f" Of {words.count(found.suspects, 'row')} whose label the audit suspects {found.suspects_hard:,} are hard: look at these first."
        if found.suspects
        else ""
    )
    return f"Of {words.count(found.rows, 'training row')} {said}. Hard rows hold the wrong labels; ambiguous ones teach the most.{doubted}"


def _series(point: Point) -> str:
    return SERIES.get(point.split, point.split)


def _has_interval(point: Point) -> bool:
    return point.split == "valid" and point.low is not None and point.high is not None


def _said(title: str, points: list[Point], best: int | None, unit: str) -> str:
    said = []
    for split in dict.fromkeys(p.split for p in points):
        part = [p for p in points if p.split == split]
        first, last = (words.number(p.value, unit) for p in (part[0], part[-1]))
        said.append(f"on {_series(part[0])} {f'from {first} to {last}' if len(part) > 1 else last}")
    kept = f" The weights of step {best:,} were kept (dashed line)." if best is not None else ""
    return f"{title}: {'; '.join(said)}.{kept}"
