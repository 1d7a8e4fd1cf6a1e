"""What a reader gives: an opened table that hands out its rows in chunks.

Layer: data. A reader is a function `DataFile -> Opened`, registered with `@reader` (readers/__init__.py). It checks what can be
checked at once (there, not empty, a header with unique names) and reads rows lazily, so that no row is a Python object for
longer than a chunk. Every reader passes the contract tests in tests/data/test_reader_contract.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goodfit.errors import DataError, Place

CHUNK_ROWS = 8192
CHUNK_CHARACTERS = 16_000_000
"""A chunk is handed out at this many rows or characters, whichever comes first."""
MAX_ROW = 512_000_000
"""Characters; a longer row is an unclosed quote or not a table. (Rows of 50 MB are read.)"""


class Notices:
    """What was come upon while rows were read, and changed on the way: what -> how often, and where first."""

    def __init__(self) -> None:
        self._met: dict[str, tuple[int, str]] = {}

    def add(self, what: str, name: str, line: int) -> None:
        """One more of `what`, in the file `name`."""
        count, first = self._met.get(what, (0, f"{name}:{line}"))
        self._met[what] = (count + 1, first)

    def clear(self) -> None:
        """Begins anew: a file is looked into before it is read."""
        self._met.clear()

    @property
    def notes(self) -> tuple[str, ...]:
        """`3 rows: … (first at a.jsonl:7)`."""
        return tuple(f"{n:,} {'row' if n == 1 else 'rows'}: {what} (first at {first})" for what, (n, first) in self._met.items())


@dataclass(frozen=True)
class DataFile:
    """A file to open: its name as the user wrote it, and what is known about how to read it."""

    name: str
    format: str | None = None
    split: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    wanted: tuple[str, ...] = ()
    """The columns that will be asked for (a hint: they tell a header from a row, and a delimiter from a comma)."""
    met: Notices = field(default_factory=Notices, compare=False, repr=False)
    """Filled while rows are read; shared by the files of a folder."""

    @property
    def path(self) -> Path:
        """The name as a path, `~` expanded."""
        return Path(self.name).expanduser()

    def error(self, message: str, *, line: int | None = None, fix: str | None = None, key: str | None = None) -> DataError:
        """A DataError that stands at this file (and line)."""
        return DataError(message, place=Place(file=self.name, line=line, key=key), fix=fix)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows as they stand in the file."""

    values: Mapping[str, Sequence[Any]]
    """Column -> cells, as Python values; None where missing. A column of which no row of the chunk has a value may be absent."""
    lines: Sequence[int]
    """The line on which each row begins (first line = 1); in formats without lines the row's number from 1."""
    files: Sequence[str] | None = None
    """The file of each row, where the source is a folder."""
    done: int = 0
    """How far the source has been read, in the unit of `Opened.total`."""

    def place(self, i: int, name: str) -> Place:
        """Where row `i` of the chunk begins; `name` is the source's."""
        return Place(file=name if self.files is None else self.files[i], line=self.lines[i])


@dataclass(frozen=True)
class Opened:
    """A table that can be read, any number of times."""

    columns: tuple[str, ...]
    """Names in the file's order."""
    chunks: Callable[[Sequence[str] | None], Iterator[Chunk]]
    """Reads from the beginning: these columns, or all (None)."""
    typed: bool
    """Cells have types (json, parquet); False where everything is text (csv)."""
    total: int | None = None
    """Size in bytes (or rows) for progress."""
    rows: int | None = None
    """Number of rows, where the format says it."""
    complete: bool = True
    """`columns` names every column; False where later rows may bring others (jsonl)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What was found out: `format`, `encoding`, `delimiter`, `header`."""
    notes: tuple[str, ...] = ()
    """What a user should know about how the file was read."""
    hint: str | None = None
    """The likely remedy where a column is not there."""
