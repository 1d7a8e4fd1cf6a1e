"""What split writes: assignment.parquet, manifest.json, hygiene. Last step but one.

`rows read = used + dropped by reason` holds by construction, and is checked before the manifest is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from goodfit.data.ids import test_fingerprint
from goodfit.data.source import Columns, Source
from goodfit.data.store import RowStore
from goodfit.files import write_atomic, write_json
from goodfit.run import ASSIGNMENT, MANIFEST
from goodfit.stages.split.assign import Division
from goodfit.stages.split.cut import NAMES, TEST
from goodfit.stages.split.groups import Ints, codes_of
from goodfit.stages.split.sources import shown, shown_name

SCHEMA = "goodfit/split/1"
MEMBERS = 1000
"""Members per axis that the manifest counts one by one; the smaller ones are counted together under OTHERS."""
OTHERS = "(others)"
MISSING = "(missing)"


@dataclass(frozen=True)
class Origin:
    """Where the rows come from."""

    store: RowStore
    sources: Sequence[Source]
    columns: Columns
    data: str
    """`b2:…` of the files' content."""
    names: dict[str, str]
    """Opened name -> name as the user wrote it, where they differ."""


def assignment_of(division: Division, origin: Origin) -> pa.Table:
    """One line per used row, in file order: row, split, fold (null where there are none), group, stratum, at."""
    index = np.flatnonzero(division.sides >= 0)
    take = pa.array(index)
    by_time = division.look.times is not None
    names = pa.array(["time" if by_time else "", *division.look.names], pa.string())
    stratum = np.zeros(len(index), np.int32) if by_time else division.strata[index].astype(np.int32) + 1
    sides = pa.DictionaryArray.from_arrays(pa.array(division.sides[index].astype(np.int32)), pa.array(NAMES))
    return pa.table({
        "row": origin.store.column("row").take(take),
        "split": sides.cast(pa.string()),
        "fold": pa.nulls(len(index), pa.int16()) if division.folds is None else pa.array(division.folds[index], pa.int16()),
        "group": pa.array(division.groups[index], pa.int32()),
        "stratum": pa.DictionaryArray.from_arrays(pa.array(stratum), names).cast(pa.string()),
        "at": shown(origin.store.column("at").take(take), origin.names),
    })  # fmt: skip


def write_assignment(folder: Path, table: pa.Table) -> None:
    """Writes assignment.parquet."""
    with write_atomic(folder / ASSIGNMENT, "wb") as handle:
        pq.write_table(table, handle)


def manifest_of(division: Division, origin: Origin, table: pa.Table) -> dict[str, Any]:
    """What happened to every row that was read (SCHEMAS: split/manifest.json), and what is needed to read them again."""
    read, used, dropped = len(division.look), table.num_rows, division.look.dropped()
    assert read == used + sum(dropped.values()), f"{read} rows read, {used} used, {dropped} dropped"
    sizes = np.bincount(table["group"].to_numpy()) if used else np.zeros(0, np.int64)
    return {
        "schema": SCHEMA,
        "read": read,
        "used": used,
        "dropped": dropped,
        "splits": {name: int((division.sides == side).sum()) for side, name in enumerate(NAMES)},
        "labels": label_counts(division),
        "groups": {axis: member_counts(division, origin, axis) for axis in origin.columns.groups},
        "folds": None if division.folds is None else np.bincount(division.folds[division.folds >= 0]).tolist(),
        "clusters": {"n": len(sizes), "largest": int(sizes.max(initial=0)), "rows_in_larger_than_one": int(sizes[sizes > 1].sum())},
        "leaks": {"found": division.found.to_json(), "left": division.left.to_json()},
        "multi_label": origin.columns.multi_label,
        "data": origin.data,
        "test": test_fingerprint(table.filter(pc.equal(table["split"], NAMES[TEST]))["row"]) if (division.sides == TEST).any() else None,
        "assignment": assignment_hash(table),
        "files": [_file(source, i, origin, division) for i, source in enumerate(origin.sources)],
        "columns": asdict(origin.columns),
        "store": origin.store.fingerprint,
    }


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes manifest.json."""
    write_json(folder / MANIFEST, manifest)


def label_counts(division: Division) -> dict[str, dict[str, int]]:
    """Label -> split -> rows, for every class (a row of several labels counts for each)."""
    sets, n_labels = division.look.sets, len(division.look.names)
    sides = division.sides[sets.rows].astype(np.int64)
    held = sides >= 0
    flat = np.bincount(sets.codes[held] * 3 + sides[held], minlength=3 * n_labels).reshape(n_labels, 3)
    return {name: dict(zip(NAMES, row)) for name, row in zip(division.look.names, flat.tolist())}


def member_counts(division: Division, origin: Origin, axis: str) -> dict[str, dict[str, int]]:
    """Member -> split -> rows of one axis of `groups`, largest first; beyond MEMBERS under OTHERS, without a value under MISSING."""
    codes, values = codes_of(origin.store.column(f"group.{axis}"))
    held = division.sides >= 0
    width = len(values) + 1
    flat = np.bincount((codes[held] + 1) * 3 + division.sides[held], minlength=3 * width).reshape(width, 3)
    order = 1 + np.argsort(-flat[1:].sum(axis=1), kind="stable")
    names = values.to_pylist()
    out = {names[i - 1]: dict(zip(NAMES, flat[i].tolist())) for i in order[:MEMBERS] if flat[i].any()}
    rest = flat[order[MEMBERS:]].sum(axis=0)
    for name, row in ((OTHERS, rest), (MISSING, flat[0])):
        if row.any():
            out[name] = dict(zip(NAMES, row.tolist()))
    return out


def assignment_hash(table: pa.Table) -> str:
    """`b2:…` of which row is on which side."""
    digest = hashlib.blake2b(digest_size=16)
    for batch in table.select(["row", "split"]).to_batches(max_chunksize=65_536):
        lines = pc.binary_join_element_wise(batch.column(0), batch.column(1), " ")
        digest.update("\n".join(lines.to_pylist()).encode() + b"\n")
    return f"b2:{digest.hexdigest()}"


def _file(source: Source, index: int, origin: Origin, division: Division) -> dict[str, Any]:
    rows: Ints = origin.store.column("source").to_numpy() == index
    return {
        "path": shown_name(source.path, origin.names), "split": source.split, "weight": source.weight,
        "format": source.format, "encoding": source.encoding, "delimiter": source.delimiter, "header": source.header,
        "read": int(rows.sum()), "used": int((rows & (division.sides >= 0)).sum()),
    }  # fmt: skip
