"""The first look at a file."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.data.peek import peek
from tests.data.reading import Write, refused


def test_columns_and_kinds_of_a_csv(write: Write) -> None:
    path = write("a.csv", "text,n,price,ok,empty,label\nhello there,1,0.5,True,,x\nb,2,,False,,y\n,3,7,True, ,x\n")
    found = peek(path)
    assert [(c.name, c.kind, c.missing, c.distinct) for c in found.columns] == [
        ("text", "text", 1, 2), ("n", "integer", 0, 3), ("price", "number", 1, 2), ("ok", "true/false", 0, 2),
        ("empty", "empty", 3, 0), ("label", "text", 0, 2),
    ]  # fmt: skip
    assert (found.format, found.encoding, found.delimiter, found.header) == ("csv", "utf-8", ",", True)
    assert (found.rows, found.exact, found.lines) == (3, True, (2, 3, 4))
    assert found.sample.column("label").to_pylist() == ["x", "y", "x"]


def test_kinds_of_jsonl(write: Write) -> None:
    rows = [
        {"t": "a", "n": 1, "l": ["x", 2], "o": {"a": 1}, "m": "a", "f": 1},
        {"t": None, "n": 2, "l": [], "m": 1, "f": 1.5, "late": True},
    ]
    found = peek(write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))
    kinds = {c.name: c.kind for c in found.columns}
    assert kinds == {"t": "text", "n": "integer", "l": "list", "o": "object", "m": "mixed", "f": "number", "late": "true/false"}
    assert found.sample.column("l").to_pylist() == [["x", "2"], []]
    assert found.sample.column("o").to_pylist() == ['{"a": 1}', None]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_the_number_of_rows_is_estimated_or_known(write: Write, ending: str) -> None:
    n = 30_000
    if ending == ".parquet":
        path = write("a.parquet", b"")
        pq.write_table(pa.table({"text": [f"row {i}" for i in range(n)]}), path)
    elif ending == ".csv":
        path = write("a.csv", "text\n" + "".join(f"row {i % 90 + 10} with {'some more words ' * 3}\n" for i in range(n)))
    else:
        path = write("a.jsonl", "".join(json.dumps({"text": f"row {i % 90 + 10} with some more words"}) + "\n" for i in range(n)))
    found = peek(path)
    assert abs(found.rows - n) < 0.1 * n
    assert found.exact == (ending == ".parquet")
    assert found.sample.num_rows == len(found.lines) == 2000


def test_exactly_as_many_rows_as_are_looked_at(write: Write) -> None:
    path = write("a.csv", "text\n" + "a\n" * 50)
    assert (peek(path, rows=50).rows, peek(path, rows=50).exact) == (50, True)
    assert peek(path, rows=49).sample.num_rows == 49


def test_a_file_that_cannot_be_peeked_at_cannot_be_read(write: Write) -> None:
    path = write("a.csv", "text,label\n")
    with pytest.raises(type(refused(path)), match="it has no rows"):
        peek(path)
