"""Which texts are contained in others: word 8-grams of few texts (a benchmark) looked for in many (the training rows).

Layer: data (methods 2, contamination). A text counts as contained in another where at least half of its 8-grams stand there; of dense
scripts (Han, kana, Hangul) a character counts as a word. 8-grams that many of the few texts share belong to their frame ("Answer the
following question ...") and do not count. Texts with fewer than 12 grams of their own are too short for this: near.py compares those.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.data.duplicates import scrambled
from goodfit.data.normalise import normalise
from goodfit.data.shingles import Ints, characters_of, dense_texts

WIDTH = 8
CONTAINED = 0.5
FEWEST = 12
"""Grams that a text must have to be looked for in this way."""
FRAME_SHARE, FRAME_TEXTS = 0.1, 5
"""A gram that more than this share of the texts has, and more than so many, is part of a frame."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SPACE = 32

Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Grams:
    """The 8-grams of n texts, each once per text: `hashes[k]` is one of text `rows[k]`, in order by text."""

    rows: Ints
    hashes: Keys
    n: int


def grams(texts: pa.Array) -> Grams:
    """The word 8-grams of some texts (of dense scripts: of characters)."""
    codes, starts = characters_of(normalise(texts))
    n, lengths = len(texts), np.diff(starts)
    row = np.repeat(np.arange(n), lengths)
    inside = codes != _SPACE
    dense = dense_texts(codes, starts)[row]
    begins = np.flatnonzero(inside & (np.r_[True, ~inside[:-1]] | dense))
    if not len(begins):
        return Grams(np.zeros(0, np.int64), np.zeros(0, np.uint64), n)
    sizes = np.diff(np.r_[begins, len(codes)])
    place = np.arange(begins[0], len(codes)) - np.repeat(begins, sizes)
    mixed = scrambled(codes[begins[0] :].astype(np.uint64) + (place.astype(np.uint64) << np.uint64(32))) * inside[begins[0] :]
    words = np.add.reduceat(mixed, begins - begins[0])
    rows, hashes = _joined(words, row[begins])
    order = np.lexsort((hashes, rows))
    rows, hashes = rows[order], hashes[order]
    first = np.r_[True, (rows[1:] != rows[:-1]) | (hashes[1:] != hashes[:-1])] if len(rows) else np.zeros(0, bool)
    return Grams(rows[first], hashes[first], n)


def _joined(words: Keys, row: Ints) -> tuple[Ints, Keys]:
    """Rows and hashes of eight words in a row."""
    m = len(words) - WIDTH + 1
    if m <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    out = words[:m].copy()
    for k in range(1, WIDTH):
        out = out * _MULTIPLIER + words[k : k + m]
    whole = row[:m] == row[WIDTH - 1 :]
    return row[:m][whole], scrambled(out[whole])


@dataclass(frozen=True)
class Contained:
    """Pairs of a text that was looked for and a row that contains it; arrays of shape (p,), by text, best first."""

    texts: Ints
    rows: Ints
    share: npt.NDArray[np.float64]
    """Of the text's 8-grams."""


class Sought:
    """Few texts, made ready to be looked for."""

    def __init__(self, texts: pa.Array) -> None:
        found = grams(texts)
        unique, inverse, often = np.unique(found.hashes, return_inverse=True, return_counts=True)
        own = (often <= max(FRAME_TEXTS, FRAME_SHARE * found.n))[inverse]
        self._counts = np.bincount(found.rows[own], minlength=found.n)
        self.long = self._counts >= FEWEST
        """Texts that are long enough, shape (n,); the others are never found."""
        kept = own & self.long[found.rows]
        self._hashes, place = np.unique(found.hashes[kept], return_inverse=True)
        order = np.argsort(place, kind="stable")
        self._texts = found.rows[kept][order]
        self._starts = np.searchsorted(place[order], np.arange(len(self._hashes) + 1))

    def within(self, batches: Iterable[pa.Array]) -> Contained:
        """Where they are contained; rows are numbered through all batches."""
        texts, rows, shares = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
        start = 0
        for batch in batches if len(self._hashes) else ():
            found = self._batch(grams(batch))
            texts.append(found[0])
            rows.append(found[1] + start)
            shares.append(found[2])
            start += len(batch)
        text, row, share = np.concatenate(texts), np.concatenate(rows), np.concatenate(shares)
        order = np.lexsort((row, -share, text))
        return Contained(text[order], row[order], share[order])

    def _batch(self, found: Grams) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
        place = np.minimum(np.searchsorted(self._hashes, found.hashes), len(self._hashes) - 1)
        hit = self._hashes[place] == found.hashes
        row, gram = found.rows[hit], place[hit]
        sizes = self._starts[gram + 1] - self._starts[gram]
        flat = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(self._starts[gram], sizes)
        n = len(self._counts)
        pairs, common = np.unique(np.repeat(row, sizes) * n + self._texts[flat], return_counts=True)
        share = common / self._counts[pairs % n]
        enough = share >= CONTAINED
        return pairs[enough] % n, pairs[enough] // n, share[enough]
