"""Rows by split, and the seal on the test set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from goodfit.data import Columns, RowStore, Source, open_store
from goodfit.data.ids import test_fingerprint
from goodfit.data.rows import Rows, SealBroken
from goodfit.errors import DataError
from tests.data.reading import Write

ASSIGNED = ["train", "test", "valid", "train", None, "test", "train", "valid"]


@dataclass(frozen=True)
class Key:
    fingerprint: str


@pytest.fixture
def store(write: Write, monkeypatch: pytest.MonkeyPatch) -> RowStore:
    monkeypatch.setattr("goodfit.data.readers.delimited.CHUNK_ROWS", 3)
    path = write("a.csv", "text,label\n" + "".join(f"row {i},x{i % 2}\n" for i in range(8)))
    return open_store([Source(path)], Columns(text=("text",), label=("label",)))


@pytest.fixture
def made(store: RowStore) -> Rows:
    pairs = [(row, split) for row, split in zip(store.column("row").to_pylist(), ASSIGNED) if split]
    pairs.reverse()  # the order of the assignment does not matter
    return Rows(store, pa.table({"row": [r for r, _ in pairs], "split": [s for _, s in pairs], "at": ["?"] * len(pairs)}))


def texts(table: Any) -> list[str]:
    return [str(text).removeprefix("row ") for text in table.column("text").to_pylist()]


def test_rows_come_by_split_in_file_order(made: Rows) -> None:
    assert made.sizes == {"train": 3, "valid": 2, "test": 2}
    assert texts(made.table("train")) == ["0", "3", "6"]
    assert texts(made.table(("valid", "train"))) == ["0", "2", "3", "6", "7"]
    assert made.table("valid", columns=("label", "at")).column_names == ["label", "at"]
    assert made.ids("train").to_pylist() == made.table("train").column("row").to_pylist()


@pytest.mark.parametrize("size", [1, 2, 100])
def test_batches_are_the_table_in_pieces(made: Rows, size: int) -> None:
    batches = list(made.batches(("train", "valid"), size))
    assert [text for batch in batches for text in texts(batch)] == ["0", "2", "3", "6", "7"]
    assert max(map(len, batches)) <= size


def test_test_rows_are_sealed(made: Rows) -> None:
    test_rows = [row for row, split in zip(made.store.column("row").to_pylist(), ASSIGNED) if split == "test"]
    assert made.test_fingerprint == test_fingerprint(test_rows)
    for wrong in (None, object(), Key("b2:" + "0" * 32), Key("")):
        for act in (
            lambda key=wrong: made.table("test", key=key),
            lambda key=wrong: made.table(("train", "test"), key=key),
            lambda key=wrong: made.batches("test", key=key),
            lambda key=wrong: made.take([test_rows[0]], key=key),
        ):
            with pytest.raises(SealBroken, match=r"sealed.*unseal"):
                act()
    key = Key(made.test_fingerprint)
    assert texts(made.table("test", key=key)) == ["1", "5"]
    assert [text for batch in made.batches(("train", "test"), key=key) for text in texts(batch)] == ["0", "1", "3", "5", "6"]
    assert texts(made.take(test_rows[::-1], key=key)) == ["5", "1"]


def test_rows_are_taken_by_id_in_the_order_asked(made: Rows) -> None:
    ids = made.ids("train").to_pylist()
    assert texts(made.take([ids[2], ids[0], ids[2]])) == ["6", "0", "6"]
    with pytest.raises(DataError, match="there is no row feedfeedfeedfeed"):
        made.take([ids[0], "feedfeedfeedfeed"])


def test_a_split_that_does_not_exist(made: Rows) -> None:
    with pytest.raises(ValueError, match="dev"):
        made.table("dev")


def test_an_assignment_that_speaks_of_other_data(store: RowStore) -> None:
    with pytest.raises(DataError, match="1 rows of split/assignment.parquet are not in the data") as caught:
        Rows(store, pa.table({"row": [store.column("row")[0].as_py(), "feedfeedfeedfeed"], "split": ["train", "train"]}))
    assert "new run" in str(caught.value.fix)


def test_an_empty_test_set_needs_no_key(store: RowStore) -> None:
    rows = Rows(store, pa.table({"row": store.column("row"), "split": pa.array(["train"] * 8)}))
    assert rows.table("test").num_rows == 0
    assert rows.table("test").schema.equals(store.schema())
    nothing = Rows(store, pa.table({"row": pa.array([], pa.string()), "split": pa.array([], pa.string())}))
    assert nothing.sizes == {"train": 0, "valid": 0, "test": 0}
