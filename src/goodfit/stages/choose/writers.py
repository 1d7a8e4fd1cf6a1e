"""Language models on the rows: bits per byte of the training answers, before any training. Part of choose, for generation.

Losses per token of two models do not compare (their tokens differ), bits per byte of the same text do. Answers stand in each model's own
chat template, as they would in the training.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.models.identity import Identity
from goodfit.models.load import load_language
from goodfit.recipe import Recipe
from goodfit.run import digest
from goodfit.stages.choose import kept
from goodfit.tasks import Generation
from goodfit.tasks.likelihood import Likelihood, Reader

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

VERSION = 1
FEWEST, MOST = 30, 300
"""Rows below which nothing is measured, and rows that are read, at most."""
WORK = 1e13
"""Operations that reading may take for one candidate; the largest decides how many rows all of them read."""
LONGEST = 1024
"""Tokens of a row that a model reads."""
TOKENS_PER_ROW = 256
"""Guessed, for the number of rows."""
BATCH = 16
BATCH_ROWS = 8192


@dataclass(frozen=True)
class Told:
    """n training rows as conversations."""

    ids: tuple[str, ...]
    conversations: tuple[str, ...]
    clusters: NDArray[np.int64]


def sample(splits: Splits, seed: int, parameters: int) -> Told:
    """Training rows by chance, as many as the largest candidate may read."""
    n = splits.counts["train"]
    most = int(np.clip(WORK / (2 * parameters * TOKENS_PER_ROW), FEWEST, MOST))
    wanted = np.zeros(n, dtype=bool)
    wanted[np.random.default_rng([seed, 5]).permutation(n)[:most]] = True
    parts, start = [], 0
    for batch in splits.batches("train", size=BATCH_ROWS, columns=("row", "conversation")):
        parts.append(batch.filter(pa.array(wanted[start : start + len(batch)])))
        start += len(batch)
    table = pa.Table.from_batches(parts)
    return Told(tuple(table["row"].to_pylist()), tuple(table["conversation"].to_pylist()), splits.clusters("train")[wanted])


def read(base: Identity, told: Told, recipe: Recipe, folder: Path, on_rows: Callable[[int], object]) -> tuple[Likelihood, float]:
    """What the answers cost this model, and the seconds that reading took (from the cache: those of the first time)."""
    key = digest([VERSION, base.content, hashlib.blake2b("\0".join(told.conversations).encode("utf-8", "replace")).hexdigest(),
                  recipe.task.model_dump(mode="json"), LONGEST])  # fmt: skip
    path = kept.place(key)
    known = kept.get(path)
    if known is not None and {field.name for field in fields(Likelihood)} <= set(known[0]):
        return Likelihood(**known[0]), float(known[1]["seconds"])
    begin = time.monotonic()
    loaded = load_language(base.path)
    task = Generation.of(recipe.task, loaded.tokenizer, folder)
    reader = Reader(loaded.model, loaded.tokenizer, task, min(LONGEST, base.max_length or LONGEST))
    parts = []
    for first in range(0, len(told.conversations), BATCH):
        parts.append(reader.read(told.conversations[first : first + BATCH]))
        on_rows(min(first + BATCH, len(told.conversations)))
    found, seconds = Likelihood.joined(parts), time.monotonic() - begin
    kept.put(path, {field.name: getattr(found, field.name) for field in fields(found)}, {"seconds": seconds})
    return found, seconds


def common(found: list[Likelihood]) -> NDArray[np.int64]:
    """Places of the rows that every candidate could read whole."""
    both = np.ones(len(found[0].losses), dtype=bool)
    for one in found:
        both &= one.known & ~one.cut
    return np.flatnonzero(both)
