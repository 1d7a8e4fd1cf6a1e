"""The rows to look at first, as lines of a screen: where each stands, its label, the likelier one. No text of a row is shown.

Part of audit's labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from goodfit.monitor.words import visible
from goodfit.stages.audit.labels.suspects import likelier

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

FIRST = 20
"""Rows that a person should look at before anything else."""
_NAME = 40


def first_rows(table: pa.Table, splits: Splits) -> str:
    """`review these 20 rows first …` and a line for each; `table` is audit/suspects.parquet, most suspicious first."""
    top = table.slice(0, FIRST)
    if not top.num_rows:
        return ""
    places = splits.take(top["row"].to_pylist(), columns=("row", "at"))["at"].to_pylist()
    told = [(place, *change(row, several=splits.multi_label), row["probability"]) for place, row in zip(places, top.to_pylist())]
    wide = [max(len(line[i]) for line in told) for i in range(3)]
    lines = [f"    {at:{wide[0]}}  {given:{wide[1]}}  {likelier:{wide[2]}}  {100 * p:.0f}%" for at, given, likelier, p in told]
    head = f"  review these {len(told)} rows first (where, label, likelier label and its probability); all in audit/suspects.parquet"
    return "\n".join([head, *lines])


def change(row: dict[str, Any], *, several: bool) -> tuple[str, str]:
    """The label and what is likelier, for people: `billing`, `→ bug`; of several labels `billing`, `→ without it` or `→ missing`."""
    return visible(row["label"], _NAME), f"→ {visible(likelier(row, several=several), _NAME)}"
