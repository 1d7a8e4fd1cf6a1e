"""Where rows come from, and the stream of them: any files, the columns asked for, one form.

Layer: data. `read` is what everything rests on: the row store is its output written down, and prediction consumes it directly.
Rows are Python objects for the length of one batch only.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit.data import cells, labels
from goodfit.data.clean.mask import Mask, masked_note
from goodfit.data.conversations.reading import Conversations, Turns
from goodfit.data.ids import RowNumbers, format_ids, input_hashes
from goodfit.data.missing import missing_column
from goodfit.data.progress import OnProgress, Throttle
from goodfit.data.readers import Opened, open_table
from goodfit.data.readers.base import Chunk, DataFile
from goodfit.data.values import as_it_stands
from goodfit.errors import DataError, Place

ROLES = ("train", "valid", "test")
INPUT = "input"
"""What the input of a conversation is called where row ids are made."""
JOIN = "\n"
"""What stands between the input columns of a row."""


@dataclass(frozen=True)
class Source:
    """One file, folder or hub id, and how to read it. Everything but `path` is found by itself when omitted."""

    path: str
    """As the user wrote it (shown in errors and in the column `at`); a file, a folder, or `hub:owner/name[:config]`."""
    weight: float = 1.0
    """How much its rows count in training, relative to 1."""
    format: str | None = None
    """`csv`, `tsv`, `jsonl`, `json`, `parquet`, `arrow`, `xlsx`, `txt-folder`, `hub`."""
    split: str | None = None
    """`train`, `valid` or `test` where the user gave the splits."""
    encoding: str | None = None
    """Of text files, a name that Python knows."""
    delimiter: str | None = None
    """Of csv and tsv files, one character."""
    header: bool | None = None
    """Of csv and tsv files: False where the first line is a row already (columns are then column_1, column_2 …)."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight > 0):
            raise DataError(f"the weight {self.weight} is not a number above 0", place=Place(file=self.path))
        if self.split is not None and self.split not in ROLES:
            raise DataError(f"the split {self.split!r} is none of {', '.join(ROLES)}", place=Place(file=self.path))


@dataclass(frozen=True)
class Columns:
    """Which columns of the data mean what."""

    text: tuple[str, ...] = ()
    """The input columns, in the order in which they are joined; the row id is made of these."""
    label: tuple[str, ...] = ()
    """The label column; several 0/1 columns, each named as its label, for multi-label; none for unlabelled rows."""
    multi_label: bool = False
    separator: str | None = None
    """Between the names in a multi-label cell: `|`, `;`, `,`, or `list` (a JSON or Python list); None: found by itself."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Axis -> column."""
    by: str | None = None
    """Column whose rows stay together."""
    time: str | None = None
    """Column with a time."""
    annotators: tuple[str, ...] = ()
    """Columns with what each annotator said of a row (`annotator.<column>`), read as the label is."""
    kept: tuple[str, ...] = ()
    """Columns handed on as they stand, as text, whatever is in them (`kept.<name>`): prediction gives them back."""
    choices: str | None = None
    """Column with the possible answers of a row, a list; kept as JSON text."""
    mask: tuple[str, ...] = ()
    """Kinds of personal data that are replaced in texts and answers (clean.mask), never in row ids and in columns that are kept."""
    turns: Turns | None = None
    """Rows are conversations (or plain texts to be written), found so; then there are no `text` and `label` columns."""

    def __post_init__(self) -> None:
        if not self.text and self.turns is None:
            raise DataError("no text column is named")
        if len(self.label) > 1 and not self.multi_label:
            raise DataError(f"{len(self.label)} label columns are named, but the task is single-label", fix="set multi_label: true")

    @property
    def needed(self) -> tuple[str, ...]:
        """Every column that must be there, once."""
        extra = [name for name in (self.by, self.time, self.choices) if name is not None]
        return tuple(dict.fromkeys([*self.text, *self.label, *self.groups.values(), *self.annotators, *extra]))

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column that is read, once."""
        return tuple(dict.fromkeys([*self.needed, *self.kept]))

    @property
    def label_type(self) -> pa.DataType:
        """Arrow type of the column `label`."""
        return pa.list_(pa.string()) if self.multi_label else pa.string()


def schema(columns: Columns) -> pa.Schema:
    """Names and types of what `read` yields."""
    fields: list[tuple[str, pa.DataType]] = [
        ("row", pa.string()), ("text", pa.string()), ("label", columns.label_type), ("source", pa.int16()), ("at", pa.string()),
        ("weight", pa.float32()), *((f"group.{axis}", pa.string()) for axis in columns.groups),
    ]  # fmt: skip
    fields += [(name, pa.string()) for name, column in (("by", columns.by), ("time", columns.time)) if column is not None]
    fields += [(f"annotator.{name}", pa.string()) for name in columns.annotators]
    fields += [(name, pa.string()) for name in ("conversation", "reason") if columns.turns is not None]
    fields += [("choices", pa.string())] if columns.choices is not None else []
    fields += [(f"kept.{name}", pa.string()) for name in columns.kept]
    return pa.schema(fields)


def join_text(parts: Sequence[Sequence[str | None]]) -> Sequence[str | None]:
    """The input columns of some rows as one text each: parts joined by a line break, missing and empty ones left out."""
    if len(parts) == 1:
        return parts[0]
    return [None if all(p is None for p in row) else JOIN.join([p for p in row if p]) for row in zip(*parts)]


def read(
    sources: Sequence[Source], columns: Columns, *, on_progress: OnProgress | None = None, notes: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """All rows of all sources in order, as record batches with the columns of `schema(columns)`.

    Every file is opened and its header checked before this returns; rows are read as the batches are consumed. What a user should
    know about how they were read is added to `notes`, complete when the last batch is. Raises DataError (file, line, fix) for
    whatever cannot be read, MissingExtra where a format needs an optional package.
    """
    notes = [] if notes is None else notes
    files = [file_of(source, columns.wanted) for source in sources]
    tables = [_Table(source, file, open_table(file)) for source, file in zip(sources, files)]
    for table in tables:
        check_columns(table.source.path, table.opened, columns.needed)
        notes += [f"{table.source.path}: {note}" for note in table.opened.notes]
    return _read(tables, with_separator(columns, [table.opened for table in tables], notes), on_progress, notes)


def columns_of_file(source: Source) -> tuple[str, ...]:
    """The names of its columns, in the file's order (of jsonl: those of its first rows)."""
    return open_table(file_of(source, ())).columns


