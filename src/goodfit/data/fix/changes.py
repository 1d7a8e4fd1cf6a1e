"""Decisions -> what becomes of which record of which file. Part of fix.

Only what a person decided is done, and nothing that was decided about a row after it had been opened as a test row, in any run of the
workspace. Exact duplicates (the same input and the same label) are left out where they are asked for; the first of them stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit import ledger
from goodfit.data.decided import Mask, settle
from goodfit.data.decisions import Decision, Decisions, now
from goodfit.data.duplicates import label_codes
from goodfit.data.store import RowStore

DUPLICATE = "duplicate"
PROGRAM = "goodfit:fix"


@dataclass(frozen=True)
class Change:
    """What becomes of one record."""

    row: str
    at: str
    action: str
    """`relabel`, `mask`, `drop` or `duplicate`."""
    by: str
    reason: str
    time: str
    decision: Decision | None

    @property
    def gone(self) -> bool:
        """It is not in the copy."""
        return self.action in ("drop", DUPLICATE)


@dataclass(frozen=True)
class Settled:
    """Which decisions are done, and which are not."""

    done: dict[str, Decision] = field(default_factory=dict)
    """Row -> decision that changes it."""
    unknown: int = 0
    """Decided rows that are not in the data."""
    refused: Counter[str] = field(default_factory=Counter)
    """Why -> decisions that are not done."""


def settled(decisions: Decisions, store: RowStore, workspace: Path) -> Settled:
    """The decisions that people may have done to a copy."""
    names = list(decisions.by_row)
    there = store.places(names) >= 0
    known = [name for name, is_there in zip(names, there, strict=True) if is_there]
    seen = ledger.opened(workspace, pa.array(known, pa.string()))
    done: dict[str, Decision] = {}
    refused: Counter[str] = Counter()
    for row in known:
        decision, why = settle(decisions.by_row[row], seen.get(row), people_only=True)
        if why is not None:
            refused[why] += 1
        if decision is not None and decision.action != "keep":
            done[row] = decision
    return Settled(done, len(names) - len(known), refused)


def changes_of(store: RowStore, decided: RowStore, done: Mapping[str, Decision], *, duplicates: bool) -> dict[int, Change]:
    """Place in the store -> what becomes of the row; `decided`: the store with the decisions laid over it."""
    places = store.places(list(done))
    at = store.column("at")
    out = {
        int(place): Change(d.row, str(at[int(place)]), d.action, d.by, d.reason, d.time, d)
        for place, d in zip(places, done.values(), strict=True)
    }
    if duplicates:
        for place, first in _repeats(decided, np.array(sorted(out), dtype=np.int64)).items():
            row, reason = str(store.column("row")[place]), f"the same input and label as {store.column('row')[first]} ({at[first]})"
            out[place] = Change(row, str(at[place]), DUPLICATE, PROGRAM, reason, now(), None)
    return dict(sorted(out.items()))


def _repeats(store: RowStore, touched: npt.NDArray[np.int64]) -> dict[int, int]:
    """Place of a row that repeats the input and the label of an earlier one -> place of the first of them.

    Rows that are changed or dropped by a decision (`touched`) are neither.
    """
    rows = store.column("row").combine_chunks()
    rows = pa.concat_arrays(rows.chunks) if isinstance(rows, pa.ChunkedArray) else rows
    base = pc.utf8_slice_codeunits(rows, 0, 16)
    several = pc.is_in(base, value_set=pc.unique(base.filter(pc.match_substring(rows, "-"))))
    index = np.flatnonzero(several.to_numpy(zero_copy_only=False))
    index = np.setdiff1d(index, touched)
    told = store.column("conversation" if "conversation" in store.schema().names else "label")
    take = pa.array(index)
    inputs = pc.dictionary_encode(base.take(take)).indices.to_numpy(zero_copy_only=False).astype(np.int64)
    codes = label_codes(told)[index]
    keys = inputs * (int(codes.max(initial=-1)) + 2) + codes + 1
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    firsts = index[first[inverse.reshape(-1)]]
    return {int(place): int(one) for place, one in zip(index, firsts, strict=True) if place != one}


def by_source(changes: Mapping[int, Change], store: RowStore, sources: int) -> list[dict[int, Change]]:
    """The same for each source, by the number of the record in it."""
    of_row = store.column("source").to_numpy()
    starts = np.searchsorted(of_row, np.arange(sources))
    out: list[dict[int, Change]] = [{} for _ in range(sources)]
    for place, change in changes.items():
        source = int(of_row[place])
        out[source][place - int(starts[source])] = change
    return out


def gone_mask(changes: Mapping[int, Change], n: int) -> Mask:
    """The rows that are not in the copy, shape (n,)."""
    out = np.zeros(n, dtype=bool)
    out[[place for place, change in changes.items() if change.gone]] = True
    return out
