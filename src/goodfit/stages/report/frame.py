"""Where everything of a drawing lies: its size, its scales, the room for names and ticks.

Part of the report stage, under `draw`. Reads the scales out of a specification of `charts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goodfit.stages.report.scales import FONT, Bands, Linear, spread, text_width, tick

Scale = Linear | Bands
Row = Mapping[str, Any]

GAP = 8.0
"""Between a label and what it labels, in pixels."""
CELL = 26.0
"""Least width of a cell with a number in it."""
UPRIGHT = 110.0
"""Most height of names that stand upright under the drawing."""
LABELS_SHARE = 0.42
"""Names at the left take at most this share of the width; longer ones stand above their marks."""
ABOVE = 17.0
"""Height of a name above its marks."""


@dataclass(frozen=True)
class Frame:
    """Where everything lies: the drawing's size, the scales, the axes' channels."""

    width: float
    height: float
    left: float
    top: float
    x: Scale
    y: Scale
    x_axis: Mapping[str, Any]
    y_axis: Mapping[str, Any]


def least_width(spec: Mapping[str, Any]) -> float:
    """Below this width the drawing cannot be read: cells of a matrix need room for their numbers."""
    axis = _main(spec, "x")
    if axis["type"] != "nominal":
        return 0.0
    cells = CELL * len(axis["scale"]["domain"])
    return cells + min(max(map(text_width, axis["scale"]["domain"])) + GAP, cells * LABELS_SHARE / (1 - LABELS_SHARE))


def _channels(spec: Mapping[str, Any], axis: str) -> Iterator[tuple[Mapping[str, Any], Sequence[Row]]]:
    """Every channel on an axis, with the rows of its layer."""
    for layer in spec["layer"]:
        for key in (axis, f"{axis}2"):
            if key in layer["encoding"]:
                yield layer["encoding"][key], rows_of(spec, layer)


def rows_of(spec: Mapping[str, Any], layer: Mapping[str, Any]) -> Sequence[Row]:
    """The rows that a layer draws: its own, or those of the chart."""
    values: Sequence[Row] = layer.get("data", spec["data"])["values"]
    return values


def _main(spec: Mapping[str, Any], axis: str) -> Mapping[str, Any]:
    """The first channel that says how the axis looks."""
    return next(channel for channel, _ in _channels(spec, axis) if "axis" in channel)


def _domain(spec: Mapping[str, Any], axis: str) -> tuple[float, float]:
    given = [channel["scale"]["domain"] for channel, _ in _channels(spec, axis) if "domain" in channel.get("scale", {})]
    if given:
        return float(given[0][0]), float(given[0][1])
    values: list[float] = []
    for channel, rows in _channels(spec, axis):
        values += [channel["datum"]] if "datum" in channel else [row[channel["field"]] for row in rows]
    return spread(values)


def frame_of(spec: Mapping[str, Any], width: float, top: float) -> Frame:
    """The frame of a drawing at a width, `top` pixels kept free for the legend."""
    x_axis, y_axis = _main(spec, "x"), _main(spec, "y")
    y_names, x_names = (tuple(a["scale"]["domain"]) if a["type"] == "nominal" else None for a in (y_axis, x_axis))
    above = ABOVE if x_names is None and _too_long(y_names or (), width) else 0.0
    left, right = (2.0 if above else _left(y_axis, y_names, spec, width)), width - 14.0
    across: Scale = Bands(x_names, (left, right)) if x_names is not None else Linear(_domain(spec, "x"), (left, right))
    if y_names is None:
        top += FONT + 10  # the title of a quantitative axis stands above it
        tall = float(spec["height"])
        down: Scale = Linear(_domain(spec, "y"), (top + tall, top))
    else:
        tall = (spec["height"]["step"] + above) * len(y_names)
        down = Bands(y_names, (top, top + tall), above)
    return Frame(width, top + tall + _below(x_axis, across), left, top, across, down, x_axis, y_axis)


def _too_long(held: Sequence[str], width: float) -> bool:
    return max(map(text_width, held), default=0.0) + GAP > width * LABELS_SHARE


def _left(axis: Mapping[str, Any], held: Sequence[str] | None, spec: Mapping[str, Any], width: float) -> float:
    """Room for the labels at the left."""
    if held is not None:
        return min(max((text_width(name) for name in held), default=0.0) + GAP, width * LABELS_SHARE)
    scale = Linear(_domain(spec, "y"), (200.0, 0.0))
    return max(text_width(tick(value, axis["axis"]["format"])) for value in scale.ticks(40, least_step(axis))) + GAP


def _below(axis: Mapping[str, Any], scale: Scale) -> float:
    """Room for the labels and the title under the drawing."""
    title = FONT + 8 if axis.get("title") else 0.0
    if isinstance(scale, Linear):
        return FONT + 10 + title
    return GAP + (min(max(map(text_width, scale.names)), UPRIGHT) if is_upright(scale) else FONT) + 4 + title


def is_upright(scale: Bands) -> bool:
    """Names under the drawing stand upright where they are wider than their bands."""
    return max(map(text_width, scale.names), default=0.0) > scale.width - 4


def stretches(scale: Scale) -> list[tuple[float, float]]:
    """What a line through the whole height crosses: everything, or each band without the room for its name."""
    low, high = sorted(scale.pixels)
    if isinstance(scale, Linear) or not scale.below:
        return [(low, high)]
    return [(scale(name) - scale.room / 2, scale(name) + scale.room / 2) for name in scale.names]


def least_step(axis: Mapping[str, Any]) -> float:
    """The smallest step between two ticks."""
    return float(axis["axis"].get("tickMinStep", 0.0))
