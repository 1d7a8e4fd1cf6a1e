"""Objective: the one thing the engine asks of a task, so that the engine knows no task.

A task (tasks/) says what the loss is, what it is normalised by, and how predictions are scored; the engine runs the model.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

Target = NDArray[Any]
"""int64 [n] (class index) or float32 [n, L] (one 0/1 per label; NaN-free)."""


class Accumulator(Protocol):
    """Collects predictions batch by batch; its memory must not grow with more than a few bytes a row."""

    def add(self, observed: torch.Tensor, target: Target) -> None:
        """Take one batch: what `Objective.observe` gave, on the CPU, and the targets (of rows, or of learned tokens)."""

    def scores(self) -> list[dict[str, Any]]:
        """Everything scored so far, as plain dicts of the schema `score`; one of them is named like `Objective.primary`."""

    def answers(self) -> dict[str, Any] | None:
        """What was answered, whatever is right, in plain values (`eval` events); None where nothing is said of it."""


class Objective(Protocol):
    """The loss of a task and its score. An answer (one of k) is a row's, or a learned token's where tokens are predicted."""

    @property
    def primary(self) -> str:
        """The score that decides which checkpoint is best; `loss` for the validation loss itself."""

    @property
    def higher_is_better(self) -> bool:
        """The direction of `primary`; False for `loss`."""

    def loss(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """The weighted **sum** over the answers, a float32 scalar. `logits` [k, L], `target` [k] or [k, L], `weight` [k]."""

    def observe(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """What an evaluation keeps of the answers [k, …]: small where L is large (a vocabulary)."""

    def facts(self, observed: torch.Tensor, target: Target) -> NDArray[np.float32]:
        """[k, F]: what `looks.FACTS` names of every answer, from what `observe` gave (on the CPU) and the targets."""

    def weight_total(self, target: Target, weight: NDArray[np.float32]) -> float:
        """What the summed loss of a whole batch is divided by: the sum of the weights. Columns of Examples, one entry a row."""

    def accumulator(self) -> Accumulator:
        """A fresh, empty accumulator."""


def primary_value(objective: Objective, loss: float | None, scores: list[dict[str, Any]]) -> float | None:
    """The value of the primary score: overall, not of a label or a group. None where it was not scored."""
    if objective.primary == "loss":
        return loss
    for score in scores:
        if score.get("name") == objective.primary and not score.get("label") and not score.get("group"):
            value = score.get("value")
            return None if value is None else float(value)
    return None
