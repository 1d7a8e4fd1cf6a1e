"""Tasks: everything that is particular to what a model must do, so that no other module asks which task it is.

Between the engine (which knows no task) and the stages (which know the path). A task says how rows become tokens and targets,
what the loss is, how logits become probabilities and answers, which scores apply, and what a model has to beat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from goodfit.models.heads import Head, Language
from goodfit.recipe import Task as TaskSection
from goodfit.tasks.classification import Classification
from goodfit.tasks.decision import Decision
from goodfit.tasks.encoding import Encoded, encode
from goodfit.tasks.generation import Generation
from goodfit.tasks.saved import SAVED, Saved

Task = Classification | Generation
"""Any task."""

__all__ = ["SAVED", "Classification", "Decision", "Encoded", "Generation", "Saved", "Task", "encode", "head_of", "task_of"]


def task_of(section: TaskSection, labels: Sequence[str]) -> Classification:
    """The classification that a recipe's `task` section asks for. `labels`: the label names in the order of the model's outputs.

    The names come from `Classification.vocabulary` (declared in the recipe, or counted in the training rows).
    """
    return Classification(tuple(labels), multi_label=section.multi_label)


def head_of(section: TaskSection, labels: Sequence[str]) -> Head:
    """What must stand on the base model for the task of a recipe."""
    return HEADS[section.kind](section, labels)


HEADS: dict[str, Callable[[TaskSection, Sequence[str]], Head]] = {
    "classification": lambda section, labels: task_of(section, labels).head,
    "generation": lambda section, labels: Language(),
}