def check_header(source: Source, columns: Columns) -> None:
    """DataError where the file is not there or lacks a column, from its first rows only."""
    check_columns(source.path, open_table(file_of(source, columns.wanted)), columns.needed)


def check_columns(name: str, table: Opened, wanted: Sequence[str]) -> None:
    """DataError where a column is not there: what there is, and the nearest name."""
    if not table.complete:
        return
    for column in wanted:
        if column not in table.columns:
            raise missing_column(name, column, table.columns, hint=table.hint)


def file_of(source: Source, wanted: Sequence[str] = ()) -> DataFile:
    """The source as readers open it; `wanted` are the columns that are asked for."""
    return DataFile(
        name=source.path, format=source.format, split=source.split, encoding=source.encoding,
        delimiter=source.delimiter, header=source.header, wanted=tuple(wanted),
    )  # fmt: skip


def with_separator(columns: Columns, opened: Sequence[Opened], notes: list[str]) -> Columns:
    """The columns with the separator found, where one is needed: by the first rows of each table in turn."""
    several: str | None = None
    if not columns.multi_label or columns.separator is not None or len(columns.label) != 1:
        return columns
    for table in opened:
        chunk = next(iter(table.chunks(columns.label)), None)
        seen = chunk.values.get(columns.label[0], ()) if chunk else ()
        found = labels.detect_separator(seen, multi_label=True)
        if found is not None:
            return _replaced(columns, found)
        several = several or next((cell for cell in seen if isinstance(cell, str) and len(cell.split()) > 1), None)
    if several is not None:
        notes.append(
            f"no separator ({' '.join(labels.SEPARATORS)} or a list) was found in column {columns.label[0]!r}: each whole cell is taken "
            f"as one label, such as {several[:60]!r}; set task.label_separator if it holds several"
        )
    return _replaced(columns, labels.NO_SEPARATOR)


def _replaced(columns: Columns, separator: str) -> Columns:
    return Columns(**{**columns.__dict__, "separator": separator})


@dataclass(frozen=True)
class _Table:
    """One source, opened."""

    source: Source
    file: DataFile
    opened: Opened


