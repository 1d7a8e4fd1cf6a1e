"""Classifier: labels with probabilities, for texts and files. Answers are those that evaluate scored: the same tokens, temperature and
thresholds, in float32, whatever stands beside a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.data.clean.mask import Mask
from goodfit.data.missing import missing_column
from goodfit.data.source import Columns, Source, columns_of_file, join_text, read
from goodfit.errors import DataError
from goodfit.predict.kept import WITHHELD, Ask, Kept
from goodfit.predict.model import EMPTY, Model, Progress, Written, reading, target_of
from goodfit.tasks.predictor import Predictor
from goodfit.tasks.tables import names_type, probability_arrays, probability_fields, writing

BATCH_ROWS = 4096
"""Rows that are Python objects at once."""


@dataclass(frozen=True)
class Prediction:
    """The answer to one row."""

    label: str | None
    """The class; None for multi-label, and where there is no answer."""
    labels: tuple[str, ...]
    """The labels given: one, or for multi-label any number."""
    p: float | None
    """Probability of the label; for multi-label of the least certain yes or no. None where there is no answer."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Label -> probability."""
    reason: str | None = None
    """Why there is no answer."""
    set: tuple[str, ...] | None = None
    """Where a coverage was asked for: the labels that hold the true one so often, the likeliest first; for multi-label those that are
    kept so that few true ones are missed."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every key."""
        out = {
            "label": self.label, "labels": list(self.labels), "p": self.p, "probabilities": dict(self.probabilities), "reason": self.reason,
        }  # fmt: skip
        return out if self.set is None else out | {"set": list(self.set)}


PLAIN = Ask()


