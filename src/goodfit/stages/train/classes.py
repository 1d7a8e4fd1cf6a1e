"""A classifier: what is watched, and the decision that is taken on validation. Part of train, for classification."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from goodfit.data.named import masked_kinds
from goodfit.engine.events import Event, ignore
from goodfit.engine.examples import Examples
from goodfit.engine.fitted import Fitted
from goodfit.models.load import LoadedModel
from goodfit.models.save import save
from goodfit.recipe import Recipe
from goodfit.run import MODEL, Run
from goodfit.stages.train.folds import Ground, Sides, decided, train_folds
from goodfit.tasks import Classification, Saved

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.prepare import Tokens
    from goodfit.stages.tune import Tuned


class Classes:
    """How a classifier is watched and saved."""

    def __init__(self, task: Classification) -> None:
        self.task = task

    def given(self, target: NDArray[Any]) -> list[Any]:
        """Targets as label names."""
        return self.task.names(target > 0.5 if self.task.multi_label else target)

    def before(self, recipe: Recipe, choice: Choice, plan: Tuned, examples: Sides, run: Run) -> None:
        """The models of the folds, where there are folds (`folds.py`)."""
        train_folds(Ground(recipe, choice, plan, self.task, examples, run))

    def watch(self, recipe: Recipe, loaded: LoadedModel, valid: Examples | None, folder: Path) -> Callable[[Event], object]:
        """Nothing beside the scores."""
        return ignore

    def save(self, recipe: Recipe, choice: Choice, tokens: Tokens, loaded: LoadedModel, fitted: Fitted, run: Run) -> Saved[Any]:  # noqa: PLR0913
        """The model folder: weights and tokenizer, and what Goodfit needs to answer as it was evaluated (labels, thresholds, length)."""
        folder, valid = run.path / "train" / MODEL, tokens.examples("valid") if tokens.rows.get("valid") else None
        task = decided(self.task, fitted, valid, run, recipe.seed)
        saved = Saved(task, recipe.task.text, tokens.max_length, base=choice.base.name, base_hash=choice.base.content,
                      mask=masked_kinds(run.path))  # fmt: skip
        save(fitted.model, loaded.tokenizer, folder, base=choice.base)
        saved.save(folder)
        return saved
