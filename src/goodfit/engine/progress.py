"""Progress: everything about a training that is not weights or optimiser state. It is the JSON part of a checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from goodfit.engine.batches import Cutter


@dataclass(frozen=True, slots=True)
class Best:
    """The best evaluation so far."""

    step: int
    value: float
    """Of the primary score."""
    loss: float | None
    """The validation loss, which settles ties."""


@dataclass(slots=True)
class Progress:
    """Where a training stands. Plain values only."""

    step: int = 0
    """Optimiser steps done."""
    tokens: int = 0
    """Training tokens seen."""
    rows: int = 0
    """Training rows seen."""
    seconds: float = 0.0
    """Wall time of all attempts, evaluation included."""
    rate_scale: float = 1.0
    """What listeners lowered the rates by."""
    cutter: Cutter = field(default_factory=lambda: Cutter(4096))
    best: Best | None = None
    evaluations: int = 0
    evaluations_since_best: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    """One entry per evaluation point: `{step, <split>: {loss, n, scores}}`."""
    tier: str = ""
    dtype: str = ""

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Progress:
        """What `to_json` gave."""
        best = state["best"]
        return cls(**state | {"cutter": Cutter(**state["cutter"]), "best": None if best is None else Best(**best)})
