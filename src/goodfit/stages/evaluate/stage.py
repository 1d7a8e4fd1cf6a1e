"""evaluate: the honest look at the end. Seventh stage of the path; the one that opens the test rows.

The model and its baselines answer the same rows; scores with intervals, verdicts, gates and findings come of it. Validation rows are
answered too (what was chosen on them stands beside it in predictions.parquet), but only `evaluate.on` is scored. Leaves `scores.json`
(and `scores.<on>.json`), `predictions.parquet`, `mistakes.jsonl`, `findings.jsonl`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.errors import DataError
from goodfit.files import read_json, write_json, write_jsonl
from goodfit.recipe import Recipe
from goodfit.run import MISTAKES, PREDICTIONS, SCORES, Run, TestKey, digest
from goodfit.score import Score, Verdict
from goodfit.stage import stage
from goodfit.stages.evaluate import answering
from goodfit.stages.evaluate.answering import Answered, Door, ModelSystem, SplitRows, System
from goodfit.stages.evaluate.findings import findings
from goodfit.stages.evaluate.mistakes import lines, most_confident
from goodfit.stages.evaluate.scoring import MODEL, Scored, document, score_split
from goodfit.tasks.baselines import fit_baseline, names_of
from goodfit.tasks.foresee import foresee_evaluation
from goodfit.tasks.predictor import Predictor
from goodfit.tasks.tables import writing

VALID, TEST = "valid", "test"


class TrainedModel(Protocol):
    """What evaluate asks of the Result of `train`."""

    @property
    def folder(self) -> Path:
        """train/model"""


@dataclass
class Evaluation:
    """What the model is worth, and against what. Whoever shows a run starts with `primary`."""

    on: str
    n: int
    primary: Score
    """The model's primary score."""
    verdicts: list[Verdict] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Self:
        """From evaluate/scores.json; FileNotFoundError, KeyError or ValueError where it is not whole."""
        folder = run.path / "evaluate"
        found = read_json(folder / SCORES)
        if not (folder / PREDICTIONS).is_file():
            raise FileNotFoundError(folder / PREDICTIONS)
        top = next((s for s in found["scores"] if s["name"] == found["primary"] and s["system"] == MODEL and not s["label"]), None)
        if top is None:
            raise ValueError(f"{SCORES} lacks the primary score")
        return cls(
            found["on"], found["n"], Score.model_validate(top), [Verdict.model_validate(v) for v in found["verdicts"]], found["gates"]
        )


@stage("evaluate", result=Evaluation, version=1, reads=("task", "evaluate", "seed", "split"))
def evaluate(recipe: Recipe, trained: TrainedModel, splits: SplitRows, run: Run) -> Evaluation:
    """Scores the model and its baselines on the rows that `evaluate.on` names; test rows are opened once, and the ledger says so."""
    section = recipe.evaluate
    _check_rows(section.on, splits)
    foresee_evaluation(recipe)
    predictor = Predictor.load(trained.folder)
    systems, facts = _systems(recipe, predictor, splits, run)
    key = run.unseal(f"evaluate {run.id}", stage="evaluate") if section.on == TEST else None
    answered = _answers(section.on, splits, predictor, systems, (key, run))
    scored = score_split(answered, section, key.looks if key else None, facts, selected=section.on == VALID)
    _write(scored, recipe, splits, key, run)
    model = systems[MODEL]
    assert isinstance(model, ModelSystem)
    run.report(findings(scored, model))
    return Evaluation(section.on, len(answered), scored.headline, scored.verdicts, scored.gates)


def _check_rows(on: str, splits: SplitRows) -> None:
    if splits.counts.get(on, 0) == 0:
        other = VALID if on == TEST else TEST
        fix = f"set split.{on}_size above 0" + (f", or evaluate.on: {other}" if splits.counts.get(other, 0) else "")
        raise DataError(f"there are no {on} rows to score the model on", fix=fix)


def _systems(recipe: Recipe, predictor: Predictor, splits: SplitRows, run: Run) -> tuple[dict[str, System], dict[str, dict[str, Any]]]:
    """The model and the fitted baselines, and what the latter were fitted on."""
    systems: dict[str, System] = {MODEL: ModelSystem(predictor)}
    facts: dict[str, dict[str, Any]] = {}
    names = names_of(recipe)
    rows = answering.training_rows(splits, predictor.task) if names else None
    asked = recipe.evaluate.metrics
    for done, name in enumerate(names):
        run.screen.progress(f"fitting the baseline {name}", done, len(names))
        assert rows is not None
        baseline = fit_baseline(name, predictor.task, rows, primary="macro_f1" if isinstance(asked, str) else asked[0], seed=recipe.seed)
        systems[name], facts[name] = baseline, dict(baseline.facts)
    return systems, facts


def _answers(on: str, splits: SplitRows, predictor: Predictor, systems: dict[str, System], access: tuple[TestKey | None, Run]) -> Answered:
    """The answers to the rows of `on`; those to validation go into the file beside them."""
    key, run = access
    scored: Answered | None = None
    with writing(run.folder("evaluate") / PREDICTIONS, answering.predictions_schema(predictor.task)) as write:
        for split in dict.fromkeys((VALID, on)):
            if not splits.counts.get(split, 0):
                continue
            model = systems[MODEL]
            assert isinstance(model, ModelSystem)
            model.rows = model.truncated = 0
            door = Door(key if split == TEST else None, write, run.screen.progress)
            answered = answering.answer_split(split, splits, predictor.task, systems, door=door)
            scored = answered if split == on else scored
    assert scored is not None
    return scored


def _write(scored: Scored, recipe: Recipe, splits: SplitRows, key: TestKey | None, run: Run) -> None:
    folder, on = run.folder("evaluate"), scored.answered.split
    places = most_confident(scored.answered)
    write_jsonl(folder / MISTAKES, lines(scored.answered, places, _rows_at(places, on, splits, key)))
    rows = key.fingerprint if key else digest(sorted(splits.table(on, columns=("row",)).column("row").to_pylist()))
    whole = document(scored, run=run.id, kind=recipe.task.kind, rows=rows)
    write_json(folder / f"scores.{on}.json", whole)
    write_json(folder / SCORES, whole)


def _rows_at(places: NDArray[np.int64], on: str, splits: SplitRows, key: TestKey | None) -> pa.Table:
    """row, text and label of the rows at `places`, in that order, without holding the texts of all."""
    order = np.argsort(places, kind="stable")
    wanted, found, start = places[order], [], 0
    for batch in splits.batches(on, key=key, columns=("row", "text", "label")):
        inside = wanted[(wanted >= start) & (wanted < start + len(batch))] - start
        found.append(batch.take(pa.array(inside)))
        start += len(batch)
    return pa.Table.from_batches(found).take(pa.array(np.argsort(order, kind="stable")))
