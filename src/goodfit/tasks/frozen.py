"""What a linear model on the frozen base's own features gets right: the floor below which a fine-tuned model has not learned enough.

Part of tasks; the train stage asks before the first step. Ridge regression on the mean of the last hidden states, standardised, its
penalty by leave-one-out: closed form, well below a second for a few hundred rows. Methods 7 (underfitting).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifierCV
from sklearn.preprocessing import StandardScaler

from goodfit.engine.examples import Examples
from goodfit.engine.infer import in_order, infer

MOST = 1000
LEAST = 50
"""Rows of either split that are looked at, at most; below LEAST training rows the floor says nothing."""
SHARE = 0.02
"""Of the training's cost, at most."""
_FORWARD_SHARE = 1 / 3
PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4)


@dataclass(frozen=True)
class Floor:
    """The linear model's answers on some validation rows."""

    places: NDArray[np.int64]
    """[m] places among the validation rows that it was given: those that are looked at while a model trains."""
    right: NDArray[np.bool_]
    """[m]"""
    trained_on: int
    """Training rows that it had."""


def floor_of(model: Any, train: Examples, valid: Examples, *, rows_trained: float, seed: int) -> Floor | None:
    """The floor, from so many rows of both splits as cost a small share of a training on `rows_trained` rows; None where too few.

    `model` is the base with its fresh head; it is left as it is.
    """
    rows = min(MOST, int(SHARE * rows_trained / _FORWARD_SHARE / 2))
    rng = np.random.default_rng([seed, 0xF1008])
    some, seen = (np.sort(rng.choice(len(split), min(rows, len(split)), replace=False)) for split in (train, valid))
    target = np.asarray(train.target)[some]
    if len(some) < LEAST or not len(seen) or np.unique(target, axis=0).shape[0] < 2:
        return None
    features = [_features(model, split.subset(places)) for split, places in ((train, some), (valid, seen))]
    scaler = StandardScaler().fit(features[0])
    x, y = scaler.transform(features[0]), target > 0.5 if target.ndim == 2 else target
    if target.ndim == 2:
        y = y[:, varied] if (varied := y.any(axis=0) & ~y.all(axis=0)).any() else y
    fitted = RidgeClassifierCV(alphas=PENALTIES).fit(x, y.astype(np.int64) if target.ndim == 2 else y)
    said, goal = fitted.predict(scaler.transform(features[1])), np.asarray(valid.target)[seen]
    right = said == goal if target.ndim == 1 else _all_right(said, goal > 0.5, target > 0.5)
    return Floor(seen, np.asarray(right, dtype=np.bool_), len(some))


def _all_right(said: NDArray[Any], goal: NDArray[np.bool_], train: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows of which every label is right; a label that all or no training rows had is answered so."""
    varied = train.any(axis=0) & ~train.all(axis=0)
    whole = np.tile(train.all(axis=0), (len(goal), 1))
    whole[:, varied] = said.reshape(len(goal), -1) > 0.5
    return np.asarray((whole == goal).all(axis=1))


def _features(model: Any, rows: Examples) -> NDArray[np.float32]:
    return in_order(infer(model, rows, want=("hidden_mean",), precision="auto"), len(rows), lambda batch: batch.hidden_mean)
