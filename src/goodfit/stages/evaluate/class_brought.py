"""Other systems' labels: from a file (a model behind an API, people, a rule), an earlier run, or the folder of a trained classifier.

Part of evaluate, for classification. Label names are matched exactly, else up to case, spaces, punctuation where that fits one label alone.
What is still no label (`I think it is billing`) counts as a mistake, and is counted; a file of which most answers are no label is refused.

Shapes: n rows, L labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from goodfit.data.labels import detect_separator, parse_labels
from goodfit.data.normalise import normalise
from goodfit.data.source import join_text
from goodfit.errors import DataError, ModelError, nearest
from goodfit.models.load import load_trained
from goodfit.monitor.words import count
from goodfit.recipe import Recipe
from goodfit.run import ASSIGNMENT, MODEL, PREDICTIONS, RECORD, Run
from goodfit.stages.evaluate.answering import NOT_ONE, ModelSystem, SplitRows
from goodfit.stages.evaluate.brought import Brought, brought
from goodfit.tasks import SAVED, Classification, Saved
from goodfit.tasks.baselines import Answers
from goodfit.tasks.predictor import Predictor

MOST_FOREIGN = 0.5
"""Share of answers that are no label beyond which the file answers another question."""
LONGEST = 512
"""Tokens that a classifier of another maker reads, unless it says that it reads fewer."""
SHOWN = 5


class Names:
    """Another system's names for the labels of this task."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._exact = {label: code for code, label in enumerate(labels)}
        keys = _plain(labels)
        held = Counter(keys)
        self._alike = {key: code for code, key in enumerate(keys) if key and held[key] == 1}
        self.foreign: Counter[str] = Counter()
        """Answers that are no label -> how often."""
        self.matched: dict[str, str] = {}
        """Names that are a label in other spelling."""
        self._labels = tuple(labels)

    def code(self, name: str) -> int:
        """The label's place, or NOT_ONE."""
        found = self._exact.get(name)
        if found is not None:
            return found
        found = self._alike.get(_plain([name])[0], NOT_ONE)
        if found == NOT_ONE:
            self.foreign[name] += 1
        else:
            self.matched[name] = self._labels[found]
        return found


def _plain(names: Sequence[str]) -> list[str]:
    """Without case, punctuation, spaces."""
    return [key.replace(" ", "").replace("_", "") for key in normalise(pa.array(list(names), pa.string())).to_pylist()]


