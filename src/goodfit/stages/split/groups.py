"""Which rows must stay together, and under which label a group counts. Second step of split.

A group is a connected component: rows that share their normalised text, or their value of `split.by`, are joined, and so are
rows joined through others. Everything is an integer array with one entry per row; 1,000,000 rows take about a second.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from goodfit.data.duplicates import scrambled

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]
NO_LABEL = -1


@dataclass(frozen=True)
class LabelSets:
    """The labels of n rows in one flat array: row i has `codes[starts[i]:starts[i + 1]]`, each an index into the label names."""

    codes: Ints
    starts: Ints
    """Shape (n + 1,)."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def rows(self) -> Ints:
        """The row of every entry of `codes`."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def take(self, index: Ints) -> LabelSets:
        """The labels of these rows."""
        sizes = np.diff(self.starts)[index]
        starts = np.r_[0, np.cumsum(sizes)]
        flat = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes) + np.repeat(self.starts[index], sizes)
        return LabelSets(self.codes[flat], starts)


def components(same: Ints, by: Ints | None) -> Ints:
    """The group of every row, numbered from 0 in the order of first appearance; shape (n,).

    `same`: for each row the index of the first row with the same text. `by`: a number per value of `split.by`, -1 where missing
    (a missing value joins nothing).
    """
    joined = same
    if by is not None and len(same):
        known = by >= 0
        n_texts, n_values = len(same), int(by.max(initial=-1)) + 1
        size = n_texts + n_values
        edges = (np.ones(int(known.sum()), dtype=np.int8), (same[known], n_texts + by[known]))
        joined = connected_components(coo_matrix(edges, shape=(size, size)), directed=False)[1][same]
    return in_order(joined)


def in_order(numbers: Ints) -> Ints:
    """The same partition, numbered from 0 in the order of first appearance."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    out: Ints = rank[inverse.reshape(-1)]
    return out


def codes_of(values: pa.ChunkedArray) -> tuple[Ints, pa.Array]:
    """A number per distinct string, -1 where missing, and the strings in the order of their numbers."""
    encoded = pc.dictionary_encode(values)
    whole = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], pa.string()).dictionary_encode()
    return whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64), whole.dictionary


def label_sets(labels: pa.ChunkedArray, names: pa.Array) -> LabelSets:
    """The labels of all rows as indices into `names`; a label that is not among them is left out, a missing one counts as none."""
    if not pa.types.is_list(labels.type):
        codes = pc.index_in(labels, value_set=names).fill_null(NO_LABEL).to_numpy().astype(np.int64)
        held = codes >= 0
        return LabelSets(codes[held], np.r_[0, np.cumsum(held)])
    parts, sizes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for chunk in labels.chunks:
        flat = pc.index_in(pc.list_flatten(chunk), value_set=names).fill_null(NO_LABEL).to_numpy(zero_copy_only=False).astype(np.int64)
        rows = pc.list_parent_indices(chunk).to_numpy(zero_copy_only=False)
        # A name twice in one cell counts once.
        pairs = np.unique(rows[flat >= 0] * (len(names) + 1) + flat[flat >= 0])
        parts.append(pairs % (len(names) + 1))
        sizes.append(np.bincount(pairs // (len(names) + 1), minlength=len(chunk)))
    return LabelSets(np.concatenate(parts), np.r_[0, np.cumsum(np.concatenate(sizes))])


def strata(groups: Ints, sets: LabelSets, n_labels: int) -> Ints:
    """The label under which every group is divided, `NO_LABEL` where it has none; shape (number of groups,).

    A row of several labels counts under the rarest of them, so that rare labels are the ones spread evenly. A group counts under
    the label of most of its rows, at a tie under the rarer one.
    """
    frequency = np.bincount(sets.codes, minlength=n_labels)
    # Labels from common to rare: the largest rank is the rarest label.
    rarity = np.empty(n_labels, dtype=np.int64)
    rarity[np.lexsort((np.arange(n_labels), -frequency))] = np.arange(n_labels)
    by_rank = np.argsort(rarity)
    of_row = np.full(len(groups), -1, dtype=np.int64)
    np.maximum.at(of_row, sets.rows, rarity[sets.codes])
    pairs, votes = np.unique(groups * (n_labels + 1) + of_row + 1, return_counts=True)
    group, rank = pairs // (n_labels + 1), pairs % (n_labels + 1) - 1
    order = np.lexsort((-rank, -votes, group))
    first = np.r_[True, group[order][1:] != group[order][:-1]] if len(order) else np.zeros(0, bool)
    winner = rank[order][first]
    out: Ints = np.where(winner >= 0, by_rank[winner], NO_LABEL) if n_labels else np.full(len(winner), NO_LABEL)
    return out


def group_keys(groups: Ints, texts: Keys, by: Ints | None, values: pa.Array | None, seed: int) -> Keys:
    """A number per group, uniform, that depends on the seed and on what the group holds, not on its place; shape (groups,).

    It is the smallest hash of the group's values of `split.by`, or of its texts where it has none: adding or dropping rows of
    other groups leaves it as it is.
    """
    base = np.frombuffer(hashlib.blake2b(f"split {seed}".encode(), digest_size=8).digest(), dtype=np.uint64)
    of_row = mix(texts[:, 0] ^ mix(texts[:, 1] ^ base))
    if by is not None and values is not None and len(values):
        blake = hashlib.blake2b
        digests = b"".join(blake(v.encode("utf-8", "surrogatepass"), digest_size=8).digest() for v in values.to_pylist())
        named = mix(np.frombuffer(digests, dtype=np.uint64) ^ mix(base))
        # Half the range each: a group with a value of `by` is known by that, whatever its texts.
        of_row = np.where(by >= 0, named[np.maximum(by, 0)] >> np.uint64(1), (of_row >> np.uint64(1)) | np.uint64(1 << 63))
    out = np.full(int(groups.max(initial=-1)) + 1, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(out, groups, of_row)
    return mix(out)


def mix(x: npt.NDArray[np.uint64]) -> Keys:
    """A step of splitmix64 (Steele et al. 2014): a bijection that spreads every bit."""
    return scrambled(x + np.uint64(0x9E3779B97F4A7C15))
