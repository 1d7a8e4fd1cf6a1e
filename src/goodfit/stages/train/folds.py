"""The models of the folds: each trained as the run's own model is, without one part of the rows, which it then answers. Part of train.

For `split.folds`. Fold by fold: the training rows outside it are learned, the validation rows outside it choose the step and fit the
decision (temperature, thresholds), and all rows inside it are answered. Only the answers are kept, in `train/folds/<fold>.parquet` (row,
prediction, p_<label> …) with the facts beside them (`<fold>.json`): what is scored out of fold is how well rows are answered by models
that were made this way, not one model. A training that was cut goes on with the fold that was not whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.data.groups import clusters_of, folds_of
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.fitted import Fitted
from goodfit.engine.infer import in_order, infer
from goodfit.errors import DataError, Diverged
from goodfit.files import json_object, write_json
from goodfit.recipe import Recipe
from goodfit.run import FOLDS, Run, digest
from goodfit.stages.train.listening import MOST
from goodfit.tasks import Classification
from goodfit.tasks.beginning import Beginning
from goodfit.tasks.tables import names_type, probability_arrays, probability_fields, writing

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.tune import Tuned

SCHEMA = "goodfit/fold/1"
Sides = Mapping[str, Examples | None]


@dataclass(frozen=True)
class Ground:
    """What the models of all folds have in common."""

    recipe: Recipe
    choice: Choice
    plan: Tuned
    task: Classification
    examples: Sides
    run: Run

    @property
    def folder(self) -> Path:
        """train/folds"""
        return self.run.path / "train" / FOLDS


def train_folds(ground: Ground) -> None:
    """Trains and asks a model per fold, where the split has folds; what stands in the folder already is not done again."""
    places = _places(ground)
    k = 1 + max((int(fold.max(initial=-1)) for fold in places.values()), default=-1)
    if k < 1:
        return
    ground.folder.mkdir(parents=True, exist_ok=True)
    for fold in range(k):
        key = _key(ground, places, fold)
        if json_object(ground.folder / f"{fold}.json").get("key") == key and (ground.folder / f"{fold}.parquet").is_file():
            continue
        ground.run.screen.say(f"  fold {fold + 1} of {k}: a model without {_inside(places, fold):,} rows, which it then answers")
        facts = _train(ground, places, fold)
        write_json(ground.folder / f"{fold}.json", {"schema": SCHEMA, "fold": fold, "folds": k, "key": key, **facts})


def _places(ground: Ground) -> dict[str, NDArray[np.int64]]:
    """Side -> the fold of each of its rows."""
    known = folds_of(ground.run.path)
    return {side: known(rows.row_ids(np.arange(len(rows)))) for side, rows in ground.examples.items() if rows is not None}


def _inside(places: Mapping[str, NDArray[np.int64]], fold: int) -> int:
    return sum(int((of_side == fold).sum()) for of_side in places.values())


def _key(ground: Ground, places: Mapping[str, NDArray[np.int64]], fold: int) -> str:
    """What a fold's answers depend on."""
    rows = [[side, rows.fingerprint, digest(np.flatnonzero(places[side] == fold).tolist())]
            for side, rows in ground.examples.items() if rows is not None]  # fmt: skip
    sections = [ground.recipe.train.model_dump(mode="json"), ground.recipe.peft.model_dump(mode="json"), ground.recipe.seed]
    return digest([rows, sections, ground.plan.plan.to_json(), ground.plan.lora_dropout, ground.choice.base.content])


