"""parquet and Arrow files, copied batch by batch: types, class names and everything else in the schema stay. Part of fix."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.data.readers.base import DataFile
from goodfit.data.readers.tables import class_names, ipc_batches, ipc_reader

HELD_BYTES, HELD_ROWS = 64_000_000, 100_000
"""A row group is written at this size."""
_BATCH = 8192
Write = Callable[[pa.RecordBatch], None]


class Table:
    """One parquet or Arrow file."""

    how = "table"

    def __init__(self, file: DataFile, kind: str) -> None:
        self.file = file
        self.kind = kind
        if kind == "parquet":
            with pq.ParquetFile(file.path) as opened:
                self.schema = opened.schema_arrow
                self.compression = opened.metadata.row_group(0).column(0).compression if opened.metadata.num_row_groups else "SNAPPY"
        else:
            with ipc_reader(file) as reader:
                self.schema = reader.schema
        self.classes = class_names(self.schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows."""
        if self.kind == "parquet":
            with pq.ParquetFile(self.file.path) as opened:
                yield from opened.iter_batches(batch_size=_BATCH, use_threads=False)
        else:
            with ipc_reader(self.file) as reader:
                yield from ipc_batches(reader)

    @contextmanager
    def writing(self, handle: Any) -> Iterator[Write]:
        """A writer of the same kind, schema and compression, which gathers batches to row groups."""
        if self.kind != "parquet":
            with pa.ipc.new_file(handle, self.schema) as ipc:
                yield ipc.write_batch
            return
        held: list[pa.RecordBatch] = []
        with pq.ParquetWriter(handle, self.schema, compression=self.compression.lower().replace("uncompressed", "none")) as writer:

            def flush() -> None:
                if held:
                    writer.write_table(pa.Table.from_batches(held, self.schema))
                    held.clear()

            def write(batch: pa.RecordBatch) -> None:
                held.append(batch)
                if sum(b.nbytes for b in held) > HELD_BYTES or sum(len(b) for b in held) >= HELD_ROWS:
                    flush()

            yield write
            flush()

    def changed(self, batch: pa.RecordBatch, cells: Mapping[int, Mapping[str, Any]]) -> pa.RecordBatch:
        """The batch with other cells (place in it -> column -> cell)."""
        arrays = list(batch.columns)
        for name in dict.fromkeys(name for own in cells.values() for name in own):
            place = self.schema.get_field_index(name)
            here = {i: own[name] for i, own in cells.items() if name in own}
            new = pa.array([self.typed(name, cell) for cell in here.values()], self.schema.field(name).type)
            index = np.arange(len(batch))
            index[list(here)] = len(batch) + np.arange(len(here))
            arrays[place] = pa.concat_arrays([arrays[place], new]).take(pa.array(index))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def typed(self, name: str, cell: Any) -> Any:
        """A cell as its column holds it: a class by its number, a number by its value; DataError where it cannot be."""
        if isinstance(cell, list):
            return [self.typed(name, item) for item in cell]
        classes = self.classes.get(name)
        if classes is not None and isinstance(cell, str):
            return classes.index(cell) if cell in classes else int(cell)
        held = self.schema.field(name).type
        held = held.value_type if pa.types.is_list(held) or pa.types.is_large_list(held) or pa.types.is_dictionary(held) else held
        if not isinstance(cell, str) or pa.types.is_string(held) or pa.types.is_large_string(held):
            return cell
        try:
            return pa.scalar(cell).cast(held).as_py()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise self.file.error(f"{cell!r} cannot be written into column {name!r} ({held})", key=name, fix="decide otherwise") from error


def packed(batch: pa.RecordBatch) -> str:
    """Rows as text, with their exact types: an Arrow stream in base64."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return base64.b64encode(sink.getvalue().to_pybytes()).decode("ascii")


def unpacked(text: str) -> pa.RecordBatch:
    """Those rows again."""
    with pa.ipc.open_stream(base64.b64decode(text)) as reader:
        return reader.read_next_batch()
