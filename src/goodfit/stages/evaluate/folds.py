"""Classifiers of folds: every row answered by a model, and by baselines, that did not learn from it. Part of evaluate, for `split.folds`.

The answers of the folds' models stand in `train/folds` (stages/train/folds.py); baselines are fitted here, fold by fold, on the training
rows that the fold's model learned from. Then all rows are scored as test rows are, with intervals that know that the models of the folds
learned from each other's rows (statistics/folds.py). What needs one model that has not seen the rows (asking them again, written otherwise;
promises) is left to data with test rows, and said to be. Weak slices are found on one half of the rows and confirmed on the other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.data.groups import folds_of
from goodfit.errors import RunError
from goodfit.files import json_object, read_json
from goodfit.run import CANDIDATES, FOLDS, MANIFEST, PLAN, PREDICTIONS, Run, TestKey
from goodfit.stages.evaluate import answering
from goodfit.stages.evaluate.answering import NOT_ONE, Answered, Door, SplitRows
from goodfit.stages.evaluate.classes import Classes
from goodfit.stages.evaluate.robust import Robust
from goodfit.stages.evaluate.scoring import MODEL, Scored, outcome, part_of
from goodfit.stages.evaluate.weak import Slices, slices_of
from goodfit.stages.evaluate.weak.rows import looked_at
from goodfit.statistics.folds import factor
from goodfit.tasks import Classification, metrics
from goodfit.tasks.baselines import Answers, Baseline, TrainingRows, fit_baseline
from goodfit.tasks.baselines.neighbours import Neighbours
from goodfit.tasks.decision import Decision
from goodfit.tasks.tables import predictions_schema, writing

SIDES = ("train", "valid")
HALF = 0x4A1F
OWN = "each fold's own, chosen on the validation rows outside it"
NOT_ASKED = "with split.folds no model has left all rows unseen: asked of test rows only (split.test_size)"


class FoldRows:
    """Divided data in which all training and validation rows are one more split, `folds`."""

    def __init__(self, splits: SplitRows) -> None:
        self._splits = splits
        self._sides = [side for side in SIDES if splits.counts.get(side, 0)]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._splits, name)

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows per split."""
        own = self._splits.counts
        return {**own, FOLDS: sum(own[side] for side in self._sides)}

    def batches(
        self, split: Any, *, size: int = 8192, key: object | None = None, columns: tuple[str, ...] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a split; of `folds` the training rows, then the validation rows."""
        for side in self._of(split):
            yield from self._splits.batches(side, size=size, key=key, columns=columns)

    def table(self, split: Any, *, key: object | None = None, columns: tuple[str, ...] | None = None) -> pa.Table:
        """The same as one table."""
        return pa.concat_tables([self._splits.table(side, key=key, columns=columns) for side in self._of(split)])

    def clusters(self, split: Any) -> NDArray[np.int64]:
        """The cluster of every row."""
        return np.concatenate([self._splits.clusters(side) for side in self._of(split)])

    def row_ids(self, split: Any) -> pa.ChunkedArray:
        """The row ids."""
        return pa.chunked_array([chunk for side in self._of(split) for chunk in self._splits.row_ids(side).chunks], pa.string())

    def _of(self, split: Any) -> list[Any]:
        return list(self._sides) if split == FOLDS else [split]


class Told:
    """What the folds' models answered, looked up by row id."""

    def __init__(self, run: Run, task: Classification) -> None:
        folder = run.path / "train" / FOLDS
        files = sorted(folder.glob("*.parquet"), key=lambda path: int(path.stem))
        self.folds = len(files)
        if not files:
            raise RunError(f"{folder} holds no answers of folds", fix="train the run again: goodfit run RECIPE --new")
        table = pa.concat_tables([pq.read_table(path) for path in files]).combine_chunks()
        self._known, self._task = table["row"].combine_chunks(), task
        self._p = np.stack([table[f"p_{label}"].to_numpy() for label in task.labels], axis=1)
        self._given = task.encode_targets(table["prediction"].to_pylist())
        self.facts = [read_json(folder / f"{path.stem}.json") for path in files]
        self.rows = len(self._known)
        self.truncated = sum(int(n) for n in json_object(run.path / "prepare" / MANIFEST).get("truncated_rows", {}).values())

    def of(self, batch: pa.RecordBatch) -> Answers:
        """Their answers; a row whose label no model has (it was not tokenised) is answered by none, and counts as a mistake."""
        places = pc.index_in(batch.column("row"), value_set=self._known).fill_null(-1).to_numpy(zero_copy_only=False)
        there, several = places >= 0, self._task.multi_label
        p = np.where(there[:, None], self._p[places], 1 / self._task.n_labels).astype(np.float32)
        given = self._given[places] > 0.5 if several else self._given[places]
        return Answers(p, given & there[:, None] if several else np.where(there, given, NOT_ONE))


class Fitted:
    """A baseline fitted once per fold; each row is answered by the one that did not learn from it."""

    def __init__(self, of_fold: list[Baseline], run: Run) -> None:
        self.of_fold, self.fold_of = of_fold, folds_of(run.path)
        self.facts = {**of_fold[0].facts, "fitted": f"{len(of_fold)} times, once without each fold; the facts are those of the first"}

    def of(self, batch: pa.RecordBatch) -> Answers:
        """Its answers to some rows (columns row and text)."""
        fold, texts = self.fold_of(pa.chunked_array([batch.column("row")])), batch.column("text").to_pylist()
        places = {number: np.flatnonzero(fold == number) for number in np.unique(fold).tolist()}
        found = [self.of_fold[number].answer([texts[i] for i in of.tolist()]) for number, of in places.items()]
        order = np.argsort(np.concatenate(list(places.values())))
        p, given = (np.concatenate(parts)[order] for parts in zip(*found, strict=True))
        return Answers(p, given)


class FoldedClasses(Classes):
    """The judge of out-of-fold answers."""

    no_promises = "promises are those of the model that is kept, and it has learned from the rows that are scored"
    model: Any
    systems: dict[str, Any]

    def __init__(self, recipe: Any, trained: Any, splits: SplitRows, run: Run) -> None:
        self.of_fold: list[TrainingRows] = []
        super().__init__(recipe, trained, FoldRows(splits), run)
        self.model = Told(run, self.predictor.task)
        self.systems = {MODEL: self.model, **{name: system for name, system in self.systems.items() if name != MODEL}}

    @property
    def selected(self) -> bool:
        """Whether these very rows chose something: the numbers of the training, the base model, or this run among others."""
        chosen = json_object(self.run.path / "tune" / PLAN).get("chosen")
        return bool(chosen or self.run.record.proposal or json_object(self.run.path / "choose" / CANDIDATES).get("measured"))

    def _baseline(self, name: str, primary: str, around: Any) -> Any:
        """One of each fold, fitted on what the fold's model learned from."""
        rows = self.rows
        assert rows is not None
        if not self.of_fold:
            known = folds_of(self.run.path)
            fold, k = known(rows.row), 1 + int(known(self.splits.row_ids(FOLDS)).max())
            self.of_fold = [rows.part(np.flatnonzero(fold != number)) for number in range(k)]
        made = []
        for done, part in enumerate(self.of_fold):
            self.run.screen.progress(f"fitting the baseline {name}, fold by fold", done, len(self.of_fold))
            made.append(fit_baseline(name, self.predictor.task, part, primary=primary, seed=self.recipe.seed, around=around))
        return Fitted(made, self.run)

    def _answers(self, key: TestKey | None) -> Answered:
        fitted = any(facts["rows_valid"] for facts in self.model.facts)
        task = self.predictor.task.with_decision(Decision(fitted_on="valid", reason=OWN) if fitted else Decision())
        with writing(self.run.folder("evaluate") / PREDICTIONS, predictions_schema(task.labels, multi_label=task.multi_label)) as write:
            door = Door(None, write, self.run.screen.progress)
            answered = answering.answer_split(FOLDS, self.splits, task, {**self.systems, **self.others}, door=door)
        self._drop_unanswered(answered)
        return dataclasses.replace(answered, folds=self.model.folds)

    def _slices(self, answered: Answered, key: TestKey | None) -> Slices:
        """Found on one half of the rows, confirmed on the other; whole clusters go to a half."""
        self.run.screen.progress("looking for weak slices", 0, 1)
        knn, seed = self.systems.get("knn"), self.recipe.seed
        near: Any = knn.of_fold[0] if isinstance(knn, Fitted) else None
        rows = looked_at(answered, self.splits, None, self.predictor, near, seed)
        names = np.arange(len(rows.rows)) if rows.clusters is None else np.unique(rows.clusters, return_inverse=True)[1]
        first = (np.random.default_rng([seed, HALF]).permutation(int(names.max(initial=0)) + 1) % 2 == 0)[names]
        return slices_of(rows.part(np.flatnonzero(first)), rows.part(np.flatnonzero(~first)), self.predictor.task.labels, None, seed=seed)

    def _robust(self, answered: Answered, key: TestKey | None) -> Robust | str:
        return "evaluate.robustness: false" if self.recipe.evaluate.robustness is False else NOT_ASKED

    def _neighbours(self, row: str) -> tuple[Neighbours, TrainingRows] | None:
        """What the fold's model learned that answered this row."""
        knn = self.systems.get("knn")
        if not isinstance(knn, Fitted):
            return None
        fold = int(knn.fold_of([row])[0])
        found = knn.of_fold[fold]
        return (found, self.of_fold[fold]) if isinstance(found, Neighbours) else None

    def _more(self, scored: Scored) -> dict[str, Any]:
        """`folds` of scores.json: each fold's score, and how its model came about."""
        fold = folds_of(self.run.path)(self.splits.row_ids(FOLDS))
        kept = ("seed", "rows_trained", "rows_valid", "best_step", "seconds", "decision")
        of_each = []
        for facts in self.model.facts:
            inside = fold == facts["fold"]
            [found] = metrics.measure([scored.primary], part_of(outcome(scored.answered, MODEL), inside))
            of_each.append({"fold": facts["fold"], "rows": int(inside.sum()), "value": found.value, **{name: facts[name] for name in kept}})
        return {"folds": {"n": self.model.folds, "of_each": of_each, "wider": round(factor(self.model.folds), 6)}}
