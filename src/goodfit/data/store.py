"""The row store: every row of the data once, in one Arrow file in the cache, memory-mapped when read.

Layer: data. The file is `rows/<fingerprint>.arrow` under `$GOODFIT_CACHE`; its fingerprint is a hash of the files' contents,
of how they are read, and of the columns asked for, so that it is safe to delete and never stale. Columns:

    row      string   the row id (rows.py)
    text     string   the input columns joined by a line break; null where all of them are missing. Of conversations: what is asked
    label    string, or list<string> for multi-label; null where missing. Of conversations: the answer (null for plain texts)
    source   int16    which of the sources
    at       string   `file:line` where the row begins (header = line 1); in formats without lines, the row's number from 1
    weight   float32  the weight of its source
    group.<axis>, by, time   string, where asked for; null where missing
    conversation, reason     string, of conversations only: the whole as JSON, and why a row is not used
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data import cache
from goodfit.data.fingerprint import data_fingerprint, data_stamp
from goodfit.data.progress import OnProgress
from goodfit.data.source import Columns, Source, read, schema
from goodfit.errors import DataError, Place
from goodfit.files import write_atomic

VERSION = 2
"""Raised with every change of what a reader yields for the same bytes."""
FOLDER = "rows"
_NOTES = "notes"


class RowStore:
    """Every row of the data, memory-mapped. It knows nothing of splits: after `split`, rows are read through `Rows`."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path = path
        self.fingerprint = fingerprint
        """`b2:…` of the content, the way of reading it, and the columns."""
        with pa.memory_map(str(path)) as source:
            opened = pa.ipc.open_file(source)
            self._table = opened.read_all()
            self.notes = _notes(opened)
            """What a user should know about how the rows were read: the encoding, what was replaced, files read as one table."""

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def with_columns(self, replaced: Mapping[str, pa.ChunkedArray]) -> RowStore:
        """The same rows with some columns replaced, in memory only (decided.py)."""
        out = copy.copy(self)
        for name, column in replaced.items():
            out._table = out._table.set_column(out._table.schema.get_field_index(name), out._table.schema.field(name), column)
        return out

    def schema(self, columns: Sequence[str] | None = None) -> pa.Schema:
        """Names and types of the columns (of all, or of these)."""
        return self.table(columns).schema

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows; the columns are chunked and lie in the file, not in memory."""
        return self._table if columns is None else self._table.select(list(columns))

    def column(self, name: str) -> pa.ChunkedArray:
        """One column of all rows."""
        return self._table.column(name)

    def places(self, row_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Where these rows stand, -1 for those that are not here; shape (len(row_ids),).

        The few are looked for among the many: the other way round would take a table of all ids in memory.
        """
        asked = pa.array(row_ids, pa.string())
        different = asked.unique()
        found = pc.index_in(self.column("row"), value_set=different).fill_null(-1).to_numpy()
        places = np.full(len(different), -1, dtype=np.int64)
        here = np.flatnonzero(found >= 0)
        places[found[here]] = here
        out: npt.NDArray[np.int64] = places[pc.index_in(asked, value_set=different).to_numpy(zero_copy_only=False)]
        return out

    def batches(self, columns: Sequence[str] | None = None, size: int | None = None) -> Iterator[pa.RecordBatch]:
        """The rows in file order, in the batches of the file or at most `size` at a time."""
        yield from self.table(columns).to_batches(max_chunksize=size)


def open_store(sources: Sequence[Source], columns: Columns, *, on_progress: OnProgress | None = None) -> RowStore:
    """The rows of these sources, from the cache or read now; DataError (file, line, fix) where they cannot be read."""
    stamp = data_stamp(sources)
    fingerprint = store_fingerprint(sources, columns, on_progress=on_progress)
    path = cache.folder(FOLDER) / f"{fingerprint.removeprefix('b2:')}.arrow"
    if path.exists():
        try:
            store = RowStore(path, fingerprint)
        except (pa.ArrowInvalid, OSError):
            path.unlink(missing_ok=True)  # cut short by a full disk or a careless hand: read again
        else:
            cache.touch(path)
            return store
    _write(path, sources, columns, on_progress)
    if data_stamp(sources) != stamp:
        path.unlink(missing_ok=True)  # its name would speak of other bytes
        name = sources[0].path if len(sources) == 1 else None
        raise DataError("the data changed while it was read", place=Place(file=name), fix="start again when nothing writes to it")
    cache.trim(keep=(path,))
    return RowStore(path, fingerprint)


def store_fingerprint(sources: Sequence[Source], columns: Columns, *, on_progress: OnProgress | None = None) -> str:
    """What the name of the store depends on: contents, names shown in `at`, how the files are read, the columns."""
    key = [VERSION, data_fingerprint(sources, on_progress=on_progress), [asdict(s) for s in sources], asdict(columns)]
    text = json.dumps(key, sort_keys=True, ensure_ascii=False)
    return "b2:" + hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _write(path: Path, sources: Sequence[Source], columns: Columns, on_progress: OnProgress | None) -> None:
    notes: list[str] = []
    batches = read(sources, columns, on_progress=on_progress, notes=notes)  # errors in any header come here, before a file is made
    form = schema(columns)
    with cache.writing(path), write_atomic(path, "wb") as handle, pa.ipc.new_file(handle, form) as writer:
        for batch in batches:
            writer.write_batch(batch)
        # What was met on the way is known at the end: it stands on a last batch without rows.
        writer.write_batch(pa.RecordBatch.from_pylist([], schema=form), custom_metadata={_NOTES: json.dumps(notes)})


def _notes(opened: pa.RecordBatchFileReader) -> tuple[str, ...]:
    last = opened.num_record_batches - 1
    found = opened.get_batch_with_custom_metadata(last)[1] if last >= 0 else None
    return tuple(json.loads(found[_NOTES.encode()])) if found is not None and _NOTES.encode() in found else ()
