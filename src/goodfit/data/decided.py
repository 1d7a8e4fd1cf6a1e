"""Decisions laid over the rows: labels and texts as they were decided, everything else as it was read. Row ids stay those of the input.

Layer: data. The row store of the cache is never written again for it: columns that are touched are replaced batch by batch, the others
stay memory-mapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.data.decisions import Decision, moment_of
from goodfit.data.source import Columns, join_text
from goodfit.data.store import RowStore
from goodfit.errors import DataError, Place, nearest

Mask = npt.NDArray[np.bool_]


BY_PROGRAM, TOO_LATE = "not decided by a person", "decided after these rows had been opened"


def settle(held: Sequence[Decision], opened: str | None, *, people_only: bool) -> tuple[Decision | None, str | None]:
    """The decision about a row that counts, if any, and why its last one does not, if so.

    `opened`: when the row was first seen as a test row, in any run of the workspace: nobody may mend afterwards the rows on which a model
    was seen to be wrong. `people_only`: nor may a program say what becomes of it. The last decision that is allowed counts.
    """
    allowed = [decision for decision in held if _why_not(decision, opened, people_only=people_only) is None]
    counts, why = allowed[-1] if allowed else None, _why_not(held[-1], opened, people_only=people_only)
    changes = {held[-1].action, "keep" if counts is None else counts.action} != {"keep"}
    return counts, why if changes else None


def _why_not(decision: Decision, opened: str | None, *, people_only: bool) -> str | None:
    if people_only and not decision.person:
        return BY_PROGRAM
    return TOO_LATE if opened is not None and decision.moment >= moment_of(opened) else None


def decided_store(store: RowStore, decisions: Mapping[str, Decision], columns: Columns) -> tuple[RowStore, Mask]:
    """The rows with the labels and texts that were decided, and which rows are to be dropped, shape (n,)."""
    places = store.places(list(decisions))
    told = {int(place): decision for place, decision in zip(places, decisions.values(), strict=True) if place >= 0}
    dropped = np.zeros(len(store), dtype=bool)
    dropped[[place for place, decision in told.items() if decision.action == "drop"]] = True
    replaced: dict[str, pa.ChunkedArray] = {}
    labels = {place: decision.value for place, decision in told.items() if decision.action == "relabel"}
    texts = {place: masked_text(decision, columns) for place, decision in told.items() if decision.action == "mask"}
    for name, values in (("label", labels), ("text", texts)):
        if values:
            replaced[name] = _with_values(store.column(name), values)
    return store.with_columns(replaced), dropped


def masked_text(decision: Decision, columns: Columns) -> str | None:
    """The new text of a row: one column's, or those of all input columns joined."""
    if isinstance(decision.value, dict):
        value = decision.value
        return join_text([[value.get(name)] for name in columns.text])[0]
    return None if decision.value is None else str(decision.value)


def check_values(decisions: Iterable[Decision], columns: Columns, labels: Sequence[str], path: Path | None) -> None:
    """DataError (file, line) for a value that these data cannot have: an unknown label, several where there is one, no such column."""
    known = frozenset(labels)
    for decision in decisions:
        found = _wrong_value(decision, columns, known)
        if found is not None:
            message, fix = found
            place = Place(file=None if path is None else str(path), line=decision.line, row=decision.row, key="value")
            raise DataError(message, place=place, fix=fix)


def _wrong_value(decision: Decision, columns: Columns, known: frozenset[str]) -> tuple[str, str] | None:
    """What is wrong with a decision's value, and the remedy."""
    if decision.action in ("keep", "drop"):
        return None
    if columns.turns is not None:
        return f"{decision.action} is for classification; this task is generation", "drop the row, or correct it in the file"
    if decision.action == "mask":
        return _wrong_mask(decision, columns)
    several = isinstance(decision.value, list)
    if several != columns.multi_label:
        shown = str(decision.value[0] if isinstance(decision.value, list) and decision.value else decision.value)
        if columns.multi_label:
            return "rows of this task have several labels: the value must be a list", f'"value": ["{shown}"]'
        return "rows of this task have one label: the value must be a text", f'"value": "{shown}"'
    names = decision.value if isinstance(decision.value, list) else [str(decision.value)]
    unknown = next((name for name in names if name not in known), None)
    if unknown is None:
        return None
    near = nearest(unknown, known)
    listed = ", ".join(sorted(known)[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
    hint = f"did you mean {near!r}?" if near else f"the labels are {listed}"
    return f"{unknown!r} is no label of these data", f"{hint} (a new class is listed in task.labels, with all the others)"


def _wrong_mask(decision: Decision, columns: Columns) -> tuple[str, str] | None:
    names = list(columns.text)
    if isinstance(decision.value, dict):
        if set(decision.value) != set(names):
            named = ", ".join(decision.value)
            return f"mask names the columns {named}; the input has {', '.join(names)}", "name each of them with its whole text"
    elif len(names) > 1:
        shown = ", ".join(f'"{name}": "…"' for name in names)
        return "the input has several columns: mask must say the text of each", f'"value": {{{shown}}}'
    return None


def _with_values(column: pa.ChunkedArray, values: Mapping[int, object]) -> pa.ChunkedArray:
    """The column with some values replaced (place -> value); chunks without any stay the arrays that they are."""
    order = np.array(sorted(values), dtype=np.int64)
    chunks, start = [], 0
    for chunk in column.chunks:
        low, high = np.searchsorted(order, (start, start + len(chunk)))
        if high > low:
            here = order[low:high]
            new = pa.array([values[int(place)] for place in here], column.type)
            index = np.arange(len(chunk))
            index[here - start] = len(chunk) + np.arange(len(here))
            chunk = pa.concat_arrays([chunk, new]).take(pa.array(index))
        chunks.append(chunk)
        start += len(chunk)
    return pa.chunked_array(chunks, column.type)
