"""A model at its first step: the base with the task's head, an adapter where one is asked for, what is frozen frozen; and its loss.

Part of tasks; train, tune and whoever trains the same way come through here, so that a trial of a search begins as the training does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goodfit.engine.objective import Objective
from goodfit.models.adapters import add_lora
from goodfit.models.freeze import freeze
from goodfit.models.load import LoadedModel, load, load_language, start_from_shares
from goodfit.recipe import Peft, Train
from goodfit.tasks.classification import Classification
from goodfit.tasks.generation import Generation


@dataclass(frozen=True)
class Beginning:
    """What a training starts from, whatever its numbers."""

    task: Classification | Generation
    base: str
    """Folder or file of the base model."""
    rows: int
    """Training rows."""
    label_counts: Mapping[str, int] = field(default_factory=dict)
    """Training rows per label."""

    def headed(self, seed: int) -> LoadedModel:
        """The base model with the task's head; equal seeds give equal heads."""
        return HEADED[type(self.task)](self, seed)

    def model(self, train: Train, peft: Peft, *, lora_dropout: float, seed: int) -> LoadedModel:
        """The same with an adapter if asked for, and what is frozen frozen. ModelError, SettingsError as `add_lora` and `freeze` say."""
        loaded = self.headed(seed)
        if peft.method == "lora":
            return add_lora(
                loaded, r=peft.r, lora_alpha=peft.lora_alpha, lora_dropout=lora_dropout, target_modules=peft.target_modules, seed=seed
            )
        freeze(loaded.model, train.freeze)
        return loaded

    def objective(self, train: Train) -> Objective:
        """The loss (with class weights, smoothing), and the score that decides."""
        return OBJECTIVES[type(self.task)](self, train)


def _classifier(start: Beginning, seed: int) -> LoadedModel:
    task: Any = start.task
    loaded = load(start.base, labels=task.labels, problem_type=task.problem_type, seed=seed)
    if task.multi_label:
        start_from_shares(loaded, [start.label_counts.get(label, 0) / max(1, start.rows) for label in task.labels])
    return loaded


def _writer(start: Beginning, seed: int) -> LoadedModel:
    task: Any = start.task
    return task.vocabulary.extend(load_language(start.base))


def _class_loss(start: Beginning, train: Train) -> Objective:
    task: Any = start.task
    counts = np.array([start.label_counts.get(label, 0) for label in task.labels])
    weights = task.class_weights(train.class_weights, counts, start.rows)
    return task.objective(weights, train.label_smoothing_factor, train.metric_for_best_model)


def _token_loss(start: Beginning, train: Train) -> Objective:
    task: Any = start.task
    return task.objective(train.metric_for_best_model)


HEADED: dict[type[Any], Callable[[Beginning, int], LoadedModel]] = {Classification: _classifier, Generation: _writer}
OBJECTIVES: dict[type[Any], Callable[[Beginning, Train], Objective]] = {Classification: _class_loss, Generation: _token_loss}
