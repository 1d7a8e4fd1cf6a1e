"""Baselines: what a fine-tuned model has to beat, on the same rows, or it was not worth the trouble.

Part of tasks; the evaluate stage fits them on the training rows of the very split that the model was trained on. They must be
strong: a verdict against a weak baseline is worth nothing (docs/why/evaluation.md has the measurements).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from goodfit.errors import SettingsError, nearest
from goodfit.recipe import Recipe
from goodfit.tasks.baselines import neighbours, zero_shot
from goodfit.tasks.baselines.common import Answers, Around, Baseline, TrainingRows
from goodfit.tasks.baselines.majority import fit_majority
from goodfit.tasks.baselines.tfidf import fit_tfidf
from goodfit.tasks.classification import Classification
from goodfit.tasks.decision import Decision

__all__ = ["BASELINES", "Answers", "Around", "Baseline", "TrainingRows", "check_names", "fit_baseline", "left_out", "names_of"]

Fit = Callable[[Classification, TrainingRows, str, int, Around], Baseline]
BASELINES: dict[str, Fit] = {
    "majority": lambda task, rows, primary, seed, around: fit_majority(task, rows, primary, seed),
    "tfidf": lambda task, rows, primary, seed, around: fit_tfidf(task, rows, primary, seed),
    "knn": neighbours.fit_neighbours,
    "zero_shot": zero_shot.fit_zero_shot,
}
"""Name in the recipe -> how it is fitted: (task, training rows, the score to be good at, seed, what else there is)."""
AUTO = ("majority", "tfidf", "knn")
"""Of classification, unless the recipe names others; knn where an encoder is installed and the rows are not too many."""


GENERATING = ("base", "few_shot", "retrieval")
"""What a model that writes has to beat: the base model as it is, with examples in its prompt, the answer of the nearest training row."""
NAMES: dict[str, tuple[str, ...]] = {"classification": tuple(BASELINES), "generation": GENERATING}
"""Kind of task -> its baselines."""
DEFAULT = {"classification": AUTO, "generation": GENERATING}


def names_of(recipe: Recipe) -> tuple[str, ...]:
    """The baselines that a recipe asks for, each once."""
    asked = recipe.evaluate.baselines
    return DEFAULT[recipe.task.kind] if isinstance(asked, str) else tuple(dict.fromkeys(asked))


def left_out(name: str, task: Classification, rows: TrainingRows, around: Around, *, asked: bool) -> str | None:
    """Why a baseline does not answer, or None. `asked`: the recipe names it; then only what is out of reach is left out."""
    if name == "zero_shot":
        return zero_shot.too_many(around, task.n_labels)
    if name != "knn" or asked:
        return None
    return "no encoder is installed" if around.encoder is None else neighbours.too_many(rows, around.scored)


def check_names(names: Sequence[str], kind: str = "classification") -> None:
    """SettingsError where `evaluate.baselines` names one that this kind of task does not have."""
    for name in names:
        if name not in NAMES[kind]:
            near, known = nearest(name, NAMES[kind]), ", ".join(NAMES[kind])
            raise SettingsError(
                f"evaluate.baselines: there is no baseline {name!r}", fix=f"did you mean {near!r}?" if near else f"there are {known}"
            )


def fit_baseline(
    name: str, task: Classification, rows: TrainingRows, *, primary: str = "macro_f1", seed: int = 0, around: Around | None = None
) -> Baseline:
    """Fit one by name on the training rows; `primary` is the score that its own settings are chosen for."""
    check_names([name])
    own = task.with_decision(Decision())  # the model's temperature and thresholds are not the baseline's
    return BASELINES[name](own, rows, primary, seed, around or Around())
