"""Rows of a chunked column: what Arrow's own take gives, without a copy of the whole."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from goodfit.data.taken import take


@pytest.mark.parametrize("kind", [pa.string(), pa.list_(pa.string()), pa.int16()], ids=str)
@pytest.mark.parametrize("sizes", [(1,), (3, 0, 4, 1), (5, 5)], ids=str)
def test_it_is_arrows_take(kind: pa.DataType, sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(sizes))
    made = {pa.string(): lambda i: f"é{i}", pa.int16(): lambda i: i}.get(kind, lambda i: [str(i)] * (i % 3))
    values = [None if i % 4 == 3 else made(i) for i in range(sum(sizes))]
    ends = np.cumsum(sizes).tolist()
    column = pa.chunked_array([pa.array(values[end - n : end], kind) for n, end in zip(sizes, ends, strict=True)], kind)
    for rows in (rng.integers(0, len(values), size=12), np.arange(len(values))[::-1], np.zeros(0, np.int64)):
        found = take(column, rows)
        assert found.type == kind
        assert found.to_pylist() == column.take(pa.array(rows)).to_pylist()


def test_a_few_rows_do_not_cost_the_whole_column() -> None:
    column = pa.chunked_array([pa.array(["x" * 1000] * 1000)] * 64)
    usual, watched = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(watched)
    try:
        assert len(take(column, np.array([63_999, 0, 5]))) == 3
        few = watched.max_memory()
        column.take(pa.array([63_999, 0, 5]))
        whole = watched.max_memory()
    finally:
        pa.set_memory_pool(usual)
    assert few < 1_000_000 < 10_000_000 < whole  # should Arrow learn it, `take` can go
