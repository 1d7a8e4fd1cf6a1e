"""A chart's specification -> SVG that stands inside the page: no script, one drawing per width, colours from the page's tokens.

Part of the report stage. Understands the part of Vega-Lite that `charts` writes (layers of line, point, bar, rect, rule,
text and tick over one linear or nominal scale per axis) and refuses anything else. docs/decisions/0200-charts.md says why it is not Vega.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from goodfit.stages.report.axes import LEGEND, axes, grid, legend_lines, legend_of, legend_svg, place_of, token, tooltip
from goodfit.stages.report.frame import Frame, Row, Scale, frame_of, rows_of, stretches
from goodfit.stages.report.scales import FONT, Bands, tick

MARKS = ("line", "point", "bar", "rect", "rule", "text", "tick")


def svg(spec: Mapping[str, Any], width: float, label: str) -> str:
    """The drawing of a specification at a width in pixels; `label` is read by screen readers in its place."""
    legend = legend_of(spec)
    lines = legend_lines(legend, width)
    frame = frame_of(spec, width, LEGEND * len(lines) + 4.0)
    parts = [*grid(frame), *(mark for layer in spec["layer"] for mark in _marks(spec, layer, frame)), *axes(frame)]
    parts += [legend_svg(legend, line, i * LEGEND + 8) for i, line in enumerate(lines)]
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width:g} {place_of(frame.height)}" '
        f'width="{width:g}" height="{place_of(frame.height)}" font-size="{FONT:g}">{"".join(parts)}</svg>'
    )


def _marks(spec: Mapping[str, Any], layer: Mapping[str, Any], frame: Frame) -> Iterator[str]:
    mark, encoding, rows = layer["mark"], layer["encoding"], rows_of(spec, layer)
    kind = mark["type"]
    if kind not in MARKS:
        raise ValueError(f"cannot draw the mark {kind!r}")
    if kind == "line":
        yield from _lines(mark, encoding, rows, frame)
        return
    for row in rows:
        body = _one(kind, mark, encoding, row, frame)
        tip = encoding.get("tooltip")
        told = tooltip(str(row[tip["field"]])) if tip else ""
        look = f'class="{_colour(mark, encoding, row)}"{_opacity(mark, encoding, row)}'
        yield f"<{body[0]} {look} {body[1]}>{told}{body[2]}</{body[0]}>"


def _one(kind: str, mark: Row, encoding: Row, row: Row, frame: Frame) -> tuple[str, str, str]:
    """Element, attributes and content of one mark."""
    x, x2, y, y2 = (
        _place(encoding.get(key), row, axis) for key, axis in (("x", frame.x), ("x2", frame.x), ("y", frame.y), ("y2", frame.y))
    )
    if kind == "point":
        return _point(mark, x, y)
    if kind == "text":
        return (
            "text",
            f'x="{place_of(x)}" y="{place_of(y)}" dy=".35em" text-anchor="middle" fill="currentColor"',
            escape(tick(row[encoding["text"]["field"]], encoding["text"]["format"])),
        )
    if kind == "tick":
        assert y is not None
        assert isinstance(frame.y, Bands)
        half = frame.y.room * 0.43
        return (
            "path",
            f'd="M{place_of(x)} {place_of(y - half)}V{place_of(y + half)}" stroke="currentColor" stroke-width="{mark["thickness"]}"',
            "",
        )
    if kind == "rule":
        return "path", f'd="{_rule(x, x2, y, y2, frame)}" stroke="currentColor" fill="none"{_stroke(mark)}', ""
    left, right, top, bottom = _box(mark, (x, x2, y, y2), frame)
    return (
        "rect",
        f'x="{place_of(left)}" y="{place_of(top)}" width="{place_of(right - left)}" height="{place_of(bottom - top)}" fill="currentColor"',
        "",
    )


def _point(mark: Row, x: float | None, y: float | None) -> tuple[str, str, str]:
    """A circle, or another of Vega-Lite's shapes of the same area."""
    shape, size = mark.get("shape", "circle"), float(mark["size"])
    if shape == "circle":
        return "circle", f'cx="{place_of(x)}" cy="{place_of(y)}" r="{place_of((size / 3.14159) ** 0.5)}" fill="currentColor"', ""
    half = (size / 2) ** 0.5 if shape == "diamond" else size**0.5 / 2
    line = {
        "square": f"m{-half:.1f} {-half:.1f}h{2 * half:.1f}v{2 * half:.1f}h{-2 * half:.1f}z",
        "diamond": f"m0 {-half:.1f}l{half:.1f} {half:.1f}l{-half:.1f} {half:.1f}l{-half:.1f} {-half:.1f}z",
        "triangle-up": f"m0 {-1.15 * half:.1f}l{1.15 * half:.1f} {2 * half:.1f}h{-2.3 * half:.1f}z",
    }[shape]
    return "path", f'd="M{place_of(x)} {place_of(y)}{line}" fill="currentColor"', ""


