"""Short ways to read rows in the tests of conversations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from goodfit.data.conversations import Normaliser, Shape, detect
from goodfit.data.readers import open_table
from goodfit.data.readers.base import DataFile
from goodfit.errors import DataError, Place

Row = Mapping[str, Any]
CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def found(rows: Sequence[Row]) -> Shape:
    shape = detect(names(rows), rows)
    assert shape is not None
    return shape


def outcomes(rows: Sequence[Row], shape: Shape | None = None, name: str = "data.jsonl", **options: Any) -> list[Any]:
    """The conversation or the reason of each row; row i stands on line i + 1."""
    normaliser = Normaliser(shape or found(rows), name, **options)
    pairs = [normaliser.conversation(row, Place(file=name, line=i + 1)) for i, row in enumerate(rows)]
    assert all((conversation is None) != (reason is None) for conversation, reason in pairs)
    return [conversation if reason is None else reason for conversation, reason in pairs]


def one(row: Row, **options: Any) -> Any:
    return outcomes([row], **options)[0]


def refused(rows: Sequence[Row], shape: Shape | None = None, **options: Any) -> DataError:
    """The error of the last row; those before it must be read."""
    normaliser = Normaliser(shape or found(rows), "data.jsonl", **options)
    for i, row in enumerate(rows[:-1]):
        assert normaliser.conversation(row, Place(file="data.jsonl", line=i + 1))[1] is None
    with pytest.raises(DataError) as caught:
        normaliser.conversation(rows[-1], Place(file="data.jsonl", line=len(rows)))
    assert caught.value.place.line == len(rows)
    assert caught.value.place.file == "data.jsonl"
    assert caught.value.fix
    assert caught.value.exit_code == 2
    return caught.value


def chat(*turns: tuple[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def read_file(path: str) -> tuple[Shape | None, list[Any]]:
    """A whole file through its reader, as the path will do it."""
    table = open_table(DataFile(path))
    chunks = list(table.chunks(None))
    rows = [
        ({name: cells[i] for name, cells in chunk.values.items()}, chunk.place(i, path))
        for chunk in chunks
        for i in range(len(chunk.lines))
    ]
    shape = detect(list(dict.fromkeys([*table.columns, *(n for chunk in chunks for n in chunk.values)])), [row for row, _ in rows])
    if shape is None:
        return None, []
    normaliser = Normaliser(shape, path)
    read = [normaliser.conversation(row, place) for row, place in rows]
    return shape, [conversation if reason is None else reason for conversation, reason in read]


def jsonl(*rows: Row) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