def _read(tables: Sequence[_Table], columns: Columns, on_progress: OnProgress | None, notes: list[str]) -> Iterator[pa.RecordBatch]:
    numbers = RowNumbers()
    form = schema(columns)
    for index, one in enumerate(tables):
        source, table = one.source, one.opened
        one.file.met.clear()  # it was looked into before
        progress = Throttle(on_progress, table.total, f"reading {source.path}")
        kinds = cells.Kinds(source.path, typed=table.typed)
        met: Counter[str] = Counter()
        told = None if columns.turns is None else Conversations(source.path, table, columns.turns, Mask(columns.mask, met))
        rows = 0
        seen: set[str] = set()
        for chunk in table.chunks(columns.wanted if told is None else None):
            seen.update(chunk.values)
            batch = _Batch(chunk, source, columns, kinds, Mask(columns.mask, met), told)
            rows += len(chunk.lines)
            yield batch.record(index, numbers, form)
            progress.at(chunk.done)
        if not rows:
            raise DataError("it has no rows", place=Place(file=source.path), fix="give a file with at least one row under the header")
        if absent := [name for name in columns.needed if name not in seen]:
            raise missing_column(source.path, absent[0], sorted(seen | set(table.columns)), hint=table.hint)
        notes += [
            *one.file.met.notes,
            *(f"{source.path}: {note}" for note in (*(told.notes if told else ()), *masked_note(columns.mask, met))),
        ]
        progress.finish()


@dataclass(frozen=True)
class _Batch:
    """One chunk of a file on its way to a record batch."""

    chunk: Chunk
    source: Source
    columns: Columns
    kinds: cells.Kinds
    mask: Mask
    told: Conversations | None = None

    def record(self, index: int, numbers: RowNumbers, form: pa.Schema) -> pa.RecordBatch:
        n = len(self.chunk.lines)
        more: Sequence[Sequence[str | None]] = ()
        if self.told is None:
            parts = [self._text(name, "text") for name in self.columns.text]
            hashes, texts, labels = input_hashes(self.columns.text, parts), self.mask.texts(join_text(parts)), self._labels()
        else:
            told = self.told.read(self.chunk)
            hashes, texts, labels = input_hashes((INPUT,), [told.inputs]), told.texts, told.answers
            more = (told.conversations, told.reasons)
        arrays: list[Any] = [
            format_ids(hashes, numbers.count(hashes)),
            pa.array(texts, pa.string()),
            pa.array(labels, self.columns.label_type),
            pa.array(np.full(n, index, dtype=np.int16)),
            pa.array(self._at(), pa.string()),
            pa.array(np.full(n, self.source.weight, dtype=np.float32)),
        ]
        others = [*self.columns.groups.values(), *(name for name in (self.columns.by, self.columns.time) if name is not None)]
        arrays += [pa.array(cells.blank_to_missing(self._text(name, "other")), pa.string()) for name in others]
        arrays += [pa.array(cells.missing_labels(self._text(name, "label")), pa.string()) for name in self.columns.annotators]
        arrays += [pa.array(column, pa.string()) for column in more]
        if self.columns.choices is not None:
            arrays.append(pa.array(self.mask.texts(list(map(as_it_stands, self._cells(self.columns.choices)))), pa.string()))
        arrays += [pa.array(list(map(as_it_stands, self._cells(name))), pa.string()) for name in self.columns.kept]
        return pa.record_batch(arrays, schema=form)

    def _cells(self, name: str) -> Sequence[Any]:
        return self.chunk.values.get(name) or [None] * len(self.chunk.lines)

    def _text(self, name: str, role: cells.Role) -> Sequence[str | None]:
        return self.kinds.text(name, self._cells(name), self.chunk, role)

    def _labels(self) -> Sequence[Any]:
        names = self.columns.label
        if not names:
            return [None] * len(self.chunk.lines)
        if not self.columns.multi_label:
            return cells.missing_labels(self._text(names[0], "label"))
        if len(names) > 1:
            return self.kinds.indicators({name: self._cells(name) for name in names}, self.chunk)
        return self.kinds.label_lists(names[0], self._cells(names[0]), self.chunk, self.columns.separator or labels.NO_SEPARATOR)

    def _at(self) -> Sequence[str]:
        if self.chunk.files is None:
            return [f"{self.source.path}:{line}" for line in self.chunk.lines]
        return [f"{file}:{line}" for file, line in zip(self.chunk.files, self.chunk.lines)]
