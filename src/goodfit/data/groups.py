"""The group of each row as the split has it: rows that stay together (near-duplicates, one customer), and are no independent draws. And
its fold, where there are folds.

Layer: data. Reads split/assignment.parquet of a run's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from goodfit.run import ASSIGNMENT

Ints = npt.NDArray[np.int64]
Ids: TypeAlias = Sequence[str] | pa.ChunkedArray


def groups_of(run: Path) -> Callable[[Ids], Ints]:
    """Row ids [n] -> the group of each [n]; -1 for a row that the split does not know."""
    return _column(run, "group")


def folds_of(run: Path) -> Callable[[Ids], Ints]:
    """Row ids [n] -> the fold of each [n] (`split.folds`); -1 for a row that is in none."""
    return _column(run, "fold")


def _column(run: Path, name: str) -> Callable[[Ids], Ints]:
    assignment = pq.read_table(run / "split" / ASSIGNMENT, columns=["row", name])
    known = assignment["row"].combine_chunks()

    def found(rows: Ids) -> Ints:
        ids = rows if isinstance(rows, pa.ChunkedArray) else pa.array(rows, pa.string())
        places = pc.index_in(ids, value_set=known)
        out: Ints = assignment[name].take(places).cast(pa.int64()).fill_null(-1).to_numpy()
        return out

    return found


def clusters_of(run: Path, rows: Ids) -> Ints | None:
    """The groups [n] of these rows as the unit of a resampling; None where every row is alone."""
    return shared(groups_of(run)(rows))


def shared(clusters: Ints | None) -> Ints | None:
    """Clusters [n] as the unit of a resampling; None where every row is alone in its own."""
    return None if clusters is None or len(np.unique(clusters)) == len(clusters) else clusters
