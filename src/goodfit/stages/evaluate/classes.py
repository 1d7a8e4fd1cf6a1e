"""A classifier, its baselines and what else the user brings answer the same rows: the judge of classification. Part of evaluate.

Validation rows are answered too (what was chosen on them stands beside the test rows in predictions.parquet), but only `evaluate.on` is
scored. What the user brings answers those only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.files import write_json, write_jsonl
from goodfit.recipe import Recipe
from goodfit.run import CONFUSIONS, MISTAKES, PREDICTIONS, SCORES, Run, TestKey, digest
from goodfit.stages.evaluate import answering
from goodfit.stages.evaluate.answering import Answered, Door, Keyed, ModelSystem, SplitRows, System, rows_at
from goodfit.stages.evaluate.behave import Behaved, behaviour, behaviours
from goodfit.stages.evaluate.class_brought import other_system, unanswered
from goodfit.stages.evaluate.confused import beside, confusions
from goodfit.stages.evaluate.findings import findings
from goodfit.stages.evaluate.kept import promises_kept, promises_of
from goodfit.stages.evaluate.leaked import leaked, leaked_rows, without
from goodfit.stages.evaluate.mistakes import LONGEST, lines, most_confident
from goodfit.stages.evaluate.outcome import TEST, VALID, Evaluation, TrainedModel
from goodfit.stages.evaluate.questions import not_compared
from goodfit.stages.evaluate.robust import Robust, fragile, robustness, rows_for
from goodfit.stages.evaluate.scoring import MODEL, Scored, document, score_split
from goodfit.stages.evaluate.weak import Slices, slices_of
from goodfit.stages.evaluate.weak.rows import looked_at, tokens_of
from goodfit.stages.evaluate.weak.told import weak_slices
from goodfit.tasks.base import encoder_of, writer_of
from goodfit.tasks.baselines import Around, TrainingRows, fit_baseline, left_out, names_of
from goodfit.tasks.baselines.neighbours import Neighbours
from goodfit.tasks.behaviour import read_suite
from goodfit.tasks.predictor import Predictor
from goodfit.tasks.tables import predictions_schema, writing

ROWS_LOOKED_AT = 64
"""Rows whose lengths say how many can be asked once more."""
WITH_ENCODER = ("knn", "zero_shot")
"""Baselines that need a frozen model."""


class Classes:
    """The model, its fitted baselines and the systems that the user brings, ready to answer."""

    no_promises: str | None = None
    """Why nothing can be promised of these answers, where that is so."""

    def __init__(self, recipe: Recipe, trained: TrainedModel, splits: SplitRows, run: Run) -> None:
        self.recipe, self.splits, self.run = recipe, splits, run
        self.on = recipe.evaluate.on
        self.predictor = Predictor.load(trained.folder)
        self.model = ModelSystem(self.predictor)
        self.systems: dict[str, System] = {MODEL: self.model}
        self.others: dict[str, System | Keyed] = {}
        self.facts: dict[str, dict[str, Any]] = {}
        self.left_out: dict[str, str] = {}
        self.rows: TrainingRows | None = None
        self.valid: Answered | None = None
        tests = recipe.evaluate.tests
        self.suite = None if tests is None else read_suite(tests, run.base, self.predictor.task.labels)
        for name, path in recipe.evaluate.predictions.items():
            run.screen.progress(f"reading the answers of {name}", 0, 1)
            other = other_system(name, path, recipe, self.predictor.task, (splits, run))
            self.others[name], self.facts[name] = other, other.facts
        self._fit()

    @property
    def selected(self) -> bool:
        """Whether the rows that are scored chose something of the model: its scores flatter then."""
        return self.on == VALID

    def judge(self, key: TestKey | None) -> Evaluation:
        """Scores, verdicts, gates, findings and files."""
        answered = self._answers(key)
        scored = score_split(
            answered, self.recipe.evaluate, key.looks if key else None, self.facts, selected=self.selected
        )  # fmt: skip
        seen, slices = leaked_rows(self.splits, self.on), self._slices(answered, key)
        promises = promises_of(scored, measured=self.on == TEST, why_not=self.no_promises)
        robust, behaved = self._robust(answered, key), self._behaved()
        self._write(scored, key, seen, {"calibration": promises, "slices": slices, "robust": robust, "behaved": behaved})
        last = [leaked(scored, seen), not_compared(scored, self.left_out), *weak_slices(scored, slices), *promises_kept(scored, promises)]
        self.run.report([*findings(scored, self.model), *last, *fragile(scored, robust), *behaviours(scored, behaved)])
        return Evaluation(self.on, len(answered), scored.headline, scored.verdicts, scored.gates)

    # -- ready --------------------------------------------------------------------------------------------------------

    def _fit(self) -> None:
        """The baselines, on the training rows that the model learned from."""
        recipe, run, names = self.recipe, self.run, names_of(self.recipe)
        if not names:
            return
        task, around = self.predictor.task, self._around(names)
        rows = self.rows = answering.training_rows(self.splits, task)
        asked = recipe.evaluate.metrics
        for done, name in enumerate(names):
            run.screen.progress(f"fitting the baseline {name}", done, len(names))
            why_not = left_out(name, task, rows, around, asked=not isinstance(recipe.evaluate.baselines, str))
            if why_not is not None:
                self.left_out[name] = why_not
                continue
            primary = "macro_f1" if isinstance(asked, str) else asked[0]
            baseline = self._baseline(name, primary, around)
            self.systems[name], self.facts[name] = baseline, dict(baseline.facts)

    def _baseline(self, name: str, primary: str, around: Around) -> Any:
        assert self.rows is not None
        return fit_baseline(name, self.predictor.task, self.rows, primary=primary, seed=self.recipe.seed, around=around)

    def _around(self, names: tuple[str, ...]) -> Around:
        """What baselines may use beside the training rows: nothing is loaded that none of them needs."""
        labels = self.recipe.task.labels
        told = dict(labels) if isinstance(labels, dict) else {}
        scored = sum(self.splits.counts.get(split, 0) for split in {VALID, self.on})
        if not set(names) & set(WITH_ENCODER):
            return Around(descriptions=told, scored=scored)
        saved, seed = self.predictor.saved, self.recipe.seed
        writer = writer_of(self.run, saved) if "zero_shot" in names else None
        return Around(encoder_of(self.run, saved, seed), writer, told, scored)

    # -- answering ----------------------------------------------------------------------------------------------------

    def _answers(self, key: TestKey | None) -> Answered:
        """The answers to the rows of `on`; those to validation go into the file beside them."""
        scored: Answered | None = None
        task = self.predictor.task
        with writing(self.run.folder("evaluate") / PREDICTIONS, predictions_schema(task.labels, multi_label=task.multi_label)) as write:
            for split in dict.fromkeys((VALID, self.on)):
                if not self.splits.counts.get(split, 0):
                    continue
                self.model.rows = self.model.truncated = 0
                door = Door(key if split == TEST else None, write, self.run.screen.progress)
                systems = {**self.systems, **(self.others if split == self.on else {})}
                answered = answering.answer_split(split, self.splits, self.predictor.task, systems, door=door)
                scored = answered if split == self.on else scored
                self.valid = answered if split == VALID else self.valid
        assert scored is not None
        self._drop_unanswered(scored)
        return scored

    def _drop_unanswered(self, scored: Answered) -> None:
        """Systems that the user brings, and that lack some rows."""
        for name, why in unanswered(self.others):
            self.left_out[name] = why
            del scored.answers[name]

    # -- where it is weak ---------------------------------------------------------------------------------------------

    @property
    def near(self) -> Neighbours | None:
        """The nearest neighbours' baseline, where it is one of the systems: its vectors tell what is near what."""
        found = self.systems.get("knn")
        return found if isinstance(found, Neighbours) else None

    def _neighbours(self, row: str) -> tuple[Neighbours, TrainingRows] | None:
        """What tells which training rows are near a row that was answered."""
        return None if self.near is None or self.rows is None else (self.near, self.rows)

    def _slices(self, answered: Answered, key: TestKey | None) -> Slices:
        """Slices that fail, found on validation and confirmed on the evaluated rows."""
        if self.valid is None:
            return Slices(why_not="there are no validation rows to find slices on")
        self.run.screen.progress("looking for weak slices", 0, 1)
        predictor, near, seed = self.predictor, self.near, self.recipe.seed
        valid = looked_at(self.valid, self.splits, None, predictor, near, seed)
        others = None if self.on == VALID else looked_at(answered, self.splits, key, predictor, near, seed)
        training = None if near is None else near.vectors
        return slices_of(valid, others, predictor.task.labels, training, seed=seed)

    def _robust(self, answered: Answered, key: TestKey | None) -> Robust | str:
        """Some scored rows asked again, written otherwise; or why not."""
        if self.recipe.evaluate.robustness is False:
            return "evaluate.robustness: false"
        n, rng = len(answered), np.random.default_rng([self.recipe.seed, 0x0B])
        first = rows_at(np.sort(rng.permutation(n)[:ROWS_LOOKED_AT]).astype(np.int64), self.on, self.splits, key)["text"].to_pylist()
        each = float(np.mean(tokens_of(first, self.predictor))) if first else 1.0
        places = np.sort(rng.permutation(n)[: rows_for(n, min(each, self.predictor.saved.max_length))]).astype(np.int64)
        self.run.screen.progress("asking once more with typing errors, other casing …", 0, 1)
        texts = rows_at(places, self.on, self.splits, key)["text"].to_pylist()
        told, task = answered.answers[MODEL].predictions[places], self.predictor.task
        plain = told[:, : task.n_labels] if task.multi_label else told
        clusters = None if answered.clusters is None else answered.clusters[places]
        return robustness(
            texts, answered.truth[places], plain, clusters, lambda some: ModelSystem(self.predictor).answer(some).predictions,
            seed=self.recipe.seed,
        )  # fmt: skip

    def _behaved(self) -> list[Behaved]:
        """The user's tests."""
        if self.suite is None:
            return []
        self.run.screen.progress("asking the behavioural tests", 0, 1)
        wanted = any(test.rows for test in self.suite.tests) and self.splits.counts.get(VALID, 0)
        rows = self.splits.table(VALID, columns=("text",))["text"].to_pylist() if wanted else []
        return behaviour(self.suite, rows, self.predictor, self.recipe.seed)

    # -- files --------------------------------------------------------------------------------------------------------

    def _write(self, scored: Scored, key: TestKey | None, seen: NDArray[np.bool_], more: dict[str, Any]) -> None:
        folder = self.run.folder("evaluate")
        write_jsonl(folder / MISTAKES, self._mistakes(scored, key))
        write_jsonl(folder / CONFUSIONS, self._confusions(scored, key))
        rows = key.fingerprint if key else digest(sorted(self.splits.row_ids(self.on).to_pylist()))
        whole = document(scored, run=self.run.id, kind=self.recipe.task.kind, rows=rows)
        leaks = without(scored, seen)
        whole |= ({} if leaks is None else {"leaks": leaks}) | ({"left_out": self.left_out} if self.left_out else {})
        whole["calibration"] |= more["calibration"]
        slices: Slices = more["slices"]
        robust: Robust | str = more["robust"]
        whole["robustness"] = {"why_not": robust} if isinstance(robust, str) else robust.to_json()
        whole["behaviour"] = [one.to_json() for one in more["behaved"]]
        whole |= self._more(scored)
        whole |= {"slices": [one.to_json(self.on) for one in slices.found], "slices_searched": slices.to_json()}
        write_json(folder / f"scores.{self.on}.json", whole)
        write_json(folder / SCORES, whole)

    def _more(self, scored: Scored) -> dict[str, Any]:
        """What else stands in scores.json."""
        return {}

    def _mistakes(self, scored: Scored, key: TestKey | None) -> list[dict[str, Any]]:
        """The surest mistakes, each beside its nearest training rows where there is an encoder."""
        places = most_confident(scored.answered)
        made = lines(scored.answered, places, rows_at(places, self.on, self.splits, key))
        return [line if (near := self._neighbours(line["row"])) is None else line | beside(line, line["text"], *near) for line in made]

    def _confusions(self, scored: Scored, key: TestKey | None) -> list[dict[str, Any]]:
        """What is taken for what, with examples."""
        found = confusions(scored.answered)
        places = np.concatenate([of for _, of in found]) if found else np.zeros(0, np.int64)
        texts = iter(rows_at(places, self.on, self.splits, key).to_pylist())
        sure = scored.answered.answers[MODEL].probabilities.max(axis=1)
        return [
            facts | {"examples": [{"row": row["row"], "p": round(float(sure[at]), 6), "text": row["text"][:LONGEST]}
                                  for at, row in zip(of.tolist(), texts, strict=False)]}
            for facts, of in found
        ]  # fmt: skip
