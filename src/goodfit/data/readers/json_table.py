"""json files: a list of objects, `{"data": [objects]}`, or columns `{"text": [...], "label": [...]}`, streamed.

Layer: data. Of several lists in one object json_parts.py says which is the table; `{"train": [objects], "test": [objects]}` are
given splits, of which a source reads the one of its role.

Columns may also be objects by row number, as pandas writes them. A file called .json that holds one object a line is read
as jsonl, and a list of objects called .jsonl as json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from goodfit.data.readers import collect, json_parts
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


def is_lines(file: DataFile, name: str) -> bool:
    """Whether a file of the format `name` (json or jsonl) holds one object a line."""
    text = open_text(file)
    start = text.head.lstrip()
    if looks_like_jsonl(text) or (name == "jsonl" and not start.startswith("[")):
        return True
    return start.startswith("{") and _Columns.scan(file, text) is None


def given_splits(file: DataFile) -> tuple[str, ...]:
    """The roles of the given splits that one JSON object holds side by side; empty where it holds one table."""
    text = open_text(file)
    if not text.head.lstrip().startswith("{") or looks_like_jsonl(text):
        return ()
    found = _Columns.scan(file, text)
    return tuple(found.top.given) if found is not None else ()


def open_json_lines(file: DataFile) -> Opened:
    """A jsonl file; also one JSON list that is called so."""
    text = open_text(file)
    return _open_document(file, text) if text.head.lstrip().startswith("[") else open_jsonl(file, text)


def _open_document(file: DataFile, text: TextFile) -> Opened:
    """One JSON document: a list of objects, or an object that holds a table."""
    if text.head.lstrip().startswith("["):
        return _opened(file, text, None)
    columns = _Columns.scan(file, text)
    return open_jsonl(file, text) if columns is None else _opened(file, text, columns.chosen())


def _opened(file: DataFile, text: TextFile, columns: _Columns | None) -> Opened:
    def chunks(wanted: Sequence[str] | None) -> Iterator[Chunk]:
        if columns is not None and columns.records is None:
            yield from columns.chunks(wanted, text.size)
            return
        with text.lines() as lines:
            rows = _rows(file, Scanner(file, lines), None if columns is None else columns.records)
            yield from collect.chunks(rows, wanted, lines.position)

    names, complete = collect.names_of(chunks(None))
    notes = text.notes if columns is None else (*text.notes, *json_parts.note(columns.top, columns.records))
    return Opened(
        columns=names, chunks=chunks, typed=True, total=text.size, complete=complete, notes=notes, facts={"encoding": text.encoding}
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
    """What the object at the top holds: columns (kept as Arrow arrays), or lists of objects, one of them under the key `records`."""

    def __init__(self, file: DataFile, top: json_parts.Top, columns: dict[str, list[pa.Array]], records: str | None = None) -> None:
        self._file = file
        self.top = top
        self.records = records
        self._columns = columns

    @classmethod
    def scan(cls, file: DataFile, text: TextFile) -> _Columns | None:
        """Goes through all of the top object once; None where another one follows (jsonl)."""
        columns: dict[str, list[pa.Array]] = {}
        lists: dict[str, int] = {}
        with text.lines() as lines:
            scanner = Scanner(file, lines)
            if scanner.peek() != "{":
                raise scanner.error(f"it is not a table: {_FORMS} is expected")
            for key in scanner.members():
                first = scanner.peek()
                if first not in ("[", "{"):
                    scanner.value()
                    continue
                if key in lists or key in columns:
                    raise scanner.error(f"the key {key!r} stands here for the second time")
                pieces = _pieces(scanner, first)
                if isinstance(pieces, int):
                    lists[key] = pieces
                else:
                    columns[key] = pieces
            if scanner.peek() == "{":
                return None
        return cls(file, json_parts.Top(lists, {key: _length(pieces) for key, pieces in columns.items()}), columns)

    def chosen(self) -> _Columns:
        """The same, with one list or the columns chosen; DataError where there is no table in it."""
        records = json_parts.choose(self._file, self.top) if self.top.lists else None
        return _Columns(self._file, self.top, _even(self._file, self._columns) if records is None else {}, records)

    def chunks(self, wanted: Sequence[str] | None, size: int) -> Iterator[Chunk]:
        """The columns side by side; a row's number stands for its line."""
        table = {name: pa.chunked_array(pieces) for name, pieces in self._columns.items() if wanted is None or name in wanted}
        total = sum(len(piece) for piece in next(iter(self._columns.values())))
        for start in range(0, total, CHUNK_ROWS):
            count = min(CHUNK_ROWS, total - start)
            values = {name: [_loaded(cell) for cell in column.slice(start, count).to_pylist()] for name, column in table.items()}
            yield Chunk(values, range(start + 1, start + 1 + count), done=size * (start + count) // total)


def _pieces(scanner: Scanner, first: str) -> list[pa.Array] | int:
    """A column as Arrow arrays of JSON texts, so that it takes no Python objects; of a list of objects its length."""
    pieces: list[pa.Array] = []
    held: list[str] = []
    cells = (value for _, _, value in scanner.items()) if first == "[" else (scanner.value()[0] for _ in scanner.members())
    for value in cells:
        if first == "[" and isinstance(value, dict):
            return sum(map(len, pieces)) + len(held) + 1 + sum(1 for _ in cells)
        held.append(json.dumps(value, ensure_ascii=False))
        if len(held) == CHUNK_ROWS:
            pieces.append(pa.array(held, pa.large_string()))
            held = []
    return [*pieces, pa.array(held, pa.large_string())]


def _length(pieces: Sequence[pa.Array]) -> int:
    return sum(map(len, pieces))


def _loaded(cell: str) -> Any:
    return json.loads(cell)


def _even(file: DataFile, columns: dict[str, list[pa.Array]]) -> dict[str, list[pa.Array]]:
    sizes = {name: _length(pieces) for name, pieces in columns.items()}
    if not sizes or not max(sizes.values()):
        raise file.error("it is a JSON object without rows", fix=f"give {_FORMS}")
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name!r} {size:,}" for name, size in list(sizes.items())[:6])
        raise file.error(f"its columns have different lengths: {shown}", fix=f"give {_FORMS}")
    return columns
