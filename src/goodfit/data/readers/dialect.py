"""How a delimited file is written: delimiter, quotes, header or not; found from its first rows.

Layer: data. The delimiter among `,` tab `;` `|` is the one that gives every row as many fields as the first; the columns that
the user named decide where they can. In a tab-separated file quotes may be ordinary characters, which only the whole file can
tell (`quotes_are_text`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from goodfit.data.readers.base import MAX_ROW

DELIMITERS = (",", "\t", ";", "|")
SAMPLE_ROWS = 2000
NAMES = {",": "a comma", "\t": "a tab", ";": "a semicolon", "|": "a vertical bar", " ": "a space"}


@dataclass(frozen=True)
class Dialect:
    """How to read a delimited file."""

    delimiter: str
    quotes: bool = True
    """False: a quote is an ordinary character."""
    skip_space: bool = False
    """A space after each delimiter belongs to it."""
    header: bool = True
    share: float = 1.0
    """Of the sampled rows, those with as many fields as the first."""

    def reader(self, lines: Iterable[str], *, strict: bool) -> Any:
        """Python's csv reader of this dialect."""
        csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW))
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=self.skip_space, strict=strict)

    @property
    def name(self) -> str:
        """The delimiter in words."""
        return NAMES.get(self.delimiter, repr(self.delimiter))


def sniff(head: str, *, whole: bool, default: str, given: str | None, wanted: Sequence[str]) -> Dialect:
    """The dialect of a file that begins with `head`; `default` breaks ties, `given` is the user's word for the delimiter."""
    lines = _lines(head, whole=whole)
    candidates = (given,) if given else DELIMITERS
    found = [_judged(Dialect(delimiter, skip_space=_spaced(lines, delimiter)), lines, whole=whole) for delimiter in candidates]
    best = max(found, key=lambda item: _rank(*item, default=default, wanted=wanted))
    return best[0]


def sample_rows(dialect: Dialect, head: str, *, whole: bool) -> list[list[str]]:
    """The first rows of the head, blank lines left out, the last one too where the head may cut it."""
    rows = _parse(dialect, _lines(head, whole=whole))
    return rows if whole or len(rows) < 2 else rows[:-1]


def looks_headless(rows: Sequence[Sequence[str]], wanted: Sequence[str]) -> bool:
    """True where the first row must be data: one of its cells comes back as a value further down in its own column.

    A header's name is not a value of its column; the first row's label is. A repetition of the whole header does not count.
    """
    first, rest = rows[0], [row for row in rows[1:] if row != rows[0]]
    if not rest or (wanted and set(wanted) <= {name.strip() for name in first}):
        return False
    needed = max(2, 0.002 * len(rest))
    return any(cell.strip() and sum(len(row) > i and row[i] == cell for row in rest) >= needed for i, cell in enumerate(first))


def without_quotes(dialect: Dialect) -> Dialect:
    """The same dialect with quotes as ordinary characters."""
    return replace(dialect, quotes=False)


def quotes_are_text(lines: Iterable[str], dialect: Dialect, width: int) -> bool:
    """For a tab-separated file: True where reading quotes as quotes breaks rows, and reading them as text does not."""
    uneven: list[int] = []
    watched = _watched(lines, dialect.delimiter, width, uneven)
    broken = False
    try:
        for row in dialect.reader(watched, strict=True):
            broken = broken or (bool(row) and len(row) != width)
    except csv.Error:
        broken = True
        for _ in watched:
            pass
    return broken and not uneven


def _watched(lines: Iterable[str], delimiter: str, width: int, uneven: list[int]) -> Iterator[str]:
    """The lines, noting the first one that has not `width` fields when quotes are text."""
    for number, line in enumerate(lines):
        if not uneven and line.strip("\r\n") and line.count(delimiter) != width - 1:
            uneven.append(number)
        yield line


def _lines(head: str, *, whole: bool) -> list[str]:
    newline = "\r" if "\r" in head and "\n" not in head else "\n"
    lines = [line + newline for line in head.split(newline)]
    return lines if whole or len(lines) < 2 else lines[:-1]


def _parse(dialect: Dialect, lines: Iterable[str]) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in dialect.reader(lines, strict=False):
            if row:
                rows.append(row)
            if len(rows) >= SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # the reader will say it, with the line
    return rows


def _judged(dialect: Dialect, lines: Sequence[str], *, whole: bool) -> tuple[Dialect, list[str]]:
    """The dialect with its share of rows as wide as the first, and that first row."""
    rows = _parse(dialect, lines)
    rows = rows if whole or len(rows) < 2 else rows[:-1]
    if not rows:
        return replace(dialect, share=0.0), []
    width = len(rows[0])
    share = sum(len(row) == width for row in rows) / len(rows)
    return replace(dialect, share=share if width > 1 else 0.0), rows[0]


def _rank(dialect: Dialect, first: Sequence[str], *, default: str, wanted: Sequence[str]) -> tuple[float, ...]:
    names = {name.strip() for name in first}
    named = len(set(wanted) & names) / max(1, len(set(wanted)))
    return (named, round(dialect.share, 2), dialect.delimiter == default, len(first))


def _spaced(lines: Sequence[str], delimiter: str) -> bool:
    """True where every delimiter of the first rows is followed by a space: `a, "b"`."""
    parts = [part for line in lines[:50] for part in line.strip("\r\n").split(delimiter)[1:]]
    return bool(parts) and delimiter != "\t" and all(part.startswith(" ") for part in parts)
