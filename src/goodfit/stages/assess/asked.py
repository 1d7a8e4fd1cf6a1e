"""Asking a model texts, batch by batch. Part of assess."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from goodfit.stages.assess.population import Population
from goodfit.stages.assess.rows import MODEL
from goodfit.tasks.predictor import Predictor

BATCH = 2048
Tell = Callable[[int, int], object]
"""Texts done, and in all."""


def ask(predictor: Predictor, texts: Sequence[str], tell: Tell = lambda _done, _all: None) -> npt.NDArray[np.float32]:
    """[n, L] probabilities of the model."""
    parts = []
    for start in range(0, len(texts), BATCH):
        parts.append(predictor.probabilities(texts[start : start + BATCH]).astype(np.float32))
        tell(min(start + BATCH, len(texts)), len(texts))
    return np.concatenate(parts) if parts else np.zeros((0, predictor.task.n_labels), np.float32)


def answered(population: Population, predictor: Predictor, tell: Tell = lambda _done, _all: None) -> Population:
    """The same rows with the model's answers."""
    assert population.texts is not None
    found = ask(predictor, population.texts, tell)
    said = np.asarray(predictor.task.decide(found))
    return dataclasses.replace(
        population, said=population.said | {MODEL: said if population.multi_label else said.astype(np.int64)},
        probabilities=population.probabilities | {MODEL: found},
    )  # fmt: skip
