"""The one door to the rows of a run: by split, with the test set sealed.

Layer: data. Everything after `split` reads rows here. Test rows come only with the key that `Run.unseal` returns (it writes to
the ledger first); the key is known by its `fingerprint`, the hash of the sorted ids of the test rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.ids import test_fingerprint
from goodfit.data.store import RowStore
from goodfit.data.taken import take
from goodfit.errors import DataError, GoodfitError

SPLITS = ("train", "valid", "test")


class SealBroken(GoodfitError):
    """Test rows were asked for without the key that `Run.unseal` returns: a mistake in the program, never in the data."""


class Rows:
    """The rows that `split` assigned, by split, in file order; test rows only with the key of `Run.unseal`.

    `assignment` has at least the columns `row` and `split` (train, valid, test); rows of the store that it does not name
    were dropped. Texts stay memory-mapped: nothing is a Python object until the caller makes it one.
    """

    def __init__(self, store: RowStore, assignment: pa.Table) -> None:
        self.store = store
        self._place = _places(store, assignment)
        codes = pc.index_in(assignment.column("split"), value_set=pa.array(SPLITS))
        by_row = _numpy(codes.fill_null(-1)).astype(np.int8)
        self._split = np.where(self._place >= 0, by_row[self._place], np.int8(-1)) if len(by_row) else np.full(len(store), -1, np.int8)
        self.test_fingerprint = test_fingerprint(self._ids("test"))
        """The name of the test set; the key must carry the same."""

    @property
    def sizes(self) -> dict[str, int]:
        """Rows per split."""
        return {name: int((self._split == code).sum()) for code, name in enumerate(SPLITS)}

    def table(self, split: str | Sequence[str], *, columns: Sequence[str] | None = None, key: object = None) -> pa.Table:
        """The rows of one split or of several, in file order, as a (chunked) table of the store's columns."""
        batches = list(self._filtered(self._wanted(split, key), columns))
        return pa.Table.from_batches(batches, schema=self.store.schema(columns))

    def batches(
        self, split: str | Sequence[str], size: int = 8192, *, columns: Sequence[str] | None = None, key: object = None
    ) -> Iterator[pa.RecordBatch]:
        """The same rows, at most `size` at a time, never more than a few batches in memory."""
        return self._sliced(self._wanted(split, key), size, columns)

    def ids(self, split: str) -> pa.ChunkedArray:
        """The row ids of a split. Ids name rows and tell nothing about them, so that no key is needed."""
        return self._ids(split)

    def take(self, row_ids: Sequence[str], *, columns: Sequence[str] | None = None, key: object = None) -> pa.Table:
        """The rows with these ids, in this order; DataError where one is unknown, SealBroken where one is a test row."""
        index = self.store.places(row_ids)
        if (index < 0).any():
            unknown = row_ids[int((index < 0).argmax())]
            raise DataError(f"there is no row {unknown} in this data", fix="ids are the column `row` of split/assignment.parquet")
        if (self._split[index] == SPLITS.index("test")).any():
            self._check(key)
        table = self.store.table(columns)
        return pa.table([take(column, index) for column in table.columns], schema=table.schema)

    def _wanted(self, split: str | Sequence[str], key: object) -> npt.NDArray[np.bool_]:
        names = (split,) if isinstance(split, str) else tuple(split)
        unknown = set(names) - set(SPLITS)
        if unknown:
            raise ValueError(f"no split is called {sorted(unknown)}; there are {', '.join(SPLITS)}")
        if "test" in names and self.sizes["test"]:
            self._check(key)
        return np.isin(self._split, [SPLITS.index(name) for name in names])

    def _check(self, key: object) -> None:
        if getattr(key, "fingerprint", None) != self.test_fingerprint:
            what = "without a key" if key is None else "with the key of another test set"
            raise SealBroken(f"the test rows are sealed; they were asked for {what} (Run.unseal gives it, and writes to the ledger)")

    def _ids(self, split: str) -> pa.ChunkedArray:
        mask = self._split == SPLITS.index(split)
        return pa.chunked_array([batch.column(0) for batch in self._filtered(mask, ("row",))], pa.string())

    def _filtered(self, mask: npt.NDArray[np.bool_], columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in self.store.batches(columns):
            part = mask[start : start + len(batch)]
            start += len(batch)
            if part.any():
                yield batch if part.all() else batch.filter(pa.array(part))

    def _sliced(self, mask: npt.NDArray[np.bool_], size: int, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        for batch in self._filtered(mask, columns):
            for start in range(0, len(batch), size):
                yield batch.slice(start, size)


def _places(store: RowStore, assignment: pa.Table) -> npt.NDArray[np.int64]:
    """For each row of the store its place in the assignment, -1 where it has none; DataError where the data changed since."""
    places = pc.index_in(store.column("row"), value_set=assignment.column("row"))
    out = _numpy(places.fill_null(-1)).astype(np.int64)
    missing = assignment.num_rows - int((out >= 0).sum())
    if missing:
        raise DataError(
            f"{missing:,} rows of split/assignment.parquet are not in the data: it changed since the split",
            fix="put the file back as it was, or start a new run",
        )
    return out


def _numpy(array: Any) -> npt.NDArray[Any]:
    chunked = isinstance(array, pa.ChunkedArray)
    out: npt.NDArray[Any] = array.to_numpy() if chunked else array.to_numpy(zero_copy_only=False)
    return out
