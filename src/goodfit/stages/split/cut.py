"""Dividing groups into train, valid and test: by chance within each label, or by time. Third step of split.

By chance: the groups of a label are put in the order of a hash and filled into test, then valid, the rest is train; what a label
leaves over (a group too large for its share) is carried to the next one, so that shares are right overall as well as per label. A
group that alone holds some label goes to train. The result depends on the groups and the seed only, not on the order of rows.

A cut of the order gives exact proportions on small data, which thresholds on the hash do not; its price is that a *fresh* split of
changed data may move a group near the cut. Runs on changed data therefore inherit the sides of their parent (inherit.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodfit.errors import DataError
from goodfit.stages.split.groups import Ints, Keys, Mask

TRAIN, VALID, TEST, UNDECIDED = 0, 1, 2, -1
NAMES = ("train", "valid", "test")
MOST_OF_A_LABEL = 0.5
"""At most this share of a label's rows (or what the recipe asks for) goes to one split, however much was carried over."""


@dataclass(frozen=True)
class Shares:
    """How much of the rows test and valid should get; 0 for a split that is not to be cut."""

    test: float
    valid: float

    @property
    def wanted(self) -> tuple[int, ...]:
        """The splits that are to be cut from train."""
        return tuple(side for side, share in ((TEST, self.test), (VALID, self.valid)) if share > 0)


@dataclass(frozen=True)
class Groups:
    """The groups to divide, one entry per group."""

    sizes: Ints
    """Rows."""
    strata: Ints
    """The label under which a group is divided."""
    keys: Keys
    """Its place in the order: uniform, from the seed."""
    pairs: Ints
    """Which labels are in which group, shape (m, 2): group, label."""
    times: Ints | None = None
    """Its newest row, in microseconds; given when the cut is by time."""

    def __len__(self) -> int:
        return len(self.sizes)


def divide(groups: Groups, shares: Shares, *, learned: Ints | None = None) -> npt.NDArray[np.int8]:
    """The side of every group, int8 (0 train, 1 valid, 2 test); DataError where a split would be empty.

    `learned`: the labels that train has already, where these groups come on top of a split that exists (it cannot be empty then).
    """
    if learned is not None:
        sides = _by_label(groups, shares, ~_alone(groups, learned), start=_uniform_start(groups.keys))
        _learnable(sides, groups, learned)
        return sides
    if len(groups) < 1 + len(shares.wanted):
        raise _too_few(len(groups), shares)
    if groups.times is not None:
        return by_time(groups, shares)
    sides = _by_label(groups, shares, ~_alone(groups))
    _fill_empty(sides, groups, shares)
    _learnable(sides, groups)
    return sides


# -- by chance ----------------------------------------------------------------------------------------------------------


def _uniform_start(keys: Keys) -> tuple[float, float]:
    """Few new groups would round to nothing, again and again: a uniform start makes their expected number right."""
    bits = int(np.bitwise_xor.reduce(keys))
    return (bits >> 32) / 2**32 - 0.5, (bits & 0xFFFFFFFF) / 2**32 - 0.5


def _by_label(groups: Groups, shares: Shares, free: Mask, start: tuple[float, float] = (0.0, 0.0)) -> npt.NDArray[np.int8]:
    """Divides the groups of `free`; the others are train."""
    sides = np.full(len(groups), TRAIN, dtype=np.int8)
    order = np.flatnonzero(free)[np.lexsort((groups.keys[free], groups.strata[free]))]
    bounds = np.flatnonzero(np.r_[True, np.diff(groups.strata[order]) != 0, True]) if len(order) else np.zeros(1, np.int64)
    members = [order[a:b] for a, b in zip(bounds[:-1], bounds[1:])]
    carry = dict(zip((TEST, VALID), start))
    # Small labels first: what they leave over is least noticed by the large ones.
    for member in sorted(members, key=lambda m: (int(groups.sizes[m].sum()), int(groups.strata[m[0]]))):
        rest = member
        for side, share in ((TEST, shares.test), (VALID, shares.valid)):
            total = int(groups.sizes[member].sum())
            left = int(groups.sizes[rest].sum())
            quota = share * total + carry[side]
            taken = fill(groups.sizes[rest], min(quota, max(share * total, MOST_OF_A_LABEL * left)))
            sides[rest[taken]] = side
            carry[side] = quota - int(groups.sizes[rest[taken]].sum())
            rest = rest[~taken]
    return sides


