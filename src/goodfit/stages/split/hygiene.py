"""What is wrong with the rows themselves, over all splits: counted here, before the test set is sealed; audit reports it.

`hygiene.parquet` has one line per row that was dropped or shares its text with another row: row, at, split (null where dropped),
reason (null where used), duplicate (number of the group of texts that are the same after normalisation, null where alone), size (of
that group), exact (equal to the group's first row character by character), conflict (the same text up to case and spaces carries
different labels), conflict_punctuation (it does so only up to ordinary punctuation too), and what kin.py says of near-duplicates. No
text, no label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.data.duplicates import conflicts, group_sizes, hash_strings
from goodfit.data.normalise import without_case, without_ordinary
from goodfit.data.store import RowStore
from goodfit.files import write_atomic
from goodfit.stages.split.assign import Division
from goodfit.stages.split.cut import NAMES
from goodfit.stages.split.groups import Ints, Keys, Mask, in_order
from goodfit.stages.split.kin import kin_columns, kin_facts, kin_of, told
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
    conflict: Ints
    """A number per text that carries different labels, texts compared up to case and spaces; -1 for rows of others."""
    conflict_punctuation: Ints
    """The same for texts compared up to ordinary punctuation too; -1 for rows that are told by `conflict`."""
    more: int
    """Texts of `conflict_punctuation` of which no row is told by `conflict`."""


def repeats_of(division: Division, store: RowStore) -> Repeats:
    """Groups of equal texts among the rows that were used, or would have been but for being repeats or leaks."""
    look = division.look
    counted = (look.reasons == 0) | (look.reasons >= DUPLICATE)
    same = np.where(counted, look.same, np.arange(len(look)))
    sizes = group_sizes(same)
    labels = store.column("label")
    several = sizes > 1
    possible = conflicts(same, labels) & counted & several
    case = _conflicts(store, same, possible, without_case)
    punctuation = _conflicts(store, same, possible, without_ordinary)
    told = np.unique(punctuation[case >= 0])
    punctuation[case >= 0] = -1
    more = len(np.setdiff1d(punctuation[punctuation >= 0], told))
    return Repeats(same, sizes, _exact(store, same, several), case, punctuation, more)


def _exact(store: RowStore, same: Ints, several: Mask) -> Mask:
    """Rows of groups whose text equals that of the group's first row."""
    keys = _hashed(store, several, lambda texts: texts)
    out: Mask = several & (keys == keys[same]).all(axis=1)
    return out


def _conflicts(store: RowStore, same: Ints, possible: Mask, form: Callable[[pa.Array], pa.Array]) -> Ints:
    """A number per text of the rows `possible` that carries different labels, texts being the same in this form; else -1; shape (n,)."""
    out = np.full(len(same), -1, dtype=np.int64)
    index = np.flatnonzero(possible)
    if len(index):
        keys = _hashed(store, possible, form)[index]
        # Rows of one normalised text only: 64 of its bits are enough to tell their forms apart.
        rows = np.stack([same[index].astype(np.uint64), keys[:, 0]], axis=1)
        texts = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
        disagree = conflicts(texts, store.column("label").take(pa.array(index)))
        out[index[disagree]] = texts[disagree]
    return out


def _hashed(store: RowStore, wanted: Mask, form: Callable[[pa.Array], pa.Array]) -> Keys:
    """A key of the text of every row that is wanted, in this form, shape (n, 2); batch by batch."""
    keys = np.zeros((len(wanted), 2), dtype=np.uint64)
    start = 0
    for batch in store.batches(("text",)):
        part = wanted[start : start + len(batch)]
        if part.any():
            index = start + np.flatnonzero(part)
            keys[index] = hash_strings(form(batch.column(0).filter(pa.array(part))))
        start += len(batch)
    return keys


def write_hygiene(folder: Path, division: Division, origin: Origin, repeats: Repeats) -> dict[str, Any]:
    """Writes hygiene.parquet; gives the document of hygiene.json."""
    look = division.look
    several = repeats.sizes > 1
    kin = kin_of(division)
    index = np.flatnonzero(several | (look.reasons > 0) | told(kin, division))
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
        "conflict": pa.array(repeats.conflict[index] >= 0),
        "conflict_punctuation": pa.array(repeats.conflict_punctuation[index] >= 0),
        **kin_columns(kin, division, origin.store.column("row"), index),
    })  # fmt: skip
    with write_atomic(folder / HYGIENE_ROWS, "wb") as handle:
        pq.write_table(table, handle)
    return hygiene_facts(division, repeats) | kin_facts(kin)


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
        "conflicts": {
            "groups": _count_groups(repeats.conflict, repeats.conflict >= 0), "rows": int((repeats.conflict >= 0).sum()),
            "up_to_punctuation": {"groups": repeats.more, "rows": int((repeats.conflict_punctuation >= 0).sum())},
        },
        "leaks": {"found": division.found.to_json(), "left": division.left.to_json()},
    }  # fmt: skip


def _count_groups(same: Ints, mask: Mask) -> int:
    return len(np.unique(same[mask]))


def _names(codes: npt.NDArray[Any], names: tuple[str, ...]) -> pa.Array:
    """Codes as their names; null where the code is negative."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(names)).cast(pa.string())