class FileSystem:
    """A file of answers as a System: it is asked by row id, or by text."""

    def __init__(self, file: Brought, task: Classification, separator: str | None) -> None:
        """Reads it to its end; DataError where most of its answers are no label, or a probability is none."""
        self.file, self._task = file, task
        self._columns = self._probability_columns()
        self._names = Names(task.labels)
        self._place: dict[str, int] = {}
        self._told: list[Any] = []
        self._p: list[list[float]] = []
        self.missing = 0
        self._read(separator)

    @property
    def facts(self) -> dict[str, Any]:
        """`systems.<name>` of scores.json."""
        foreign = dict(self._names.foreign.most_common(SHOWN))
        return {
            "kind": "run" if self.file.of_a_run else "file", "rows": len(self._told), "by": list(self.file.by),
            "probabilities": bool(self._columns), "no_label": sum(self._names.foreign.values()), "no_label_examples": foreign,
            "spelled_otherwise": dict(list(self._names.matched.items())[:SHOWN]),
        }  # fmt: skip

    def of(self, batch: pa.RecordBatch) -> Answers:
        """Its answers to some rows (columns row and text); a row that it does not answer is counted, and has no label."""
        keys = batch.column("row" if self.file.by_row else "text").to_pylist()
        places = [self._place.get(key if self.file.by_row else key.strip()) for key in keys]
        self.missing += sum(place is None for place in places)
        n, labels = len(keys), self._task.n_labels
        p = np.full((n, labels), np.nan, dtype=np.float32)
        for i, place in enumerate(places):
            if place is not None and self._columns:
                p[i] = self._p[place]
        if not self._task.multi_label:
            return Answers(p, np.array([NOT_ONE if place is None else self._told[place] for place in places], dtype=np.int64))
        given = np.zeros((n, labels), dtype=bool)
        for i, place in enumerate(places):
            given[i, [] if place is None else self._told[place]] = True
        return Answers(p, given)

    def _probability_columns(self) -> list[str]:
        """`p_<label>` of every label; none where one is lacking."""
        names = [f"p_{label}" for label in self._task.labels]
        return names if set(names) <= set(self.file.opened.columns) else []

    def _read(self, separator: str | None) -> None:
        if self._task.multi_label and separator is None:
            separator = detect_separator((answer for _, answer, _, _ in self.file.lines()), multi_label=True) or ""
        for cells, answer, more, line in self.file.lines(*self._columns):
            key = _key(cells) if not self.file.by_row else str(cells[0])
            if key in self._place:
                continue
            self._place[key] = len(self._told)
            self._told.append(self._codes(answer, separator, line))
            if self._columns:
                self._p.append(self._numbers(more, line))
        self._refuse_another_question()

    def _codes(self, answer: Any, separator: str | None, line: int) -> Any:
        if not self._task.multi_label:
            return self._names.code("" if answer is None else str(answer).strip())
        if isinstance(answer, list | tuple):
            names = [str(name) for name in answer if name is not None]
        else:
            try:
                names = [] if answer is None else parse_labels(str(answer), separator or "")
            except ValueError as error:
                raise self.file.file.error(f"prediction {str(answer)[:40]!r}: {error}", line=line, fix="write it as a JSON list") from error
        return [code for name in names if (code := self._names.code(name)) != NOT_ONE]

    def _numbers(self, cells: Sequence[Any], line: int) -> list[float]:
        try:
            p = [float(cell) for cell in cells]
        except (TypeError, ValueError):
            p = [np.nan]
        if not all(0 <= value <= 1 for value in p):
            column = next((name for name, value in zip(self._columns, p, strict=False) if not 0 <= value <= 1), self._columns[0])
            raise self.file.file.error(
                f"{column} is no probability", line=line, fix="give numbers from 0 to 1, or leave out the p_ columns"
            )
        return p

    def _refuse_another_question(self) -> None:
        foreign, told = sum(self._names.foreign.values()), max(1, len(self._told))
        if foreign <= MOST_FOREIGN * told:
            return
        first = self._names.foreign.most_common(1)[0][0]
        near = nearest(first, self._task.labels)
        shown = ", ".join(map(repr, self._task.labels[:SHOWN])) + (" …" if self._task.n_labels > SHOWN else "")
        raise self.file.file.error(
            f"{foreign:,} of its {told:,} predictions are no label of this task, {first[:60]!r} for one; the labels are {shown}",
            fix=f"write the labels as the data does ({near!r}?)" if near else "write the labels as the data does",
        )


def _key(cells: Sequence[Any]) -> str:
    """The input of a row, as the row store joins it."""
    return str(join_text([[None if cell is None else str(cell)] for cell in cells])[0] or "").strip()


class FolderSystem(ModelSystem):
    """Another trained classifier, asked like the run's own; its labels are this task's by name."""

    def __init__(self, predictor: Predictor, task: Classification, facts: Mapping[str, Any]) -> None:
        """ModelError where none of its labels is one of this task's."""
        super().__init__(predictor)
        names = Names(task.labels)
        self._into = np.array([names.code(label) for label in predictor.task.labels], dtype=np.int64)
        self._ours = task
        if (self._into == NOT_ONE).all():
            theirs = ", ".join(map(repr, predictor.task.labels[:SHOWN]))
            raise ModelError(f"{facts['path']} gives none of the labels of this task, but {theirs}", fix="name one that does")
        self.facts = dict(facts) | {"labels_lacking": task.n_labels - len(set(self._into.tolist()) - {NOT_ONE})}

    def answer(self, texts: Sequence[str]) -> Answers:
        """Probabilities of this task's labels (0 for one that it does not have), and what it gives."""
        found = super().answer(texts)
        kept = self._into != NOT_ONE
        p = np.zeros((len(texts), self._ours.n_labels), dtype=np.float32)
        p[:, self._into[kept]] = found.probabilities[:, kept]
        if not self._ours.multi_label:
            return Answers(p, self._into[found.predictions])
        given = np.zeros(p.shape, dtype=bool)
        given[:, self._into[kept]] = found.predictions[:, kept]
        return Answers(p, given)


