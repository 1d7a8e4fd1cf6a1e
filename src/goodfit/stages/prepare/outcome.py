"""What tokenising gives, whatever the task: the columns in the cache, their task, and the manifest's facts. Part of prepare."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from goodfit.tasks import Task

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

Side = Literal["train", "valid"]
SIDES: tuple[Side, ...] = ("train", "valid")
BIN = 8
"""Tokens per bin of the length histogram."""
MOST_BINS = 400
SCHEMA = "goodfit/prepare/1"


@dataclass(frozen=True)
class Prepared:
    """Both splits in the cache."""

    task: Task
    max_length: int
    folder: Path
    rows: dict[str, int]
    """Split -> examples."""
    label_counts: dict[str, int]
    """Training rows per label; none where the task has no labels."""
    manifest: dict[str, Any]


def histogram(lengths: Counter[int]) -> dict[str, Any]:
    """Uncut lengths of the training rows: k + 1 edges that rise, k counts; empty bins between others are kept, up to 400 bins."""
    last = max(lengths, default=0)
    width = BIN * max(1, -(-(last // BIN + 1) // MOST_BINS))
    counts = [0] * (last // width + 1)
    for start, n in lengths.items():
        counts[start // width] += n
    return {"edges": [i * width for i in range(len(counts) + 1)], "counts": counts, "unit": "tokens", "split": "train"}


def row_hash(splits: Splits, side: Side, columns: tuple[str, ...]) -> str:
    """What the split's rows are: ids (which are hashes of the input) and whatever else of them is learned, in order."""
    hasher = hashlib.blake2b(digest_size=8)
    for batch in splits.batches(side, size=65_536, columns=columns):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        hasher.update(sink.getvalue())
    return hasher.hexdigest()
