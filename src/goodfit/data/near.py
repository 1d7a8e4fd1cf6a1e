"""Which rows say nearly the same: groups of near-duplicates, by their characters alone. Story: shingles, candidates, proof, groups.

    near_groups(texts).group     for each row the first row of its group: equal to its own number where it stands alone

Layer: data (methods 2, tiers 1 to 3). Exact repeats are one text from the start. A frame of words that many texts share (a template)
is not what texts are compared by. 1,000,000 short texts take minutes and a few hundred MB on two cores: what stays in memory of a text
is at most `KEPT` hashes, fewer where there are many texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from goodfit.data.alike import Texts, alike
from goodfit.data.duplicates import Groups, Mask, duplicate_groups, text_keys
from goodfit.data.progress import OnProgress, Throttle
from goodfit.data.rare import ROWS, Frequencies, candidates, frequencies, postings_of, row_slices
from goodfit.data.shingles import Ints, Shingles, fingerprints, gathered, parts_of

KEPT, LEAST_KEPT = 512, 64
"""Shingles kept of a text at most, and where there are very many texts."""
BUDGET = 80_000_000
"""Shingles kept of all texts."""
MANY, KEPT_WIDE = 100_000, 48
"""Texts from which candidates are told by wide pieces, and how many of those are kept of each."""
SHORTEST = 8
"""Characters (after normalisation, with the two spaces) below which only equal texts are the same."""
FRAME_SHARE, FRAME_ROWS = 0.1, 50
"""A shingle that more than this share of the texts has, and more than so many, belongs to a frame of words."""
FRAME_LEFT = 8
"""Shingles that must be left of a text without its frame; else it is compared whole."""
BARE = 0.5
"""Share of a text's shingles that belong to a frame from which the text is one of a template."""
CHAIN = 8
"""Rows of a group that may be tied by a chain; in a larger one every row must be a near-duplicate of the same one."""
ROUNDS = 12
_PAIRS = 50_000


@dataclass(frozen=True)
class NearGroups:
    """The groups of n rows; arrays of shape (n,)."""

    group: Groups
    """The index of the group's first row; the row's own where it stands alone. Exact repeats are in one group."""
    twin: Groups
    """A row that was found to be a near-duplicate of this one, or that it repeats; -1 where it stands alone."""
    framed: npt.NDArray[np.float32]
    """Share of the text that belongs to a frame of words which more than a tenth of the texts have (0 for repeats of a text too)."""

    @property
    def pairs(self) -> Ints:
        """Rows with their twins, shape (p, 2), each pair once, lower index first."""
        index = np.flatnonzero(self.twin >= 0)
        return np.unique(np.sort(np.stack([index, self.twin[index]], axis=1), axis=1), axis=0)


def near_groups(
    texts: pa.ChunkedArray, *, same: Groups | None = None, used: Mask | None = None, on_progress: OnProgress | None = None
) -> NearGroups:
    """Groups of near-duplicates among all rows, or among the `used` ones.

    `same`: what `duplicate_groups` gave for these texts, where it is known. The answer depends on the texts and their order only.
    """
    n = len(texts)
    same = duplicate_groups(text_keys(texts)) if same is None else same
    first = same == np.arange(n)
    index = np.flatnonzero(first if used is None else first & used)
    column = texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([texts])
    found = _groups(column, index, on_progress)
    group, twin, framed = np.arange(n), np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.float32)
    group[index], framed[index] = index[found.group], found.framed
    held = found.twin >= 0
    twin[index[held]] = index[found.twin[held]]
    group = group[same]
    repeats = np.flatnonzero(~first)
    twin[repeats] = same[repeats]
    alone = repeats[twin[same[repeats]] < 0][::-1]
    twin[same[alone]] = alone  # the first row of a repeated text has its first repeat for a twin
    return NearGroups(group, twin, framed)


