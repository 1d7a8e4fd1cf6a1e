"""A first look at a file: its columns, what they hold, a sample of rows, how many rows there may be.

Layer: data. `goodfit init` guesses the task from it, and errors quote it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from goodfit.data.readers import locate, open_table
from goodfit.data.readers.base import Chunk, Opened
from goodfit.data.readers.hub import is_hub
from goodfit.data.source import Source, file_of
from goodfit.data.values import as_it_stands, as_text, kind_of, kind_of_texts


@dataclass(frozen=True)
class PeekColumn:
    """One column of the sample."""

    name: str
    kind: str
    """`text`, `integer`, `number`, `true/false`, `time`, `list`, `object`, `bytes`, `mixed`, or `empty`; of files without types
    (csv) what the text looks like."""
    missing: int
    """Rows of the sample without a value (blank ones included)."""
    distinct: int
    """Different values in the sample."""


@dataclass(frozen=True)
class Peek:
    """What the first rows of a table show."""

    path: str
    format: str
    columns: tuple[PeekColumn, ...]
    sample: pa.Table
    """The first rows, every column as text (lists of scalars as list<string>, objects as JSON); null where missing."""
    lines: tuple[int, ...]
    """Where each row of the sample begins."""
    rows: int
    """Rows of the table: exact, or estimated from the share of the file that was read."""
    exact: bool
    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    notes: tuple[str, ...] = ()
    """What a user should know about how the file was read."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)


def peek(source: Source | str, rows: int = 2000) -> Peek:
    """Looks at the first `rows` rows; DataError (file, line, fix) where the file cannot be read."""
    known = Source(source) if isinstance(source, str) else source
    file = file_of(known)
    opened = open_table(file)
    values, lines, done, ended = _first_rows(opened, rows)
    if not lines:
        raise file.error("it has no rows", fix="give a file with at least one row under the header")
    columns = [_column(name, cells, typed=opened.typed) for name, cells in values.items()]
    estimate = len(lines) if ended else opened.rows or _estimate(len(lines), done, opened.total)
    facts = opened.facts
    return Peek(
        path=known.path, format="hub" if is_hub(file) else locate(file).format, columns=tuple(column for column, _ in columns),
        sample=pa.table({column.name: array for column, array in columns}), lines=tuple(lines), rows=estimate,
        exact=ended or opened.rows is not None, encoding=facts.get("encoding"), delimiter=facts.get("delimiter"),
        header=facts.get("header"), notes=opened.notes,
    )  # fmt: skip


def _first_rows(opened: Opened, rows: int) -> tuple[dict[str, list[Any]], list[int], int, bool]:
    """Columns, lines, how far the source was read for all rows seen (scaled to those kept), and whether that was all."""
    held: list[Chunk] = []
    seen = 0
    chunks = opened.chunks(None)
    for chunk in chunks:
        held.append(chunk)
        seen += len(chunk.lines)
        if seen >= rows:
            break
    ended = seen <= rows and next(chunks, None) is None
    names = dict.fromkeys([*opened.columns, *(name for chunk in held for name in chunk.values)])
    values = {name: [cell for chunk in held for cell in chunk.values.get(name, [None] * len(chunk.lines))][:rows] for name in names}
    lines = [line for chunk in held for line in chunk.lines][:rows]
    done = held[-1].done * len(lines) // max(1, seen) if held else 0
    return values, lines, done, ended


def _estimate(rows: int, done: int, total: int | None) -> int:
    return max(rows, round(rows * total / done)) if total and done else rows


def _column(name: str, cells: Sequence[Any], *, typed: bool) -> tuple[PeekColumn, pa.Array]:
    kinds = {kind_of(cell) for cell in cells if cell is not None}
    if "list" in kinds and kinds <= {"list"} and all(_flat(cell) for cell in cells if cell is not None):
        lists = pa.array([None if cell is None else [as_text(item) for item in cell] for cell in cells], pa.list_(pa.string()))
        distinct = len({json.dumps(item) for item in lists.to_pylist() if item is not None})
        return PeekColumn(name, "list", lists.null_count, distinct), lists
    texts = list(map(as_it_stands, cells))
    filled = [text for text in texts if text is not None and text.strip()]
    kind = _one_kind(kinds, filled, typed=typed)
    return PeekColumn(name, kind, len(texts) - len(filled), len(set(filled))), pa.array(texts, pa.string())


def _one_kind(kinds: set[str], filled: Sequence[str], *, typed: bool) -> str:
    if not filled:
        return "empty"
    if not typed:
        return kind_of_texts(filled)
    if kinds == {"integer", "number"}:
        return "number"
    return next(iter(kinds)) if len(kinds) == 1 else "mixed"


def _flat(cell: Sequence[Any]) -> bool:
    return not any(isinstance(item, (dict, list)) for item in cell)
