"""json files: a list of objects, `{"data": [objects]}`, or columns `{"text": [...], "label": [...]}`, streamed.

Layer: data. Columns may also be objects by row number, as pandas writes them. A file called .json that holds one object a line
is read as jsonl, and a list of objects called .jsonl as json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from goodfit.data.readers import collect
from goodfit.data.readers.base import CHUNK_ROWS, Chunk, DataFile, Opened
from goodfit.data.readers.json_text import Scanner
from goodfit.data.readers.jsonl import looks_like_jsonl, open_jsonl
from goodfit.data.readers.lines import TextFile, open_text
from goodfit.data.values import kind_of

_FORMS = 'a list of objects [{"text": …}, …], {"data": [objects]}, or columns {"text": […], "label": […]}'


def open_json(file: DataFile) -> Opened:
    """A json file of any of the forms above."""
    text = open_text(file)
    return open_jsonl(file, text) if looks_like_jsonl(text) else _open_document(file, text)


def open_json_lines(file: DataFile) -> Opened:
    """A jsonl file; also one JSON list that is called so."""
    text = open_text(file)
    return _open_document(file, text) if text.head.lstrip().startswith("[") else open_jsonl(file, text)


def _open_document(file: DataFile, text: TextFile) -> Opened:
    """One JSON document: a list of objects, or an object that holds a table."""
    if text.head.lstrip().startswith("["):
        return _opened(file, text, None)
    columns = _Columns.read(file, text)
    return open_jsonl(file, text) if columns is None else _opened(file, text, columns)


def _opened(file: DataFile, text: TextFile, columns: _Columns | None) -> Opened:
    def chunks(wanted: Sequence[str] | None) -> Iterator[Chunk]:
        if columns is not None and columns.records is None:
            yield from columns.chunks(wanted, text.size)
            return
        with text.lines() as lines:
            rows = _rows(file, Scanner(file, lines), None if columns is None else columns.records)
            yield from collect.chunks(rows, wanted, lines.position)

    names, complete = collect.names_of(chunks(None))
    return Opened(
        columns=names, chunks=chunks, typed=True, total=text.size, complete=complete, notes=text.notes, facts={"encoding": text.encoding}
    )


def _rows(file: DataFile, scanner: Scanner, records: str | None) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """The objects of the list at the top, or of the one under the key `records`."""
    if records is None:
        yield from _checked(file, scanner)
    else:
        for key in scanner.members():
            if key == records:
                yield from _checked(file, scanner)
            else:
                scanner.value()
    if scanner.peek():
        raise scanner.error("something follows after the end of the JSON document")


def _checked(file: DataFile, scanner: Scanner) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    for line, size, value in scanner.items():
        if not isinstance(value, dict):
            raise file.error(f"an item of the list is {kind_of(value)}, not an object", line=line, fix=f"give {_FORMS}")
        yield line, size, value


class _Columns:
    """What the object at the top holds: columns (kept as Arrow arrays), or one list of objects under the key `records`."""

    def __init__(self, file: DataFile, records: str | None, columns: dict[str, list[pa.Array]]) -> None:
        self._file = file
        self.records = records
        self._columns = columns

    @classmethod
    def read(cls, file: DataFile, text: TextFile) -> _Columns | None:
        """Goes through the top object once; None where another one follows (jsonl), DataError where there is no table in it."""
        columns: dict[str, list[pa.Array]] = {}
        with text.lines() as lines:
            scanner = Scanner(file, lines)
            if scanner.peek() != "{":
                raise scanner.error(f"it is not a table: {_FORMS} is expected")
            for key in scanner.members():
                first = scanner.peek()
                if first not in ("[", "{"):
                    scanner.value()
                    continue
                pieces = _pieces(scanner, first)
                if pieces is None:
                    return cls(file, key, {})
                columns[key] = pieces
            if scanner.peek() == "{":
                return None
        return cls(file, None, _even(file, columns))

    def chunks(self, wanted: Sequence[str] | None, size: int) -> Iterator[Chunk]:
        """The columns side by side; a row's number stands for its line."""
        table = {name: pa.chunked_array(pieces) for name, pieces in self._columns.items() if wanted is None or name in wanted}
        total = sum(len(piece) for piece in next(iter(self._columns.values())))
        for start in range(0, total, CHUNK_ROWS):
            count = min(CHUNK_ROWS, total - start)
            values = {name: [_loaded(cell) for cell in column.slice(start, count).to_pylist()] for name, column in table.items()}
            yield Chunk(values, range(start + 1, start + 1 + count), done=size * (start + count) // total)


def _pieces(scanner: Scanner, first: str) -> list[pa.Array] | None:
    """A column as Arrow arrays of JSON texts, so that it takes no Python objects; None where it is a list of objects."""
    pieces: list[pa.Array] = []
    held: list[str] = []
    cells = (value for _, _, value in scanner.items()) if first == "[" else (scanner.value()[0] for _ in scanner.members())
    for value in cells:
        if first == "[" and isinstance(value, dict):
            return None
        held.append(json.dumps(value, ensure_ascii=False))
        if len(held) == CHUNK_ROWS:
            pieces.append(pa.array(held, pa.large_string()))
            held = []
    return [*pieces, pa.array(held, pa.large_string())]


def _loaded(cell: str) -> Any:
    return json.loads(cell)


def _even(file: DataFile, columns: dict[str, list[pa.Array]]) -> dict[str, list[pa.Array]]:
    sizes = {name: sum(len(piece) for piece in pieces) for name, pieces in columns.items()}
    if not sizes or not max(sizes.values()):
        raise file.error("it is a JSON object without rows", fix=f"give {_FORMS}")
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name!r} {size:,}" for name, size in list(sizes.items())[:6])
        raise file.error(f"its columns have different lengths: {shown}", fix=f"give {_FORMS}")
    return columns