def kept_of_each(n: int) -> int:
    """How many shingles are kept of each of n texts at most."""
    return int(np.clip(BUDGET // max(1, n), LEAST_KEPT, KEPT))


def _groups(texts: pa.ChunkedArray, index: Ints, on_progress: OnProgress | None) -> NearGroups:
    """The groups of the rows of `index` (texts that all differ), numbered within it."""
    n = len(index)
    progress = Throttle(on_progress, 2 * n, "finding near-duplicates")
    sets = _read(texts, index, kept_of_each(n), progress=progress)
    counted = frequencies(sets)
    sets, framed, cut = without_frame(sets, counted, max(FRAME_ROWS, FRAME_SHARE * n))
    pieces = sets
    if n > MANY:  # five letters are rare in no text of very many: candidates are told by wider pieces
        pieces = _read(texts, index, KEPT_WIDE, wide=True)
        counted = frequencies(pieces)
    postings = postings_of(pieces, counted)
    del counted, pieces
    known = Texts(texts, index, sets, framed >= BARE, cut)
    group = np.arange(n)
    edges = [np.zeros((0, 2), np.int64)]
    seen = 0
    for block in candidates(postings):
        seen = min(n, seen + ROWS)
        for start in range(0, len(block), _PAIRS):
            pairs = block[start : start + _PAIRS]
            pairs = pairs[group[pairs[:, 0]] != group[pairs[:, 1]]]
            pairs = pairs[alike(known, pairs)]
            if len(pairs):
                edges.append(pairs)
                group = _joined(group, pairs)
        progress.at(n + seen)
    group, twin = untangled(known, group, np.concatenate(edges))
    progress.finish()
    return NearGroups(group, twin, framed)


def _read(texts: pa.ChunkedArray, index: Ints, most: int, *, wide: bool = False, progress: Throttle | None = None) -> Shingles:
    """The shingles of the rows of `index`; of a text below `SHORTEST` none."""

    def parts() -> Iterator[Shingles]:
        start, done = 0, 0
        for chunk in texts.chunks:
            inside = index[np.searchsorted(index, start) : np.searchsorted(index, start + len(chunk))]
            start += len(chunk)
            for part in parts_of(chunk.take(pa.array(inside - start + len(chunk))), most, wide=wide):
                done += len(part)
                if progress is not None:
                    progress.at(done)
                yield part.select(np.repeat(part.characters >= SHORTEST, part.sizes))

    return gathered(parts(), len(index), most)


def without_frame(sets: Shingles, counted: Frequencies, often: float) -> tuple[Shingles, npt.NDArray[np.float32], Mask]:
    """The sets without the shingles that more than `often` texts have, of texts that mostly consist of them and keep enough; the share
    of them in every text, and which texts were cut so, shape (n,) each. The memory of `sets` is used again.
    """
    was_cut = np.zeros(len(sets), dtype=bool)
    share = np.zeros(len(sets), dtype=np.float32)
    starts = np.zeros(len(sets) + 1, dtype=np.int64)
    used = 0
    for start, stop in row_slices(sets.starts):
        values = sets.values[sets.starts[start] : sets.starts[stop]]
        sizes = sets.sizes[start:stop]
        row = np.repeat(np.arange(stop - start), sizes)
        frame = counted.of(values) > often
        inside = np.bincount(row[frame], minlength=stop - start)
        share[start:stop] = inside / np.maximum(1, sizes)
        cut = (share[start:stop] >= BARE) & (sizes - inside >= FRAME_LEFT)
        was_cut[start:stop] = cut
        kept = values[~(frame & cut[row])]
        sets.values[used : used + len(kept)] = kept
        starts[start + 1 : stop + 1] = used + np.cumsum(np.where(cut, sizes - inside, sizes))
        used += len(kept)
    return Shingles(sets.values[:used], starts, sets.limits, sets.characters), share, was_cut


def _joined(group: Ints, pairs: Ints) -> Ints:
    """Groups, each named by its first row, after these pairs of rows were joined."""
    names, ends = np.unique(group[pairs], return_inverse=True)
    ends = ends.reshape(-1, 2)
    edges = (np.ones(len(pairs), dtype=np.int8), (ends[:, 0], ends[:, 1]))
    label = connected_components(coo_matrix(edges, shape=(len(names), len(names))), directed=False)[1]
    renamed = np.arange(len(group))
    renamed[names] = names[first_of(label)]
    out: Ints = renamed[group]
    return out


def first_of(labels: Ints) -> Ints:
    """For each row the index of the first row with its label."""
    first = np.full(int(labels.max(initial=-1)) + 1, len(labels), dtype=np.int64)
    np.minimum.at(first, labels, np.arange(len(labels)))
    out: Ints = first[labels]
    return out


def untangled(known: Texts, group: Ints, edges: Ints) -> tuple[Ints, Ints]:
    """Groups in which chains are cut, and a twin for every row of one.

    In a group of more than `CHAIN` rows, the row with most known twins leads; whoever is no near-duplicate of it leaves, and those that
    left are asked again among themselves.
    """
    n = len(group)
    twin = np.full(n, -1, dtype=np.int64)
    for side in (0, 1):
        twin[edges[:, side]] = edges[:, 1 - side]
    degree = np.bincount(edges.reshape(-1), minlength=n)
    names = fingerprints(known.sets)
    open_rows = np.flatnonzero(np.bincount(group, minlength=n)[group] > CHAIN)
    out = group.copy()
    for _ in range(ROUNDS):
        if not len(open_rows):
            return out, twin
        leader = _leaders(group[open_rows], degree[open_rows], known.sets.characters[open_rows], names[open_rows], open_rows)
        pairs = np.stack([leader, open_rows], axis=1)
        stays = leader == open_rows
        stays[~stays] = alike(known, pairs[~stays])
        out[open_rows[stays]] = leader[stays]
        followers = stays & (leader != open_rows)
        twin[open_rows[followers]] = leader[followers]
        twin[leader[followers]] = open_rows[followers]
        lonely = np.setdiff1d(leader, leader[followers])
        twin[lonely] = -1
        open_rows = open_rows[~stays]
    out[open_rows], twin[open_rows] = open_rows, -1
    return first_of(out), twin


def _leaders(group: Ints, degree: Ints, characters: npt.NDArray[np.int32], names: npt.NDArray[np.uint64], rows: Ints) -> Ints:
    """The leader of every row's group: most twins, then the longest text, then whatever the text's shingles say; shape as `rows`."""
    order = np.lexsort((rows, names, -characters.astype(np.int64), -degree, group))
    begins = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    sizes = np.diff(np.r_[begins, len(order)])
    out = np.empty(len(rows), dtype=np.int64)
    out[order] = np.repeat(rows[order[begins]], sizes)
    return out
