"""Answers as tables: the columns that every file of predictions shares, and files to write them to, batch by batch.

Part of tasks; evaluate writes `predictions.parquet` and `goodfit predict --file` whatever file it is asked for through here.

Shapes: n rows, L labels.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.errors import UserError, nearest
from goodfit.files import write_atomic

Write = Callable[[pa.Table], object]
ENDINGS = (".parquet", ".csv", ".jsonl")


def names_type(multi_label: bool) -> pa.DataType:
    """Arrow type of labels and predictions: a name, or a list of names."""
    return pa.list_(pa.string()) if multi_label else pa.string()


def probability_fields(labels: Sequence[str]) -> list[pa.Field]:
    """One float32 column `p_<label>` per label, whatever characters the label has."""
    return [pa.field(f"p_{label}", pa.float32()) for label in labels]


def probability_arrays(probabilities: NDArray[Any]) -> list[pa.Array]:
    """The columns for `probability_fields` from [n, L]; NaN becomes null."""
    columns = np.ascontiguousarray(np.asarray(probabilities, dtype=np.float32).T)
    return [pa.array(column, from_pandas=True) for column in columns]


def predictions_schema(labels: Sequence[str], *, multi_label: bool) -> pa.Schema:
    """row, split, system, label, prediction, p_<label> … (multi-label: lists of names)."""
    names = names_type(multi_label)
    head = [("row", pa.string()), ("split", pa.string()), ("system", pa.string()), ("label", names), ("prediction", names)]
    return pa.schema([*(pa.field(name, kind) for name, kind in head), *probability_fields(labels)])


def check_ending(path: Path) -> str:
    """The ending in lower case; UserError where it is not one of ENDINGS."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        what = f"a {ending} file" if ending else "a file whose name has no ending"
        raise UserError(f"{path}: cannot write {what}", fix=f"end its name in {nearest(ending, ENDINGS) or ' or '.join(ENDINGS)}")
    return ending


@contextlib.contextmanager
def writing(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """A function that adds a table to `path` (.parquet, .csv, .jsonl); the file appears when the block ends well.

    In csv a list of names is written as a JSON list, which Goodfit's own readers take back. UserError for another ending.
    """
    ending = check_ending(path)
    with write_atomic(path, "wb") as handle:
        if ending == ".parquet":
            with pq.ParquetWriter(handle, schema, compression="zstd") as parquet:
                yield parquet.write_table
        elif ending == ".csv":
            with pyarrow.csv.CSVWriter(handle, _flat(schema)) as csv:
                yield lambda table: csv.write_table(_flattened(table))
        else:
            yield lambda table: handle.write(_lines(table))


def _flat(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(f.name, pa.string()) if pa.types.is_list(f.type) else f for f in schema])


def _flattened(table: pa.Table) -> pa.Table:
    schema = _flat(table.schema)
    columns = [
        pa.array([None if names is None else json.dumps(names, ensure_ascii=False) for names in column.to_pylist()], pa.string())
        if pa.types.is_list(column.type)
        else column
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _lines(table: pa.Table) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in table.to_pylist())
