"""Divided rows in memory, and systems whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit.data.rows import SealBroken
from goodfit.stages.evaluate.answering import Answered, Door, System, answer_split
from goodfit.tasks import Classification
from goodfit.tasks.baselines import Answers

KEY = object()
Table = Mapping[str, Any]


class Splits:
    """What the Result of `split` offers, from lists: `{split: {"text": […], "label": […], "group": […]}}`."""

    def __init__(self, splits: Mapping[str, Table], *, multi_label: bool = False, key: object | None = KEY) -> None:
        self._key, self._names = key, pa.list_(pa.string()) if multi_label else pa.string()
        self._tables = {name: self._table(name, columns) for name, columns in splits.items()}
        self.opened: list[str] = []

    def _table(self, split: str, columns: Table) -> pa.Table:
        n = len(columns["text"])
        return pa.table({
            "row": pa.array(columns.get("row", [f"{split}{i:06d}" for i in range(n)]), pa.string()),
            "text": pa.array(columns["text"], pa.string()),
            "label": pa.array(columns["label"], self._names),
            "group": pa.array(columns.get("group", range(n)), pa.int32()),
            "weight": pa.array(np.ones(n, np.float32)),
        })  # fmt: skip

    axes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        return {name: table.num_rows for name, table in self._tables.items()}

    @property
    def clustered(self) -> bool:
        return any(len(np.unique(table["group"])) < table.num_rows for table in self._tables.values())

    def table(self, split: str, *, key: object | None = None, columns: tuple[str, ...] | None = None) -> pa.Table:
        if split == "test" and (key is None or (self._key is not None and key is not self._key)):
            raise SealBroken("sealed")
        self.opened.append(split)
        table = self._tables[split]
        return table.select(list(columns)) if columns else table

    def batches(
        self, split: str, *, size: int = 8192, key: object | None = None, columns: tuple[str, ...] | None = None
    ) -> Iterator[pa.RecordBatch]:
        yield from self.table(split, key=key, columns=columns).combine_chunks().to_batches(max_chunksize=size)

    def row_ids(self, split: str) -> pa.ChunkedArray:
        return self._tables[split]["row"]

    def hygiene_rows(self) -> pa.Table:
        """Rows whose ids begin with `leak` stand in a lower split."""
        rows = [(row, name) for name, table in self._tables.items() for row in table["row"].to_pylist()]
        return pa.table({
            "row": pa.array([row for row, _ in rows], pa.string()), "split": pa.array([name for _, name in rows], pa.string()),
            "below": [row.startswith("leak") for row, _ in rows],
        })  # fmt: skip

    def clusters(self, split: str) -> np.ndarray:
        return np.asarray(self._tables[split]["group"]).astype(np.int64)


class Told:
    """A System that answers from a table text -> probabilities."""

    def __init__(self, task: Classification, table: Mapping[str, Sequence[float]]) -> None:
        self._task, self._table = task, table

    def answer(self, texts: Sequence[str]) -> Answers:
        probabilities = np.array([self._table[text] for text in texts], dtype=np.float32).reshape(len(texts), -1)
        return Answers(probabilities, self._task.decide(probabilities))


def answered(
    task: Classification, labels: Sequence[Any], systems: Mapping[str, np.ndarray], *, groups: Sequence[int] | None = None
) -> tuple[Answered, pa.Table]:
    """Rows with these labels answered with these probabilities (system -> [n, L]), and what was written of it."""
    texts = [f"t{i}" for i in range(len(labels))]
    columns = {"text": texts, "label": list(labels)} | ({"group": list(groups)} if groups is not None else {})
    splits = Splits({"test": columns}, multi_label=task.multi_label)
    told: dict[str, System] = {name: Told(task, dict(zip(texts, p, strict=True))) for name, p in systems.items()}
    written: list[pa.Table] = []
    found = answer_split("test", splits, task, told, door=Door(KEY, written.append, lambda what, done, total: None))
    return found, pa.concat_tables(written)


def guesses(truth: np.ndarray, classes: int, right: float, rng: np.random.Generator) -> np.ndarray:
    """Probabilities [n, K] whose most probable class is the truth for a share `right` of the rows."""
    chosen = np.where(rng.random(len(truth)) < right, truth, rng.integers(0, classes, len(truth)))
    z = rng.normal(0, 1, (len(truth), classes))
    z[np.arange(len(truth)), chosen] += 6
    e = np.exp(z - z.max(1, keepdims=True))
    return (e / e.sum(1, keepdims=True)).astype(np.float32)