def other_system(name: str, path: str, recipe: Recipe, task: Classification, where: tuple[SplitRows, Run]) -> FileSystem | FolderSystem:
    """A system that the user brings, ready to answer the rows of `evaluate.on`; an error says what is wrong with it."""
    splits, run = where
    place = run.base / Path(path).expanduser()
    ids = splits.row_ids(recipe.evaluate.on)
    folder = _model_folder(place, ids)
    if folder is not None:
        return _classifier(folder, path, task)
    file = brought(name, path, run.base, recipe.task.text, ids.to_pylist())
    return FileSystem(file, task, recipe.task.label_separator)


def _model_folder(place: Path, ids: pa.ChunkedArray) -> Path | None:
    """Where a model stands that is to answer itself: a model's folder, or a run that has not answered these rows; None for a file.

    DataError where that run was trained on some of these rows.
    """
    if not place.is_dir():
        return None
    if not (place / RECORD).is_file():
        if not (place / "config.json").is_file() and not (place / SAVED).is_file():
            return None
        run = place.resolve().parent.parent  # the model of a run: its rows are known
        if place.resolve().parts[-2:] == ("train", MODEL) and (run / "split" / ASSIGNMENT).is_file():
            _refuse_learned(run, ids)
        return place
    answers, model = place / "evaluate" / PREDICTIONS, place / "train" / MODEL
    if not (model / SAVED).is_file() or (answers.is_file() and _answers_all(answers, ids)):
        return None
    _refuse_learned(place, ids)
    return model


def _refuse_learned(run: Path, ids: pa.ChunkedArray) -> None:
    """DataError where a run was trained on some of the rows, or chose its step by them."""
    assignment = pq.read_table(run / "split" / ASSIGNMENT, columns=["row", "split"])
    learned = assignment.filter(pc.not_equal(assignment["split"], "test"))["row"]
    seen = pc.sum(pc.is_in(ids, value_set=learned.combine_chunks())).as_py() or 0
    if seen:
        raise DataError(
            f"evaluate.predictions: the run {run.name} was trained on {count(seen, 'row')} of those that are scored",
            fix="train it on the same split, or evaluate both on rows that neither has seen",
        )


def _answers_all(answers: Path, ids: pa.ChunkedArray) -> bool:
    table = pq.read_table(answers, columns=["row", "system"], filters=[("system", "=", "model")])
    return bool(pc.all(pc.is_in(ids, value_set=table["row"].combine_chunks())).as_py())


def _classifier(folder: Path, path: str, task: Classification) -> FolderSystem:
    """A model that Goodfit saved, or any classifier in the layout of transformers."""
    if (folder / SAVED).is_file():
        predictor = Predictor.load(folder)
    else:
        loaded = load_trained(folder)
        several = getattr(loaded.model.config, "problem_type", None) == "multi_label_classification"
        theirs = Classification(loaded.labels, multi_label=several)
        predictor = Predictor(loaded.model, loaded.tokenizer, Saved(theirs, ("text",), min(LONGEST, loaded.identity.max_length or LONGEST)))
    if predictor.task.multi_label != task.multi_label:
        one, other = ("several labels", "one label") if predictor.task.multi_label else ("one label", "several labels")
        raise ModelError(f"{path} gives {one} a row, and this task takes {other}", fix="name a classifier of the same kind")
    return FolderSystem(predictor, task, {"kind": "folder", "path": Path(path).name})


def unanswered(systems: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Systems that lack some rows, found only when these were opened: (name, why it is left out)."""
    for name, system in systems.items():
        if isinstance(system, FileSystem) and system.missing:
            yield name, f"{count(system.missing, 'row')} of those scored {'has' if system.missing == 1 else 'have'} no answer in the file"
