"""Texts as sets of shingles: overlapping pieces of a few characters, hashed to 32 bits. What near-duplicates are compared by.

Layer: data (methods 2). Characters are those of `normalise`; a piece has five of them, in dense scripts (Han, kana, Hangul) three, with
a space before and after the text. A long text is thinned to the pieces with the smallest hashes (FracMinHash, Irber et al. 2022): the
same pieces in every text, so that thinned sets of two texts can be compared at the stronger of their two rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.normalise import normalise

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint32]
WIDTH, DENSE_WIDTH = 5, 3
"""Characters of a shingle; in scripts whose characters are syllables or words."""
WIDE, DENSE_WIDE = 9, 5
"""The same for telling rare pieces among very many texts."""
WIDE_BELOW, DENSE_WIDE_BELOW = 40, 16
"""Characters of a text below which it is told by its narrow pieces too: one slip would touch most of the wide ones."""
DENSE_SHARE = 0.3
"""Share of such characters from which a text is one of a dense script."""
DENSE = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
LONGEST = 200_000
"""Characters of a text that are looked at; the rest of a longer one is not compared."""
_CHARACTERS = 2_000_000
"""Characters in work at a time."""
_BASE = np.uint64(0x9E3779B97F4A7C15)
_FULL = np.uint64(1 << 32)


@dataclass(frozen=True)
class Shingles:
    """The shingles of n texts in one flat array: text i has `values[starts[i]:starts[i + 1]]`, different and rising."""

    values: Hashes
    starts: Ints
    """Shape (n + 1,)."""
    limits: npt.NDArray[np.uint64]
    """Shape (n,): the text's shingles with a hash below this were kept; 2**32 where all were."""
    characters: npt.NDArray[np.int32]
    """Shape (n,): characters after normalisation, with the two spaces."""

    def __len__(self) -> int:
        return len(self.limits)

    @property
    def sizes(self) -> Ints:
        """Shingles kept of every text."""
        return np.diff(self.starts)

    def select(self, keep: npt.NDArray[np.bool_]) -> Shingles:
        """Only these entries of `values`."""
        starts = np.r_[0, np.cumsum(keep)][self.starts]
        return Shingles(self.values[keep], starts, self.limits, self.characters)


def shingles(texts: pa.Array | pa.ChunkedArray, most: int) -> Shingles:
    """The shingles of all texts, of each about `most` at most (between half of it and all of it); a missing text has none."""
    return gathered(parts_of(texts, most), len(texts), most)


def parts_of(texts: pa.Array | pa.ChunkedArray, most: int, *, wide: bool = False) -> Iterator[Shingles]:
    """The same, a bounded number of characters at a time; with `wide` pieces of nine characters (of short texts beside those of five),
    which stay rare among very many texts.
    """
    for part in _parts(texts):
        yield _shingles(part, most, wide=wide)


def gathered(parts: Iterable[Shingles], n: int, most: int) -> Shingles:
    """Shingles of n texts that follow each other, as one; what is not filled of its memory is never touched."""
    values = np.empty(n * min(most, LONGEST), dtype=np.uint32)
    starts, limits = np.zeros(n + 1, dtype=np.int64), np.zeros(n, dtype=np.uint64)
    characters = np.zeros(n, dtype=np.int32)
    row, used = 0, 0
    for part in parts:
        if used + len(part.values) > len(values):  # a text keeps `most` in the mean, some a little more
            values = np.concatenate([values[:used], np.empty(len(values) // 4 + len(part.values), dtype=np.uint32)])
        stop = row + len(part)
        values[used : used + len(part.values)] = part.values
        starts[row + 1 : stop + 1] = used + part.starts[1:]
        limits[row:stop], characters[row:stop] = part.limits, part.characters
        row, used = stop, used + len(part.values)
    return Shingles(values[:used], starts, limits, characters)


def fingerprints(sets: Shingles) -> npt.NDArray[np.uint64]:
    """A number per text that depends on its shingles alone, shape (n,): for an order that is not the file's."""
    out = np.zeros(len(sets), dtype=np.uint64)
    some = sets.sizes > 0
    if some.any():
        sums = np.add.reduceat(sets.values, sets.starts[:-1][some], dtype=np.uint64)
        out[some] = (sums ^ sets.characters[some].astype(np.uint64)) * _BASE
    return out


def characters_of(texts: pa.Array) -> tuple[Hashes, Ints]:
    """Code points of normalised texts, one after another with a space before and after each, and where each begins; shape (n + 1,)."""
    padded = pc.binary_join_element_wise(" ", texts.fill_null(""), " ", "").cast(pa.string())
    starts = np.r_[0, np.cumsum(pc.utf8_length(padded).to_numpy(zero_copy_only=False).astype(np.int64))]
    joined = "".join(padded.to_pylist())
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32), starts


def _parts(texts: pa.Array | pa.ChunkedArray) -> Iterator[pa.Array]:
    """Slices of a bounded number of characters, normalised."""
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        lengths = pc.utf8_length(chunk).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        ends = np.cumsum(np.minimum(lengths, LONGEST) + 2)
        start = 0
        while start < len(chunk):
            before = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, before + _CHARACTERS, side="right")))
            part = chunk.slice(start, stop - start)
            if lengths[start:stop].max() > LONGEST:
                part = pc.utf8_slice_codeunits(part, 0, LONGEST)
            yield normalise(part)
            start = stop


