"""Scores of validation while the model trains: gathered batch by batch, a few bytes a row.

Part of tasks; `ClassificationObjective.accumulator` makes one for every evaluation. The scores choose the step that is kept, so
they flatter it: what counts is measured once more by evaluate.

Shapes: n rows, L labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from goodfit.score import Score
from goodfit.statistics.scoring import point, score
from goodfit.tasks.decision import log_losses
from goodfit.tasks.thresholds import GRID, common_place

COUNTED = 100
"""Labels up to which an evaluation's event counts the answers of each."""


class SingleLabelAccumulator:
    """Accuracy, macro-F1 and log-loss; 12 bytes a row."""

    def __init__(self, n_labels: int) -> None:
        self._n_labels = n_labels
        self._truth: list[NDArray[np.int32]] = []
        self._answers: list[NDArray[np.int32]] = []
        self._losses: list[NDArray[np.float32]] = []
        self._entropy = 0.0

    def add(self, logits: torch.Tensor, target: NDArray[Any]) -> None:
        """Take one batch: float32 [b, L] and int64 [b]."""
        z = logits.double().numpy()
        self._entropy += float(entropies(z).sum())
        self._truth.append(target.astype(np.int32))
        self._answers.append(z.argmax(axis=1).astype(np.int32))
        self._losses.append(log_losses(z, target, multi_label=False).astype(np.float32))

    def answers(self) -> dict[str, Any]:
        """How the rows are answered: one class for all is a collapse, an entropy near log L an untrained model."""
        given = np.bincount(_joined(self._answers, np.int32), minlength=self._n_labels)
        return _answered(given, int(given.sum()), self._entropy)

    def scores(self) -> list[dict[str, Any]]:
        """macro_f1, accuracy, log_loss."""
        truth, answers = _joined(self._truth, np.int32), _joined(self._answers, np.int32)
        found = [_scored(kind, truth, answers) for kind in ("macro_f1", "accuracy")]
        return [one.to_json() for one in [*found, _log_loss(self._losses)]]


class MultiLabelAccumulator:
    """Macro-F1, micro-F1, exact matches and log-loss, at the one threshold for all labels that suits macro-F1 best.

    Thresholds are chosen on validation when the training ends; at 0.5 an early model would give no label at all, and every step
    would look alike. A byte per row and label for the place of each logit on a grid, and one bit for the truth.
    """

    def __init__(self, n_labels: int) -> None:
        self._n_labels = n_labels
        self._places: list[NDArray[np.uint8]] = []
        self._truth: list[NDArray[np.uint8]] = []
        self._losses: list[NDArray[np.float32]] = []
        self._entropy, self._given, self._rows = 0.0, np.zeros(n_labels, np.int64), 0

    def add(self, logits: torch.Tensor, target: NDArray[Any]) -> None:
        """Take one batch: float32 [b, L] and float32 [b, L] of 0 and 1."""
        z = logits.double().numpy()
        self._places.append(np.searchsorted(GRID, z, side="right").astype(np.uint8))
        self._entropy += float((np.logaddexp(0.0, -z) + z * np.exp(-np.logaddexp(0.0, z))).mean(axis=1).sum())
        self._given += (z > 0).sum(axis=0)
        self._rows += len(z)
        self._truth.append(np.packbits(target > 0.5, axis=1))
        self._losses.append(log_losses(z, target, multi_label=True).astype(np.float32))

    def answers(self) -> dict[str, Any]:
        """How the rows are answered at a probability of one half; the entropy is the mean of the labels'."""
        return _answered(self._given, self._rows, self._entropy)

    def scores(self) -> list[dict[str, Any]]:
        """macro_f1, micro_f1, subset_accuracy, log_loss."""
        places = np.concatenate(self._places) if self._places else np.zeros((0, self._n_labels), np.uint8)
        packed = np.concatenate(self._truth) if self._truth else np.zeros((0, -(-self._n_labels // 8)), np.uint8)
        truth = np.unpackbits(packed, axis=1, count=self._n_labels).astype(bool)
        answers = places > common_place(places, truth)
        found = [_scored(kind, truth, answers) for kind in ("macro_f1", "micro_f1", "subset_accuracy")]
        return [one.to_json() for one in [*found, _log_loss(self._losses)]]


def entropies(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The entropy of the classes' probabilities, in nats [n], from logits [n, L]."""
    shifted = z - z.max(axis=1, keepdims=True)
    weights = np.exp(shifted)
    total = weights.sum(axis=1)
    return np.asarray(np.log(total) - (weights * shifted).sum(axis=1) / total)


def _answered(given: NDArray[np.int64], rows: int, entropy: float) -> dict[str, Any]:
    """`given` [L] rows that are given each label; of up to COUNTED labels they are told."""
    if not rows:
        return {"n": 0}
    largest = int(given.argmax())
    told = {"counts": given.tolist()} if len(given) <= COUNTED else {}
    share = float(given[largest]) / rows
    return {
        "n": rows,
        "largest": round(share, 6),
        "label": largest,
        "given": int((given > 0).sum()),
        "entropy": round(entropy / rows, 6),
    } | told


def _joined(parts: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)


def _log_loss(parts: list[NDArray[np.float32]]) -> Score:
    """The mean of the losses per row, in nats."""
    return _scored("loss", None, _joined(parts, np.float32)).about(name="log_loss")


def _scored(kind: str, truth: NDArray[Any] | None, answers: NDArray[Any]) -> Score:
    """The number with its interval; the number alone where there are too few rows for one: a step has to be chosen all the same."""
    made = score(kind, truth, answers)
    alone = point(kind, truth, answers) if made.value is None and len(answers) else None
    return made if alone is None else made.model_copy(update={"value": alone, "why_absent": None, "method": f"none: {made.why_absent}"})
