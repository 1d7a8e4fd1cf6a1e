"""xlsx files, through openpyxl (an extra): the first sheet that has cells; its first row names the columns.

Layer: data. Cells are read as text, as in csv: a spreadsheet decides types by itself. Formulas give the value that was saved.
"""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from goodfit.data.readers.base import CHUNK_ROWS, Chunk, DataFile, Opened
from goodfit.data.values import as_text
from goodfit.errors import MissingExtra


def open_xlsx(file: DataFile) -> Opened:
    """An xlsx file; MissingExtra without openpyxl."""
    with _sheet(file) as (sheet, title, others):
        first = next(_filled(sheet), None)
    if first is None:
        raise file.error("it is empty", fix="give a sheet with a header and rows")
    names = _names(file, first[1])

    def chunks(wanted: Sequence[str] | None) -> Iterator[Chunk]:
        places = {name: i for i, name in enumerate(names) if wanted is None or name in wanted}
        with _sheet(file) as (sheet, _, _):
            rows = _filled(sheet)
            next(rows)
            yield from _chunks(rows, places, len(names))

    note = f"read from the sheet {title!r}; not from {', '.join(repr(o) for o in others)}" if others else None
    return Opened(columns=names, chunks=chunks, typed=False, notes=(note,) if note else (), facts={"sheet": title})


_DAMAGED = (
    zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, EOFError, SyntaxError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
"""What openpyxl and the libraries under it raise for a file that is not what it should be."""


@contextmanager
def _sheet(file: DataFile) -> Iterator[tuple[Any, str, tuple[str, ...]]]:
    """The first sheet with cells, its title, and the titles of other sheets with cells; DataError for a damaged file."""
    try:
        import openpyxl  # noqa: PLC0415  an extra: absent in a plain install
    except ImportError:
        raise MissingExtra(f"reading {file.name} (xlsx)", "xlsx") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and validations that openpyxl does not know
            book = openpyxl.load_workbook(file.path, read_only=True, data_only=True)
        with closing(book):
            filled = [sheet for sheet in book.worksheets if next(_filled(sheet), None) is not None]
            sheet = (filled or book.worksheets)[0]
            yield sheet, sheet.title, tuple(other.title for other in filled[1:])
    except (*_DAMAGED, openpyxl.utils.exceptions.InvalidFileException) as error:
        fix = "save it again as .xlsx, or as csv (UTF-8)"
        raise file.error(f"it is damaged or not an xlsx file ({str(error)[:150]})", fix=fix) from error


def _filled(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Rows with a value in them, with their number in the sheet."""
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if any(cell is not None for cell in row):
            yield number, row


def _chunks(rows: Iterator[tuple[int, tuple[Any, ...]]], places: dict[str, int], width: int) -> Iterator[Chunk]:
    held: list[tuple[Any, ...]] = []
    numbers: list[int] = []
    for number, row in rows:
        held.append(row + (None,) * (width - len(row)))
        numbers.append(number)
        if len(held) == CHUNK_ROWS:
            yield _chunk(held, numbers, places)
            held, numbers = [], []
    if held:
        yield _chunk(held, numbers, places)


def _chunk(held: list[tuple[Any, ...]], numbers: list[int], places: dict[str, int]) -> Chunk:
    return Chunk({name: [as_text(row[i]) for row in held] for name, i in places.items()}, numbers, done=numbers[-1])


def _names(file: DataFile, first: tuple[Any, ...]) -> tuple[str, ...]:
    last = max(i for i, cell in enumerate(first) if cell is not None)
    names = [(as_text(cell) or "").strip() or f"column_{i + 1}" for i, cell in enumerate(first[: last + 1])]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise file.error(f"the header names two columns {twice!r}", line=1, key=twice, fix="give every column its own name")
    return tuple(names)
