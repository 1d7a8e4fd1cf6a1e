"""Near-duplicates among the rows: what is kept together, and what is a template rather than a group. Part of the look of split.

Rows that say nearly the same stay on one side like rows that say the same. A group that would hold too much of the data is no group of
near-duplicates but a template: it is not kept together (nothing could be divided), and told (AUD033).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.duplicates import duplicate_groups, group_sizes, hash_strings
from goodfit.data.near import BARE, near_groups
from goodfit.data.normalise import normalise
from goodfit.data.progress import OnProgress
from goodfit.stages.split.groups import Ints, Mask, components

TOO_LARGE = 0.05
"""Share of the used rows above which a group of near-duplicates is a template; see `largest_group` for few rows."""
TIED = 0.2
"""Share of the used rows that near-duplicates and `split.by` together may tie into one group."""
TEMPLATE_ROWS, TEMPLATE_SHARE = 20, 0.01
"""Rows, and share of the used rows, from which texts that differ in their numbers only are told as a template."""
FRAME_LETTERS = 12
"""Letters that such texts must have beside their numbers."""
_SLICE = 16_384


@dataclass(frozen=True)
class Near:
    """Arrays of shape (n,), one entry per row of the store."""

    tokens: Ints
    """The index of the first row that this one is to be kept together with by its text; a number of a row that is not used is its own."""
    group: Ints
    """The group of near-duplicates, by its first row; rows of one too large, which is a template, are grouped by equal text only."""
    too_large: Mask
    """Rows of such templates."""
    twin: Ints
    """A row that this one repeats or nearly repeats; -1 where none."""
    numbers: Ints
    """The index of the first row with the same text but for its numbers."""
    framed: npt.NDArray[np.float32]
    """Share of the text that belongs to a frame of words which more than a tenth of the texts have."""

    @property
    def apart(self) -> Mask:
        """Rows of groups that are not kept together, as `split.by` would tie most of the rows through them."""
        torn = np.zeros(len(self.group), dtype=bool)
        torn[self.group[self.tokens != self.group]] = True
        out: Mask = torn[self.group]
        return out

    @property
    def template(self) -> Mask:
        """Rows that fill in a template: mostly a frame, or one of many that differ in numbers only, or of a group too large."""
        sizes = group_sizes(self.numbers)
        many = sizes >= max(TEMPLATE_ROWS, TEMPLATE_SHARE * len(self.tokens))
        out: Mask = (self.framed >= BARE) | many | self.too_large
        return out


def nothing_near(same: Ints) -> Near:
    """Where the recipe does not ask for it: texts that are the same, and no more."""
    none = np.full(len(same), -1, dtype=np.int64)
    return Near(same, same, np.zeros(len(same), dtype=bool), none, same, np.zeros(len(same), dtype=np.float32))


def look_near(texts: pa.ChunkedArray, same: Ints, by: Ints | None, used: Mask, *, on_progress: OnProgress | None = None) -> Near:
    """What the used rows have in common with one another. `by`: a number per value of `split.by`, -1 where missing."""
    found = near_groups(texts, same=same, used=used, on_progress=on_progress)
    group = np.where(used, found.group, np.arange(len(same)))
    sizes = np.bincount(group[used], minlength=len(group))[group]
    too_large = used & (sizes > largest_group(int(used.sum())))
    group = np.where(too_large, same, group)
    tokens = group if by is None else untied(group, same, by, used)
    return Near(tokens, group, too_large, found.twin, number_groups(texts, same, used), found.framed[same])


def untied(group: Ints, same: Ints, by: Ints, used: Mask) -> Ints:
    """Groups in which near-duplicates tie no more than `TIED` of the rows through the values of `split.by`; where they would (every
    customer has written one of the usual sentences), rows there are grouped by equal text only.
    """
    index = np.flatnonzero(used)
    _, text = np.unique(group[index], return_inverse=True)
    component = components(text.reshape(-1).astype(np.int64), by[index])
    tied = np.bincount(component)[component] > max(largest_group(len(index)), TIED * len(index))
    out = group.copy()
    out[index[tied]] = same[index[tied]]
    return out


def largest_group(n: int) -> int:
    """Rows that a group of near-duplicates may have: a twentieth of n; of few rows up to 20, and a quarter."""
    return max(int(TOO_LARGE * n), min(20, n // 4))


def number_groups(texts: pa.ChunkedArray, same: Ints, used: Mask) -> Ints:
    """For each used row the first one whose text differs in numbers only, shape (n,)."""
    keys = np.zeros((len(same), 2), dtype=np.uint64)
    start = 0
    for chunk in texts.chunks:
        for offset in range(0, len(chunk), _SLICE):
            part = chunk.slice(offset, _SLICE)
            wanted = used[start : start + len(part)] & _mask(pc.match_substring_regex(part, r"\p{Nd}"))
            if wanted.any():
                masked = pc.replace_substring_regex(normalise(part.filter(pa.array(wanted))), pattern=r"\p{Nd}+", replacement="0")
                worded = pc.greater_equal(pc.count_substring_regex(masked, pattern=r"\p{L}"), FRAME_LETTERS)
                keys[start + np.flatnonzero(wanted)] = hash_strings(pc.if_else(worded, masked, pa.scalar(None, pa.string())))
            start += len(part)
    groups = duplicate_groups(keys)
    alone = ~keys.any(axis=1)
    return np.where(alone, same, groups)


def _mask(array: pa.Array) -> Mask:
    out: Mask = array.fill_null(False).to_numpy(zero_copy_only=False)
    return out
