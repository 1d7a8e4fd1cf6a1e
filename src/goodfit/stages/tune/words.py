"""How a search speaks: points, values and differences in a few words. Part of tune."""

from __future__ import annotations

from typing import Any

from goodfit.monitor.words import SHARES, setting
from goodfit.score import Score
from goodfit.statistics.comparing import gain_of


def point_in_words(point: dict[str, Any]) -> str:
    """`learning_rate 2.1e-04, r 32`."""
    return ", ".join(f"{key.rpartition('.')[2]} {setting(value)}" for key, value in point.items()) or "nothing changed"


def value_in_words(primary: str, value: float | None) -> str:
    """`macro_f1 81.2%`, `loss 0.834`."""
    if value is None:
        return "no score"
    return f"{primary} {100 * value:.1f}%" if primary in SHARES else f"{primary} {value:.4g}"


def gain_in_words(difference: Score) -> str:
    """`0.6 points [-0.3, 1.5]`: how much better, whichever way the score counts."""
    gain, low, high = gain_of(difference)
    scale, unit, digits = (
        (100.0, "points", 1) if difference.unit == "share" else (1.0, "" if difference.unit == "ratio" else difference.unit, 3)
    )
    return f"{gain * scale:.{digits}f}{f' {unit}' if unit else ''} [{low * scale:.{digits}f}, {high * scale:.{digits}f}]"
