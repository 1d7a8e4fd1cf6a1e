"""Baselines: what a fine-tuned model has to beat, on the same rows, or it was not worth the trouble.

Part of tasks; the evaluate stage fits them on the training rows of the very split that the model was trained on. They must be
strong: a verdict against a weak baseline is worth nothing (docs/why/evaluation.md has the measurements).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from goodfit.errors import SettingsError, nearest
from goodfit.tasks.baselines.common import Answers, Baseline, TrainingRows
from goodfit.tasks.baselines.majority import fit_majority
from goodfit.tasks.baselines.tfidf import fit_tfidf
from goodfit.tasks.classification import Classification
from goodfit.tasks.decision import Decision

__all__ = ["BASELINES", "Answers", "Baseline", "TrainingRows", "check_names", "fit_baseline"]

Fit = Callable[[Classification, TrainingRows, str, int], Baseline]
BASELINES: dict[str, Fit] = {"majority": fit_majority, "tfidf": fit_tfidf}
"""Name in the recipe -> how it is fitted: (task, training rows, the score to be good at, seed)."""


def check_names(names: Sequence[str]) -> None:
    """SettingsError where `evaluate.baselines` names one that does not exist."""
    for name in names:
        if name not in BASELINES:
            near, known = nearest(name, BASELINES), ", ".join(BASELINES)
            raise SettingsError(
                f"evaluate.baselines: there is no baseline {name!r}", fix=f"did you mean {near!r}?" if near else f"there are {known}"
            )


def fit_baseline(name: str, task: Classification, rows: TrainingRows, *, primary: str = "macro_f1", seed: int = 0) -> Baseline:
    """Fit one by name on the training rows; `primary` is the score that its own settings are chosen for."""
    check_names([name])
    own = task.with_decision(Decision())  # the model's temperature and thresholds are not the baseline's
    return BASELINES[name](own, rows, primary, seed)
