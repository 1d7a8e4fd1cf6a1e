"""Arrow tables behind a file: parquet, Arrow IPC (stream or file), and folders that `datasets` saved.

Layer: data. Cells keep their types. Class numbers whose names stand in the file's metadata (`datasets` writes them) are read as
these names; -1, which means "no label" there, is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.data.readers.base import CHUNK_ROWS, Chunk, DataFile, Opened

Batches = Callable[[list[str] | None], Iterator[Any]]
_PARQUET_ROWS = 1024
"""Rows per batch at first: a batch of very long texts must stay small."""
_AGAIN = "write or copy the file again"


def open_parquet(file: DataFile) -> Opened:
    """A parquet file."""
    with _explained(file, "a parquet"), pq.ParquetFile(file.path) as opened:
        form = opened.schema_arrow
        rows = opened.metadata.num_rows

    def batches(wanted: list[str] | None) -> Iterator[Any]:
        with _explained(file, "a parquet"), pq.ParquetFile(file.path) as parquet:
            yield from parquet.iter_batches(batch_size=_PARQUET_ROWS, columns=wanted, use_threads=False)

    return opened_table(file, form, batches, rows=rows)


def open_arrow(file: DataFile) -> Opened:
    """An Arrow IPC file or stream."""
    with _explained(file, "an Arrow"), ipc_reader(file) as reader:
        form = reader.schema

    def batches(wanted: list[str] | None) -> Iterator[Any]:
        with _explained(file, "an Arrow"), ipc_reader(file) as reader:
            for batch in ipc_batches(reader):
                batch.validate(full=True)  # offsets of a damaged file would be followed anywhere
                yield batch if wanted is None else batch.select(wanted)

    return opened_table(file, form, batches, rows=None)


def opened_table(file: DataFile, form: Any, batches: Batches, *, rows: int | None) -> Opened:
    """An Opened over anything that gives record batches of the schema `form`."""
    twice = next((name for i, name in enumerate(form.names) if name in form.names[:i]), None)
    if twice is not None:
        raise file.error(f"two columns are called {twice!r}", key=twice, fix="give every column its own name")
    if not form.names or rows == 0:
        raise file.error("it has no rows", fix="give a file with rows in it")
    classes = class_names(form)

    def chunks(wanted: Sequence[str] | None) -> Iterator[Chunk]:
        names = None if wanted is None else [name for name in form.names if name in set(wanted)]
        done = 0
        for batch in batches(names):
            for start in range(0, len(batch), CHUNK_ROWS):
                part = batch.slice(start, CHUNK_ROWS)
                values = {name: _cells(file, name, part.column(i), classes.get(name)) for i, name in enumerate(part.schema.names)}
                done += len(part)
                yield Chunk(values, range(done - len(part) + 1, done + 1), done=done)

    return Opened(columns=tuple(form.names), chunks=chunks, typed=True, total=rows, rows=rows)


def class_names(form: Any) -> dict[str, tuple[str, ...]]:
    """Column -> names of its class numbers, from the metadata that `datasets` writes into a schema."""
    raw = (form.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(raw)["info"]["features"] if raw else {}
    except (ValueError, KeyError, TypeError):
        return {}
    out: dict[str, tuple[str, ...]] = {}
    for name, feature in features.items():
        inner = feature.get("feature", feature) if isinstance(feature, dict) else feature[0] if feature else None
        if isinstance(inner, dict) and inner.get("_type") == "ClassLabel" and inner.get("names"):
            out[name] = tuple(inner["names"])
    return out


def _cells(file: DataFile, name: str, column: Any, names: tuple[str, ...] | None) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError as error:
        raise file.error(f"column {name!r} holds text that is not UTF-8 ({error.reason})", key=name, fix=_AGAIN) from None
    except (pa.ArrowInvalid, ValueError, OverflowError) as error:  # a date beyond the year 9999, nanoseconds
        fix = "write the column as text"
        raise file.error(f"column {name!r} holds a value that cannot be read ({_first_line(error)})", key=name, fix=fix) from error
    return values if names is None else [_named(value, names) for value in values]


def _named(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    if not isinstance(value, int) or value < 0:
        return None
    return names[value] if value < len(names) else str(value)


class _explained:
    """Turns what pyarrow raises for a damaged file into a DataError."""

    def __init__(self, file: DataFile, what: str) -> None:
        self._file = file
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError)):
            raise self._file.error(f"it is damaged or not {self._what} file ({_first_line(error)})", fix=_AGAIN) from error
        if isinstance(error, OSError):
            raise self._file.error(f"cannot be read ({_first_line(error)})", fix=_AGAIN) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200]


def ipc_reader(file: DataFile) -> Any:
    """A reader of the file form, or of the stream form where it is not that."""
    source = pa.memory_map(str(file.path))
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def ipc_batches(reader: Any) -> Iterator[Any]:
    """The record batches of either form."""
    if isinstance(reader, pa.RecordBatchFileReader):
        yield from (reader.get_batch(i) for i in range(reader.num_record_batches))
    else:
        yield from reader
