"""Scales and axes for `draw`: from values to pixels, where the ticks stand, how a tick is written, how wide a text is.

Part of the report stage. The number formats are the few of d3 that the charts use.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FONT = 12.0
"""Size of all text in charts, in pixels: the same at every width, so that a phone shows it as well."""


@dataclass(frozen=True)
class Linear:
    """A quantitative scale from `domain` to pixels."""

    domain: tuple[float, float]
    pixels: tuple[float, float]

    def __call__(self, value: float) -> float:
        """The pixel of a value; a domain of no width lies in the middle."""
        low, high = self.domain
        start, end = self.pixels
        return start + (end - start) * ((value - low) / (high - low) if high > low else 0.5)

    def ticks(self, room: float, least: float = 0.0) -> list[float]:
        """Round values inside the domain, at least `room` pixels and `least` apart."""
        span, length = self.domain[1] - self.domain[0], abs(self.pixels[1] - self.pixels[0])
        if span <= 0:
            return [self.domain[0]]
        step = round_step(max(span / max(1.0, length / room), least), whole=least >= 1)
        first = math.ceil(self.domain[0] / step - 1e-9)
        last = math.floor(self.domain[1] / step + 1e-9)
        return [i * step for i in range(first, last + 1)]


@dataclass(frozen=True)
class Bands:
    """A nominal scale: equal bands, in order."""

    names: tuple[str, ...]
    pixels: tuple[float, float]
    below: float = 0.0
    """Pixels at the top of each band that are kept free for the name."""

    @property
    def width(self) -> float:
        """Of one band."""
        return (self.pixels[1] - self.pixels[0]) / max(1, len(self.names))

    @property
    def room(self) -> float:
        """Of one band for its marks."""
        return self.width - self.below

    def __call__(self, name: str) -> float:
        """The middle of a name's band, as far as it is not kept free."""
        return self.pixels[0] + (self.names.index(name) + 0.5) * self.width + self.below / 2


def round_step(least: float, *, whole: bool = False) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `least`; for `whole`, a whole number."""
    power = 10.0 ** math.floor(math.log10(least))
    steps = (power * m for m in (1, 2, 2.5, 5, 10))
    return next(step for step in steps if step >= least * (1 - 1e-9) and (not whole or step.is_integer()))


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The domain of the values with 4% of air on both sides."""
    low, high = min(values), max(values)
    air = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return low - air, high + air


def _plain(value: float) -> str:
    return f"{value:.6g}"


def _thousands(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.10g}"


def _short(value: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.6g}"


FORMATS: dict[str, Callable[[float], str]] = {
    ".6~g": _plain,
    ",d": _thousands,
    "~s": _short,
    ".3~s": _short,
    "+.6~g": lambda value: f"{value:+.6g}" if value else "0",
}


def tick(value: float, form: str) -> str:
    """A value as an axis writes it."""
    return FORMATS[form](0.0 if abs(value) < 1e-12 else value).replace("-", "\u2212")


def text_width(text: str, size: float = FONT) -> float:
    """About how wide a text is in a wide system font: East Asian signs are square, narrow letters narrow. Rather too wide than cut."""
    width = 0.0
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            width += 1.0
        elif character in "iljt.,:;|'! ()[]":
            width += 0.36
        elif character.isupper() or character in "mwMW@%_":
            width += 0.78
        else:
            width += 0.62
    return width * size


def fitted(text: str, room: float) -> str:
    """The text, cut with an ellipsis where it is wider than `room` pixels."""
    if text_width(text) <= room:
        return text
    while text and text_width(text) + FONT > room:
        text = text[:-1]
    return text.rstrip() + "…"
