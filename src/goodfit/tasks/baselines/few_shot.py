"""few_shot: the base model with some training rows before the question. What a prompt alone can do, without any training.

Part of tasks.baselines. The examples are typical rows (near the median length), drawn once by the seed, so that every row is asked with
the same ones. They stand as earlier turns where there is a chat template, else as blocks of text; they are never learned from or scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goodfit.data.conversations import as_messages

TYPICAL = 8
"""The examples are drawn from so many times as many rows, those nearest to the median length."""
BETWEEN = "\n\n"
"""What stands between blocks of text."""
Conversation = Mapping[str, Any]


def typical(conversations: Sequence[Conversation], lengths: Sequence[int], k: int, seed: int) -> list[Conversation]:
    """`k` of the rows (all of them where there are fewer), of a length near the median, in the order of the draw."""
    distance = np.abs(np.asarray(lengths, dtype=np.float64) - np.median(lengths)) if len(lengths) else np.zeros(0)
    near = np.argsort(distance, kind="stable")[: max(1, TYPICAL * k)]
    drawn = np.random.default_rng([seed, 0xFE35]).permutation(near)[:k]
    return [conversations[i] for i in drawn.tolist()]


def with_examples(conversation: Conversation, examples: Sequence[Conversation], *, chat: bool) -> dict[str, Any]:
    """The row behind the examples: with `chat` as turns (behind the row's system message), else as blocks of text."""
    if not examples:
        return dict(conversation)
    if not chat:
        if "prompt" not in conversation:
            return dict(conversation)
        before = "".join(f"{told['prompt']}{told['completion']}{BETWEEN}" for told in examples if "prompt" in told)
        return {**conversation, "prompt": before + str(conversation["prompt"])}
    whole = as_messages(conversation)
    turns = list(whole["messages"])
    first = 1 if turns and turns[0].get("role") == "system" else 0
    shown = [{**turn, "train": False} for told in examples for turn in as_messages(told)["messages"] if turn.get("role") != "system"]
    return {**whole, "messages": [*turns[:first], *shown, *turns[first:]]}