def fill(sizes: Ints, quota: float) -> Mask:
    """Which groups, taken in their order, fill a quota of rows: each is taken if at least half of it still fits; shape (n,)."""
    if not len(sizes) or quota <= 0:
        return np.zeros(len(sizes), dtype=bool)
    if (sizes == 1).all():
        return np.arange(len(sizes)) < int(quota + 0.5)
    taken = np.zeros(len(sizes), dtype=bool)
    filled = 0
    for i, size in enumerate(sizes.tolist()):
        if filled + size / 2 <= quota:
            taken[i] = True
            filled += size
            if filled >= quota:
                break
    return taken


def _alone(groups: Groups, learned: Ints | None = None) -> Mask:
    """The groups that hold a label which no other group holds (and that train has not learned before)."""
    out = np.zeros(len(groups), dtype=bool)
    if not len(groups.pairs):
        return out
    once = np.bincount(groups.pairs[:, 1]) == 1
    if learned is not None:
        once[learned[learned < len(once)]] = False
    out[groups.pairs[once[groups.pairs[:, 1]], 0]] = True
    return out


def _fill_empty(sides: npt.NDArray[np.int8], groups: Groups, shares: Shares) -> None:
    """Gives a side that got nothing the smallest group of one that has several (few large groups do not fit any share)."""
    for side in (TRAIN, *shares.wanted):
        if (sides == side).any():
            continue
        several = np.bincount(sides, minlength=3) > 1
        # Train gives first: it is the largest.
        giver = TRAIN if several[TRAIN] else int(np.argmax(several))
        candidates = np.flatnonzero(sides == giver)
        last = _alone(groups)[candidates]
        sides[candidates[np.lexsort((groups.keys[candidates], groups.sizes[candidates], last))[0]]] = side


def _learnable(sides: npt.NDArray[np.int8], groups: Groups, learned: Ints | None = None) -> None:
    """Moves a group to train for every label that train would not have (in a fresh split never the last group of a side)."""
    if not len(groups.pairs):
        return
    group, label = groups.pairs[:, 0], groups.pairs[:, 1]
    known = np.zeros(int(label.max()) + 1, dtype=bool)
    known[label[sides[group] == TRAIN]] = True
    if learned is not None:
        known[learned[learned < len(known)]] = True
    for missing in np.setdiff1d(np.unique(label), np.flatnonzero(known)):
        holders = group[label == missing]
        spare = np.array([learned is not None or (sides == side).sum() > 1 for side in range(3)])
        holders = holders[spare[sides[holders]]]
        if len(holders):
            sides[holders[np.lexsort((groups.keys[holders], groups.sizes[holders]))[0]]] = TRAIN


# -- by time ------------------------------------------------------------------------------------------------------------


def by_time(groups: Groups, shares: Shares) -> npt.NDArray[np.int8]:
    """Train is the oldest, test the newest. A group stands where its newest row stands, so that training never sees the future of
    another split; groups of equal time are never parted.
    """
    assert groups.times is not None
    moments, inverse = np.unique(groups.times, return_inverse=True)
    wanted = [side for side in (VALID, TEST) if side in shares.wanted]
    if len(moments) < 1 + len(wanted):
        raise DataError(
            f"all rows have {len(moments)} different times, and {1 + len(wanted)} splits are to be cut by time",
            fix="give a finer time column in split.time, or leave it out",
        )
    rows = np.bincount(inverse, weights=groups.sizes)
    until = np.cumsum(rows) / rows.sum()
    targets = {VALID: 1 - shares.test - shares.valid, TEST: 1 - shares.test}
    cuts = _boundaries(until, [targets[side] for side in wanted])
    of_moment = np.full(len(moments), TRAIN, dtype=np.int8)
    for side, cut in zip(wanted, cuts):
        of_moment[cut:] = side
    out: npt.NDArray[np.int8] = of_moment[inverse]
    return out


def _boundaries(until: npt.NDArray[np.float64], targets: Sequence[float]) -> list[int]:
    """For each target share the moment at which the next split begins: the nearest that leaves every split a moment of its own."""
    cuts: list[int] = []
    for k, target in enumerate(targets):
        low = (cuts[-1] if cuts else 0) + 1
        high = len(until) - (len(targets) - k)
        candidates = np.arange(low, high + 1)
        cuts.append(int(candidates[np.argmin(np.abs(until[candidates - 1] - target))]))
    return cuts


def _too_few(n: int, shares: Shares) -> DataError:
    names = " and ".join(["train", *(NAMES[side] for side in reversed(shares.wanted))])
    return DataError(
        f"the rows form {n} group{'s' if n != 1 else ''} that must stay together (same text, or same split.by): too few for {names}",
        fix="name a finer column in split.by, give more rows, or set split.test_size or split.valid_size to 0",
    )
