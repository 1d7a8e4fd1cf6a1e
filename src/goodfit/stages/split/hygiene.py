"""What is wrong with the rows themselves, over all splits: counted here, before the test set is sealed; audit reports it.

`hygiene.parquet` has one line per row that was dropped or shares its text with another row: row, at, split (null where dropped),
reason (null where used), duplicate (number of the group of equal texts, null where alone), size (of that group), exact (equal to
the group's first row character by character), conflict (rows of the group carry different labels). No text, no label.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.data.duplicates import conflicts, group_sizes, hash_strings
from goodfit.data.store import RowStore
from goodfit.files import write_atomic
from goodfit.stages.split.assign import Division
from goodfit.stages.split.cut import NAMES
from goodfit.stages.split.groups import Ints, Mask, in_order
from goodfit.stages.split.look import DUPLICATE, REASONS
from goodfit.stages.split.record import Origin
from goodfit.stages.split.sources import shown

HYGIENE = "hygiene.json"
HYGIENE_ROWS = "hygiene.parquet"
SCHEMA = "goodfit/hygiene/1"


@dataclass(frozen=True)
class Repeats:
    """Rows that share their normalised text with another row; arrays of shape (n,)."""

    same: Ints
    sizes: Ints
    exact: Mask
    """Equal, character by character, to the first row of the group."""
    conflict: Mask


def repeats_of(division: Division, store: RowStore) -> Repeats:
    """Groups of equal texts among the rows that were used, or would have been but for being repeats or leaks."""
    look = division.look
    counted = (look.reasons == 0) | (look.reasons >= DUPLICATE)
    same = np.where(counted, look.same, np.arange(len(look)))
    sizes = group_sizes(same)
    labels = store.column("label")
    conflict = conflicts(same, labels) & counted & (sizes > 1)
    return Repeats(same, sizes, _exact(store, same, sizes > 1), conflict)


def _exact(store: RowStore, same: Ints, several: Mask) -> Mask:
    """Rows of groups whose text equals that of the group's first row; texts are hashed batch by batch."""
    keys = np.zeros((len(same), 2), dtype=np.uint64)
    start = 0
    for batch in store.batches(("text",)):
        part = several[start : start + len(batch)]
        if part.any():
            index = start + np.flatnonzero(part)
            keys[index] = hash_strings(batch.column(0).filter(pa.array(part)))
        start += len(batch)
    out: Mask = several & (keys == keys[same]).all(axis=1)
    return out


def write_hygiene(folder: Path, division: Division, origin: Origin, repeats: Repeats) -> dict[str, Any]:
    """Writes hygiene.parquet; gives the document of hygiene.json."""
    look = division.look
    several = repeats.sizes > 1
    index = np.flatnonzero(several | (look.reasons > 0))
    numbers = np.full(len(look), -1, dtype=np.int64)
    numbers[several] = in_order(repeats.same[several])
    take = pa.array(index)
    table = pa.table({
        "row": origin.store.column("row").take(take),
        "at": shown(origin.store.column("at").take(take), origin.names),
        "split": _names(division.sides[index], NAMES),
        "reason": _names(look.reasons[index].astype(np.int64) - 1, REASONS[1:]),
        "duplicate": pa.array(numbers[index], mask=numbers[index] < 0, type=pa.int32()),
        "size": pa.array(repeats.sizes[index], type=pa.int32()),
        "exact": pa.array(repeats.exact[index]),
        "conflict": pa.array(repeats.conflict[index]),
    })  # fmt: skip
    with write_atomic(folder / HYGIENE_ROWS, "wb") as handle:
        pq.write_table(table, handle)
    return hygiene_facts(division, repeats)


def hygiene_facts(division: Division, repeats: Repeats) -> dict[str, Any]:
    """Counts over all rows: what was dropped, repeated, contradictory, and on two sides."""
    look = division.look
    several = repeats.sizes > 1
    return {
        "schema": SCHEMA,
        "read": len(look),
        "dropped": look.dropped(),
        "labels_read": look.labels_read,
        "unknown_labels": dict(list(look.unknown().items())[:100]),
        "duplicates": {
            "groups": _count_groups(repeats.same, several), "rows": int(several.sum()),
            "extra": int(several.sum()) - _count_groups(repeats.same, several),
            "exact_extra": int(repeats.exact.sum()) - _count_groups(repeats.same, several),
            "largest": int(repeats.sizes.max(initial=0)),
        },
        "conflicts": {"groups": _count_groups(repeats.same, repeats.conflict), "rows": int(repeats.conflict.sum())},
        "leaks": {"found": division.found.to_json(), "left": division.left.to_json()},
    }  # fmt: skip


def _count_groups(same: Ints, mask: Mask) -> int:
    return len(np.unique(same[mask]))


def _names(codes: npt.NDArray[Any], names: tuple[str, ...]) -> pa.Array:
    """Codes as their names; null where the code is negative."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(names)).cast(pa.string())
