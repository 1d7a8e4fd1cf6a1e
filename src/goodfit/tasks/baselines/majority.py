"""majority: the same answer for every row, whatever it says. What a score is worth starts above it.

Part of tasks.baselines. Single-label: the most frequent class. Multi-label: the one set of labels that scores best on the training
rows as a constant answer: for macro-F1 every label (whose F1 is then 2 * share / (1 + share)), for micro-F1 the k most frequent ones.
The probabilities are the labels' shares of the training rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.tasks.baselines.common import Answers, TrainingRows
from goodfit.tasks.classification import Classification

BY_LABEL = ("macro_f1", "macro_f1_common", "balanced_accuracy")
"""Scores that are a mean over the labels: a constant answer scores best on them with every label."""


@dataclass(frozen=True)
class Majority:
    """One answer for all rows."""

    share: NDArray[np.float64]
    """[L] share of the training rows that carry each label."""
    prediction: NDArray[Any]
    """int64 [1] or bool [1, L]."""
    facts: dict[str, Any]

    def answer(self, texts: Sequence[str]) -> Answers:
        """The same probabilities and the same prediction for each text."""
        n = len(texts)
        return Answers(np.repeat(self.share[None], n, axis=0), np.repeat(self.prediction, n, axis=0))


def fit_majority(task: Classification, rows: TrainingRows, primary: str, seed: int) -> Majority:
    """Counts the labels of the training rows; `primary` decides the constant set of multi-label, `seed` changes nothing."""
    n = len(rows)
    if task.multi_label:
        share = np.asarray(rows.targets, dtype=np.float64).mean(axis=0) if n else np.zeros(task.n_labels)
        chosen = share > 0 if primary in BY_LABEL else _best_set(share)
        return Majority(share, chosen[None], {"rows": n, "prediction": task.names(chosen[None])[0]})
    share = np.bincount(rows.targets, minlength=task.n_labels) / max(1, n)
    prediction = np.array([share.argmax()], dtype=np.int64)
    return Majority(share, prediction, {"rows": n, "prediction": task.names(prediction)[0]})


def _best_set(share: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The k most frequent labels as one answer [L]: the k of best micro-F1, 2 * hits / (labels predicted + labels there are)."""
    order = np.argsort(-share, kind="stable")
    hits = np.cumsum(share[order])
    f1 = 2 * hits / np.maximum(np.arange(1, len(share) + 1) + share.sum(), 1e-12)
    out = np.zeros(len(share), dtype=bool)
    if share.sum() > 0:
        out[order[: int(f1.argmax()) + 1]] = True
    return out
