"""csv and tsv files, streamed, with the line on which every row begins.

Layer: data. Quoted fields may hold delimiters and line breaks; rows with too many or too few fields, a quote that is never
closed, two columns of one name are errors that name the line. Cells are text as they stand; a blank line is no row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from goodfit.data.readers import dialect as dialects
from goodfit.data.readers.base import CHUNK_CHARACTERS, CHUNK_ROWS, Chunk, DataFile, Opened
from goodfit.data.readers.dialect import Dialect
from goodfit.data.readers.lines import Lines, TextFile, open_text
from goodfit.errors import DataError


def open_delimited(file: DataFile, *, default: str) -> Opened:
    """A csv or tsv file; `default` is the delimiter its name speaks of."""
    table = table_of(file, default=default)
    text, dialect, names, header = table.text, table.dialect, table.names, table.header
    return Opened(
        columns=names, chunks=table.chunks, typed=False, total=text.size, hint=_hint(dialect, names, header=header),
        facts={"encoding": text.encoding, "delimiter": dialect.delimiter, "header": header},
        notes=(*text.notes, *_notes(dialect, names, header=header)),
    )  # fmt: skip


def table_of(file: DataFile, *, default: str) -> Table:
    """The file with its encoding, dialect and names found."""
    text = open_text(file)
    if file.delimiter is not None and len(file.delimiter) != 1:
        raise file.error(f"the delimiter {file.delimiter!r} is not one character", fix='for example delimiter: ";"')
    dialect = dialects.sniff(text.head, whole=text.whole, default=default, given=file.delimiter, wanted=file.wanted)
    first = dialects.sample_rows(dialect, text.head, whole=text.whole)
    if not first:
        raise file.error("it has no header", line=1, fix="let the first line name the columns")
    if dialect.delimiter == "\t" and ('"' in text.head or not text.whole) and _quotes_are_text(text, dialect, len(first[0])):
        dialect = dialects.without_quotes(dialect)
        first = [line.rstrip("\r\n").split("\t") for line in text.head.split("\n")[: dialects.SAMPLE_ROWS] if line.strip("\r\n")]
    header = file.header if file.header is not None else not dialects.looks_headless(first, file.wanted)
    names = _names(file, first[0]) if header else tuple(f"column_{i + 1}" for i in range(len(first[0])))
    return Table(file, text, dialect, names, header=header)


class Table:
    """One delimited file, ready to be read."""

    def __init__(self, file: DataFile, text: TextFile, dialect: Dialect, names: tuple[str, ...], *, header: bool) -> None:
        self.file = file
        self.text = text
        self.dialect = dialect
        self.names = names
        self.header = header

    def chunks(self, wanted: Sequence[str] | None) -> Iterator[Chunk]:
        """The rows, at most CHUNK_ROWS or about CHUNK_CHARACTERS at a time."""
        places = {name: i for i, name in enumerate(self.names) if wanted is None or name in wanted}
        rows: list[list[str]] = []
        begins: list[int] = []
        with self.text.lines() as lines:
            flushed = 0
            for begin, row in self._data_rows(lines):
                rows.append(row)
                begins.append(begin)
                if len(rows) == CHUNK_ROWS or lines.characters - flushed > CHUNK_CHARACTERS:
                    yield _chunk(rows, begins, places, lines)
                    rows, begins, flushed = [], [], lines.characters
            if rows:
                yield _chunk(rows, begins, places, lines)

    def pieces(self) -> Iterator[tuple[str, list[str] | None]]:
        """The file as it stands, cut into records: characters (with blank lines before it) and fields of each.

        The header, and blank lines at the end, are pieces without fields.
        """
        with self.text.lines() as lines:
            kept = _Kept(lines)
            header = self.header
            for begin, row in self._parsed(kept):
                if row:
                    if not header and len(row) != len(self.names):
                        raise self._ragged(begin, row)
                    yield kept.take(), None if header else row
                    header = False
            rest = kept.take()
        if rest:
            yield rest, None

    def _parsed(self, lines: Lines | _Kept) -> Iterator[tuple[int, list[str]]]:
        return self._quoted(lines) if self.dialect.quotes else self._plain(lines)

    def _data_rows(self, lines: Lines) -> Iterator[tuple[int, list[str]]]:
        width = len(self.names)
        skip = self.header
        for begin, row in self._parsed(lines):
            if not row:
                continue
            if skip:
                skip = False
                continue
            if len(row) != width:
                raise self._ragged(begin, row)
            yield begin, row

    def _plain(self, lines: Lines | _Kept) -> Iterator[tuple[int, list[str]]]:
        delimiter = self.dialect.delimiter
        for line in lines:
            content = line.rstrip("\r\n").removeprefix("\ufeff") if lines.number == 1 else line.rstrip("\r\n")
            yield lines.number, content.split(delimiter) if content else []

    def _quoted(self, lines: Lines | _Kept) -> Iterator[tuple[int, list[str]]]:
        """Rows with the line they begin on. A quote that is not where it should be is forgiven within one line only."""
        record = _Record(lines)
        reader = self.dialect.reader(record, strict=True)
        while True:
            record.begin()
            try:
                row = next(reader, None)
            except csv.Error as error:
                row = self._forgiven(record, error)
            if row is None:
                return
            yield record.first, row

    def _forgiven(self, record: _Record, error: csv.Error) -> list[str]:
        r"""A row on one line that is only carelessly written is read as it stands, if its fields come out right.

        Two things are forgiven: inner quotes that are not doubled (`"He said "hi""`), and the line end `\r\r\n`.
        """
        message = str(error)
        content = record.line.rstrip("\r\n")
        if record.count == 1 and "end of data" not in message and "\r" not in content and not content.count('"') % 2:
            row: list[str] = next(self.dialect.reader([content], strict=False), [])
            if len(row) == len(self.names):
                return row
        raise self._broken(record, message)

    def _broken(self, record: _Record, message: str) -> DataError:
        if "new-line character" in message:
            fix = "put the field in quotes, or replace the carriage return"
            return self.file.error("a carriage return stands in a field without quotes", line=record.first, fix=fix)
        if "field larger" in message:
            return self.file.error("a field is too long to be one: a quote is not closed", line=record.first, fix="close the quote")
        what = (
            "a quote is opened here and never closed" if "end of data" in message else "a quote opened here ends in the middle of a field"
        )
        fix = 'write a quote inside a quoted field twice: "He said ""hi"" to me"'
        return self.file.error(what, line=record.first, fix=fix)

    def _ragged(self, line: int, row: list[str]) -> DataError:
        more = len(row) > len(self.names)
        where = "the header" if self.header else "the first row"
        fields = f"{len(row)} field{'s' * (len(row) != 1)}"
        message = f"{fields} where {where} has {len(self.names)} (the delimiter is {self.dialect.name})"
        fix = (
            f"put the field that holds {self.dialect.name} in double quotes, or remove what is too much"
            if more
            else "fill in what is missing; a field that holds a line break must stand in double quotes"
        )
        if self.dialect.share < 0.9:
            fix += "; if another delimiter is meant, name it (delimiter: …)"
        return self.file.error(message, line=line, fix=fix)


class _Kept(Iterable[str]):
    """Lines that are remembered until they are taken."""

    def __init__(self, lines: Lines) -> None:
        self._source = lines
        self._held: list[str] = []

    @property
    def number(self) -> int:
        """Of the line handed out last."""
        return self._source.number

    def __iter__(self) -> Iterator[str]:
        for line in self._source:
            self._held.append(line)
            yield line

    def take(self) -> str:
        """Everything since the last taking."""
        text = "".join(self._held)
        self._held.clear()
        return text


class _Record(Iterable[str]):
    """Feeds lines to the csv reader and remembers which of them the current row is made of."""

    def __init__(self, lines: Lines | _Kept) -> None:
        self._source = lines
        self._lines = iter(lines)
        self.first = 0
        self.count = 0
        self.line = ""

    def begin(self) -> None:
        """A new row begins with the next line."""
        self.first = self._source.number + 1
        self.count = 0

    def __iter__(self) -> _Record:
        return self

    def __next__(self) -> str:
        self.line = next(self._lines)
        self.count += 1
        return self.line


def _chunk(rows: list[list[str]], begins: list[int], places: dict[str, int], lines: Lines) -> Chunk:
    columns = list(zip(*rows))
    return Chunk({name: columns[i] for name, i in places.items()}, begins, done=lines.position())


def _names(file: DataFile, first: Sequence[str]) -> tuple[str, ...]:
    """The header's names, without spaces around; a nameless one (an index, a trailing comma) is called by its place."""
    names = [name.strip().strip("\ufeff") or f"column_{i + 1}" for i, name in enumerate(first)]
    if not any(name.strip() for name in first):
        raise file.error("the header names no column", line=1, fix="let the first line name the columns")
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        places = " and ".join(str(i + 1) for i, name in enumerate(names) if name == twice)
        message = f"the header names two columns {twice!r} (columns {places})"
        raise file.error(message, line=1, key=twice, fix="give every column its own name")
    return tuple(names)


def _quotes_are_text(text: TextFile, dialect: Dialect, width: int) -> bool:
    with text.lines() as lines:
        return dialects.quotes_are_text(iter(lines), dialect, width)


def _hint(dialect: Dialect, names: Sequence[str], *, header: bool) -> str | None:
    if not header:
        return "the first line looks like a row, so the columns are called column_1, column_2 …; if it is a header, set header: true"
    if len(names) == 1:
        signs = {sign for sign in names[0] if not (sign.isalnum() or sign in " _-.")}
        likely = f" (it may be delimiter: {signs.pop()!r})" if len(signs) == 1 else ""
        return f"the file has a single column: if another delimiter separates its fields, name it{likely}"
    return None


def _notes(dialect: Dialect, names: Sequence[str], *, header: bool) -> tuple[str, ...]:
    notes = []
    if not header:
        notes.append("no header: the first line is a row, and the columns are called " + ", ".join(names[:4]))
    if not dialect.quotes:
        notes.append("quotes are ordinary characters in this file")
    return tuple(notes)
