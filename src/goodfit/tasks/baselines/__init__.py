"""Baselines: what a fine-tuned model has to beat, on the same rows, or it was not worth the trouble.

Part of tasks; the evaluate stage fits them on the training rows of the very split that the model was trained on. They must be
strong: a verdict against a weak baseline is worth nothing (docs/why/evaluation.md has the measurements).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from goodfit.errors import SettingsError, nearest
from goodfit.recipe import Recipe
from goodfit.tasks.baselines.common import Answers, Baseline, TrainingRows
from goodfit.tasks.baselines.majority import fit_majority
from goodfit.tasks.baselines.tfidf import fit_tfidf
from goodfit.tasks.classification import Classification
from goodfit.tasks.decision import Decision

__all__ = ["BASELINES", "Answers", "Baseline", "TrainingRows", "check_names", "fit_baseline", "names_of"]

Fit = Callable[[Classification, TrainingRows, str, int], Baseline]
BASELINES: dict[str, Fit] = {"majority": fit_majority, "tfidf": fit_tfidf}
"""Name in the recipe -> how it is fitted: (task, training rows, the score to be good at, seed)."""


GENERATING = ("base", "few_shot", "retrieval")
"""What a model that writes has to beat: the base model as it is, with examples in its prompt, the answer of the nearest training row."""
NAMES: dict[str, tuple[str, ...]] = {"classification": tuple(BASELINES), "generation": GENERATING}
"""Kind of task -> its baselines; all of them are the default."""


def names_of(recipe: Recipe) -> tuple[str, ...]:
    """The baselines that a recipe asks for, each once; `auto`: all that its task has."""
    asked = recipe.evaluate.baselines
    return NAMES[recipe.task.kind] if isinstance(asked, str) else tuple(dict.fromkeys(asked))


def check_names(names: Sequence[str], kind: str = "classification") -> None:
    """SettingsError where `evaluate.baselines` names one that this kind of task does not have."""
    for name in names:
        if name not in NAMES[kind]:
            near, known = nearest(name, NAMES[kind]), ", ".join(NAMES[kind])
            raise SettingsError(
                f"evaluate.baselines: there is no baseline {name!r}", fix=f"did you mean {near!r}?" if near else f"there are {known}"
            )


def fit_baseline(name: str, task: Classification, rows: TrainingRows, *, primary: str = "macro_f1", seed: int = 0) -> Baseline:
    """Fit one by name on the training rows; `primary` is the score that its own settings are chosen for."""
    check_names([name])
    own = task.with_decision(Decision())  # the model's temperature and thresholds are not the baseline's
    return BASELINES[name](own, rows, primary, seed)
