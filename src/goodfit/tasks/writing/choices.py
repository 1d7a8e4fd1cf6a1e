"""Multiple choice by likelihood: which of a row's possible answers a language model finds most likely. Part of tasks/writing.

lm-evaluation-harness's `acc` takes the largest log-likelihood, its `acc_norm` that per character of the answer (so that long answers are
not at a disadvantage); per token is what GPT-3's paper used. Here a choice stands as a whole answer, with the token that ends it, as it
was learned. Of equal ones the first is taken, as there.

Shapes: n rows, k choices of a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RAW, CHARACTERS, TOKENS = range(3)
"""What the log-likelihood is divided by: nothing, characters, tokens."""


def choices_of(cell: str | None) -> tuple[str, ...]:
    """The possible answers in a cell: a JSON list of texts, or an object with a list `text` (ARC, OpenBookQA); none where it is neither."""
    if cell is None or not cell.strip():
        return ()
    try:
        found = json.loads(cell)
    except ValueError:
        return ()
    if isinstance(found, dict):
        found = found.get("text")
    if not isinstance(found, list) or not all(isinstance(choice, str | int | float) for choice in found):
        return ()
    choices = tuple(str(choice) for choice in found)
    return choices if len(set(choices)) == len(choices) > 1 and all(choice.strip() for choice in choices) else ()


def right_one(choices: Sequence[str], answer: str | None) -> int | None:
    """Which of them the answer is, spaces around it aside; None where it is none of them."""
    stripped = [choice.strip() for choice in choices]
    return stripped.index(answer.strip()) if answer is not None and answer.strip() in stripped else None


def answered_with(conversation: Mapping[str, Any], choice: str) -> dict[str, Any]:
    """The conversation with another last answer, and only that one to be learned."""
    if "messages" not in conversation:
        return {**conversation, "completion": choice}
    turns = [dict(turn) for turn in conversation["messages"]]
    last = max(place for place, turn in enumerate(turns) if turn["role"] == "assistant")
    before = [{**turn, "train": False} if turn["role"] == "assistant" else turn for turn in turns[:last]]
    return {**conversation, "messages": [*before, {"role": "assistant", "content": choice, "train": True}]}


def picked(losses: NDArray[np.float64], tokens: NDArray[np.int64], choices: Sequence[str], right: int) -> list[float]:
    """1 or 0 for each of RAW, CHARACTERS, TOKENS: whether the right choice is the likeliest; NaN where one of them could not be read.

    `losses` [k] nats and `tokens` [k] of the choices as answers.
    """
    if not (tokens > 0).all():
        return [np.nan] * 3
    characters = np.array([len(choice) for choice in choices], dtype=np.float64)
    return [float(int(np.argmin(cost)) == right) for cost in (losses, losses / characters, losses / tokens)]
