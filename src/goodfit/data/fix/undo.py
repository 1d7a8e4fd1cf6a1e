"""undo: a copy and its ledger -> the data as it was. Part of fix.

Text files come back byte for byte (unpacked, where they were compressed), which is checked by their hash; parquet and Arrow files row for
row; of other formats the rows come back in the format of the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from goodfit.data.fix.bytes import TextSink, content_hash
from goodfit.data.fix.copying import spliced
from goodfit.data.fix.ledger import SUFFIX, Entry, Ledger
from goodfit.data.fix.tables import Table, unpacked
from goodfit.data.readers.base import DataFile
from goodfit.errors import DataError, Place, UserError
from goodfit.files import write_atomic

MARK = "restored"


@dataclass(frozen=True)
class Restored:
    """What undoing gave."""

    out: Path
    records: int
    put_back: int
    exact: bool
    """Byte for byte."""


def undo(path: Path, *, out: Path | None = None, force: bool = False) -> Restored:
    """Restores the data beside the copy (or at `out`); DataError where copy and ledger do not belong together."""
    ledger = Ledger(path)
    copy = path.with_name(ledger.head.copy)
    if not copy.is_file():
        raise UserError(f"{copy} is not there: the ledger undoes that file", fix="put the copy beside its ledger, under its old name")
    if content_hash(DataFile(str(copy))) != ledger.end.copy_hash:
        raise DataError(
            "the copy was changed since it was written: it cannot be undone", place=Place(file=str(copy)), fix="undo an untouched copy"
        )
    place = out or copy.with_name(_named(copy))
    if place.resolve() in (copy.resolve(), path.resolve()):
        raise UserError(f"{place} is the copy itself", fix="--out OTHER")
    if place.exists() and not force:
        raise UserError(f"{place} is there already", fix="--force writes over it, or --out OTHER")
    restore = _table if ledger.head.how == "table" else _text
    restore(ledger, copy, place)
    put_back = sum(1 for _ in ledger.entries())
    return Restored(place, ledger.end.records, put_back, ledger.end.exact)


def _named(copy: Path) -> str:
    """`tickets.clean.csv` -> `tickets.restored.csv`."""
    stem = copy.stem.removesuffix(".clean")
    return f"{stem}.{MARK}{copy.suffix}"


def _text(ledger: Ledger, copy: Path, place: Path) -> None:
    file = DataFile(str(copy))
    with copy.open("rb") as content, write_atomic(place, "wb") as handle:
        sink = TextSink(file, ledger.head.encoding or "utf-8", handle)
        spliced(content, ledger.entries(), sink)
        if sink.hash != ledger.end.source_hash:
            fix = f"give the untouched copy with its own {SUFFIX}"
            raise DataError(
                "undoing does not give what was there before: the ledger was changed", place=Place(file=str(ledger.path)), fix=fix
            )


def _table(ledger: Ledger, copy: Path, place: Path) -> None:
    table = Table(DataFile(str(copy)), ledger.head.kind)
    with write_atomic(place, "wb") as handle, table.writing(handle) as write:
        for batch in _restored(table, ledger.entries()):
            write(batch)


def _restored(table: Table, entries: Iterator[Entry]) -> Iterator[pa.RecordBatch]:
    """The rows of a copy with those of the ledger in place of, or between, them."""
    record, pending = 0, next(entries, None)
    for batch in table.batches():
        start = 0
        while start < len(batch):
            if pending is not None and pending.record == record:
                yield unpacked(pending.was)
                start += not pending.gone
                record, pending = record + 1, next(entries, None)
                continue
            count = len(batch) - start if pending is None else min(len(batch) - start, pending.record - record)
            yield batch.slice(start, count)
            start, record = start + count, record + count
    while pending is not None:
        yield unpacked(pending.was)
        pending = next(entries, None)
