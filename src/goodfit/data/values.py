"""Single values: what kind one is, and how it is written as text.

Layer: data. The same for every format, so that the same content gives the same rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

_KINDS: dict[type, str] = {
    str: "text", bool: "true/false", int: "integer", float: "number", Decimal: "number",
    type(None): "null", list: "list", tuple: "list", dict: "object", bytes: "bytes", datetime: "time", date: "time", time: "time",
}  # fmt: skip


def kind_of(value: Any) -> str:
    """`text`, `integer`, `number`, `true/false`, `list`, `object`, `time`, `bytes`."""
    return _KINDS.get(type(value)) or next((kind for t, kind in _KINDS.items() if isinstance(value, t)), type(value).__name__)


def as_text(value: Any) -> str | None:
    """The text form of a scalar; None for a missing one (None, NaN)."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return None if math.isnan(value) else repr(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value)


def as_it_stands(cell: Any) -> str | None:
    """Any cell as text: lists and objects as JSON."""
    return json.dumps(cell, ensure_ascii=False, default=str) if isinstance(cell, (list, dict)) else as_text(cell)


def kind_of_texts(texts: Sequence[str]) -> str:
    """What a column of text looks like: `integer`, `number`, `true/false`, else `text`; `empty` without any."""
    if not texts:
        return "empty"
    if all(text.strip() in ("true", "false", "True", "False", "TRUE", "FALSE") for text in texts):
        return "true/false"
    for kind, convert in (("integer", int), ("number", float)):
        if _all_convert(texts, convert):
            return kind
    return "text"


def _all_convert(texts: Sequence[str], convert: Callable[[str], object]) -> bool:
    try:
        for text in texts:
            convert(text)
    except ValueError:
        return False
    return True
