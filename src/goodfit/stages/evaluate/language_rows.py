"""The rows that a language model is asked: those answered by writing, drawn by chance, and a sample of the training rows.

Part of evaluate, for generation. Memory is bounded by `evaluate.rows` and SAMPLE, whatever the number of rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.data.conversations import prompt_of
from goodfit.errors import DataError
from goodfit.stages.evaluate import answering
from goodfit.stages.evaluate.answering import SplitRows
from goodfit.tasks.generation import Generation
from goodfit.tasks.masks import prompt_ids

Conversation = Mapping[str, Any]
ROWS = 300
"""`evaluate.rows: auto`."""
SAMPLE = 2_000
"""Training rows from which lengths, examples and words are learned."""
LONGEST = 200_000
"""Characters of a training row beyond which it is no example of anything."""
QUANTILE, SPARE, LEAST, MOST = 0.99, 1.25, 16, 512
BATCH = 256
CONTEXT = 32
"""Tokens of a plain text that stand for its prompt."""
DRAWN, SAMPLED, PARITY = 0xE7A1, 0xE7A2, 0xE7A3


@dataclass(frozen=True)
class Row:
    """One row."""

    row: str
    text: str
    """The input as a person reads it."""
    answer: str | None
    conversation: Conversation
    choices: str | None = None
    """The cell of `task.choices`."""


@dataclass(frozen=True)
class Asked:
    """Rows that are answered by writing."""

    rows: list[Row]
    places: NDArray[np.int64]
    """[m] their places in the split, rising."""
    clusters: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def references(self) -> list[str]:
        """What the rows say the answer is."""
        return [row.answer or "" for row in self.rows]

    def subset(self, keep: Sequence[int]) -> Asked:
        """Some of them."""
        index = np.array(keep, dtype=np.int64)
        return Asked([self.rows[i] for i in keep], self.places[index], None if self.clusters is None else self.clusters[index])


def drawn(n: int, most: int, seed: int) -> NDArray[np.int64]:
    """Places of `most` of n rows, drawn by chance, rising."""
    return np.sort(np.random.default_rng([seed, DRAWN]).choice(n, size=min(n, most), replace=False)).astype(np.int64)


def rows_at(places: NDArray[np.int64], side: str, splits: SplitRows, key: object | None, *, choices: bool = False) -> list[Row]:
    """The rows at (rising) places, read in one pass; with their `choices` where these are asked for."""
    columns = ("row", "text", "label", "conversation", *(("choices",) if choices else ()))
    if not len(places):
        return []
    found = answering.rows_at(places, side, splits, key, columns, size=BATCH).to_pylist()
    return [Row(line["row"], line["text"], line["label"], json.loads(line["conversation"]), line.get("choices")) for line in found]


def training_sample(splits: SplitRows, seed: int) -> list[Row]:
    """Some training rows, drawn by chance; none that is far longer than any example should be."""
    n = splits.counts.get("train", 0)
    places = np.sort(np.random.default_rng([seed, SAMPLED]).choice(n, size=min(n, SAMPLE), replace=False)).astype(np.int64)
    return [row for row in rows_at(places, "train", splits, None) if len(row.text) + len(row.answer or "") <= LONGEST]


def longest_answer(sample: Sequence[Row], tokenizer: Any) -> int:
    """`max_new_tokens: auto`: the 99% quantile of the training answers, the end token included, and a quarter more."""
    lengths = [len(tokenizer(row.answer, add_special_tokens=False)["input_ids"]) + 1 for row in sample if row.answer is not None]
    wanted = float(np.quantile(lengths, QUANTILE)) * SPARE if lengths else LEAST
    return int(min(max(np.ceil(wanted), LEAST), MOST))


def prompt_of_row(conversation: Conversation, task: Generation, tokenizer: Any, *, at_most: int | None = None) -> list[int]:
    """The tokens from which a row's answer is written; of a plain text its beginning. DataError where the template refuses it.

    `at_most`: of a prompt far longer than that, only the end (more than so many tokens).
    """
    if "text" in conversation:
        ids = task.encode(conversation, tokenizer).ids
        return ids[: max(1, min(CONTEXT, len(ids) // 2))]
    return prompt_ids(prompt_of(conversation), tokenizer, task.template, at_most=at_most)


def takes(conversation: Conversation, task: Generation, tokenizer: Any, room: int | None = None) -> bool:
    """Whether the template takes a row's prompt, and it has at most `room` tokens."""
    try:
        prompt = prompt_of_row(conversation, task, tokenizer, at_most=room or 1)
    except DataError:
        return False
    return room is None or len(prompt) <= room


def askable(asked: Asked, task: Generation, tokenizer: Any) -> Asked:
    """Those with an answer to compare with, and whose prompt the template takes."""
    keep = [place for place, row in enumerate(asked.rows) if row.answer is not None and takes(row.conversation, task, tokenizer)]
    return asked.subset(keep)
