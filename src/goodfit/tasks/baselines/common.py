"""What all baselines take and give.

Part of tasks.baselines. Shapes: n rows, L labels, d dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class TrainingRows:
    """The training split as columns; texts stay in Arrow (memory-mapped) until a baseline takes some of them."""

    text: pa.ChunkedArray
    """string [n]"""
    targets: NDArray[Any]
    """int64 [n], or float32 [n, L]; rows whose label is unknown are left out before."""
    clusters: NDArray[np.int64] | None = None
    """int64 [n]: rows of one cluster never stand on two sides of an inner fold."""
    weight: NDArray[np.float32] | None = None
    """float32 [n]: how much a row counts, as in the model's own training."""
    row: pa.ChunkedArray | None = None
    """string [n]: row ids."""

    def __len__(self) -> int:
        return len(self.targets)

    def part(self, places: NDArray[np.int64]) -> TrainingRows:
        """Some of the rows, in that order."""
        some = pa.array(places)
        return TrainingRows(
            self.text.take(some), self.targets[places], None if self.clusters is None else self.clusters[places],
            None if self.weight is None else self.weight[places], None if self.row is None else self.row.take(some),
        )  # fmt: skip


class Answers(NamedTuple):
    """What a system says of some rows."""

    probabilities: NDArray[Any]
    """[n, L]; NaN throughout where the system gives none."""
    predictions: NDArray[Any]
    """int64 [n] (-1: no label of this task), or bool [n, L]."""


class Baseline(Protocol):
    """A fitted baseline."""

    @property
    def facts(self) -> dict[str, Any]:
        """What it was fitted on and how, for the record: JSON types only."""

    def answer(self, texts: Sequence[str]) -> Answers:
        """Its answers to a batch of texts."""


class Embeds(Protocol):
    """What makes vectors of texts (an `Encoder` of tasks/embeddings)."""

    @property
    def name(self) -> str:
        """For people."""

    def embed(self, texts: pa.ChunkedArray | pa.Array) -> NDArray[np.float32]:
        """Unit vectors [n, d]."""


@dataclass(frozen=True)
class Around:
    """What a baseline may use beside the training rows."""

    encoder: Embeds | None = None
    """A frozen encoder; None where none is installed."""
    writer: str | None = None
    """Where the base model lies, if it is one that writes."""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """Label -> what it means, as the recipe says."""
    scored: int = 0
    """Rows that it will be asked."""


def called(model: str) -> str:
    """A model's name without the folder or owner before it: records travel."""
    return model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
