"""What the engine asks of classification: the loss, and scores that are gathered while batches stream by.

Part of tasks, handed to `engine.fit` by the train stage (engine/objective.py says the protocol). Losses are summed in
float32 whatever the model computes in.

Shapes: n rows, L labels; targets int64 [n], or float32 [n, L] for multi-label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from goodfit.engine.objective import Target
from goodfit.errors import SettingsError, nearest
from goodfit.tasks.accumulate import MultiLabelAccumulator, SingleLabelAccumulator
from goodfit.tasks.decision import log_losses

STREAMED = {False: ("macro_f1", "accuracy", "log_loss"), True: ("macro_f1", "micro_f1", "subset_accuracy", "log_loss")}
"""Scores that validation has at every look, single-label and multi-label; the first is the default."""


def best_by(asked: str, *, multi_label: bool) -> str:
    """The score that `train.metric_for_best_model` means; SettingsError where validation has none of that name."""
    names = STREAMED[multi_label]
    if asked in names or asked == "auto":
        return names[0] if asked == "auto" else asked
    near = nearest(asked, names)
    fix = (f"did you mean {near}? " if near else "") + f"there are {', '.join(names)}"
    raise SettingsError(f"train.metric_for_best_model: {asked!r} is not a score of validation while the model trains", fix=fix)


@dataclass(frozen=True)
class ClassificationObjective:
    """Cross-entropy (single-label), or binary cross-entropy averaged over the labels (multi-label)."""

    n_labels: int
    multi_label: bool = False
    class_weights: NDArray[np.float32] | None = None
    """[L]. Single-label: the weight of a row by its class. Multi-label: the weight of a label's positive rows."""
    label_smoothing: float = 0.0
    """Share of the target that is spread evenly over the classes (multi-label: over yes and no)."""

    primary: str = "macro_f1"
    """The score that decides which checkpoint is best: one of `STREAMED`."""

    @property
    def higher_is_better(self) -> bool:
        """The direction of `primary`."""
        return self.primary != "log_loss"

    def loss(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """The weighted sum over the rows, a float32 scalar."""
        per_row = self.loss_per_row(logits, target)
        return (per_row * weight.float()).sum()

    def observe(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The logits as they are."""
        return logits

    def facts(self, observed: torch.Tensor, target: Target) -> NDArray[np.float32]:
        """[n, 3]: log-loss without weights and smoothing, right or not, margin (several labels: of the label nearest to being wrong)."""
        z = observed.double().numpy()
        if self.multi_label:
            margin = np.where(target > 0.5, z, -z).min(axis=1)
        else:
            rows, others = np.arange(len(z)), z.copy()
            others[rows, target] = -np.inf
            margin = z[rows, target] - others.max(axis=1) if z.shape[1] > 1 else np.full(len(z), np.inf)
        right = margin > 0 if self.multi_label else z.argmax(axis=1) == target
        return np.stack([log_losses(z, target, multi_label=self.multi_label), right, margin], axis=1).astype(np.float32)

    def loss_per_row(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of each row [n], class weights included, row weights not."""
        weights = None if self.class_weights is None else torch.from_numpy(self.class_weights).to(logits.device)
        if not self.multi_label:
            return F.cross_entropy(logits.float(), target, weight=weights, label_smoothing=self.label_smoothing, reduction="none")
        smooth = target.float() * (1 - self.label_smoothing) + self.label_smoothing / 2
        return F.binary_cross_entropy_with_logits(logits.float(), smooth, pos_weight=weights, reduction="none").mean(dim=1)

    def weight_total(self, target: Target, weight: NDArray[np.float32]) -> float:
        """What the summed loss of a whole batch is divided by: row weights, times the weights of their classes."""
        per_row = np.asarray(weight, dtype=np.float64)
        if self.class_weights is not None and not self.multi_label:
            per_row = per_row * self.class_weights[np.asarray(target)]
        return float(per_row.sum())

    def accumulator(self) -> SingleLabelAccumulator | MultiLabelAccumulator:
        """A fresh, empty accumulator."""
        return MultiLabelAccumulator(self.n_labels) if self.multi_label else SingleLabelAccumulator(self.n_labels)