def _place(channel: Row | None, row: Row, scale: Scale) -> float | None:
    if channel is None:
        return None
    value = channel["datum"] if "datum" in channel else row[channel["field"]]
    return scale(value)


def _rule(x: float | None, x2: float | None, y: float | None, y2: float | None, frame: Frame) -> str:
    """A line between two places, or through the whole drawing where only one is given."""
    if x2 is not None:
        return f"M{place_of(x)} {place_of(y)}H{place_of(x2)}"
    if y2 is not None:
        return f"M{place_of(x)} {place_of(y)}V{place_of(y2)}"
    return "".join(f"M{place_of(x)} {place_of(low)}V{place_of(high)}" for low, high in stretches(frame.y))


def _box(mark: Row, at: tuple[float | None, float | None, float | None, float | None], frame: Frame) -> tuple[float, float, float, float]:
    """left, right, top, bottom of a bar or of a cell."""
    x, x2, y, y2 = at
    assert x is not None
    assert y is not None
    if mark["type"] == "rect":
        assert isinstance(frame.x, Bands)
        assert isinstance(frame.y, Bands)
        wide, tall = frame.x.width / 2 - 0.5, frame.y.width / 2 - 0.5
        return x - wide, x + wide, y - tall, y + tall
    if isinstance(frame.y, Bands):
        tall = frame.y.room * (0.5 * mark["height"]["band"] if "height" in mark else 0.34)
        return (frame.left, max(x, frame.left), y - tall, y + tall) if x2 is None else (x, max(x2, x), y - tall, y + tall)
    assert x2 is not None
    assert y2 is not None
    return x + 0.5, max(x2 - 0.5, x + 0.5), y, y2


def _lines(mark: Row, encoding: Row, rows: Sequence[Row], frame: Frame) -> Iterator[str]:
    """One line per series."""
    field = encoding["color"]["field"] if "color" in encoding else None
    series: dict[Any, list[Row]] = {}
    for row in rows:
        series.setdefault(row[field] if field else None, []).append(row)
    for part in series.values():
        points = " ".join(
            f"{place_of(_place(encoding['x'], row, frame.x))} {place_of(_place(encoding['y'], row, frame.y))}" for row in part
        )
        look = f'class="{_colour(mark, encoding, part[0])}"'
        yield f'<polyline {look} points="{points}" stroke="currentColor" fill="none" stroke-linejoin="round"{_stroke(mark)}/>'


def _stroke(mark: Row) -> str:
    dash = f' stroke-dasharray="{" ".join(map(str, mark["strokeDash"]))}"' if "strokeDash" in mark else ""
    return f' stroke-width="{mark.get("strokeWidth", 1)}"{dash}'


def _colour(mark: Row, encoding: Row, row: Row) -> str:
    """The class that carries the token's colour: of the mark, of the row's series, or of the dark end of a shading."""
    if "color" not in encoding:
        return f"c-{token(mark['color'])}"
    channel = encoding["color"]
    held = channel["scale"]["range"]
    return f"c-{token(held[channel['scale']['domain'].index(row[channel['field']])] if channel['type'] == 'nominal' else held[-1])}"


def _opacity(mark: Row, encoding: Row, row: Row) -> str:
    channel = encoding.get("color")
    if channel is not None and channel["type"] == "quantitative":
        return f' fill-opacity="{row[channel["field"]]:.3f}"'
    return f' opacity="{mark["opacity"]}"' if "opacity" in mark else ""
