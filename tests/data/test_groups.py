"""The group of a row as the split has it: unknown rows are told apart, and rows that all stand alone need no clusters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.data.groups import clusters_of, folds_of, groups_of, shared


def run_of(tmp_path: Path) -> Path:
    (tmp_path / "split").mkdir()
    pq.write_table(
        pa.table({"row": ["a", "b", "c", "d"], "group": [4, 7, 4, 9], "fold": [1, None, 0, 1]}), tmp_path / "split" / "assignment.parquet"
    )
    return tmp_path


def test_groups_come_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    groups = groups_of(run_of(tmp_path))
    assert groups(["d", "nobody", "a", "c"]).tolist() == [9, -1, 4, 4]
    assert groups(pa.chunked_array([["b"], ["c"]])).tolist() == [7, 4]
    assert groups([]).tolist() == []


def test_clusters_are_told_only_where_rows_come_in_some(tmp_path: Path) -> None:
    run, found = run_of(tmp_path), [4, 7, 4]
    clusters = clusters_of(run, ["a", "b", "c"])
    assert clusters is not None
    assert clusters.tolist() == found
    assert clusters_of(run, ["a", "b", "d"]) is None


def test_folds_are_told_alike(tmp_path: Path) -> None:
    assert folds_of(run_of(tmp_path))(["d", "b", "nobody", "c"]).tolist() == [1, -1, -1, 0]


def test_clusters_of_one_row_each_are_none() -> None:
    assert shared(None) is None
    assert shared(np.array([3, 1, 2])) is None
    some = np.array([3, 1, 3])
    assert shared(some) is some
