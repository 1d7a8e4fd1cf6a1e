"""Which texts might be near-duplicates: those that share several of their rarest shingles. Candidates only: nothing is reported unverified.

Layer: data (methods 2, tier 2; an inexact relative of prefix filtering, Bayardo 2007). Of every text the 16 rarest shingles that another
text has too are kept; two texts are candidates where they share three of them. A shingle of many texts does not link all with all: its
texts are put in the order of their smallest hash, which near-duplicates mostly share, and each is linked with those that follow it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodfit.data.shingles import Hashes, Ints, Shingles, fingerprints

RAREST = 16
"""Shingles kept of every text."""
SHARED = 3
"""Of them, how many two candidates share (all, where a text has fewer)."""
WINDOW = 8
"""How many of the texts that follow it in a posting list a text is linked with."""
MOST_SLOTS = 1 << 25
_ENTRIES = 1_000_000
ROWS = 1 << 14
"""Texts whose candidates are found at a time."""
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


@dataclass(frozen=True)
class Frequencies:
    """In how many texts a shingle occurs: counts by the upper bits of its hash (few meet by chance)."""

    counts: npt.NDArray[np.uint32]
    shift: int

    def of(self, values: Hashes) -> npt.NDArray[np.uint32]:
        """The number of texts with each of these shingles."""
        out: npt.NDArray[np.uint32] = self.counts[values >> np.uint32(self.shift)]
        return out


def frequencies(sets: Shingles) -> Frequencies:
    """Counts over all texts."""
    slots = 1 << 12
    while slots < min(MOST_SLOTS, 4 * len(sets.values)):
        slots *= 2
    shift = 32 - (slots.bit_length() - 1)
    counts = np.zeros(slots, dtype=np.uint32)
    for start in range(0, len(sets.values), _ENTRIES):
        part = sets.values[start : start + _ENTRIES] >> np.uint32(shift)
        np.add.at(counts, part, np.ones(len(part), np.uint32))
    return Frequencies(counts, shift)


@dataclass(frozen=True)
class Postings:
    """Which texts have which of the kept shingles."""

    links: npt.NDArray[np.uint64]
    """Sorted: `hash << 32 | rank of the text`."""
    kept: npt.NDArray[np.uint8]
    """Shingles kept of a text, by its rank; shape (n,)."""
    in_order: Ints
    """The texts in the order of their rank, shape (n,)."""


def postings_of(sets: Shingles, counted: Frequencies) -> Postings:
    """The rarest shingles of texts that are all different; the result depends on the texts, not on their order."""
    n = len(sets)
    smallest = np.zeros(n, dtype=np.uint32)
    some = sets.sizes > 0
    smallest[some] = sets.values[sets.starts[:-1][some]]
    in_order = np.lexsort((fingerprints(sets), smallest))
    rank = np.empty(n, dtype=np.uint64)
    rank[in_order] = np.arange(n, dtype=np.uint64)
    parts = []
    kept = np.zeros(n, dtype=np.uint8)
    for start, stop in row_slices(sets.starts):
        row, values = rarest(sets, counted, start, stop)
        kept[rank[start:stop]] = np.bincount(row, minlength=stop - start)
        parts.append((values.astype(np.uint64) << _SHIFT) | rank[start + row])
    links = np.concatenate(parts) if parts else np.zeros(0, np.uint64)
    links.sort()
    return Postings(links, kept, in_order)


def candidates(postings: Postings) -> Iterator[Ints]:
    """Pairs of texts to compare, shape (p, 2) each, no pair twice."""
    for first in range(0, len(postings.in_order), ROWS):
        found = _block(postings.links, postings.kept, first, first + ROWS)
        yield np.stack([postings.in_order[found >> _SHIFT], postings.in_order[found & _LOW]], axis=1)


def rarest(sets: Shingles, counted: Frequencies, start: int, stop: int) -> tuple[Ints, Hashes]:
    """Text (from `start`) and hash of the rarest shingles of these texts, of those that more than one text has."""
    values = sets.values[sets.starts[start] : sets.starts[stop]]
    row = np.repeat(np.arange(stop - start, dtype=np.uint64), sets.sizes[start:stop])
    often = counted.of(values)
    several = often >= 2
    rarity = np.minimum(often[several], 4095).astype(np.uint64)
    keys = np.sort((row[several] << np.uint64(44)) | (rarity << _SHIFT) | values[several], kind="stable")
    of_row = (keys >> np.uint64(44)).astype(np.int64)
    begins = np.searchsorted(of_row, np.arange(stop - start))
    held = np.arange(len(keys)) - begins[of_row] < RAREST
    return of_row[held], (keys[held] & _LOW).astype(np.uint32)


def row_slices(starts: Ints, entries: int = _ENTRIES, rows: int = 1 << 19) -> Iterator[tuple[int, int]]:
    """Ranges of texts with a bounded number of entries and texts (one text at least)."""
    start, n = 0, len(starts) - 1
    while start < n:
        stop = int(np.searchsorted(starts, starts[start] + entries, side="right")) - 1
        stop = min(max(stop, start + 1), start + rows, n)
        yield start, stop
        start = stop


def _block(postings: npt.NDArray[np.uint64], kept: npt.NDArray[np.uint8], first: int, stop: int) -> npt.NDArray[np.uint64]:
    """Candidates `rank << 32 | rank` of the texts with these ranks and later ones."""
    rank = postings & _LOW
    place = np.flatnonzero((rank >= np.uint64(first)) & (rank < np.uint64(stop)))
    parts = []
    for step in range(1, WINDOW + 1):
        here = place[place + step < len(postings)]
        here = here[(postings[here + step] ^ postings[here]) <= _LOW]
        parts.append((rank[here] << _SHIFT) | rank[here + step])
    links = np.sort(np.concatenate(parts))
    begins = np.flatnonzero(np.r_[True, links[1:] != links[:-1]]) if len(links) else np.zeros(0, np.int64)
    shared = np.diff(np.r_[begins, len(links)])
    links = links[begins]
    needed = np.minimum(np.minimum(kept[links >> _SHIFT], kept[links & _LOW]), SHARED)
    out: npt.NDArray[np.uint64] = links[shared >= needed]
    return out