def _train(ground: Ground, places: Mapping[str, NDArray[np.int64]], fold: int) -> dict[str, Any]:
    """One model: what it learned from, how it went, and its answers in a file."""
    seed = (ground.recipe.seed + 1 + fold) % 2**63
    sides = {side: None if rows is None else rows.subset(np.flatnonzero(places[side] != fold)) for side, rows in ground.examples.items()}
    learned, valid = sides["train"], sides["valid"]
    sides["valid"] = valid = valid if valid is not None and len(valid) else None
    assert learned is not None
    start = Beginning(ground.task, ground.choice.base.path, len(learned), _counts(ground.task, learned))
    if ground.task.n_labels > 1 and not ground.task.multi_label and len(np.unique(np.asarray(learned.target))) < 2:
        raise DataError(f"without fold {fold + 1} the training rows have one class only", fix="give more rows, or set split.folds higher")
    fitted = _fitted(ground, start, sides, fold, seed)
    task = decided(ground.task, fitted, valid, ground.run, seed)
    answered = _answer(ground, fitted, task, places, fold)
    return {
        "seed": seed, "rows_trained": len(learned), "rows_valid": 0 if valid is None else len(valid), "rows_answered": answered,
        "best_step": fitted.best_step, "last_step": fitted.last_step, "steps_total": fitted.steps_total, "stopped_by": fitted.stopped_by,
        "reason": fitted.reason, "seconds": round(fitted.seconds, 3), "decision": task.decision.to_json(),
    }  # fmt: skip


def _fitted(ground: Ground, start: Beginning, sides: Sides, fold: int, seed: int) -> Fitted:
    """The training; where it breaks down and the recipe says so, again at half the rate, as often as the kept model's."""
    recipe, plan = ground.recipe, dataclasses.replace(ground.plan.plan, seed=seed)
    tries = MOST if recipe.train.act.get("diverged") == "lower_rate" else 0
    while True:
        loaded = start.model(recipe.train, recipe.peft, lora_dropout=ground.plan.lora_dropout, seed=seed)
        try:
            return fit(loaded.model, sides, plan, objective=start.objective(recipe.train), on_event=ground.run.screen.event)
        except Diverged as error:
            if not tries:
                raise Diverged(f"the training without fold {fold + 1} broke down: {error.message}", fix=error.fix) from error
            head = plan.head_learning_rate
            plan = dataclasses.replace(plan, learning_rate=plan.learning_rate / 2, head_learning_rate=None if head is None else head / 2)
            tries -= 1


def _counts(task: Classification, rows: Examples) -> dict[str, int]:
    """Training rows per label."""
    target = np.asarray(rows.target)
    counts = target.sum(axis=0) if task.multi_label else np.bincount(target, minlength=task.n_labels)
    return dict(zip(task.labels, counts.astype(int).tolist(), strict=True))


def decided(task: Classification, fitted: Fitted, valid: Examples | None, run: Run, seed: int) -> Classification:
    """The task with what validation rows decide (temperature, thresholds, promises); as it is where there are none."""
    if valid is None:
        return task
    logits = in_order(infer(fitted.model, valid), len(valid))
    clusters = clusters_of(run.path, valid.row_ids(np.arange(len(valid))))
    return task.with_decision(task.fit_decision(logits, np.asarray(valid.target), clusters=clusters, seed=seed))


def _answer(ground: Ground, fitted: Fitted, task: Classification, places: Mapping[str, NDArray[np.int64]], fold: int) -> int:
    """The answers to all rows of the fold, in its file; how many."""
    names = names_type(task.multi_label)
    schema = pa.schema([("row", pa.string()), ("prediction", names), *probability_fields(task.labels)])
    answered = 0
    with writing(ground.folder / f"{fold}.parquet", schema) as write:
        for side, rows in ground.examples.items():
            index = np.flatnonzero(places[side] == fold) if rows is not None else np.zeros(0, np.int64)
            if rows is None or not len(index):
                continue
            part = rows.subset(index)
            p = task.probabilities(in_order(infer(fitted.model, part), len(part))).astype(np.float32)
            told = pa.array(task.names(task.decide(p)), names)
            ids = pa.array(part.row_ids(np.arange(len(part))), pa.string())
            write(pa.Table.from_arrays([ids, told, *probability_arrays(p)], schema=schema))
            answered += len(part)
    return answered