def _shingles(texts: pa.Array, most: int, *, wide: bool) -> Shingles:
    codes, starts = characters_of(texts)
    lengths, dense = np.diff(starts), dense_texts(codes, starts)
    keys = _keys(codes, starts, np.where(dense, DENSE_WIDTH, WIDTH))
    if wide:
        short = lengths < np.where(dense, DENSE_WIDE_BELOW, WIDE_BELOW)
        keys = keys[short[(keys >> np.uint64(32)).astype(np.int64)]]
        more = _keys(codes, starts, np.where(dense, DENSE_WIDE, WIDE))
        keys = np.sort(np.concatenate([keys, more]), kind="stable")
    return _thinned(keys, len(texts), most, lengths.astype(np.int32))


def _keys(codes: Hashes, starts: Ints, width: Ints) -> npt.NDArray[np.uint64]:
    """Sorted `text << 32 | hash` of all pieces of each text's width, each once."""
    lengths = np.diff(starts)
    kinds = np.unique(width)
    hashed = _hash(codes, int(kinds[-1])) if len(kinds) else np.zeros(0, np.uint64)
    for kind in kinds[:-1]:
        hashed = np.where(np.repeat(width == kind, lengths), _hash(codes, int(kind)), hashed)
    place = np.arange(len(codes)) - np.repeat(starts[:-1], lengths)
    held = place < np.repeat(np.maximum(0, lengths - width + 1), lengths)
    row = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)[held]
    keys = np.sort((row << np.uint64(32)) | hashed[held], kind="stable")  # in order by text: runs
    return keys[np.r_[True, keys[1:] != keys[:-1]]] if len(keys) else keys


def _thinned(keys: npt.NDArray[np.uint64], n: int, most: int, characters: npt.NDArray[np.int32]) -> Shingles:
    """From sorted `row << 32 | hash` to sets, long ones thinned by powers of two."""
    rows = (keys >> np.uint64(32)).astype(np.int64)
    sizes = np.bincount(rows, minlength=n)
    halvings = np.ceil(np.log2(np.maximum(1, sizes / most))).astype(np.uint64)
    limits = _FULL >> halvings
    values = (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    if (halvings > 0).any():
        keep = values < limits[rows]
        rows, values = rows[keep], values[keep]
        sizes = np.bincount(rows, minlength=n)
    return Shingles(values, np.r_[0, np.cumsum(sizes)], limits, characters)


def _hash(codes: Hashes, width: int) -> npt.NDArray[np.uint64]:
    """A 32-bit hash of the `width` characters from every place on (at the end: of those that there are), as uint64; shape as `codes`."""
    wide = np.zeros(len(codes) + width - 1, dtype=np.uint64)
    wide[: len(codes)] = codes
    out = wide[: len(codes)].copy()
    for k in range(1, width):
        out *= _BASE
        out += wide[k : k + len(codes)]
    out ^= out >> np.uint64(29)
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(32)
    out *= np.uint64(0x94D049BB133111EB)
    out >>= np.uint64(32)
    return out


def dense_texts(codes: Hashes, starts: Ints) -> npt.NDArray[np.bool_]:
    """Texts with many characters of a dense script, shape (n,)."""
    if not len(codes) or codes.max() < DENSE[0][0]:
        return np.zeros(len(starts) - 1, dtype=bool)
    inside = np.zeros(len(codes), dtype=bool)
    for low, high in DENSE:
        inside |= (codes >= low) & (codes <= high)
    total = np.r_[0, np.cumsum(inside)]
    lengths = np.maximum(1, np.diff(starts))
    out: npt.NDArray[np.bool_] = (total[starts[1:]] - total[starts[:-1]]) / lengths >= DENSE_SHARE
    return out
