"""What stands inside the texts of train and validation: one pass over them for the checks AUD050 - AUD061.

Part of audit, behind `Scene.inside`. For classification a row's text is its input; for generation its input and its answer, one under
the other. Rows are numbered: those of train, then those of validation. What is kept are numbers of rows and counts, never a text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.clean.columns import SIGN, Counts, counted
from goodfit.data.clean.damage import invisible, lost, mojibake
from goodfit.data.clean.gibberish import gibberish
from goodfit.data.clean.language import languages_of
from goodfit.data.clean.markup import markup
from goodfit.data.clean.private import Personal, Secrets
from goodfit.data.clean.repeated import Repeated

if TYPE_CHECKING:
    from goodfit.recipe import Recipe
    from goodfit.run import Screen
    from goodfit.stages.split import Splits

SEEN: tuple[Literal["train"], Literal["valid"]] = ("train", "valid")
LANGUAGE_ROWS = 20_000
"""Rows whose language is identified, at most: a tenth of a millisecond each."""
SENSE_ROWS = 100_000
"""Rows of which it is asked whether they are gibberish, at most: half a millisecond each where all of them look like it."""
BATCH = 4096
_ASIDE = r"[\p{L}\p{N}\p{So}\p{Sc}\p{Sm}]"

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Marked:
    """Rows that have something, and how much of it."""

    rows: Rows
    counts: Counts


@dataclass
class Inside:
    """What a pass over the texts found."""

    row_ids: pa.ChunkedArray = field(default_factory=lambda: pa.chunked_array([], pa.string()))
    """The id of every row, by its number."""
    n: int = 0
    """Rows looked at."""
    asked: int = 0
    """Of these, the ones of which it was asked whether they are gibberish, drawn by chance."""
    tables: Counter[str] = field(default_factory=Counter)
    """How texts were decoded wrongly -> texts."""
    personal: Personal = field(default_factory=Personal)
    secrets: Secrets = field(default_factory=Secrets)
    repeated: Repeated = field(default_factory=Repeated)
    languages: dict[int, str] = field(default_factory=dict)
    """Row -> language, of the rows drawn; empty where it is not sure."""
    _marks: dict[str, list[tuple[Rows, Counts]]] = field(default_factory=dict)
    _signs: list[Counts] = field(default_factory=list)

    @property
    def signs(self) -> Counts:
        """Letters, digits, emoji and symbols of every row, [n]; a sign of Chinese, Japanese or Korean counts for two."""
        return np.concatenate(self._signs) if self._signs else np.zeros(0, dtype=np.int32)

    def ids(self, rows: Rows) -> pa.Array:
        """The ids of rows by their number."""
        found = self.row_ids.take(pa.array(rows, pa.int64())).combine_chunks()
        return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)

    def marked(self, *kinds: str) -> Marked:
        """The rows that have any of these kinds (`mojibake`, `lost`, `gibberish`, keys of INVISIBLE and MARKUP), most of it first."""
        total = np.zeros(self.n, dtype=np.int32)
        for kind in kinds:
            for rows, counts in self._marks.get(kind, ()):
                total[rows] += counts
        rows = np.flatnonzero(total)
        rows = rows[np.argsort(-total[rows], kind="stable")]
        return Marked(rows, total[rows])

    def add(self, texts: pa.Array, told: pa.Array, drawn: npt.NDArray[np.int64]) -> None:
        """The next rows: their texts, what repeats of them may be boilerplate in, and their places in a draw of all rows: the first
        LANGUAGE_ROWS are asked for their language, the first SENSE_ROWS for gibberish.
        """
        senseless, asked = np.zeros(len(texts), dtype=np.int32), np.flatnonzero(drawn < SENSE_ROWS)
        senseless[asked] = gibberish(texts.take(pa.array(asked)))
        self.asked += len(asked)
        marks = {"mojibake": mojibake(texts, tables=self.tables), "lost": lost(texts), "gibberish": senseless}
        for kind, counts in (marks | invisible(texts) | markup(texts)).items():
            rows = np.flatnonzero(counts)
            if len(rows):
                self._marks.setdefault(kind, []).append((rows + self.n, counts[rows]))
        self._signs.append(counted(texts, _ASIDE) + counted(texts, SIGN))
        self.personal.add(texts)
        self.secrets.add(texts)
        self.repeated.add(told)
        chosen = np.flatnonzero(drawn < LANGUAGE_ROWS)
        found = languages_of(texts.take(pa.array(chosen)).to_pylist())
        self.languages |= {self.n + int(row): code for row, code in zip(chosen, found)}
        self.n += len(texts)


def look_inside(splits: Splits, recipe: Recipe, screen: Screen) -> Inside:
    """One pass over train and validation, in batches."""
    total = sum(splits.counts[name] for name in SEEN)
    drawn = np.empty(total, dtype=np.int64)
    drawn[np.random.default_rng(recipe.seed).permutation(total)] = np.arange(total)
    ids = pa.chunked_array([chunk for name in SEEN for chunk in splits.row_ids(name).chunks], pa.string())
    out, written = Inside(ids), not recipe.task.label_columns
    for name in SEEN:
        for batch in splits.batches(name, size=BATCH, columns=("text", "label")):
            texts, told = _texts(batch, written=written)
            out.add(texts, told, drawn[out.n : out.n + len(batch)])
            screen.progress("looking into the texts", out.n, total)
    return out


def _texts(batch: pa.RecordBatch, *, written: bool) -> tuple[pa.Array, pa.Array]:
    """What is looked at, and where boilerplate is: in prompts the same words may be asked again and again, in answers not."""
    text = batch.column(0)
    if not written:
        return text, text
    answer = batch.column(1)
    whole = pc.binary_join_element_wise(text.fill_null(""), answer.fill_null(""), "\n")
    return whole, pc.if_else(pc.is_valid(answer), answer, text)
