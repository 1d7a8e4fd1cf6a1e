"""What a system said for some rows, and what a metric makes of each of them: between the stage that asks and the metrics of text.

Part of tasks/writing. Shapes: n rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.statistics.sample import Unscorable


@dataclass(frozen=True)
class Rows:
    """What a metric makes of every row, as its kind in the table of statistics takes it."""

    values: NDArray[Any]
    """[n], or [n, D] for `chrf` and `distinct`."""
    sizes: NDArray[Any] | None = None
    """[n], for ratios: tokens, bytes."""
    applies: NDArray[np.bool_] | None = None
    """[n]: rows that the metric speaks of; None: all. It may depend on the reference only, never on what was said."""

    def kept(self, clusters: NDArray[np.int64] | None) -> tuple[Any, Any, Any]:
        """Sizes, values and clusters of the rows that apply."""
        if self.applies is None or self.applies.all():
            return self.sizes, self.values, clusters
        return tuple(None if part is None else part[self.applies] for part in (self.sizes, self.values, clusters))  # type: ignore[return-value]


@dataclass(frozen=True)
class Said:
    """What one system wrote for some rows, what it should have written, and how likely it found that; whatever is not known is None."""

    references: Sequence[str] | None = None
    predictions: Sequence[str] | None = None
    stopped: NDArray[np.bool_] | None = None
    """[n]: the system ended its answer itself, before the limit."""
    losses: NDArray[np.float64] | None = None
    """[n]: nats summed over the learned tokens of the row."""
    learned_tokens: NDArray[np.int64] | None = None
    """[n]"""
    bytes: NDArray[np.int64] | None = None
    """[n]: UTF-8 bytes of the text that the learned tokens stand for."""
    copied_words: NDArray[np.int64] | None = None
    """[n]: words in the longest run that stands in training texts (`memorised.Memorised.longest`)."""
    picked: NDArray[np.float64] | None = None
    """[n, 3]: of each row with choices, whether the right one was taken, in each way of `choices`; NaN of other rows."""
    clusters: NDArray[np.int64] | None = None
    """[n]: rows that are not independent of each other (document, conversation)."""
    pattern: str | None = None
    """For regex_match."""
    schema: Mapping[str, Any] | None = None
    """A JSON schema, for json_valid."""
    level: float = 0.95
    made: dict[str, Rows] = field(init=False, default_factory=dict, repr=False, compare=False)
    """Rows of metrics that were asked for already."""

    def __post_init__(self) -> None:
        sizes = {name: len(part) for name in PARTS if (part := getattr(self, name)) is not None}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"parts of one outcome have different numbers of rows: {sizes}")

    def part(self, kept: NDArray[np.bool_]) -> Said:
        """The same of some rows."""
        some: dict[str, Any] = {}
        for name in PARTS:
            if (part := getattr(self, name)) is not None:
                some[name] = part[kept] if isinstance(part, np.ndarray) else [one for one, keep in zip(part, kept, strict=True) if keep]
        return replace(self, **some)

    @property
    def n(self) -> int:
        """Rows."""
        return next((len(part) for name in PARTS if (part := getattr(self, name)) is not None), 0)

    @property
    def pairs(self) -> tuple[Sequence[str], Sequence[str]]:
        """Predictions and references."""
        if self.references is None:
            raise Unscorable("the rows have no references")
        return self.said, self.references

    @property
    def said(self) -> Sequence[str]:
        """Predictions."""
        if self.predictions is None:
            raise Unscorable("nothing was generated")
        return self.predictions


PARTS = ("references", "predictions", "stopped", "losses", "learned_tokens", "bytes", "copied_words", "picked", "clusters")
"""The parts that have one entry per row."""
