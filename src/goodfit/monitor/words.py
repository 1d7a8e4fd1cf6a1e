"""Numbers as people read them: durations, rates, sizes, shares. Used by every screen and by the report.

Layer: monitor (standard library only).
"""

from __future__ import annotations

import math
import unicodedata


def duration(seconds: float | None) -> str:
    """`8 s`, `2 min 05 s`, `1 h 12 min`; `?` where it is not known."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def amount(value: float) -> str:
    """`950`, `12.3 k`, `4.5 M`."""
    for size, suffix in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if value >= size:
            return f"{value / (1e3 if suffix == ' k' else size):.3g}{suffix}"
    return f"{value:,.0f}"


def size(bytes_: float) -> str:
    """`91 MB`, `1.4 GB` (decimal)."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if bytes_ >= unit:
            return f"{bytes_ / unit:.1f} {name}" if bytes_ < 10 * unit else f"{bytes_ / unit:.0f} {name}"
    return f"{bytes_:.0f} B"


def percent(share: float | None) -> str:
    """`84.2%`; `–` where there is none."""
    return "–" if share is None else f"{100 * share:.1f}%"


def visible(text: str, limit: int = 200) -> str:
    """Text of unknown origin, safe for a terminal: control, format and bidi characters shown as their escapes, long text cut."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c == " " or unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in cut)
