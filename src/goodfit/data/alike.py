"""Are two texts near-duplicates? The rules that decide, on many pairs at once. Every pair that is reported has passed them.

Layer: data (methods 2, tier 3). With A and B the shingles of two texts: J = |A and B| / |A or B|, C = |A and B| / min(|A|, |B|), and for
short texts L = 1 - Levenshtein distance / characters of the longer.

    tiny texts    L >= 0.8
    short texts   J >= 0.5, or L >= 0.8, or C >= 0.9 and J >= 0.2
    long texts    J >= 0.7 or C >= 0.85

C alone would tie "where is it" to every longer text that has it, and J a text of ten characters to half of itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.data.normalise import normalise
from goodfit.data.shingles import LONGEST, Hashes, Ints, Shingles, characters_of, shingles
from goodfit.data.taken import take

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
LONG = 300
"""Characters of both texts from which a pair is one of long texts."""
TINY = 12
"""Shingles of the smaller text below which J and C say nothing."""
JACCARD, EDIT = 0.5, 0.8
CONTAINMENT, CONTAINED, CONTAINED_JACCARD = 0.9, 16, 0.2
"""C of a short text, the shingles that it must have, and J."""
LONG_JACCARD, LONG_CONTAINMENT = 0.7, 0.85
SLACK = 0.15
"""How far below the threshold a pair of thinned sets may be and is still looked at whole."""
WORD = 64
"""Characters of the shorter text up to which edit distances are taken; longer ones are judged by J and C alone."""
LEAST_JACCARD = 0.15
"""J below which an edit distance is not taken."""
_ENTRIES = 1_000_000
_EDITED = 20_000


@dataclass(frozen=True)
class Overlap:
    """How much p pairs of sets have in common; arrays of shape (p,)."""

    jaccard: Floats
    containment: Floats
    least: Floats
    """Shingles of the smaller set."""


def overlap(sets: Shingles, pairs: Ints) -> Overlap:
    """J and C of pairs of texts, shape (p, 2), at the stronger thinning of the two."""
    common, left, right = (np.zeros(len(pairs)) for _ in range(3))
    sizes = sets.sizes
    ends = np.r_[0, np.cumsum(sizes[pairs[:, 0]] + sizes[pairs[:, 1]])]
    for start, stop in _slices(ends):
        part = pairs[start:stop]
        common[start:stop], left[start:stop], right[start:stop] = _common(sets, part)
    least, either = np.minimum(left, right), left + right - common
    return Overlap(common / np.maximum(either, 1), common / np.maximum(least, 1), least)


def _slices(ends: Ints) -> Iterator[tuple[int, int]]:
    start, n = 0, len(ends) - 1
    while start < n:
        stop = min(n, max(start + 1, int(np.searchsorted(ends, ends[start] + _ENTRIES, side="right")) - 1))
        yield start, stop
        start = stop


def _common(sets: Shingles, pairs: Ints) -> tuple[Ints, Ints, Ints]:
    """Shared shingles, those of the first and of the second text; shape (p,) each."""
    limit = np.minimum(sets.limits[pairs[:, 0]], sets.limits[pairs[:, 1]])
    thinned = bool((limit < 1 << 32).any())
    keys, counts = [], []
    for side in (0, 1):
        values, pair = gather(sets, pairs[:, side])
        if thinned:
            keep = values < limit[pair]
            values, pair = values[keep], pair[keep]
        keys.append((pair.astype(np.uint64) << np.uint64(32)) | values)
        counts.append(np.bincount(pair, minlength=len(pairs)))
    both = np.sort(np.concatenate(keys), kind="stable")  # two sorted runs: one merge
    twice = both[1:][both[1:] == both[:-1]]
    return np.bincount((twice >> np.uint64(32)).astype(np.int64), minlength=len(pairs)), counts[0], counts[1]


def gather(sets: Shingles, rows: Ints) -> tuple[Hashes, Ints]:
    """The shingles of these texts one after another, and of which of them each is."""
    sizes = sets.sizes[rows]
    ends = np.cumsum(sizes)
    flat = np.arange(ends[-1] if len(ends) else 0) + np.repeat(sets.starts[rows] - ends + sizes, sizes)
    return sets.values[flat], np.repeat(np.arange(len(rows)), sizes)


def edit_similarity(left: tuple[npt.NDArray[np.uint32], Ints], right: tuple[npt.NDArray[np.uint32], Ints]) -> Floats:
    """1 - Levenshtein distance / characters of the longer text, for p pairs of texts as (code points, starts); shape (p,).

    The first text of a pair has at most 64 characters (Myers 1999, Hyyro 2003: one column of the table in two machine words).
    """
    short, m = _padded(*left, WORD)
    n = np.diff(right[1])
    long, _ = _padded(*right, int(n.max(initial=0)))
    one = np.uint64(1)
    last = np.where(m > 0, one << (np.maximum(m, 1) - 1).astype(np.uint64), np.uint64(0))
    plus, minus = np.full(len(m), np.uint64(0xFFFFFFFFFFFFFFFF)), np.zeros(len(m), np.uint64)
    distance = m.astype(np.int64)
    for j in range(long.shape[1]):
        equal = np.packbits(short == long[:, j, None], axis=1, bitorder="little").view(np.uint64)[:, 0]
        vertical = equal | minus
        across = (((equal & plus) + plus) ^ plus) | equal
        up, down = minus | ~(across | plus), plus & across
        distance += np.where(j < n, ((up & last) > 0).astype(np.int64) - ((down & last) > 0), 0)
        up = (up << one) | one
        plus, minus = (down << one) | ~(vertical | up), up & vertical
    distance = np.where(m == 0, n, distance)
    out: Floats = 1 - distance / np.maximum(1, np.maximum(m, n))
    return out


def _padded(codes: npt.NDArray[np.uint32], starts: Ints, width: int) -> tuple[npt.NDArray[np.uint32], Ints]:
    """One row of `width` code points per text; after its end what equals nothing (no text has the two numbers)."""
    lengths = np.diff(starts)
    out = np.full((len(lengths), width), 0xFFFFFFFF if width == WORD else 0xFFFFFFFE, dtype=np.uint32)
    place = np.arange(len(codes)) - np.repeat(starts[:-1], lengths)
    out[np.repeat(np.arange(len(lengths)), lengths), place] = codes
    return out, lengths


@dataclass(frozen=True)
class Texts:
    """n texts that are compared."""

    column: pa.ChunkedArray
    index: Ints
    """Where in the column each text stands, shape (n,)."""
    sets: Shingles
    bare: Mask
    """Texts that mostly consist of a frame of words, shape (n,): of those edit distances say nothing."""
    cut: Mask | None = None
    """Texts whose sets lack that frame, shape (n,); a pair of which one lacks it is compared whole."""


def alike(texts: Texts, pairs: Ints) -> Mask:
    """Which pairs of texts, shape (p, 2), are near-duplicates; shape (p,)."""
    found = overlap(texts.sets, pairs)
    least = texts.sets.characters[pairs].min(axis=1) if len(pairs) else np.zeros(0, np.int32)
    long = least >= LONG
    out = _passes(found, long, 0.0)
    thinned = (texts.sets.limits[pairs] < 1 << 32).any(axis=1)
    doubtful = np.flatnonzero(thinned & _passes(found, long, SLACK) | _unequal(texts, pairs) & (found.jaccard >= LEAST_JACCARD))
    for part in _bounded(texts, pairs, doubtful):
        out[part] = _passes(_whole(texts, pairs[part]), long[part], 0.0)
    most = texts.sets.characters[pairs].max(axis=1) if len(pairs) else least
    near = ~out & (least <= WORD + 2) & (least >= EDIT * most) & (found.jaccard >= LEAST_JACCARD) & ~texts.bare[pairs].any(axis=1)
    edited = np.flatnonzero(near)
    for start in range(0, len(edited), _EDITED):
        part = edited[start : start + _EDITED]
        out[part] = _edits(texts, pairs[part]) >= EDIT
    return out


def _unequal(texts: Texts, pairs: Ints) -> Mask:
    """Pairs of which one text was cut and the other was not."""
    if texts.cut is None:
        return np.zeros(len(pairs), dtype=bool)
    out: Mask = texts.cut[pairs[:, 0]] != texts.cut[pairs[:, 1]]
    return out


def _passes(found: Overlap, long: Mask, slack: float) -> Mask:
    j, c = found.jaccard + slack, found.containment + slack
    short = (j >= JACCARD) & (found.least >= TINY) | (c >= CONTAINMENT) & (j >= CONTAINED_JACCARD) & (found.least >= CONTAINED)
    out: Mask = np.where(long, (j >= LONG_JACCARD) | (c >= LONG_CONTAINMENT), short)
    return out


def _bounded(texts: Texts, pairs: Ints, index: Ints) -> Iterator[Ints]:
    """Parts of `index` with a bounded number of characters."""
    ends = np.r_[0, np.cumsum(texts.sets.characters[pairs[index]].sum(axis=1, dtype=np.int64))]
    for start, stop in _slices(ends):
        yield index[start:stop]


def _whole(texts: Texts, pairs: Ints) -> Overlap:
    """J and C of texts whose sets were thinned, from all their shingles."""
    rows, inverse = np.unique(pairs, return_inverse=True)
    sets = shingles(take(texts.column, texts.index[rows]), LONGEST)
    return overlap(sets, inverse.reshape(-1, 2))


def _edits(texts: Texts, pairs: Ints) -> Floats:
    rows, inverse = np.unique(pairs, return_inverse=True)
    codes, starts = characters_of(normalise(take(texts.column, texts.index[rows])))
    lengths = np.diff(starts)
    pair = np.sort(inverse.reshape(-1, 2), axis=1)
    swap = lengths[pair[:, 0]] > lengths[pair[:, 1]]
    pair[swap] = pair[swap][:, ::-1]
    return edit_similarity(*((_cut(codes, starts, pair[:, side])) for side in (0, 1)))


def _cut(codes: npt.NDArray[np.uint32], starts: Ints, rows: Ints) -> tuple[npt.NDArray[np.uint32], Ints]:
    """The characters of these texts without the two spaces, one text after another."""
    sizes = np.diff(starts)[rows] - 2
    ends = np.r_[0, np.cumsum(sizes)]
    flat = np.arange(ends[-1]) + np.repeat(starts[rows] + 1 - ends[:-1], sizes)
    return codes[flat], ends
