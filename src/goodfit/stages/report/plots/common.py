"""What the charts share: the height of a row, names that stay apart, a Score as values to draw.

Part of the report stage's `plots`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from goodfit.score import Score
from goodfit.stages.report.text import label

BAND = 22
"""Height of a row of a chart with one row per name, in pixels."""
ROWS_SHOWN = 400
"""Rows of a table on the page; the facts behind it are whole in report.json."""
NAME = 40
"""Characters of a name in a chart."""


def unique(texts: Sequence[str]) -> list[str]:
    """The same texts, numbered where shortening made two alike: they are rows of a chart, and must stay apart."""
    seen: set[str] = set()
    out = []
    for text in texts:
        free, number = text, 1
        while free in seen:
            number += 1
            free = f"{text} ({number})"
        seen.add(free)
        out.append(free)
    return out


def brief(names: Sequence[str]) -> list[str]:
    """Label names short enough for a chart, still all different."""
    return unique([label(name, NAME) for name in names])


def with_gap(order: Sequence[str]) -> list[str]:
    """Both ends of a ranking with an ellipsis where the middle is left out."""
    half = len(order) // 2
    return [*order[:half], "⋯", *order[half:]]


def ends(score: Score, scale: float) -> dict[str, Any]:
    """`value`, `low` and `high` of a Score that has a value, times `scale`; an interval that is absent is a point."""
    assert score.value is not None
    low = score.value if score.low is None else score.low
    high = score.value if score.high is None else score.high
    return {"value": score.value * scale, "low": low * scale, "high": high * scale}


def capped(rows: list[list[str]]) -> list[list[str]]:
    """The rows of a chart's table, at most ROWS_SHOWN of them: with ten thousand classes the page must stay small."""
    return rows[:ROWS_SHOWN]
