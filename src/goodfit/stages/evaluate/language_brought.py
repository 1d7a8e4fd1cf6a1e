"""What other systems wrote, and texts not to be forgotten: what the user brings to the evaluation of a model that writes.

Part of evaluate, for generation. All are opened and looked at before the test rows are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from goodfit.data.texts import Wanted, sample_texts
from goodfit.stages.evaluate.brought import Brought
from goodfit.stages.evaluate.language_rows import Asked

DOCUMENTS = 300
"""Texts that forgetting is measured on; more are drawn from by chance."""
LONGEST = 4_000
"""Characters of such a text that are read."""
SHORTEST = 40
"""Characters below which a block of a text file says too little."""


def answers_of(file: Brought, asked: Asked) -> dict[int, str]:
    """Place among the rows asked -> answer, where the file has one; it is read line by line."""
    wanted: dict[str, list[int]] = {}
    for place, row in enumerate(asked.rows):
        wanted.setdefault(row.row if file.by_row else row.text.strip(), []).append(place)
    found: dict[int, str] = {}
    for cells, answer, _, _ in file.lines():
        key = "\n".join("" if cell is None else str(cell) for cell in cells)
        for place in wanted.get(key if file.by_row else key.strip(), ()):
            found.setdefault(place, "" if answer is None else str(answer))
    return found


def retained(paths: Sequence[str], base: Path, seed: int) -> list[str]:
    """Texts that must not be forgotten, at most DOCUMENTS of them; DataError where a file cannot be read or holds none."""
    found = sample_texts(paths, base, Wanted("evaluate.retain", DOCUMENTS, shortest=SHORTEST), seed)
    return list(dict.fromkeys(text[:LONGEST] for text in found))
