"""What a recipe asks of its task, known to be possible before anything is read or trained: scores, gates, baselines, the best step's.

Part of tasks; one function for each kind of task, in each table.
"""

from __future__ import annotations

from collections.abc import Callable

from goodfit.recipe import Recipe
from goodfit.tasks import generation, metrics, objective
from goodfit.tasks.baselines import check_names, names_of


def foresee(recipe: Recipe) -> None:
    """SettingsError for a metric, a gate, a baseline or a score of validation that the task does not have."""
    foresee_evaluation(recipe)
    BEST[recipe.task.kind](recipe)


def foresee_evaluation(recipe: Recipe) -> None:
    """The part of it that the sections `task` and `evaluate` tell."""
    check_names(names_of(recipe), recipe.task.kind)
    SCORES[recipe.task.kind](recipe)


def _classification(recipe: Recipe) -> None:
    kind = metrics.task_kind(recipe.task.multi_label)
    metrics.names_for(recipe.evaluate.metrics, kind)
    for name in recipe.evaluate.gates:
        metrics.require(name, kind, "evaluate.gates")


SCORES: dict[str, Callable[[Recipe], None]] = {"classification": _classification, "generation": lambda recipe: None}
BEST: dict[str, Callable[[Recipe], object]] = {
    "classification": lambda recipe: objective.best_by(recipe.train.metric_for_best_model, multi_label=recipe.task.multi_label),
    "generation": lambda recipe: generation.best_by(recipe.train.metric_for_best_model),
}
