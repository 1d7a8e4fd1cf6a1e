"""evaluate: the honest look at the end. Seventh stage of the path; the one that opens the test rows.

The model and its baselines answer the same rows; scores with intervals, verdicts, gates and findings come of it (`classes.py` for
classification, `language.py` for generation). Leaves `scores.json` (and `scores.<on>.json`), `predictions.parquet`, `mistakes.jsonl`,
`findings.jsonl`; for generation `samples.jsonl` and `parity.json` too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from goodfit.errors import DataError
from goodfit.files import file_hash
from goodfit.recipe import Recipe
from goodfit.run import FOLDS, Run
from goodfit.stage import stage
from goodfit.stages.evaluate.answering import SplitRows
from goodfit.stages.evaluate.classes import Classes
from goodfit.stages.evaluate.folds import FoldedClasses
from goodfit.stages.evaluate.language import Language
from goodfit.stages.evaluate.outcome import TEST, VALID, Evaluation, Judge, TrainedModel
from goodfit.tasks.foresee import foresee_evaluation

Judges = Callable[[Recipe, TrainedModel, SplitRows, Run], Judge]
JUDGES: dict[str, Judges] = {"classification": Classes, "generation": Language}
"""Kind of task -> who judges its models."""
ON_FOLDS: dict[str, Judges] = {"classification": FoldedClasses}
"""The same for answers out of fold."""


def _files(recipe: Recipe, run: Run) -> dict[str, Any]:
    """The content of the files that the section names: part of the stage's inputs."""
    section = recipe.evaluate
    paths = [*section.predictions.values(), *section.retain, *(one for one in (section.json_schema, section.tests) if one is not None)]
    found = {path: run.base / Path(path).expanduser() for path in paths}
    return {path: file_hash(where) if where.is_file() else None for path, where in found.items()}


@stage("evaluate", result=Evaluation, version=4, reads=("task", "evaluate", "seed", "split"), extra=_files)
def evaluate(recipe: Recipe, trained: TrainedModel, splits: SplitRows, run: Run) -> Evaluation:
    """Scores the model and its baselines on the rows that `evaluate.on` names; test rows are opened once, and the ledger says so."""
    folded = recipe.evaluate.on == FOLDS
    if not folded:
        _check_rows(recipe.evaluate.on, splits)
    foresee_evaluation(recipe, run.base)
    judge = (ON_FOLDS if folded else JUDGES)[recipe.task.kind](recipe, trained, splits, run)
    key = run.unseal(f"evaluate {run.id}", stage="evaluate") if recipe.evaluate.on == TEST else None
    return judge.judge(key)


def _check_rows(on: str, splits: SplitRows) -> None:
    if splits.counts.get(on, 0) == 0:
        other = VALID if on == TEST else TEST
        fix = f"set split.{on}_size above 0" + (f", or evaluate.on: {other}" if splits.counts.get(other, 0) else "")
        raise DataError(f"there are no {on} rows to score the model on", fix=fix)