class Classifier(Model, kind="classification"):
    """A trained model with its tokenizer, label names, temperature and thresholds."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    @classmethod
    def open(cls, folder: Path, *, device: str | None = None) -> Classifier:
        """From the folder of a classifier; ModelError where its files cannot be used."""
        return cls(Predictor.load(folder, device=device))

    @property
    def labels(self) -> tuple[str, ...]:
        """The label names, in the order of `probabilities`."""
        return self._predictor.task.labels

    @property
    def multi_label(self) -> bool:
        """Whether a row can have several labels, or none."""
        return self._predictor.task.multi_label

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The input columns it was trained on; a dict given to `predict` must have them."""
        return self._predictor.saved.text

    def predict(
        self, texts: str | Sequence[str | Mapping[str, Any]], *, batch_rows: int = BATCH_ROWS, ask: Ask = PLAIN
    ) -> list[Prediction]:
        """The answers, in order. A text is a string, or a dict with the input columns; an empty one gets no answer and a reason.

        `ask` may want answers withheld, or sets of labels; UserError where the model's validation rows do not allow the promise.
        """
        given, kept = self._as_texts(texts), Kept.of(self._predictor.task, ask)
        out: list[Prediction] = []
        for start in range(0, len(given), batch_rows):
            out += self._predictions(given[start : start + batch_rows], kept)
        return out

    def probabilities(self, texts: str | Sequence[str | Mapping[str, Any]], *, batch_rows: int = BATCH_ROWS) -> NDArray[np.float64]:
        """Probabilities [n, L] in the order of `labels` (softmax, or one sigmoid per label); NaN in the row of an empty text."""
        given = self._as_texts(texts)
        parts = [self._answer(given[start : start + batch_rows]) for start in range(0, len(given), batch_rows)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)))

    def predict_file(
        self,
        source: Path | str,
        target: Path | str,
        *,
        format: str | None = None,
        batch_rows: int = BATCH_ROWS,
        ask: Ask = PLAIN,
        on_progress: Progress | None = None,
    ) -> Written:
        """Answers every row of a file (any that Goodfit reads) into `target` (.parquet, .csv or .jsonl), in the order of the file.

        Columns: those of the file as text (one that is called like one of ours gets `_input` behind its name), then `row` (the id),
        `at` (file:line), `prediction`, `p`, `p_<label>` for each label, `reason`; `set` where a coverage is asked for; in csv several
        labels are a JSON list. An answer that is withheld has no `prediction`, and says so under `reason`. Memory does not grow with the
        rows. `on_progress(done, total)` counts bytes of the file (rows where it is not read by bytes). DataError where the file lacks an
        input column or cannot be read; a target that exists is replaced only when all rows are answered.
        """
        path = target_of(source, target)
        origin = Source(str(source), format=format)
        kept = columns_of_file(origin)
        batches = read([origin], Columns(self.text_columns, kept=kept, mask=self._predictor.saved.mask), on_progress=reading(on_progress))
        held = Kept.of(self._predictor.task, ask)
        schema = self._schema(kept, sets=held.alpha is not None)
        rows, lost = 0, Counter[str]()
        with writing(path, schema) as write:
            for batch in batches:
                for start in range(0, len(batch), batch_rows):
                    table = self._table(batch.slice(start, batch_rows), schema, held)
                    write(table)
                    rows += len(table)
                    lost.update(reason for reason in table["reason"].to_pylist() if reason is not None)
        return Written(path, rows, dict(lost))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _as_texts(self, texts: str | Sequence[str | Mapping[str, Any]]) -> list[str | None]:
        listed = [texts] if isinstance(texts, (str, Mapping)) else list(texts)
        read: list[str | None] = [self._as_text(number, item) for number, item in enumerate(listed, 1)]
        return list(Mask(self._predictor.saved.mask, Counter()).texts(read))

    def _as_text(self, number: int, item: object) -> str | None:
        if item is None or isinstance(item, str):
            return item
        if not isinstance(item, Mapping):
            raise DataError(f"text {number} is a {type(item).__name__}, not a text", fix="give strings, or dicts with the input columns")
        for column in self.text_columns:
            if column not in item:
                hint = f"give a value for {column!r} (None if there is none)"
                raise missing_column(f"text {number}", column, [str(key) for key in item], hint=hint)
        parts = [[None if item[column] is None else str(item[column])] for column in self.text_columns]
        return join_text(parts)[0]

    def _predictions(self, texts: list[str | None], kept: Kept) -> list[Prediction]:
        probabilities = self._answer(texts)
        names, sure, reasons = self._decided(probabilities, kept)
        sets = kept.sets(probabilities)
        return [
            Prediction(None, (), None, reason=EMPTY)
            if reason == EMPTY
            else Prediction(
                None if self.multi_label else name, () if name is None else tuple(name) if self.multi_label else (name,), p,
                dict(zip(self.labels, row, strict=True)), reason, None if sets is None else tuple(sets[i]),
            )
            for i, (name, p, row, reason) in enumerate(zip(names, sure.tolist(), probabilities.tolist(), reasons, strict=True))
        ]  # fmt: skip

    def _decided(self, probabilities: NDArray[np.float64], kept: Kept) -> tuple[list[Any], NDArray[np.float64], list[str | None]]:
        """The names given to each row (None where there is no answer), how sure the answer is [n], and why there is none."""
        task = self._predictor.task
        decided = task.decide(probabilities)
        known, withheld = ~np.isnan(probabilities[:, 0]), kept.withheld(probabilities, decided)
        reasons: list[str | None] = [
            EMPTY if not ok else WITHHELD if held else None for ok, held in zip(known.tolist(), withheld.tolist(), strict=True)
        ]
        names = [name if reason is None else None for name, reason in zip(task.names(decided), reasons, strict=True)]
        return names, task.certainty(probabilities, decided), reasons

    def _answer(self, texts: Sequence[str | None]) -> NDArray[np.float64]:
        """Probabilities [n, L]; NaN for texts that say nothing."""
        known = np.array([text is not None and bool(text.strip()) for text in texts], dtype=bool)
        out = np.full((len(texts), len(self.labels)), np.nan)
        if known.any():
            out[known] = self._predictor.probabilities([_readable(text) for text, ok in zip(texts, known, strict=True) if ok and text])
        return out

    def _schema(self, kept: Sequence[str], *, sets: bool = False) -> pa.Schema:
        more = [pa.field("set", pa.list_(pa.string()))] if sets else []
        ours = {"row", "at", "prediction", "p", "reason", *(f"p_{label}" for label in self.labels), *(one.name for one in more)}
        theirs = [pa.field(f"{name}_input" if name in ours else name, pa.string()) for name in kept]
        return pa.schema([
            *theirs, pa.field("row", pa.string()), pa.field("at", pa.string()), pa.field("prediction", names_type(self.multi_label)),
            pa.field("p", pa.float32()), *probability_fields(self.labels), pa.field("reason", pa.string()), *more,
        ])  # fmt: skip

    def _table(self, batch: pa.RecordBatch, schema: pa.Schema, held: Kept) -> pa.Table:
        """The answers to a batch of the reader's rows."""
        probabilities = self._answer(batch.column("text").to_pylist())
        names, sure, reasons = self._decided(probabilities, held)
        sets = held.sets(probabilities)
        kept = [batch.column(i) for i, name in enumerate(batch.schema.names) if name.startswith("kept.")]
        arrays = [
            *kept, batch.column("row"), batch.column("at"), pa.array(names, names_type(self.multi_label)),
            pa.array(sure.astype(np.float32), from_pandas=True), *probability_arrays(probabilities),
            pa.array(reasons, pa.string()), *([] if sets is None else [pa.array(sets, pa.list_(pa.string()))]),
        ]  # fmt: skip
        return pa.Table.from_arrays(arrays, schema=schema)


def _readable(text: str) -> str:
    """Without lone surrogates, which no tokenizer can take (a reader of files never gives one)."""
    return text.encode("utf-8", "replace").decode("utf-8")
