"""Rows as the model sees them: every token, and whether it is learned. Part of prepare, for generation.

`goodfit show RUN prepare` and the report show the first rows, `--row ID` any row of train or validation; test rows have no tokens here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from goodfit.engine.examples import Examples
from goodfit.errors import DataError, RunError
from goodfit.files import read_json
from goodfit.models.load import load_tokenizer
from goodfit.run import CANDIDATES, Run
from goodfit.stages.prepare.outcome import SIDES, Side
from goodfit.stages.prepare.stage import Tokens
from goodfit.tasks.generation import Generation

FIRST = 3


@dataclass(frozen=True)
class Seen:
    """One example."""

    row: str
    split: str
    ids: list[int]
    learned: list[bool]
    pieces: list[tuple[str, bool]]
    """The text in runs of tokens that are learned, or not."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {
            "row": self.row, "split": self.split, "tokens": len(self.ids), "learned": sum(self.learned),
            "pieces": [{"text": text, "learned": learned} for text, learned in self.pieces],
            "ids": self.ids, "mask": [int(flag) for flag in self.learned],
        }  # fmt: skip


def first_rows(run: Run, n: int = FIRST) -> list[Seen]:
    """The first training examples of a run whose rows are conversations; none where they are not."""
    tokens, tokenizer = _opened(run)
    examples = tokens.examples("train")
    return [] if examples.learned is None else [_seen(examples, place, "train", tokenizer) for place in range(min(n, len(examples)))]


def one_row(run: Run, row: str) -> list[Seen]:
    """The examples of one row (several where a plain text was cut into pieces); DataError where it has none."""
    tokens, tokenizer = _opened(run)
    for side in SIDES:
        if tokens.rows[side]:
            examples = tokens.examples(side)
            places = np.flatnonzero(np.asarray(examples.row) == row.encode())
            if len(places) and examples.learned is not None:
                return [_seen(examples, int(place), side, tokenizer) for place in places]
    raise DataError(
        f"{run.id} has no tokens of a row {row!r} in train or validation", fix=f"goodfit show {run.id} --row {row} says where it stands"
    )


def _opened(run: Run) -> tuple[Tokens, Any]:
    try:
        tokens, tokenizer = Tokens.load(run), load_tokenizer(read_json(run.path / "choose" / CANDIDATES)["base"]["path"])
    except FileNotFoundError as error:
        raise RunError(f"the tokens of {run.id} are not in the cache any more", fix=f"goodfit prepare {run.path} --new") from error
    if isinstance(tokens.task, Generation):
        tokens.task.vocabulary.add_to(tokenizer)
    return tokens, tokenizer


def _seen(examples: Examples, place: int, side: Side, tokenizer: Any) -> Seen:
    ids, learned = examples.ids(place).tolist(), examples.gather_learned([place]).tolist()
    pieces = []
    for flag, together in groupby(zip(ids, learned, strict=True), key=lambda pair: pair[1]):
        text = tokenizer.decode([token for token, _ in together], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        pieces.append((str(text), bool(flag)))
    return Seen(examples.row_ids([place])[0], side, ids, learned, pieces)
