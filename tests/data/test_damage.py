"""Damaged files of every format: rows or a DataError, never another exception (and so never a traceback)."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.data import Source, read
from goodfit.data.peek import peek
from tests.data.reading import TEXT_LABEL, Write, outcome, refused

ROWS = [{"text": f'row {i}, with "quotes"\nand größe {i * 7}', "label": "abc"[i % 3]} for i in range(200)]


def _csv() -> bytes:
    cells = [[row["text"].replace('"', '""'), row["label"]] for row in ROWS]
    return ("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in cells)).encode()


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), out)
    return out.getvalue()


def _arrow() -> bytes:
    out = io.BytesIO()
    table = pa.Table.from_pylist(ROWS)
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", _csv())
    return out.getvalue()


def _xlsx() -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["text", "label"])
    for row in ROWS:
        book.active.append([row["text"], row["label"]])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


FORMATS: dict[str, Callable[[], bytes]] = {
    "a.csv": _csv,
    "a.tsv": lambda: _csv().replace(b",", b"\t"),
    "a.jsonl": lambda: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode(),
    "a.json": lambda: json.dumps(ROWS, ensure_ascii=False, indent=1).encode(),
    "columns.json": lambda: json.dumps({k: [row[k] for row in ROWS] for k in ("text", "label")}).encode(),
    "a.parquet": _parquet,
    "a.arrow": _arrow,
    "a.csv.gz": lambda: gzip.compress(_csv()),
    "a.csv.bz2": lambda: bz2.compress(_csv()),
    "a.csv.xz": lambda: lzma.compress(_csv()),
    "a.csv.zst": lambda: pa.Codec("zstd").compress(_csv(), asbytes=True),
    "a.zip": _zip,
    "a.xlsx": _xlsx,
}


@pytest.mark.parametrize("name", FORMATS)
def test_any_damage_gives_rows_or_a_data_error(write: Write, name: str) -> None:
    whole = FORMATS[name]()
    rng = np.random.default_rng(7)
    refusals = 0
    for trial in range(40 if name != "a.xlsx" else 12):
        content = bytearray(whole)
        if trial % 3 == 0:
            content = content[: int(rng.integers(1, len(content)))]
        else:
            for place in rng.integers(0, len(content), size=1 + trial // 4):
                content[place] = int(rng.integers(0, 256))
        path = write(name, bytes(content))
        for act in (lambda path=path: [*read([Source(path)], TEXT_LABEL)], lambda path=path: peek(path)):
            error = outcome(act)
            refusals += error is not None
            assert error is None or error.place.file
    assert refusals, "no damage was ever noticed"


def test_text_that_is_not_utf8_inside_a_parquet_file(tmp_path: object, write: Write) -> None:
    bad = pa.array([b"fine", b"caf\xe9"]).cast(pa.binary()).view(pa.string())
    out = io.BytesIO()
    pq.write_table(pa.table({"text": bad, "label": ["a", "b"]}), out)
    assert "column 'text' holds text that is not UTF-8" in str(refused(write("a.parquet", out.getvalue())))
