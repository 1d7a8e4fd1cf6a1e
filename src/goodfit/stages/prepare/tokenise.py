"""One split into the cache, and what was found out on the way: labels, lengths, what was cut, what has a class that train lacks.

Part of prepare. No row is a Python object for longer than a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from goodfit.data import cache
from goodfit.engine.examples import ExamplesWriter
from goodfit.run import Screen
from goodfit.stages.prepare.outcome import BIN, Side
from goodfit.tasks.classification import UNKNOWN, Classification

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

BATCH = 2048
SHOWN = 100
"""Row ids kept of those that were cut."""


@dataclass(frozen=True)
class Encoder:
    """Everything that turns a row into tokens and a target."""

    task: Classification
    tokenizer: Any
    max_length: int


@dataclass
class Facts:
    """What tokenising one split found out."""

    label_counts: NDArray[np.int64]
    """[L] rows per label."""
    cut_rows: NDArray[np.int64]
    """[L] rows per label that lost tokens."""
    rows: int = 0
    n_cut: int = 0
    """Rows that lost tokens."""
    unknown: int = 0
    """Validation rows left out: their class does not stand in train."""
    suspect: int = 0
    """Training rows left out: the audit flags their label (`prepare.suspects`)."""
    tokens_read: int = 0
    tokens_used: int = 0
    tokens_unknown: int = 0
    tokens_suspect: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    """Uncut length, in bins -> rows."""
    cut: list[tuple[int, str]] = field(default_factory=list)
    """(tokens lost, row id), the longest first."""

    def counted(self, labels: Sequence[str]) -> dict[str, int]:
        """Label -> rows."""
        return dict(zip(labels, self.label_counts.tolist(), strict=True))


def tokenise(splits: Splits, side: Side, encoder: Encoder, folder: Path, screen: Screen, *, without: pa.Array | None = None) -> Facts:  # noqa: PLR0913
    """Writes `folder/<side>` and counts; validation rows whose class train does not have are left out and counted.

    `without`: ids of rows that are left out, too.
    """
    width, total = encoder.task.n_labels, splits.counts.get(side, 0)
    facts = Facts(np.zeros(width, np.int64), np.zeros(width, np.int64))
    done = 0
    with cache.writing(folder), ExamplesWriter(folder / side) as writer:
        for batch in splits.batches(side, size=BATCH):
            done += batch.num_rows
            _add(batch, encoder, (writer, facts), without)
            screen.progress(f"tokenising {side}", done, total)
    return facts


def _add(batch: pa.RecordBatch, encoder: Encoder, into: tuple[ExamplesWriter, Facts], without: pa.Array | None) -> None:
    task, (writer, facts) = encoder.task, into
    targets = task.encode_targets(batch["label"].to_pylist(), unknown="mark")
    encoded = task.encode(batch["text"].to_pylist(), encoder.tokenizer, encoder.max_length)
    known = np.ones(len(targets), bool) if task.multi_label else targets != UNKNOWN
    suspect = np.zeros(len(targets), bool) if without is None else pc.is_in(batch["row"], value_set=without).to_numpy(zero_copy_only=False)
    facts.suspect += int(suspect.sum())
    facts.tokens_suspect += int(encoded.full_lengths[suspect].sum())
    facts.unknown += int((~known & ~suspect).sum())
    facts.tokens_unknown += int(encoded.full_lengths[~known & ~suspect].sum())
    known &= ~suspect
    kept = np.repeat(known, encoded.lengths)
    ids = [row for row, keep in zip(batch["row"].to_pylist(), known, strict=True) if keep]
    weight = batch["weight"].to_numpy(zero_copy_only=False)[known]
    writer.append(encoded.input_ids[kept], encoded.lengths[known], targets[known], row=ids, weight=weight)
    held = targets[known] if task.multi_label else np.eye(task.n_labels, dtype=np.int64)[targets[known]]
    cut, lost = encoded.truncated[known], (encoded.full_lengths - encoded.lengths)[known]
    facts.rows += len(ids)
    facts.label_counts += held.sum(axis=0).astype(np.int64)
    facts.n_cut += int(cut.sum())
    facts.cut_rows += held[cut].sum(axis=0).astype(np.int64)
    facts.tokens_read += int(encoded.full_lengths.sum())
    facts.tokens_used += int(encoded.lengths[known].sum())
    facts.lengths.update((encoded.full_lengths[known] // BIN * BIN).tolist())
    facts.cut = sorted([*facts.cut, *((int(lost[i]), ids[i]) for i in np.flatnonzero(cut))], key=lambda pair: -pair[0])[:SHOWN]
