"""csv, tsv and jsonl, copied record by record: what nobody decided about keeps every character, quotes, spaces and line ends too.

Part of fix. A file is a row of pieces. A piece is a record with the blank lines before it, or what is no record: the header, blank lines at
the end. Other formats (json, xlsx, folders of texts, the hub) are written in the same way, from rows that a reader gives.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goodfit.data.readers.base import DataFile, Opened
from goodfit.data.readers.delimited import Table, table_of
from goodfit.data.readers.lines import open_text
from goodfit.data.values import as_text

CSV, JSONL = "text", "lines"
_END = "\r\n"
"""Fields that hold either of the two are quoted."""


@dataclass(frozen=True)
class Piece:
    """Some characters of a file."""

    raw: str
    record: Any = None
    """The fields of a csv record, the content of a jsonl line; None for what is no record."""


class Delimited:
    """A csv or tsv file."""

    how = CSV

    def __init__(self, file: DataFile, default: str) -> None:
        self.file = file
        self.table: Table = table_of(file, default=default)
        self.encoding = self.table.text.encoding

    def pieces(self) -> Iterator[Piece]:
        """The file, piece by piece."""
        for raw, fields in self.table.pieces():
            yield Piece(raw, fields)

    def changed(self, piece: Piece, cells: Mapping[str, Any]) -> tuple[str, dict[str, tuple[Any, Any]]]:
        """The record with other cells, and old and new cell of each column; DataError where it cannot be written."""
        fields, columns = list(piece.record), {}
        for name, cell in cells.items():
            place = self.table.names.index(name)
            columns[name] = (fields[place], cell)
            fields[place] = as_text(cell) or ""
        return self._written(fields, _line_end(piece.raw)), columns

    def _written(self, fields: Sequence[str], end: str) -> str:
        dialect = self.table.dialect
        text = csv_record(fields, dialect.delimiter) if dialect.quotes else dialect.delimiter.join(fields)
        if dialect.skip_space:
            text = f"{dialect.delimiter} ".join(csv_record([field], dialect.delimiter) for field in fields)
        back = next(dialect.reader(io.StringIO(text, newline=""), strict=False), []) if dialect.quotes else text.split(dialect.delimiter)
        if list(back) != list(fields) or (not dialect.quotes and set(text) & set("\r\n")):
            raise self.file.error(f"a cell cannot be written in this file: {max(fields, key=len)[:80]!r}", fix="write another text")
        return text + end


class Lines:
    """A jsonl file."""

    how = JSONL

    def __init__(self, file: DataFile) -> None:
        self.file = file
        self._text = open_text(file)
        self.encoding = self._text.encoding

    def pieces(self) -> Iterator[Piece]:
        """The file, line by line; a blank line goes with the object after it."""
        held = ""
        with self._text.lines() as lines:
            for line in lines:
                held += line
                content = line.strip().removeprefix("\ufeff")
                if content:
                    yield Piece(held, content)
                    held = ""
        if held:
            yield Piece(held)

    def changed(self, piece: Piece, cells: Mapping[str, Any]) -> tuple[str, dict[str, tuple[Any, Any]]]:
        """The object with other values, and old and new value of each key."""
        value = json.loads(piece.record)
        columns = {name: (value.get(name), cell) for name, cell in cells.items()}
        text = json.dumps(value | dict(cells), ensure_ascii=piece.record.isascii())
        if any("\ud800" <= letter <= "\udfff" for letter in text):  # half an emoji, which only an escape can hold
            text = json.dumps(value | dict(cells))
        return text + _line_end(piece.raw), columns


class Rendered:
    """Rows of another format, written as csv (where everything is text) or as jsonl."""

    encoding = "utf-8"

    def __init__(self, file: DataFile, opened: Opened) -> None:
        self.file = file
        self._opened = opened
        self.how = JSONL if opened.typed else CSV

    def pieces(self) -> Iterator[Piece]:
        """The header, where there is one, and the rows."""
        names = list(self._opened.columns)
        if self.how == CSV:
            yield Piece(csv_record(names, ",") + "\n")
        for chunk in self._opened.chunks(None):
            for i in range(len(chunk.lines)):
                row = {name: cells[i] for name, cells in chunk.values.items()}
                record = row if self.how == JSONL else [as_text(row.get(name)) or "" for name in names]
                yield Piece(self._line(record), record)

    def changed(self, piece: Piece, cells: Mapping[str, Any]) -> tuple[str, dict[str, tuple[Any, Any]]]:
        """The row with other cells, and old and new cell of each column."""
        if self.how == JSONL:
            return self._line(piece.record | dict(cells)), {name: (piece.record.get(name), cell) for name, cell in cells.items()}
        fields, columns = list(piece.record), {}
        for name, cell in cells.items():
            place = self._opened.columns.index(name)
            columns[name] = (fields[place], cell)
            fields[place] = as_text(cell) or ""
        return self._line(fields), columns

    def _line(self, record: Any) -> str:
        if self.how == CSV:
            return csv_record(record, ",") + "\n"
        held = {name: cell for name, cell in record.items() if cell is not None}
        return json.dumps(held, ensure_ascii=False, default=str) + "\n"


def csv_record(fields: Sequence[str], delimiter: str) -> str:
    """One record without its line end, quoted where it must be."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=_END).writerow(fields)
    return out.getvalue().removesuffix(_END)


def _line_end(raw: str) -> str:
    return raw[len(raw.rstrip("\r\n")) :]
