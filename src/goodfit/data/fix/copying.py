"""One file copied with the changes made, and its ledger written beside it. Part of fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from goodfit.data.decisions import now
from goodfit.data.fix.bytes import Sink, TextSink, content_hash, written_as
from goodfit.data.fix.cells import Cells
from goodfit.data.fix.changes import Change
from goodfit.data.fix.ledger import End, Entry, Head, LedgerWriter
from goodfit.data.fix.tables import Table, packed
from goodfit.data.fix.texts import Delimited, Lines, Rendered
from goodfit.data.progress import OnProgress, Throttle
from goodfit.data.readers import json_table, open_table
from goodfit.data.readers.base import DataFile
from goodfit.data.readers.locate import ARROW, TEXT_FOLDER

Document = Delimited | Lines | Rendered | Table
DELIMITERS = {"csv": ",", "tsv": "\t"}


@dataclass(frozen=True)
class Part:
    """One file that is copied."""

    file: DataFile
    kind: str
    """The format of the copy: `csv`, `tsv`, `jsonl`, `parquet`, `arrow`."""
    converted: bool
    """The source is of another format."""

    def document(self) -> Document:
        """The file, opened for copying."""
        if self.converted:
            return Rendered(self.file, open_table(self.file))
        if self.kind in DELIMITERS:
            return Delimited(self.file, DELIMITERS[self.kind])
        return Lines(self.file) if self.kind == "jsonl" else Table(self.file, self.kind)


def part_of(file: DataFile, name: str) -> Part:
    """How a file of the format `name` is copied: as what it is, or as csv or jsonl where that cannot be written."""
    if name in DELIMITERS or name in ("parquet", ARROW):
        return Part(file, name, converted=False)
    if name in ("json", "jsonl") and json_table.is_lines(file, name):
        return Part(file, "jsonl", converted=False)
    if name == TEXT_FOLDER:
        return Part(file, "csv", converted=True)
    return Part(file, "jsonl" if open_table(file).typed else "csv", converted=True)


def copied(
    part: Part, changes: Mapping[int, Change], cells: Cells, where: tuple[Path, Path], *, decisions: str | None,
    on_progress: OnProgress | None,
) -> End:  # fmt: skip
    """Copies a file to `where[0]`, its ledger to `where[1]`; `changes` by the number of the record (beyond the last: of later files)."""
    document = part.document()
    encoding, mark = (None, b"") if isinstance(document, Table) else _encoding(document)
    head = Head(part.file.name, where[0].name, document.how, encoding, part.kind, part.converted, now())  # type: ignore[arg-type]
    with where[0].open("wb") as handle, where[1].open("w", encoding="utf-8", newline="") as lines:
        writer = LedgerWriter(lines, head)
        progress = Throttle(on_progress, None, f"writing {where[0].name}")
        if isinstance(document, Table):
            records = _table(document, changes, cells, handle, _Book(writer, decisions), progress)
            handle.flush()
            hashes = content_hash(DataFile(str(where[0]))), content_hash(part.file)
        else:
            sinks = (TextSink(part.file, encoding or "utf-8", handle, mark=mark), TextSink(part.file, encoding or "utf-8", mark=mark))
            records = _text(document, changes, cells, sinks, _Book(writer, decisions), progress)
            hashes = sinks[0].hash, sinks[1].hash
        exact = not isinstance(document, Table | Rendered) and hashes[1] == content_hash(part.file)
        counts = Counter(change.action for record, change in changes.items() if record < records)
        end = End(records, {"kept": records - counts.total(), **counts}, *hashes, exact)
        writer.end(end)
    progress.finish()
    return end


@dataclass
class _Book:
    """Where entries go."""

    writer: LedgerWriter
    decisions: str | None

    def add(self, record: int, change: Change, was: str, columns: dict[str, tuple[Any, Any]], place: tuple[int | None, int]) -> None:
        """One more entry."""
        line = change.decision.line if change.decision is not None else None
        decision = None if change.decision is None else f"{self.decisions}:{line}"
        entry = Entry(record, change.row, change.at, change.action, columns, change.by, change.reason, change.time, decision, was, *place)
        self.writer.add(entry)


def _encoding(document: Delimited | Lines | Rendered) -> tuple[str, bytes]:
    return ("utf-8", b"") if isinstance(document, Rendered) else written_as(document.file, document.encoding)


def _text(
    document: Delimited | Lines | Rendered, changes: Mapping[int, Change], cells: Cells, sinks: tuple[TextSink, TextSink], book: _Book,
    progress: Throttle,
) -> int:  # fmt: skip
    """Copies a text file; the first sink takes the copy, the second what stood there. Gives the number of records."""
    copy, original = sinks
    record = 0
    for piece in document.pieces():
        original.text(piece.raw)
        change = None if piece.record is None else changes.get(record)
        start = copy.position
        if change is None:
            copy.text(piece.raw)
        elif change.gone:
            book.add(record, change, piece.raw, {}, (start, 0))
        else:
            assert change.decision is not None
            new, columns = document.changed(piece, cells.of(change.decision))
            copy.text(new)
            book.add(record, change, piece.raw, columns, (start, copy.position - start))
        record += piece.record is not None
        progress.at(record)
    return record


def _table(
    table: Table, changes: Mapping[int, Change], cells: Cells, handle: IO[bytes], book: _Book, progress: Throttle
) -> int:  # fmt: skip
    """Copies a parquet or Arrow file; gives the number of records."""
    order, start = np.array(sorted(changes), dtype=np.int64), 0
    with table.writing(handle) as write:
        for batch in table.batches():
            low, high = np.searchsorted(order, (start, start + len(batch)))
            write(_batch(table, batch, start, {int(record): changes[int(record)] for record in order[low:high]}, (cells, book)))
            start += len(batch)
            progress.at(start)
    return start


def _batch(
    table: Table, batch: pa.RecordBatch, start: int, here: Mapping[int, Change], with_: tuple[Cells, _Book]
) -> pa.RecordBatch:  # fmt: skip
    """One batch with its changes made; the entries are written."""
    cells, book = with_
    new: dict[int, dict[str, Any]] = {}
    kept = np.ones(len(batch), dtype=bool)
    for record, change in here.items():
        place, columns = record - start, {}
        if change.gone:
            kept[place] = False
        else:
            assert change.decision is not None
            new[place] = cells.of(change.decision)
            columns = {name: (batch.column(name)[place].as_py(), table.typed(name, cell)) for name, cell in new[place].items()}
        book.add(record, change, packed(batch.slice(place, 1)), columns, (None, 0))
    out = table.changed(batch, new) if new else batch
    return out if kept.all() else out.filter(pa.array(kept))


def spliced(copy: IO[bytes], entries: Iterator[Entry], sink: TextSink) -> None:
    """The bytes of a copy with what stood there before put back, into a sink."""
    position = 0
    for entry in entries:
        assert entry.offset is not None
        _pass(copy, sink, entry.offset - position)
        copy.seek(entry.length, 1)
        position = entry.offset + entry.length
        sink.text(entry.was)
    _pass(copy, sink, None)


def _pass(copy: IO[bytes], sink: Sink, count: int | None) -> None:
    """So many bytes (or the rest) from one to the other."""
    while (count is None or count > 0) and (block := copy.read(min(count or 1 << 20, 1 << 20))):
        sink.write(block)
        count = None if count is None else count - len(block)
