"""What every row is, before anything is divided: usable or why not, which text, which labels, which `split.by` value, what time.

First look of split at the row store. Everything is a numpy array with one entry per row of the store; texts are touched once, in
batches, and never become Python objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.conversations import without_roles
from goodfit.data.conversations.normaliser import REASONS as NOT_READ
from goodfit.data.duplicates import duplicate_groups, label_codes, no_text, text_keys
from goodfit.data.labels import label_order, vocabulary
from goodfit.data.progress import OnProgress
from goodfit.data.source import Source
from goodfit.data.store import RowStore
from goodfit.recipe import Recipe
from goodfit.stages.split.cut import NAMES, UNDECIDED
from goodfit.stages.split.groups import Ints, Keys, LabelSets, Mask, codes_of, label_sets
from goodfit.stages.split.leaks import Sides
from goodfit.stages.split.near import Near, look_near, nothing_near
from goodfit.stages.split.times import Times, parse_times

REASONS = (
    "", "missing_text", "empty_text", "unreadable", "missing_label", "unknown_label", *(r for r in NOT_READ if r != "missing_text"),
    "missing_time", "decision", "duplicate", "leak",
)  # fmt: skip
"""Why a row is not used, in the order in which it is asked; a row has one reason. The first means: used."""
DECISION, DUPLICATE, LEAK = (REASONS.index(reason) for reason in ("decision", "duplicate", "leak"))


@dataclass(frozen=True)
class Look:
    """What is known of the n rows of the store; arrays of shape (n,)."""

    reasons: npt.NDArray[np.int8]
    """Index into REASONS: 0 for rows that are used."""
    keys: Keys
    """Shape (n, 2): the normalised text, hashed; (0, 0) for rows without text or not used."""
    same: Ints
    """The index of the first used row with the same normalised text."""
    near: Near
    """What nearly says the same (nothing but `same` where `split.near_duplicates` is false)."""
    label_codes: Ints
    """A number per different label or set of labels, -1 where missing."""
    names: tuple[str, ...]
    """The classes in order."""
    sets: LabelSets
    """The classes of every row."""
    roles: Sides
    """The split that the user gave, UNDECIDED where none."""
    by: Ints | None
    """A number per value of `split.by`, -1 where missing."""
    by_values: pa.Array | None
    times: Times | None
    """The time of every used row (0 for others)."""
    labels_read: dict[str, int]
    """Label -> rows, over all rows that were read."""

    def __len__(self) -> int:
        return len(self.reasons)

    @property
    def used(self) -> Mask:
        """Rows that are in the data set."""
        out: Mask = self.reasons == 0
        return out

    def dropped(self) -> dict[str, int]:
        """Reason -> rows, for every reason there was."""
        counts = np.bincount(self.reasons, minlength=len(REASONS))
        return {name: int(n) for name, n in zip(REASONS[1:], counts[1:]) if n}

    def unknown(self) -> dict[str, int]:
        """Labels that are not among the classes -> rows, most rows first."""
        known = set(self.names)
        found = [(name, n) for name, n in self.labels_read.items() if name not in known]
        return dict(sorted(found, key=lambda pair: (-pair[1], pair[0]))) if self.reasons_has("unknown_label") else {}

    def reasons_has(self, reason: str) -> bool:
        """Some row has this reason."""
        return bool((self.reasons == REASONS.index(reason)).any())

    def drop_reasons(self, role: int) -> list[str]:
        """Why rows of a given split were dropped, in words."""
        counts = np.bincount(self.reasons[self.roles == role], minlength=len(REASONS))
        return [f"{n:,} {name.replace('_', ' ')}" for name, n in zip(REASONS[1:], counts[1:]) if n]

    def drop(self, mask: Mask, reason: int) -> Look:
        """The same look with some of the used rows not used."""
        return replace(self, reasons=np.where(mask & self.used, np.int8(reason), self.reasons))


def look(
    store: RowStore, recipe: Recipe, sources: Sequence[Source], *, dropped: Mask | None = None, on_progress: OnProgress | None = None
) -> Look:
    """Looks at every row; DataError where a time cannot be read. `dropped`: the rows that somebody decided to leave out."""
    labels, classes = store.column("label"), bool(recipe.task.label_columns)
    reasons = _no_text_reasons(store)
    if classes:
        _first_reason(reasons, pc.is_null(labels).to_numpy(), "missing_label")
    declared = recipe.task.label_names if classes else ()
    if declared:
        _first_reason(reasons, _outside(labels, declared), "unknown_label")
    if recipe.split.time is not None:
        _first_reason(reasons, pc.is_null(store.column("time")).to_numpy(), "missing_time")
    if dropped is not None:
        reasons[dropped] = DECISION  # whatever else is wrong with them
    used = reasons == 0
    keys = text_keys(store.column("text"), on_progress=on_progress)
    keys[~used] = 0
    read = dict(vocabulary(labels).counts) if classes else {}
    names = declared if declared is not None else _names(labels.filter(pa.array(used)), recipe.task.label_columns)
    by, by_values = codes_of(store.column("by")) if recipe.split.by is not None else (None, None)
    same = duplicate_groups(keys)
    texts = store.column("text") if classes else without_roles(store.column("text"))
    near = look_near(texts, same, by, used, on_progress=on_progress) if recipe.split.near_duplicates else nothing_near(same)
    found = Look(
        reasons=reasons, keys=keys, same=same, near=near, label_codes=label_codes(labels), names=names,
        sets=label_sets(labels, pa.array(names, pa.string())), roles=_roles(store, sources), by=by, by_values=by_values,
        times=_times(store, used, recipe.split.time), labels_read=read,
    )  # fmt: skip
    return _without_repeats(found) if recipe.split.duplicates == "drop" else found


def _names(labels: pa.ChunkedArray, columns: Sequence[str]) -> tuple[str, ...]:
    """The classes in order: of several 0/1 columns all of them, also one that is 0 in every row; else the labels of the used rows."""
    return tuple(label_order(columns if len(columns) > 1 else vocabulary(labels).counts))


def _no_text_reasons(store: RowStore) -> npt.NDArray[np.int8]:
    parts, told = [], "reason" in store.schema().names
    for batch in store.batches(("text", "reason") if told else ("text",)):
        nothing = no_text(batch.column(0))
        part = np.zeros(len(batch), dtype=np.int8)
        part[nothing.missing] = REASONS.index("missing_text")
        part[nothing.empty | nothing.whitespace] = REASONS.index("empty_text")
        part[nothing.unreadable] = REASONS.index("unreadable")
        if told:
            codes = pc.index_in(batch.column(1), value_set=pa.array(REASONS)).fill_null(0).to_numpy(zero_copy_only=False)
            part[codes > 0] = codes[codes > 0]
        parts.append(part)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int8)


def _first_reason(reasons: npt.NDArray[np.int8], mask: Mask, reason: str) -> None:
    reasons[(reasons == 0) & mask] = REASONS.index(reason)


def _outside(labels: pa.ChunkedArray, declared: Sequence[str]) -> Mask:
    """Rows with a label that is not among the declared ones; shape (n,)."""
    names = pa.array(declared, pa.string())
    if not pa.types.is_list(labels.type):
        out: Mask = (pc.is_valid(labels).to_numpy()) & pc.is_null(pc.index_in(labels, value_set=names)).to_numpy()
        return out
    parts = [np.zeros(0, dtype=bool)]
    for chunk in labels.chunks:
        strange = pc.is_null(pc.index_in(pc.list_flatten(chunk), value_set=names)).to_numpy(zero_copy_only=False)
        rows = pc.list_parent_indices(chunk).to_numpy(zero_copy_only=False)
        parts.append(np.bincount(rows[strange], minlength=len(chunk)) > 0)
    return np.concatenate(parts)


def _roles(store: RowStore, sources: Sequence[Source]) -> Sides:
    by_source = np.array([UNDECIDED if source.split is None else NAMES.index(source.split) for source in sources], dtype=np.int8)
    out: Sides = by_source[store.column("source").to_numpy()]
    return out


def _times(store: RowStore, used: Mask, column: str | None) -> Times | None:
    if column is None:
        return None
    mask = pa.array(used)
    out = np.zeros(len(used), dtype=np.int64)
    out[used] = parse_times(store.column("time").filter(mask), store.column("at").filter(mask), column)
    return out


def _without_repeats(found: Look) -> Look:
    """Every row that repeats an earlier one of the same text, the same labels and the same given split is dropped."""
    index = np.flatnonzero(found.used)
    width = int(found.label_codes.max(initial=-1)) + 2
    names = (found.same[index] * width + found.label_codes[index] + 1) * 4 + found.roles[index] + 1
    _, first = np.unique(names, return_index=True)
    again = np.zeros(len(found), dtype=bool)
    again[index] = True
    again[index[first]] = False
    return found.drop(again, DUPLICATE)
