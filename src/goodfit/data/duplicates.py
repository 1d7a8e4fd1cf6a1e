"""Which rows hold the same text, which of those disagree on the label, and which hold no text at all.

Layer: data (methods 2, tier 1: exact after normalisation). `split` keeps a group on one side; audit reports. Near-duplicate
tiers will refine the same group numbers: a group is named by the index of its first row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.normalise import normalise
from goodfit.data.progress import OnProgress, Throttle

Keys = npt.NDArray[np.uint64]
Groups = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_SLICE = 16_384
UNREADABLE_SHARE = 0.3
"""A text is unreadable when more than this share of its characters are replacement, control or private-use characters."""
_UNREADABLE = r"[\x{FFFD}\x{0}-\x{8}\x{E}-\x{1F}\x{7F}-\x{9F}\p{Co}]"


def text_keys(texts: pa.Array | pa.ChunkedArray, *, on_progress: OnProgress | None = None) -> Keys:
    """A 128-bit key per row, shape (n, 2): equal for texts that are equal after normalisation.

    A text that normalises to nothing (punctuation only) is keyed by its exact characters, so that "!!!" and "???" stay apart.
    Missing and blank texts all share the key (0, 0), which belongs to no group.
    """
    out = np.zeros((len(texts), 2), dtype=np.uint64)
    progress = Throttle(on_progress, len(texts), "comparing texts")
    done = 0
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        for start in range(0, len(chunk), _SLICE):
            part = chunk.slice(start, _SLICE)
            out[done : done + len(part)] = _keys(part)
            done += len(part)
            progress.at(done)
    progress.finish()
    return out


def duplicate_groups(keys: Keys) -> Groups:
    """For each row the index of the first row with the same key, shape (n,); rows without text stand alone."""
    n = len(keys)
    order = np.lexsort((np.arange(n), keys[:, 1], keys[:, 0]))
    ranked = keys[order]
    new = np.r_[True, (ranked[1:] != ranked[:-1]).any(axis=1)] if n else np.zeros(0, bool)
    first = order[np.flatnonzero(new)]
    out = np.empty(n, dtype=np.int64)
    out[order] = first[np.cumsum(new) - 1] if n else first
    alone = ~keys.any(axis=1)
    out[alone] = np.flatnonzero(alone)
    return out


def group_sizes(groups: Groups) -> Groups:
    """For each row how many rows its group has, shape (n,)."""
    return np.bincount(groups, minlength=len(groups))[groups] if len(groups) else groups


def repeats(groups: Groups) -> Mask:
    """True for every row that repeats an earlier one, shape (n,)."""
    out: Mask = groups != np.arange(len(groups))
    return out


def conflicts(groups: Groups, labels: pa.Array | pa.ChunkedArray) -> Mask:
    """True for every row of a group whose rows carry different labels (missing labels do not count), shape (n,).

    `labels`: string, or list<string> (compared as sets).
    """
    codes = label_codes(labels)
    known = codes >= 0
    n = len(groups)
    low = np.full(n, np.iinfo(np.int64).max)
    high = np.full(n, -1)
    np.minimum.at(low, groups[known], codes[known])
    np.maximum.at(high, groups[known], codes[known])
    out: Mask = (low < high)[groups] & known
    return out


def label_codes(labels: pa.Array | pa.ChunkedArray) -> Groups:
    """A number per different label (or set of labels), -1 where missing; shape (n,)."""
    if pa.types.is_list(labels.type):
        labels = pa.chunked_array([_sets_as_text(chunk) for chunk in _chunks(labels)], pa.string())
    encoded = pc.dictionary_encode(labels)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    out: Groups = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return out


@dataclass(frozen=True)
class NoText:
    """Masks of the rows that hold no usable text, each of shape (n,); a row is in one of them at most."""

    missing: Mask
    """No value at all."""
    empty: Mask
    """The empty string."""
    whitespace: Mask
    """Spaces, line breaks and invisible characters only."""
    unreadable: Mask
    """Mostly replacement, control or private-use characters: a binary or a wrongly decoded file."""

    @property
    def any(self) -> Mask:
        """Rows in any of the four."""
        return self.missing | self.empty | self.whitespace | self.unreadable


def no_text(texts: pa.Array | pa.ChunkedArray) -> NoText:
    """Which rows hold no usable text, and why."""
    missing = _mask(pc.is_null(texts))
    length = pc.utf8_length(texts)
    empty = _mask(pc.equal(length, 0).fill_null(False))
    visible = pc.match_substring_regex(texts, r"[^\s\p{Z}\p{Cf}\p{Cc}]").fill_null(True)
    bad = pc.count_substring_regex(texts, pattern=_UNREADABLE)
    share = pc.divide(pc.cast(bad, pa.float64()), pc.cast(length, pa.float64()))
    unreadable = _mask(pc.greater(share, UNREADABLE_SHARE).fill_null(False)) & ~missing & ~empty
    whitespace = ~_mask(visible) & ~empty & ~missing & ~unreadable
    return NoText(missing=missing, empty=empty, whitespace=whitespace, unreadable=unreadable)


def _keys(texts: pa.Array) -> Keys:
    texts = texts.cast(pa.string())
    normal = normalise(texts)
    nothing = pc.equal(pc.utf8_length(normal), 0)
    blank = pc.invert(pc.match_substring_regex(texts, r"[^\s\p{Z}\p{Cf}\p{Cc}]"))
    # A leading NUL keeps exact texts from ever meeting a normalised one.
    exact = pc.binary_join_element_wise(pa.scalar("\0"), texts, "")
    chosen = pc.if_else(nothing.fill_null(False), exact, normal)
    chosen = pc.if_else(blank.fill_null(True), pa.scalar(None, pa.string()), chosen)
    return hash_strings(chosen)


def hash_strings(texts: pa.Array) -> Keys:
    """128 bits of blake2b per text, shape (n, 2), (0, 0) for null; read straight from the Arrow buffers."""
    array = pa.concat_arrays([texts]) if texts.offset else texts
    n = len(array)
    _, offsets_buffer, data = array.buffers()
    if n == 0 or data is None:
        return np.zeros((n, 2), dtype=np.uint64)
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32, count=n + 1)
    view = memoryview(data)
    blake = hashlib.blake2b
    bounds = offsets.tolist()
    digests = b"".join([blake(view[a:b], digest_size=16).digest() for a, b in zip(bounds[:-1], bounds[1:])])
    keys = np.frombuffer(digests, dtype=np.uint64).reshape(n, 2).copy()
    keys[_mask(pc.is_null(array))] = 0
    return keys


def scrambled(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Every bit of 64 spread over all: the finaliser of splitmix64 (Steele et al. 2014), a bijection."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    out: npt.NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return out


def _sets_as_text(lists: pa.Array) -> pa.Array:
    return pa.array([None if names is None else "\0".join(sorted(set(names))) for names in lists.to_pylist()], pa.string())


def _chunks(array: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return list(array.chunks) if isinstance(array, pa.ChunkedArray) else [array]


def _mask(array: pa.Array | pa.ChunkedArray) -> Mask:
    chunked = isinstance(array, pa.ChunkedArray)
    out: Mask = np.asarray(array.to_numpy() if chunked else array.to_numpy(zero_copy_only=False), dtype=bool)
    return out
