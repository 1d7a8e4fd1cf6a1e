"""Multiple choice: every model says which of a row's possible answers it finds likeliest. Part of evaluate, for generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from goodfit.stages.evaluate.language_answerer import Answerer, Dress
from goodfit.stages.evaluate.language_rows import Asked, Row
from goodfit.tasks.writing.choices import answered_with, choices_of, picked, right_one

Picked = NDArray[np.float64]
"""[m, 3] of the rows asked: whether the right choice was taken, in each way of tasks/writing/choices; NaN without choices."""
AT_ONCE = 64
"""Rows whose choices are read together."""


def choosable(row: Row) -> tuple[tuple[str, ...], int] | None:
    """A row's choices and which is right; None where it has none, or the answer is not among them."""
    choices = choices_of(row.choices)
    right = right_one(choices, row.answer)
    return None if right is None else (choices, right)


def pick(name: str, writer: Answerer, asked: Asked, dress: Dress, tell: Callable[..., object]) -> Picked:
    """Reads every choice of every row as its answer."""
    out = np.full((len(asked), 3), np.nan)
    rows = [(place, row, found) for place, row in enumerate(asked.rows) if (found := choosable(row)) is not None]
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        read = writer.reader.read([answered_with(dress(row.conversation), choice) for _, row, (choices, _) in some for choice in choices])
        first = 0
        for place, _, (choices, right) in some:
            part = slice(first, first + len(choices))
            out[place] = picked(read.losses[part], read.tokens[part], choices, right)
            first += len(choices)
        tell(f"reading choices, {name}", min(start + AT_ONCE, len(rows)), len(rows))
    return out


def pick_by_text(asked: Asked, texts: Sequence[str]) -> Picked:
    """Of a system that only writes (a look-up, a file): the choice that it wrote."""
    out = np.full((len(asked), 3), np.nan)
    for place, (row, text) in enumerate(zip(asked.rows, texts, strict=True)):
        found = choosable(row)
        if found is not None:
            out[place] = float(right_one(found[0], text) == found[1])
    return out


def on_same_rows(of: Mapping[str, Picked]) -> dict[str, Picked]:
    """Every system on the rows that all could choose in."""
    missing = np.logical_or.reduce([np.isnan(one).any(axis=1) for one in of.values()]) if of else None
    return {name: np.where(missing[:, None], np.nan, one) for name, one in of.items()} if missing is not None else {}
