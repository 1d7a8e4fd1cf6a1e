"""What stands around the marks of a drawing: grid, axes, legend, texts.

Part of the report stage, under `draw`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from goodfit.stages.report.charts import palette
from goodfit.stages.report.frame import GAP, UPRIGHT, Frame, is_upright, least_step, stretches
from goodfit.stages.report.scales import FONT, Bands, Linear, fitted, text_width, tick

LEGEND = 20.0
"""Height of a line of the legend."""
TICK, TICK_UP = 56.0, 40.0
"""Least distance of two ticks, at the bottom and at the left."""


def grid(frame: Frame) -> Iterator[str]:
    """Lines at the ticks, behind the marks; none where a nominal axis says enough."""
    if isinstance(frame.y, Linear):
        low, high = frame.x.pixels
        for value in frame.y.ticks(TICK_UP, least_step(frame.y_axis)):
            yield f'<path class="grid" d="M{place_of(low)} {place_of(frame.y(value))}H{place_of(high)}"/>'
    if isinstance(frame.x, Linear) and isinstance(frame.y, Bands):
        for value in frame.x.ticks(TICK, least_step(frame.x_axis)):
            at = place_of(frame.x(value))
            yield f'<path class="grid" d="{"".join(f"M{at} {place_of(a)}V{place_of(b)}" for a, b in stretches(frame.y))}"/>'


def axes(frame: Frame) -> Iterator[str]:
    """Ticks, names and titles, in front of the marks."""
    yield from _left_axis(frame)
    yield from _bottom_axis(frame)


def _left_axis(frame: Frame) -> Iterator[str]:
    at = frame.left - GAP
    if isinstance(frame.y, Bands):
        for name in frame.y.names:
            if frame.y.below:
                yield text_at(
                    fitted(name, frame.width),
                    0,
                    frame.y(name) - (frame.y.width + frame.y.below) / 2 + FONT / 2 + 1,
                    "start",
                    kind="above",
                    full=name,
                )
            else:
                yield text_at(fitted(name, frame.left - GAP + 0.1), at, frame.y(name), "end", full=name)
        return
    for value in frame.y.ticks(TICK_UP, least_step(frame.y_axis)):
        yield text_at(tick(value, frame.y_axis["axis"]["format"]), at, frame.y(value), "end")
    if frame.y_axis.get("title"):
        yield text_at(frame.y_axis["title"], 0, frame.top - FONT - 3, "start", kind="axis")


def _bottom_axis(frame: Frame) -> Iterator[str]:
    _, low = sorted(frame.y.pixels)
    if isinstance(frame.x, Linear):
        form, ticks = frame.x_axis["axis"]["format"], frame.x.ticks(TICK, least_step(frame.x_axis))
        for value in ticks:
            text = tick(value, form)
            half = text_width(text) / 2
            yield text_at(text, min(frame.x(value), frame.width - half), low + GAP + FONT / 2, "middle")
    else:
        for name in frame.x.names:
            yield (
                _upright_text(name, frame.x(name), low + GAP)
                if is_upright(frame.x)
                else text_at(name, frame.x(name), low + GAP + FONT / 2, "middle")
            )
    if frame.x_axis.get("title"):
        yield text_at(frame.x_axis["title"], sum(frame.x.pixels) / 2, frame.height - FONT / 2 - 1, "middle", kind="axis")


def _upright_text(name: str, x: float, y: float) -> str:
    cut = fitted(name, UPRIGHT)
    told = tooltip(name) if cut != name else ""
    return f'<text transform="translate({place_of(x)} {place_of(y)}) rotate(-90)" text-anchor="end" dy=".35em">{told}{escape(cut)}</text>'


def legend_of(spec: Mapping[str, Any]) -> dict[str, str]:
    """Series -> class, from the first nominal colour; empty for a single series."""
    for layer in spec["layer"]:
        channel = layer["encoding"].get("color")
        if channel is not None and channel["type"] == "nominal" and len(channel["scale"]["domain"]) > 1:
            return {name: f"c-{token(colour)}" for name, colour in zip(channel["scale"]["domain"], channel["scale"]["range"], strict=True)}
    return {}


def legend_lines(legend: Mapping[str, str], width: float) -> list[list[str]]:
    """The series in as many lines as the width asks for."""
    lines: list[list[str]] = []
    used = width
    for name in legend:
        used += _entry_width(name)
        if used > width:
            lines.append([])
            used = _entry_width(name)
        lines[-1].append(name)
    return lines


def _entry_width(name: str) -> float:
    return 22 + text_width(name) + 14


def legend_svg(legend: Mapping[str, str], line: Sequence[str], y: float) -> str:
    """One line of the legend."""
    parts, x = [], 0.0
    for name in line:
        parts.append(f'<path class="{legend[name]}" d="M{place_of(x)} {place_of(y)}h16" stroke="currentColor" stroke-width="3"/>')
        parts.append(text_at(name, x + 22, y, "start"))
        x += _entry_width(name)
    return "".join(parts)


def text_at(text: str, x: float, y: float, anchor: str, *, kind: str = "", full: str | None = None) -> str:
    """A text; `full` is told on hovering where the text was cut."""
    look = f' class="{kind}"' if kind else ""
    told = tooltip(full) if full is not None and full != text else ""
    return f'<text{look} x="{place_of(x)}" y="{place_of(y)}" dy=".35em" text-anchor="{anchor}">{told}{escape(text)}</text>'


def tooltip(text: str) -> str:
    """What hovering tells."""
    return f"<title>{escape(text)}</title>"


def place_of(value: float | None) -> str:
    """A coordinate with one digit."""
    assert value is not None
    return f"{value:.1f}".removesuffix(".0")


def token(colour: str) -> str:
    """The palette name of a colour of a specification."""
    return next(name for name, value in palette().items() if value == colour)
