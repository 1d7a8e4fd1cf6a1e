"""A classifier and its baselines answer the same rows: the judge of classification. Part of evaluate.

Validation rows are answered too (what was chosen on them stands beside the test rows in predictions.parquet), but only `evaluate.on` is
scored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.files import write_json, write_jsonl
from goodfit.recipe import Recipe
from goodfit.run import MISTAKES, PREDICTIONS, SCORES, Run, TestKey, digest
from goodfit.stages.evaluate import answering
from goodfit.stages.evaluate.answering import Answered, Door, ModelSystem, SplitRows, System
from goodfit.stages.evaluate.findings import findings
from goodfit.stages.evaluate.leaked import leaked, leaked_rows, without
from goodfit.stages.evaluate.mistakes import lines, most_confident
from goodfit.stages.evaluate.outcome import TEST, VALID, Evaluation, TrainedModel
from goodfit.stages.evaluate.scoring import MODEL, Scored, document, score_split
from goodfit.tasks.baselines import fit_baseline, names_of
from goodfit.tasks.predictor import Predictor
from goodfit.tasks.tables import writing


class Classes:
    """The model and its fitted baselines, ready to answer."""

    def __init__(self, recipe: Recipe, trained: TrainedModel, splits: SplitRows, run: Run) -> None:
        self.recipe, self.splits, self.run = recipe, splits, run
        self.predictor = Predictor.load(trained.folder)
        self.systems, self.facts = _systems(recipe, self.predictor, splits, run)

    def judge(self, key: TestKey | None) -> Evaluation:
        """Scores, verdicts, gates, findings and files."""
        section, run = self.recipe.evaluate, self.run
        answered = _answers(section.on, self.splits, self.predictor, self.systems, (key, run))
        scored = score_split(answered, section, key.looks if key else None, self.facts, selected=section.on == VALID)
        seen = leaked_rows(self.splits, section.on)
        _write(scored, self.recipe, self.splits, key, run, seen)
        model = self.systems[MODEL]
        assert isinstance(model, ModelSystem)
        run.report([*findings(scored, model), leaked(scored, seen)])
        return Evaluation(section.on, len(answered), scored.headline, scored.verdicts, scored.gates)


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


def _write(scored: Scored, recipe: Recipe, splits: SplitRows, key: TestKey | None, run: Run, seen: NDArray[np.bool_]) -> None:
    folder, on = run.folder("evaluate"), scored.answered.split
    places = most_confident(scored.answered)
    write_jsonl(folder / MISTAKES, lines(scored.answered, places, _rows_at(places, on, splits, key)))
    rows = key.fingerprint if key else digest(sorted(splits.table(on, columns=("row",)).column("row").to_pylist()))
    whole = document(scored, run=run.id, kind=recipe.task.kind, rows=rows)
    leaks = without(scored, seen)
    whole |= {} if leaks is None else {"leaks": leaks}
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
