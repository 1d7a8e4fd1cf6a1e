"""The rows to look at first: as lines of a screen (where each stands, its label, the likelier one; no text of a row), and for the page.

Part of audit's labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from goodfit.monitor.words import visible
from goodfit.stages.audit.labels.suspects import likelier

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

LONGEST = 2_000
"""Characters of a text that are kept for the page."""
FIRST = 20
"""Rows that a person should look at before anything else."""
_NAME = 40


def first_rows(table: pa.Table, splits: Splits) -> list[dict[str, Any]]:
    """The first of `table` (audit/suspects.parquet, most suspicious first) with place and text: lines of audit/first.jsonl."""
    top = table.slice(0, FIRST).to_pylist()
    if not top:
        return []
    found = splits.take([row["row"] for row in top], columns=("row", "at", "text")).to_pylist()
    kept = ("row", "label", "suggested", "probability", "suspicion", "flagged")
    return [
        {**{name: line[name] for name in kept}, "likelier": likelier(line, several=splits.multi_label), "at": row["at"],
         "text": row["text"][:LONGEST]}
        for line, row in zip(top, found, strict=True)
    ]  # fmt: skip


def told(first: list[dict[str, Any]]) -> str:
    """`review these 20 rows first …` and a line for each."""
    if not first:
        return ""
    lines = [(line["at"], visible(line["label"], _NAME), f"→ {visible(line['likelier'], _NAME)}", line["probability"]) for line in first]
    wide = [max(len(line[i]) for line in lines) for i in range(3)]
    shown = [f"    {at:{wide[0]}}  {given:{wide[1]}}  {better:{wide[2]}}  {100 * p:.0f}%" for at, given, better, p in lines]
    head = f"  review these {len(first)} rows first (where, label, likelier label and its probability); all in audit/suspects.parquet"
    return "\n".join([head, *shown])
