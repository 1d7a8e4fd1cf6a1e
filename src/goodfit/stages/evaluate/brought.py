"""Files with another system's answers, or an earlier run's: opened and looked at before the test rows are.

Part of evaluate, for every task: `class_brought.py` reads labels out of them, `language_brought.py` texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodfit.data.readers import open_table
from goodfit.data.readers.base import DataFile, Opened
from goodfit.data.texts import TEXT
from goodfit.errors import DataError
from goodfit.run import PREDICTIONS, RECORD

PREDICTION, ROW = "prediction", "row"
SYSTEM, MODEL, SPLIT = "system", "model", "split"
OF_A_RUN = frozenset({ROW, SPLIT, SYSTEM, PREDICTION})
"""Columns by which the predictions.parquet of a run is known: of its systems, the trained model counts."""


@dataclass(frozen=True)
class Brought:
    """A file of answers that was looked at."""

    name: str
    file: DataFile
    opened: Opened
    by: tuple[str, ...]
    """The columns that say which row a line answers."""

    @property
    def by_row(self) -> bool:
        """Whether lines say the id of their row."""
        return self.by == (ROW,)

    @property
    def of_a_run(self) -> bool:
        """Whether it is what evaluate left of a run."""
        return OF_A_RUN.issubset(self.opened.columns)

    def lines(self, *more: str) -> Iterator[tuple[list[Any], Any, list[Any], int]]:
        """(cells that say which row, answer, cells of the columns `more`, line) of every line, as they stand in the file."""
        wanted = [*self.by, *more, *((SYSTEM,) if self.of_a_run else ()), PREDICTION]
        for chunk in self.opened.chunks(wanted):
            columns = [chunk.values.get(name, [None] * len(chunk.lines)) for name in wanted]
            for line, *parts, answer in zip(chunk.lines, *columns, strict=True):
                if self.of_a_run and (parts.pop() != MODEL or answer is None):
                    continue
                yield parts[: len(self.by)], answer, parts[len(self.by) :], line


def brought(name: str, path: str, base: Path, inputs: Sequence[str], ids: Sequence[str]) -> Brought:
    """Opens a file of answers; `inputs`: the input columns, `ids`: the rows that will be asked. DataError where it cannot serve.

    `path` may be the folder of an earlier run, or its predictions.parquet: then the answers of the model that it trained are meant.
    """
    file = DataFile(str(file_of(base / Path(path).expanduser())))
    opened = open_table(file)
    if PREDICTION not in opened.columns:
        raise file.error(f"it has no column {PREDICTION!r} (it has {', '.join(map(repr, opened.columns[:10]))})", fix="name it so")
    by = (ROW,) if ROW in opened.columns else next((c for c in (tuple(inputs), (TEXT,)) if c and set(c) <= set(opened.columns)), None)
    if by is None:
        raise file.error("nothing says which row a line answers", fix=f"add a column {ROW!r}, or {' and '.join(inputs) or TEXT!r}")
    found = Brought(name, file, opened, by)
    missing = set(ids) if found.by_row else set()
    for cells, *_ in found.lines():  # to its end, whatever it is matched by: a line that cannot be read is found now
        missing.discard("" if cells[0] is None else str(cells[0]))
    if missing:
        fix = "answer every row of the split; split/assignment.parquet has their ids"
        if found.of_a_run:
            fix = "evaluate both runs on the same rows: the same data, split, seed, evaluate.on and evaluate.rows"
        raise file.error(f"{len(missing):,} of the {len(ids):,} rows asked have no answer in it ({min(missing)})", fix=fix)
    return found


def file_of(path: Path) -> Path:
    """The file itself, or what evaluate left in the folder of a run; DataError where it left nothing."""
    if not (path / RECORD).is_file():
        return path
    answers = path / "evaluate" / PREDICTIONS
    if not answers.is_file():
        raise DataError(f"evaluate.predictions: the run {path} has no evaluate/{PREDICTIONS}", fix=f"goodfit evaluate {path}")
    return answers
