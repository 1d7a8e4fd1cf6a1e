"""Files with another system's answers, or an earlier run's, and texts not to be forgotten: what the user brings to an evaluation.

Part of evaluate, for generation. All are opened and looked at before the test rows are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from goodfit.data.readers import open_table
from goodfit.data.readers.base import DataFile, Opened
from goodfit.data.texts import TEXT, Wanted, sample_texts
from goodfit.errors import DataError
from goodfit.run import PREDICTIONS, RECORD
from goodfit.stages.evaluate.language_rows import Asked

PREDICTION, ROW = "prediction", "row"
SYSTEM, MODEL = "system", "model"
OF_A_RUN = frozenset({ROW, "split", SYSTEM, PREDICTION, "logprob"})
"""Columns by which the predictions.parquet of a run is known: of its systems, the trained model counts."""
DOCUMENTS = 300
"""Texts that forgetting is measured on; more are drawn from by chance."""
LONGEST = 4_000
"""Characters of such a text that are read."""
SHORTEST = 40
"""Characters below which a block of a text file says too little."""


@dataclass(frozen=True)
class Brought:
    """A file of answers that was looked at."""

    name: str
    file: DataFile
    opened: Opened
    by: tuple[str, ...]
    """The columns that say which row a line answers."""

    def answers(self, asked: Asked) -> dict[int, str]:
        """Place among the rows asked -> answer, where the file has one; it is read line by line."""
        by_row = self.by == (ROW,)
        wanted: dict[str, list[int]] = {}
        for place, row in enumerate(asked.rows):
            wanted.setdefault(row.row if by_row else row.text.strip(), []).append(place)
        found: dict[int, str] = {}
        for key, answer in _lines(self.opened, self.by):
            for place in wanted.get(key if by_row else key.strip(), ()):
                found.setdefault(place, answer)
        return found


def brought(name: str, path: str, base: Path, prompts: Sequence[str], ids: Sequence[str]) -> Brought:
    """Opens a file of answers; `prompts`: the input columns, `ids`: the rows that will be asked. DataError where it cannot serve.

    `path` may be the folder of an earlier run, or its predictions.parquet: then the answers of the model that it trained are meant.
    """
    file = DataFile(str(_file_of(base / Path(path).expanduser())))
    opened = open_table(file)
    if PREDICTION not in opened.columns:
        raise file.error(f"it has no column {PREDICTION!r} (it has {', '.join(map(repr, opened.columns[:10]))})", fix="name it so")
    by = (ROW,) if ROW in opened.columns else next((c for c in (tuple(prompts), (TEXT,)) if c and set(c) <= set(opened.columns)), None)
    if by is None:
        raise file.error("nothing says which row a line answers", fix=f"add a column {ROW!r}, or {' and '.join(prompts) or TEXT!r}")
    missing = set(ids) if by == (ROW,) else set()
    for key, _ in _lines(opened, by):  # to its end, whatever it is matched by: a line that cannot be read is found now
        missing.discard(key)
    if missing:
        fix = "answer every row of the split; split/assignment.parquet has their ids"
        if OF_A_RUN.issubset(opened.columns):
            fix = "evaluate both runs on the same rows: the same data, split, seed, evaluate.on and evaluate.rows"
        raise file.error(f"{len(missing):,} of the {len(ids):,} rows asked have no answer in it ({min(missing)})", fix=fix)
    return Brought(name, file, opened, by)


def _file_of(path: Path) -> Path:
    """The file itself, or what evaluate left in the folder of a run; DataError where it left nothing."""
    if not (path / RECORD).is_file():
        return path
    answers = path / "evaluate" / PREDICTIONS
    if not answers.is_file():
        raise DataError(f"evaluate.predictions: the run {path} has no evaluate/{PREDICTIONS}", fix=f"goodfit evaluate {path}")
    return answers


def _lines(opened: Opened, by: Sequence[str]) -> Iterator[tuple[str, str]]:
    of_a_run = OF_A_RUN.issubset(opened.columns)
    wanted = (*by, *((SYSTEM,) if of_a_run else ()), PREDICTION)
    for chunk in opened.chunks(list(wanted)):
        columns = [chunk.values.get(name, [None] * len(chunk.lines)) for name in wanted]
        for *parts, answer in zip(*columns, strict=True):
            if of_a_run and (parts.pop() != MODEL or answer is None):
                continue
            yield "\n".join("" if part is None else str(part) for part in parts), "" if answer is None else str(answer)


def retained(paths: Sequence[str], base: Path, seed: int) -> list[str]:
    """Texts that must not be forgotten, at most DOCUMENTS of them; DataError where a file cannot be read or holds none."""
    found = sample_texts(paths, base, Wanted("evaluate.retain", DOCUMENTS, shortest=SHORTEST), seed)
    return list(dict.fromkeys(text[:LONGEST] for text in found))
