"""Collecting objects (one per row) into chunks of columns: shared by the readers of jsonl and json.

Layer: data. A key that a row lacks is a missing value; keys that nobody asked for are dropped at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from goodfit.data.readers.base import CHUNK_CHARACTERS, CHUNK_ROWS, Chunk


def chunks(rows: Iterable[tuple[int, int, Mapping[str, Any]]], wanted: Sequence[str] | None, position: Any) -> Iterator[Chunk]:
    """Chunks of `(line, size in characters, object)`; `position()` says how far the file has been read.

    With `wanted` None all keys are collected. A column is in a chunk only if one of its rows has the key.
    """
    held: list[Mapping[str, Any]] = []
    begins: list[int] = []
    size = 0
    for line, characters, row in rows:
        held.append(row if wanted is None else {name: row[name] for name in wanted if name in row})
        begins.append(line)
        size += characters
        if len(held) == CHUNK_ROWS or size > CHUNK_CHARACTERS:
            yield Chunk(_columns(held), begins, done=position())
            held, begins, size = [], [], 0
    if held:
        yield Chunk(_columns(held), begins, done=position())


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return {name: [row.get(name) for row in rows] for name in names}


def names_of(found: Iterator[Chunk], rows: int = 2000) -> tuple[tuple[str, ...], bool]:
    """Column names of the first rows, and whether these were all rows."""
    names: dict[str, None] = {}
    seen = 0
    for chunk in found:
        names.update(dict.fromkeys(chunk.values))
        seen += len(chunk.lines)
        if seen >= rows:
            return tuple(names), next(found, None) is None
    return tuple(names), True
