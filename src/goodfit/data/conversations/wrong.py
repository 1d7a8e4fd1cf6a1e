"""What is wrong with a row, said by code that does not know where the row stands.

Layer: data. The Normaliser turns it into a DataError with file, line and field.
"""

from __future__ import annotations

import ast
import json
from typing import Any

from goodfit.data.values import kind_of

SHOWN = 60
"""Characters of a value that a message quotes."""
_REPR = ("[{'", "[['", "{'", '[{"', '["')
"""How a list printed by Python may begin (one of its keys or values may stand in double quotes)."""


class RowError(Exception):
    """A row that is structurally wrong: the field (`messages[2].content`), what is wrong with it, what to do."""

    def __init__(self, field: str, message: str, fix: str, *, expected: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.fix = fix
        self.expected = expected
        """The type that a value of this field has in other rows, where the type is what is wrong."""


def shown(value: Any) -> str:
    """A value as a message quotes it: at most SHOWN characters, control and format characters spelled out."""
    text = ascii(value) if not isinstance(value, str) or not value.isprintable() else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def named(value: Any) -> str:
    """The type of a value with its article: `an object`, `text`, `a number (42)`."""
    kind = kind_of(value)
    if kind == "null":
        return "null"
    if kind in ("text", "true/false", "bytes"):
        return kind if kind == "bytes" else f"{kind} ({shown(value)})"
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{article} {kind}" if kind in ("list", "object") else f"{article} {kind} ({shown(value)})"


def strict_json(text: str) -> Any:
    """JSON as the standard has it (no NaN or Infinity); ValueError where it is not."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_cell(text: str, field: str) -> Any:
    """The value of a cell that holds JSON, or a Python list as pandas writes it into a csv; RowError where it is neither."""
    try:
        return strict_json(text)
    except ValueError as error:
        wrong = error
    if text.lstrip().startswith(_REPR):
        try:
            return json.loads(json.dumps(ast.literal_eval(text.strip()), allow_nan=False))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            pass
    what = str(wrong)
    if isinstance(wrong, json.JSONDecodeError):
        near = text[max(0, wrong.pos - 15) : wrong.pos + 15]
        what = f"{wrong.msg} at character {wrong.pos + 1}, near {shown(near)}"
    fix = "correct the cell; write it with json.dumps, not with str (a list printed by Python or numpy is not JSON)"
    raise RowError(field, f"{field} holds broken JSON: {what}", fix) from None
