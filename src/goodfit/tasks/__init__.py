"""Tasks: everything that is particular to what a model must do, so that no other module asks which task it is.

Between the engine (which knows no task) and the stages (which know the path). A task says how rows become tokens and targets,
what the loss is, how logits become probabilities and answers, which scores apply, and what a model has to beat.
"""

from __future__ import annotations

from collections.abc import Sequence

from goodfit.recipe import Task as TaskSection
from goodfit.tasks.classification import Classification
from goodfit.tasks.decision import Decision
from goodfit.tasks.encoding import Encoded, encode
from goodfit.tasks.saved import SAVED, Saved

Task = Classification
"""Any task. One kind so far; what the others will share is what this one offers."""

__all__ = ["SAVED", "Classification", "Decision", "Encoded", "Saved", "Task", "encode", "task_of"]


def task_of(section: TaskSection, labels: Sequence[str]) -> Task:
    """The task that a recipe's `task` section asks for. `labels`: the label names in the order of the model's outputs.

    The names come from `Classification.vocabulary` (declared in the recipe, or counted in the training rows).
    """
    return Classification(tuple(labels), multi_label=section.multi_label)
