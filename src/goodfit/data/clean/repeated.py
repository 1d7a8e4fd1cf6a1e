"""Boilerplate: lines and sentences that stand in many different texts: greetings, signatures, disclaimers, headers of an export.

Layer: data. The first and the last few sentences of a text are remembered as hashes (boilerplate stands there), so that a million
rows take some 100 MB; a sentence counts once for each different text, so that repeated rows are not boilerplate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.clean.columns import SIGN, Counts, counted
from goodfit.data.duplicates import hash_strings
from goodfit.data.normalise import normalise

ENDS = 3
"""Sentences at the beginning and at the end of a text that are looked at."""
LEAST_LETTERS = 16
"""Letters and digits of a sentence (a sign of Chinese, Japanese or Korean counts for three) that make it one of its own."""
LIMIT = 1_000_000
"""Rows that are remembered."""
_BREAKS = r"\s*\n\s*|[.!?…]+\s+|[。！？]+\s*"

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sentence:
    """A sentence that stands in many texts."""

    rows: Rows
    """Where, by number of the row, in order."""
    texts: int
    """Different texts among them."""


class Repeated:
    """Sentences of a column, batch by batch."""

    def __init__(self) -> None:
        self._keys: list[npt.NDArray[np.uint64]] = []
        self._rows: list[Rows] = []
        self._whole: list[npt.NDArray[np.uint64]] = []
        self.looked_at = 0

    def add(self, texts: pa.Array) -> None:
        """The next texts of the column."""
        if self.looked_at >= LIMIT:
            return
        rows, sentences = ends_of(texts)
        self._keys.append(hash_strings(normalise(sentences))[:, 0])
        self._rows.append(rows + self.looked_at)
        self._whole.append(hash_strings(normalise(texts))[:, 0])
        self.looked_at += len(texts)

    def sentences(self, least: int) -> list[Sentence]:
        """Those that stand in at least so many different texts, commonest first."""
        if not self._keys:
            return []
        keys, rows = np.concatenate(self._keys), np.concatenate(self._rows)
        order = np.lexsort((rows, keys))
        keys, rows = keys[order], rows[order]
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, np.int64)
        ends = np.r_[starts[1:], len(keys)]
        whole = np.concatenate(self._whole)
        out = []
        for start, end in zip(starts[ends - starts >= least], ends[ends - starts >= least]):
            where = np.unique(rows[start:end])
            different = len(np.unique(whole[where]))
            if different >= least:
                out.append(Sentence(where, different))
        return sorted(out, key=lambda one: (-one.texts, int(one.rows[0])))


def ends_of(texts: pa.Array) -> tuple[Rows, pa.Array]:
    """The first and last sentences of each text of several, without the short ones: number of the row, and the sentence."""
    parts = pc.split_pattern_regex(texts.fill_null(""), pattern=_BREAKS)
    rows = pc.list_parent_indices(parts).to_numpy().astype(np.int64)
    sentences = pc.list_flatten(parts)
    sizes = np.bincount(rows, minlength=len(texts))
    place = np.arange(len(rows)) - (np.cumsum(sizes) - sizes)[rows]
    several = sizes[rows] > 1
    kept = several & ((place < ENDS) | (place >= sizes[rows] - ENDS))
    chosen = sentences.filter(pa.array(kept))
    long = _letters(chosen) >= LEAST_LETTERS
    return rows[kept][long], chosen.filter(pa.array(long))


def _letters(texts: pa.Array) -> Counts:
    return counted(texts, r"[\p{L}\p{N}]") + 2 * counted(texts, SIGN)
