"""Charts as Vega-Lite specifications: plain dicts that anybody's tools can draw, each with a caption and the same facts as a table.

Part of the report stage (`collect` calls it; `draw` makes SVG of them). The specifications use a small part of Vega-Lite 6: layers
of line, point, bar, rect, rule, text and tick. Colours are the --chart-* tokens of assets/tokens.css, by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

VEGA_LITE = "https://vega.github.io/schema/vega-lite/v6.json"

Values = list[dict[str, Any]]
Channel = dict[str, Any]


@cache
def palette() -> Mapping[str, str]:
    """Name -> hex of the light theme, from tokens.css: `model`, `rival`, `train`, `bar`, `mark`, `good`, `ink`."""
    css = files("goodfit.stages.report").joinpath("assets/tokens.css").read_text(encoding="utf-8")
    found = re.findall(r"--chart-([a-z]+):\s*(#[0-9a-f]{6})", css)
    return dict(reversed(found))  # the light theme stands first and wins


def spec(values: Values, layers: Sequence[dict[str, Any]], *, height: float | dict[str, float], about: str) -> dict[str, Any]:
    """A whole specification; the width is the reader's."""
    return {
        "$schema": VEGA_LITE,
        "description": about,
        "width": "container",
        "height": height,
        "data": {"values": values},
        "layer": list(layers),
    }


def layer(mark: str, encoding: Mapping[str, Channel], *, values: Values | None = None, **style: Any) -> dict[str, Any]:
    """One layer; `values` of its own where it does not share those of the chart."""
    own = {} if values is None else {"data": {"values": values}}
    return {**own, "mark": {"type": mark, **style}, "encoding": dict(encoding)}


def quantity(field: str, title: str | None, *, form: str = ".6~g", domain: Sequence[float] | None = None) -> Channel:
    """A quantitative channel; the scale starts where the data do unless a domain is given."""
    scale: dict[str, Any] = {"zero": False} if domain is None else {"domain": list(domain), "nice": False}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": {"format": form}}


def number_of(field: str, title: str, most: float, *, form: str = ",d") -> Channel:
    """A count from 0 to `most`: whole ticks only."""
    channel = quantity(field, title, form=form, domain=[0, max(1, most)])
    channel["axis"]["tickMinStep"] = 1
    return channel


def names(field: str, title: str | None, order: Sequence[str]) -> Channel:
    """A nominal channel in a fixed order."""
    return {"field": field, "type": "nominal", "title": title, "scale": {"domain": list(order)}, "axis": {"labelLimit": 260}}


def coloured(field: str, colours: Mapping[str, str]) -> Channel:
    """Series by colour, with a legend; `colours` maps a series to a palette name."""
    scale = {"domain": list(colours), "range": [palette()[name] for name in colours.values()]}
    return {"field": field, "type": "nominal", "title": None, "scale": scale}


def told(field: str = "tip") -> Channel:
    """What hovering tells."""
    return {"field": field, "type": "nominal"}


def constant(value: float, *, title: str | None = None) -> Channel:
    """A fixed place on an axis."""
    return {"datum": value, "type": "quantitative", "title": title}


def paint(name: str) -> str:
    """The hex value of a palette name."""
    return palette()[name]
