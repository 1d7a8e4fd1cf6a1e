"""What a training leaves of single rows: losses at every look, who was looked at, and the data map. Part of train.

losses.parquet     a line per (split, step): `loss` and `right` of every row looked at, as lists in the order of looked_at.parquet
looked_at.parquet  split, row, label, group: the rows, in that order
datamap.parquet    row, label, confidence, variability, margin, correct_share, region: how training rows were learned
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.data.groups import groups_of
from goodfit.engine.examples import Examples
from goodfit.engine.looks import LOSS, RIGHT, Followed, Looks
from goodfit.files import write_atomic
from goodfit.run import DATAMAP, LOOKED_AT, LOSSES, Run
from goodfit.statistics.datamap import DataMap, map_of_sums, regions

Given = Callable[[NDArray[Any]], list[Any]]
"""Targets -> label names; lists of names where rows have several."""


def write_looks(run: Run, looks: Looks, splits: dict[str, Examples], given: Given) -> None:
    """losses.parquet and looked_at.parquet."""
    lines: list[pa.Table] = []
    for split in splits:
        steps, facts = looks.of(split)
        columns = {"loss": _listed(facts[:, :, LOSS]), "right": _listed(facts[:, :, RIGHT])}
        lines.append(pa.table({"split": pa.array([split] * len(steps), pa.string()), "step": pa.array(steps, pa.int64()), **columns}))
    _write(run.path / "train" / LOSSES, pa.concat_tables(lines))
    groups = groups_of(run.path)
    who = []
    for split, rows in splits.items():
        ids = rows.row_ids(np.arange(len(rows)))
        who.append(pa.table({
            "split": pa.array([split] * len(ids), pa.string()), "row": pa.array(ids, pa.string()),
            "label": pa.array(_names(given(np.asarray(rows.target))), pa.string()), "group": pa.array(groups(ids), pa.int64()),
        }))  # fmt: skip
    _write(run.path / "train" / LOOKED_AT, pa.concat_tables(who))


def write_map(run: Run, followed: Followed, train: Examples, given: Given) -> DataMap | None:
    """datamap.parquet: of the followed rows those that were trained on at least once; None, and no file, where there is none."""
    seen = followed.state["seen"] > 0
    if not seen.any():
        return None
    found = map_of_sums({name: values[seen] for name, values in followed.state.items()})
    places = followed.places[seen]
    _write(run.path / "train" / DATAMAP, pa.table({
        "row": pa.array(train.row_ids(places), pa.string()),
        "label": pa.array(_names(given(np.asarray(train.target)[places])), pa.string()),
        "confidence": found.confidence, "variability": found.variability, "margin": found.area, "correct_share": found.correct,
        "region": pa.array(regions(found).tolist(), pa.string()),
    }))  # fmt: skip
    return found


def _listed(values: NDArray[np.float16]) -> pa.Array:
    """[T, n] as T lists."""
    looks, rows = values.shape
    return pa.ListArray.from_arrays(
        pa.array(np.arange(looks + 1, dtype=np.int32) * rows), pa.array(np.ascontiguousarray(values).reshape(-1))
    )


def _names(given: list[Any]) -> list[str | None]:
    return [json.dumps(label, ensure_ascii=False) if isinstance(label, list) else label for label in given]


def _write(path: Path, table: pa.Table) -> None:
    with write_atomic(path, "wb") as handle:
        pq.write_table(table, handle)
