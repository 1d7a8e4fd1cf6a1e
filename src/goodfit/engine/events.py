"""What a training says while it runs, and what it may be told back.

The engine hands every event to `on_event`; the train stage appends it to `train/events.jsonl` (goodfit/event/1), a screen or
a tracker reads it, and a diagnosis may answer with an Action. The engine itself decides nothing but early stopping.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar

SCHEMA = "goodfit/event/1"

Event = dict[str, Any]
"""A plain dict as it stands in events.jsonl: JSON types only, no NaN."""


class Action(StrEnum):
    """What a listener may ask for after an event; obeyed before the next optimiser step."""

    stop = "stop"
    """Checkpoint, restore the best weights, end with `stopped_by: action`."""
    restore_best = "restore_best"
    """Go back to the best weights seen so far (with a fresh optimiser state) and go on."""
    lower_rate = "lower_rate"
    """Halve every learning rate from here on."""


OnEvent = Callable[[Event], Action | None]
"""Called in the training process after each event; must return quickly."""


def ignore(event: Event) -> Action | None:
    """An `on_event` that listens to nothing."""
    return None


@dataclass(frozen=True, kw_only=True)
class Said:
    """The part that all events share. `as_event` gives the dict of the schema; fields that are None are left out."""

    name: ClassVar[str]
    keep_none: ClassVar[frozenset[str]] = frozenset()
    attempt: int
    step: int

    def as_event(self) -> Event:
        """The line of events.jsonl, without NaN or infinity (such a value is left out)."""
        out: Event = {"schema": SCHEMA} if self.name == "start" else {}
        out |= {"event": self.name, "time": now()}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, float) and not math.isfinite(value):
                continue
            if value is not None or item.name in self.keep_none:
                out[item.name] = value
        return out


@dataclass(frozen=True, kw_only=True)
class Start(Said):
    """A training, or its next attempt, begins."""

    name = "start"
    steps_total: int
    epochs: float
    tier: str
    """`packed` or `padded`; `tier_reason` says why, with the largest difference measured."""
    tier_reason: str
    tier_max_difference: float | None = None
    tier_rows_checked: int = 0
    dtype: str
    dtype_reason: str
    threads: int
    device: str
    batch: str
    """An optimiser step, in words: `16 rows` or `4096 tokens`; `batch_tokens` is the most that one forward pass holds."""
    batch_tokens: int
    rows: int
    tokens_per_epoch: int
    parameters: int
    trainable: int
    worst_batch_tokens: int
    worst_batch_seconds: float
    memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Step(Said):
    """The optimiser steps since the previous line: `loss` is the mean over its `n` rows, `seconds` its training time."""

    name = "step"
    keep_none = frozenset({"loss"})
    epoch: float
    loss: float | None
    n: int
    loss_max: float | None = None
    """The largest mean loss of a single step of the line."""
    learning_rate: float
    grad_norm: float | None = None
    """Global norm before clipping, of the last step of the line."""
    clipped_share: float = 0.0
    """Share of the line's steps whose gradient was scaled down to max_grad_norm."""
    update_ratio: float | None = None
    """Norm of the last weight update over the norm of the weights (of an adapter: of the weights that it corrects); sampled."""
    tokens: int
    """Training tokens since the start (all attempts)."""
    tokens_per_second: float
    samples_per_second: float
    memory_bytes: int
    data_wait_share: float
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class Nonfinite(Said):
    """A loss or gradient that is not a number; the training ends."""

    name = "step"
    keep_none = frozenset({"loss"})
    loss: None = None
    nonfinite: str
    """`nan` or `inf`."""
    where: str
    """`loss`, `gradient`, `validation loss`, or the weight's name."""
    rows: list[str]
    """The rows whose own loss is not finite; the whole batch where only the gradient is."""


@dataclass(frozen=True, kw_only=True)
class Evaluated(Said):
    """Loss and scores of one split, dropout off, unweighted."""

    name = "eval"
    split: str
    """`valid` or `train_probe`."""
    loss: float | None
    n: int
    scores: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] | None = None
    """Of classes: how often the commonest answer is given (`largest`, a share), how many are given at all, the mean entropy."""
    seconds: float = 0.0
    best: bool | None = None
    """True where this evaluation is the best so far by the primary metric."""


@dataclass(frozen=True, kw_only=True)
class Saved(Said):
    """A checkpoint stands on disk."""

    name = "checkpoint"
    checkpoint: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Resumed(Said):
    """The training goes on from a checkpoint."""

    name = "resumed"
    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class Warned(Said):
    """Something the reader should know; the training goes on."""

    name = "warning"
    kind: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Acted(Said):
    """A listener asked for an Action and got it."""

    name = "action"
    action: str
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class End(Said):
    """The last line of an attempt."""

    name = "end"
    status: str
    """`done`, `interrupted` or `diverged`."""
    best_step: int | None = None
    stopped_by: str
    """`epochs`, `max_steps`, `early_stopping`, `action`, `signal` or `nonfinite`."""
    seconds: float = 0.0
    tokens: int = 0


def now() -> str:
    """The time as the schemas write it: UTC, ISO-8601, milliseconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
