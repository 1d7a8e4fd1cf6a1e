"""Templates and assets of the studio. The design tokens are the report's: one file, both pages."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

import goodfit
from goodfit.monitor.words import count, visible
from goodfit.studio.text import shown

ASSETS = {
    "tokens.css": ("stages/report/assets/tokens.css", "text/css"), "studio.css": ("studio/assets/studio.css", "text/css"),
    "sheet.js": ("studio/assets/sheet.js", "text/javascript"),
    "review.js": ("studio/assets/review.js", "text/javascript"),
    "suspects.js": ("studio/assets/suspects.js", "text/javascript"),
    "icon.svg": ("studio/assets/icon.svg", "image/svg+xml"),
}  # fmt: skip
"""Name in the address -> (file of the package, media type): nothing else is served."""


@cache
def resource(path: str) -> str:
    """A text file of the package."""
    return (files("goodfit") / path).read_text(encoding="utf-8")


def render(template: str, **facts: Any) -> str:
    """A page."""
    return _environment().get_template(template).render(version=goodfit.__version__, **facts)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(lambda name: resource(f"studio/templates/{name}")), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "shown": shown, "name": lambda text: visible(str(text), 120), "count": count, "percent": _percent, "points": _points, "lead": _lead,
        "words": lambda text: str(text).replace("_", " "), "place": lambda value: f"{100 * value:.2f}",
    }  # fmt: skip
    return environment


def _percent(score: dict[str, Any]) -> str:
    """`73.7% [67.2, 79.3]`, or why there is none."""
    if score.get("value") is None:
        return str(score.get("why_absent"))
    text = f"{100 * score['value']:.1f}%"
    return text + (f" [{100 * score['low']:.1f}, {100 * score['high']:.1f}]" if score.get("low") is not None else "")


def _lead(score: dict[str, Any]) -> str:
    """`+0.88 [+0.61, +1.14]`, or why there is none."""
    if score.get("value") is None:
        return str(score.get("why_absent"))
    return f"{score['value']:+.2f} [{score['low']:+.2f}, {score['high']:+.2f}]"


def _points(score: dict[str, Any]) -> str:
    """`4.21 [4.02, 4.38]`, or why there is none."""
    if score.get("value") is None:
        return str(score.get("why_absent"))
    return f"{score['value']:.2f}" + (f" [{score['low']:.2f}, {score['high']:.2f}]" if score.get("low") is not None else "")
