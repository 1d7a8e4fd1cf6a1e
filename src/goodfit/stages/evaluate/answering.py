"""Every system answers every row of a split; what they say goes to predictions.parquet and, as columns, to the scores.

Part of evaluate. Rows stream by in batches; what stays is what statistics need: per row the truth, the cluster, and per system a
prediction and L probabilities in float32 (those that stand in the file, so that the scores can be recomputed from it).

Shapes: n rows, L labels of the model, U labels that only these rows have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.tasks import Classification
from goodfit.tasks.baselines import Answers, TrainingRows
from goodfit.tasks.predictor import Predictor
from goodfit.tasks.tables import Write, names_type, predictions_schema, probability_arrays

BATCH_ROWS = 4096
NOT_ONE = -1
"""The code of an answer that is no label of the task."""
Tell = Callable[[str, float, float | None], None]
"""Progress: what, rows done, rows in all."""


class SplitRows(Protocol):
    """What evaluate asks of the divided data (the Result of `split`)."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows per split."""

    @property
    def clustered(self) -> bool:
        """Whether some cluster has more than one row."""

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the recipe's `groups`; a table has a column `group.<axis>` for each."""

    def table(self, split: Any, *, key: object | None = None, columns: tuple[str, ...] | None = None) -> pa.Table:
        """All rows of a split; `test` needs the key."""

    def batches(
        self, split: Any, *, size: int = 8192, key: object | None = None, columns: tuple[str, ...] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The same rows in the same order, at most `size` at a time."""

    def clusters(self, split: Any) -> NDArray[np.int64]:
        """The cluster of every row, in the same order."""

    def hygiene_rows(self) -> pa.Table:
        """What split found of single rows: columns row, split, below (it stands, or nearly, in a lower split); no text."""

    def row_ids(self, split: Any) -> pa.ChunkedArray:
        """The row ids, in the same order; they tell nothing of the rows, and need no key."""


class System(Protocol):
    """Whatever answers texts: the model, a baseline."""

    def answer(self, texts: Sequence[str]) -> Answers:
        """Probabilities [n, L] and predictions."""


@runtime_checkable
class Keyed(Protocol):
    """Whatever has answered rows already, and looks its answers up."""

    def of(self, batch: pa.RecordBatch) -> Answers:
        """Its answers to some rows (columns row and text)."""


class ModelSystem:
    """The fine-tuned model as a System; it counts the rows that were cut."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.rows = self.truncated = 0

    def answer(self, texts: Sequence[str]) -> Answers:
        """Probabilities and predictions of a batch of texts."""
        task, raw = self._predictor.task, self._predictor.raw(texts)
        self.rows += len(texts)
        self.truncated += int(raw.encoded.truncated.sum())
        probabilities = task.probabilities(raw.logits).astype(np.float32)  # as in the file, so that it gives the same answers
        return Answers(probabilities, task.decide(probabilities))


@dataclass(frozen=True)
class Answered:
    """One split with the answers of every system."""

    split: str
    task: Classification
    unknown: tuple[str, ...]
    """U labels of these rows that the model cannot give, sorted."""
    unknown_rows: int
    """Rows that carry one."""
    truth: NDArray[Any]
    """int64 [n] in 0..L+U-1, or bool [n, L+U]."""
    clusters: NDArray[np.int64] | None
    """int64 [n]; None where every row stands for itself."""
    answers: dict[str, Answers] = field(default_factory=dict)
    """System -> float32 probabilities [n, L], and predictions int64 [n] or bool [n, L+U]."""
    folds: int | None = None
    """How many models gave the answers, each to the rows that it did not learn from (`split.folds`); None: one model."""

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def names(self) -> tuple[str, ...]:
        """The model's labels, then the unknown ones."""
        return self.task.labels + self.unknown


def answer_split(split: str, splits: SplitRows, task: Classification, systems: Mapping[str, System | Keyed], *, door: Door) -> Answered:
    """Let every system answer the rows of `split`; `door` has the key, the file and the progress line."""
    n = splits.counts.get(split, 0)
    truth, unknown_rows = _truth(split, splits, task, door.key)
    kept = {name: _Columns(n, task) for name in systems}
    done = 0
    for batch in splits.batches(split, size=BATCH_ROWS, key=door.key, columns=("row", "text", "label")):
        texts = batch.column("text").to_pylist()
        for name, system in systems.items():
            answers = system.of(batch) if isinstance(system, Keyed) else system.answer(texts)
            kept[name].put(done, answers)
            door.write(_table(batch, split, name, task, kept[name].part(done, len(batch))))
        done += len(batch)
        door.tell(f"answering {split}", done, n)
    wide = len(truth.names) if task.multi_label else None
    return Answered(
        split, task, truth.unknown, unknown_rows, truth.codes, splits.clusters(split) if splits.clustered else None,
        {name: columns.answers(wide, truth.codes) for name, columns in kept.items()},
    )  # fmt: skip


@dataclass(frozen=True)
class Door:
    """What a split is read and written through."""

    key: object | None
    write: Write
    tell: Tell


class _Columns:
    """The answers of one system, filled batch by batch."""

    def __init__(self, n: int, task: Classification) -> None:
        self._probabilities: NDArray[Any] = np.empty((n, task.n_labels), dtype=np.float32)
        self._predictions: NDArray[Any] = np.empty((n, task.n_labels), dtype=np.bool_)
        if not task.multi_label:
            self._predictions = np.empty(n, dtype=np.int64)

    def put(self, start: int, answers: Answers) -> None:
        end = start + len(answers.predictions)
        self._probabilities[start:end] = answers.probabilities
        self._predictions[start:end] = answers.predictions

    def part(self, start: int, size: int) -> Answers:
        return Answers(self._probabilities[start : start + size], self._predictions[start : start + size])

    def answers(self, wide: int | None, truth: NDArray[Any]) -> Answers:
        """Whole columns; multi-label predictions are widened by the unknown labels, which are never given."""
        if wide is None:
            return Answers(self._probabilities, spread(self._predictions, truth, self._probabilities.shape[1]))
        if wide == self._predictions.shape[1]:
            return Answers(self._probabilities, self._predictions)
        more = np.zeros((len(self._predictions), wide - self._predictions.shape[1]), dtype=bool)
        return Answers(self._probabilities, np.concatenate([self._predictions, more], axis=1))


def spread(predictions: NDArray[np.int64], truth: NDArray[np.int64], labels: int) -> NDArray[np.int64]:
    """Answers [n] that are no label (NOT_ONE) as mistakes, spread evenly over the wrong labels: one would pay for all else."""
    places = np.flatnonzero(predictions == NOT_ONE)
    if not len(places):
        return predictions
    out, right = predictions.copy(), truth[places]
    steps = np.where(right < labels, 1 + np.arange(len(places)) % max(1, labels - 1), 0)
    out[places] = (right + steps) % labels
    return out


def _table(batch: pa.RecordBatch, split: str, system: str, task: Classification, answers: Answers) -> pa.Table:
    n = len(batch)
    arrays = [
        batch.column("row"), pa.repeat(pa.scalar(split), n), pa.repeat(pa.scalar(system), n), batch.column("label"),
        _names(task, answers.predictions), *probability_arrays(answers.probabilities),
    ]  # fmt: skip
    return pa.Table.from_arrays(arrays, schema=predictions_schema(task.labels, multi_label=task.multi_label))


def _names(task: Classification, predictions: NDArray[Any]) -> pa.Array:
    """What was given, by name; null for what is no label."""
    if task.multi_label:
        return pa.array(task.names(predictions), names_type(True))
    labels = pa.array(task.labels, pa.string())
    return labels.take(pa.array(predictions, mask=predictions == NOT_ONE))


@dataclass(frozen=True)
class _Truth:
    codes: NDArray[Any]
    names: tuple[str, ...]
    unknown: tuple[str, ...]


def _truth(split: str, splits: SplitRows, task: Classification, key: object | None) -> tuple[_Truth, int]:
    """The labels of a split as codes; labels that the model does not have get the codes behind its own."""
    parts = [batch.column("label") for batch in splits.batches(split, key=key, columns=("label",))]
    seen: set[str] = set()
    for part in parts:
        seen.update(part.flatten().unique().to_pylist() if task.multi_label else part.unique().to_pylist())
    unknown = tuple(sorted(seen - set(task.labels)))
    wide = Classification(task.labels + unknown, multi_label=task.multi_label)
    codes = [wide.encode_targets(part.to_pylist()) for part in parts]
    empty = np.zeros((0, wide.n_labels)) if task.multi_label else np.zeros(0, np.int64)
    joined = np.concatenate(codes) if codes else empty
    truth = joined > 0.5 if task.multi_label else joined
    strange = truth[:, task.n_labels :].any(axis=1) if task.multi_label else truth >= task.n_labels
    return _Truth(truth, wide.labels, unknown), int(strange.sum())


def training_rows(splits: SplitRows, task: Classification) -> TrainingRows:
    """The training split as columns for the baselines; rows with a label that the model does not have are left out."""
    table = splits.table("train", columns=("row", "text", "label", "weight"))
    targets = [task.encode_targets(part.to_pylist(), unknown="mark") for part in table.column("label").chunks]
    joined = np.concatenate(targets) if targets else task.encode_targets([])
    weight = np.asarray(table.column("weight").to_numpy(), dtype=np.float32)
    clusters = splits.clusters("train") if splits.clustered else None
    if task.multi_label or not (joined < 0).any():
        return TrainingRows(table.column("text"), joined, clusters, weight, table.column("row"))
    keep = joined >= 0
    text, row = (table.column(name).filter(pa.array(keep)) for name in ("text", "row"))
    return TrainingRows(text, joined[keep], None if clusters is None else clusters[keep], weight[keep], row)


def rows_at(  # noqa: PLR0913 - what a reading is
    places: NDArray[np.int64], on: str, splits: SplitRows, key: object | None, columns: tuple[str, ...] = ("row", "text", "label"),
    *, size: int = BATCH_ROWS,
) -> pa.Table:  # fmt: skip
    """Columns of the rows at `places`, in that order, `size` rows read at a time; `test` needs the key."""
    order = np.argsort(places, kind="stable")
    wanted, found, start = places[order], [], 0
    for batch in splits.batches(on, size=size, key=key, columns=columns):
        inside = wanted[(wanted >= start) & (wanted < start + len(batch))] - start
        found.append(batch.take(pa.array(inside)))
        start += len(batch)
    return pa.Table.from_batches(found).take(pa.array(np.argsort(order, kind="stable")))
