"""What a diagnosis may look at: the curves of a training, the facts of single rows at its looks, and what is known beside them.

Part of monitor's diagnosis. Plain arrays, so that the same functions judge a run on disk, one under way, and an engineered one.
Shapes: T looks, n rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from goodfit.monitor.diagnosis.turning import Turn, turn_of
from goodfit.monitor.events import Curves
from goodfit.score import Score

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Seen:
    """A split at every look."""

    steps: npt.NDArray[np.int64]
    """[T], ascending."""
    loss: Floats
    """[T, n] in nats; of tokens their mean in the row."""
    right: Floats
    """[T, n]: 1 where right; of tokens the share."""
    rows: tuple[str, ...] = ()
    """[n] ids; empty where they are not known."""
    groups: npt.NDArray[np.int64] | None = None
    """[n]: rows of one group are not independent."""
    labels: npt.NDArray[np.int64] | None = None
    """[n]: class of each, where a row has one."""

    @property
    def looks(self) -> int:
        """T."""
        return len(self.steps)

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.loss.shape[1])

    @cached_property
    def turn(self) -> Turn | None:
        """Whether the loss has turned; None where there are too few looks or rows."""
        return turn_of(self.loss, self.right, self.groups)

    def upto(self, step: int) -> Seen:
        """The looks up to a step."""
        keep = self.steps <= step
        return Seen(self.steps[keep], self.loss[keep], self.right[keep], self.rows, self.groups, self.labels)


@dataclass(frozen=True)
class Planned:
    """What was planned, as far as a diagnosis asks."""

    steps_total: int
    epochs: float
    learning_rate: float
    rates: Floats
    """[steps_total]: the planned rate of every step, relative to the peak."""
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    primary: str = "macro_f1"
    writes: bool = False
    """A language model."""
    lora: bool = False
    early_stopping: bool = True


@dataclass(frozen=True, eq=False)
class Learned:
    """How followed training rows were learned (the data map), and which of them audit suspects."""

    suspect: npt.NDArray[np.bool_]
    """[m]"""
    share_right: Floats
    """[m]: share of the times that the given label was the likeliest."""
    last_wrong: Floats
    """[m]: the last time that it was not, as a share of the times seen; 1: it still was at the end."""
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything together; what is None is not known, and what needs it does not apply."""

    curves: Curves
    plan: Planned
    valid: Seen | None = None
    probe: Seen | None = None
    shares: tuple[float, ...] | None = None
    """Of the training rows, of each class; None where rows have several labels or tokens are predicted."""
    labels: tuple[str, ...] = ()
    constant_loss: float | None = None
    """The loss of a model that knows how common each label is, and nothing else; None where tokens are predicted."""
    floor: tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], int] | None = None
    """Places among the validation rows, whether a linear model on frozen features is right there, and the training rows that it had."""
    learned: Learned | None = None
    noise: Score | None = None
    """Share of wrong labels, from a review."""
    seeds: tuple[float, ...] = ()
    """The primary score of trainings that differ in their seed alone, this one's among them."""
    ended: bool = True
    """The training is over: what says that it should have gone on applies."""

    @property
    def early(self) -> bool:
        """Too early to say that nothing is learned: fewer than three looks, or 30% of the steps."""
        split = self.probe or self.valid
        return not self.ended and (split is None or split.looks < 3 or split.steps[-1] < 0.3 * self.plan.steps_total)
