"""Rows as the model sees them, on a terminal: what is learned stands in green between ⟦ and ⟧, everything else as it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from goodfit.monitor.words import count, visible
from goodfit.run import Run
from goodfit.stages.prepare.shown import Seen, first_rows, one_row

LONGEST = 6000
"""Characters of a row that are printed."""


def token_rows(run: Run, *, row: str | None = None, n: int = 3) -> list[Seen]:
    """One row by its id, or the first training rows."""
    return first_rows(run, n) if row is None else one_row(run, row)


def token_lines(rows: Sequence[Seen]) -> list[str]:
    """What is printed of them."""
    lines: list[str] = []
    for seen in rows:
        lines += ["", f"{seen.row} ({seen.split}): {count(len(seen.ids), 'token')}, {sum(seen.learned):,} learned"]
        lines += "".join(_piece(text, learned) for text, learned in seen.pieces)[:LONGEST].splitlines()
    return lines


def _piece(text: str, learned: bool) -> str:  # noqa: FBT001
    """Line breaks stay; all other control and format characters are spelled out."""
    safe = "\n".join(visible(line, LONGEST) for line in text.split("\n"))
    if not learned:
        return safe
    marked = f"⟦{safe}⟧"
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return marked
    return "\n".join(click.style(line, fg="green", bold=True) for line in marked.split("\n"))
