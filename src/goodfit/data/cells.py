"""From the cells of a file to text: one rule for every format, and an error where a column changes its type.

Layer: data. Files without types (csv, xlsx) give text as it stands. In typed files (json, parquet) a column is of one kind from
its first value on; numbers and true/false are read as their text form (`1`, `0.5`, `true`). Whole and broken numbers may mix,
except in a label column, where `1` and `1.0` would be two classes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from goodfit.data.labels import parse_labels
from goodfit.data.readers.base import Chunk
from goodfit.data.values import as_text, kind_of
from goodfit.errors import DataError, Place

Role = Literal["text", "label", "other"]
MISSING_LABELS = frozenset({"nan", "NaN", "NAN", "<NA>", "#N/A", "null", "NULL"})
"""Cells that mean "no label", beside blank ones. `None`, `none`, `NA` and `n/a` are not among them: they are class names too."""
_NUMBERS = re.compile(r"\s*\[\s*[01](?:\.0?)?(?:(?:\s*,\s*|\s+)[01](?:\.0?)?)+\s*\]\s*")
_TRUE = frozenset({"1", "1.0", "true", "True", "TRUE", "yes"})
_FALSE = frozenset({"0", "0.0", "false", "False", "FALSE", "no"})


def missing_labels(cells: Sequence[str | None]) -> Sequence[str | None]:
    """Labels as they stand, None where a cell is blank or one of MISSING_LABELS."""
    return [None if cell is None or not cell.strip() or cell in MISSING_LABELS else cell for cell in cells]


def blank_to_missing(cells: Sequence[str | None]) -> Sequence[str | None]:
    """Cells of a group, `by` or time column; None where blank."""
    return [None if cell is None or not cell.strip() else cell for cell in cells]


class Kinds:
    """What kind each column of one source is, and where that was first seen; raises DataError where it changes."""

    def __init__(self, name: str, *, typed: bool) -> None:
        self._name = name
        self._typed = typed
        self._known: dict[str, tuple[str, Place]] = {}
        self._looked: set[str] = set()

    def text(self, column: str, values: Sequence[Any], chunk: Chunk, role: Role) -> Sequence[str | None]:
        """The cells of a column as text; None where missing."""
        if set(map(type, values)) <= {str, type(None)} and (not self._typed or self._is_text(column, values, chunk)):
            return values
        if self._typed:
            self._check(column, values, chunk, role)
        return [as_text(value) for value in values]

    def label_lists(self, column: str, values: Sequence[Any], chunk: Chunk, separator: str) -> list[list[str] | None]:
        """The names of each row; None where missing, an empty list where there are none."""
        if self._typed:
            self._check(column, values, chunk, "label", allow_list=True)
        if column not in self._looked:
            self._looked.add(column)
            _refuse_multi_hot(column, values, chunk.place(0, self._name))
        return [self._names(column, value, chunk.place(i, self._name), separator) for i, value in enumerate(values)]

    def indicators(self, columns: Mapping[str, Sequence[Any]], chunk: Chunk) -> list[list[str] | None]:
        """The names of each row from one 0/1 column per label; None where one of them is missing."""
        out: list[list[str] | None] = []
        for i, row in enumerate(zip(*columns.values())):
            states = [self._indicator(name, value, chunk, i) for name, value in zip(columns, row)]
            out.append(None if None in states else [name for name, state in zip(columns, states) if state])
        return out

    def _is_text(self, column: str, values: Sequence[Any], chunk: Chunk) -> bool:
        """The fast way for a column of strings: nothing to convert, the kind noted once."""
        if column not in self._known:
            first = next((i for i, value in enumerate(values) if value is not None), None)
            if first is None:
                return True
            self._known[column] = ("text", chunk.place(first, self._name))
        return self._known[column][0] == "text"

    def _check(self, column: str, values: Sequence[Any], chunk: Chunk, role: Role, *, allow_list: bool = False) -> None:
        for i, value in enumerate(values):
            if value is None or (isinstance(value, float) and math.isnan(value)):
                continue
            kind = kind_of(value)
            if role != "label" and kind == "integer":
                kind = "number"
            place = chunk.place(i, self._name)
            if kind in ("object", "bytes") or (kind == "list" and not allow_list):
                raise _not_text(column, kind, place)
            known, where = self._known.setdefault(column, (kind, place))
            if known != kind:
                raise _changed(column, (known, where), (kind, place), value)

    def _names(self, column: str, value: Any, place: Place, separator: str) -> list[str] | None:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        if isinstance(value, (list, tuple)):
            names = [as_text(item) for item in value if not isinstance(item, (list, dict))]
            if len(names) != len(value):
                raise DataError(f"the labels in column {column!r} are not a flat list of names", place=_at(place, column))
            return list(dict.fromkeys(name.strip() for name in names if name is not None and name.strip()))
        text = as_text(value) or ""
        if not text.strip() or text in MISSING_LABELS:
            return None
        try:
            return parse_labels(text, separator)
        except ValueError as error:
            fix = "write every cell in the same way, or set task.label_separator"
            raise DataError(f"column {column!r} holds {text[:60]!r}: {error}", place=_at(place, column), fix=fix) from None

    def _indicator(self, column: str, value: Any, chunk: Chunk, i: int) -> bool | None:
        text = as_text(value)
        if text is None or not text.strip() or text in MISSING_LABELS:
            return None
        if text.strip() in _TRUE:
            return True
        if text.strip() in _FALSE:
            return False
        fix = "several label columns hold 0 or 1 each; name one column instead if it holds the names"
        place = _at(chunk.place(i, self._name), column)
        raise DataError(f"column {column!r} holds {text[:60]!r} where 0 or 1 is expected", place=place, fix=fix)


def _refuse_multi_hot(column: str, values: Sequence[Any], place: Place) -> None:
    """DataError where the lists are 0/1 vectors (one place per label), not lists of names: equally long, and with a 0 or 1 twice."""
    lists = [value for value in map(_as_list, values) if value is not None]
    width = len(lists[0]) if lists else 0
    if width < 2 or any(len(row) != width or not all(type(item) in (int, float, bool) and item in (0, 1) for item in row) for row in lists):
        return
    if any(len(set(row)) < width for row in lists):
        message = f"column {column!r} holds vectors of {width} zeros and ones, such as {list(lists[0])[:8]}, where names are expected"
        fix = 'give the names of the labels in each list (["billing", "bug"]), or one 0/1 column per label, named in task.label'
        raise DataError(message, place=_at(place, column), fix=fix)


def _as_list(value: Any) -> Sequence[Any] | None:
    """A list, or a cell that is written as one of numbers: `[0, 1, 0]`."""
    if isinstance(value, str) and _NUMBERS.fullmatch(value):
        return [float(item) for item in value.strip().strip("[]").replace(",", " ").split()]
    return value if isinstance(value, (list, tuple)) else None


def _at(place: Place, column: str) -> Place:
    return Place(file=place.file, line=place.line, key=column)


def _not_text(column: str, kind: str, place: Place) -> DataError:
    names = {"list": "a list", "object": "an object", "bytes": "bytes"}
    fix = "set multi_label: true if these are labels, or name a column of text" if kind == "list" else "name a column of text"
    return DataError(f"column {column!r} holds {names[kind]} where text is expected", place=_at(place, column), fix=fix)


def _changed(column: str, first: tuple[str, Place], now: tuple[str, Place], value: Any) -> DataError:
    shown = repr(value)[:60]
    (known, where), (kind, place) = first, now
    message = f"column {column!r} changes its type here: {kind} ({shown}), while it is {known} since line {where.line}"
    return DataError(message, place=_at(place, column), fix=f"write every value of {column!r} as {known}, or every one as text in quotes")
