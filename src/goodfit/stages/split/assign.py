"""Who goes where: given splits as they are, known rows as in the parent run, and the rest divided by chance or by time.

The decision of split. `assign` gives the side of every row and its group; `check` refuses data that cannot be split at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from goodfit.errors import DataError, GoodfitError, Place
from goodfit.recipe import Recipe
from goodfit.stages.split import cut
from goodfit.stages.split.cut import NAMES, TEST, TRAIN, UNDECIDED, VALID, Shares
from goodfit.stages.split.folds import folds_of
from goodfit.stages.split.groups import Ints, Mask, components, group_keys, strata
from goodfit.stages.split.inherit import Parent, extend, fresh_shares, inherited_folds, inherited_sides, sides_by_time
from goodfit.stages.split.leaks import Leaks, Sides, find_leaks
from goodfit.stages.split.look import LEAK, REASONS, Look

MINIMUM_ROWS = 10
UNLISTED = 0.1
"""Share of labelled rows outside task.labels above which the list, not the rows, is taken to be wrong."""


@dataclass(frozen=True)
class Division:
    """The sides of all rows of the store; arrays of shape (n,)."""

    look: Look
    """With the rows dropped on the way."""
    sides: Sides
    """0 train, 1 valid, 2 test, -1 for rows that are not used."""
    groups: Ints
    """Numbered from 0 in file order over the used rows; -1 for others."""
    strata: Ints
    """The label under which a row's group was divided, -1 where none."""
    found: Leaks
    """Between given splits, before any row was dropped for it (all zero otherwise)."""
    left: Leaks
    """What still stands on two sides: nothing, but for given splits with `leaks: report`."""
    inherited: int = 0
    """Rows that kept the side of the parent run."""
    folds: Ints | None = None
    """The fold of every row, -1 for rows that are not used; None where there are no folds."""


def shares_of(recipe: Recipe, look: Look) -> Shares:
    """What is to be cut: a split that the user gave is not."""
    given = set(np.unique(look.roles).tolist())
    return Shares(test=0.0 if TEST in given else recipe.split.test_size, valid=0.0 if VALID in given else recipe.split.valid_size)


def check(look: Look, recipe: Recipe, file: str) -> None:
    """DataError where these rows cannot be learned from: too few, one class, a label column that is no label column."""
    used = int(look.used.sum())
    classes = recipe.task.label_columns
    place = Place(file=file, key=classes[0] if classes else None)
    if classes:
        _check_listed(look, place)
    if used < MINIMUM_ROWS:
        columns = f"; text from {', '.join(map(repr, recipe.task.text))}, label from {', '.join(map(repr, classes))}" if classes else ""
        reasons = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in look.dropped().items())
        detail = f" (of {len(look):,} read; {reasons}{columns})" if reasons else ""
        rows = "row" if used == 1 else "rows"
        raise DataError(
            f"{used} usable {rows}{detail}; at least {MINIMUM_ROWS} are needed", place=place,
            fix=f"give more rows, each with {'text and label' if classes else 'what it needs'}, or name other columns in task",
        )  # fmt: skip
    if classes:
        _check_labels(look, recipe, used, place)


def _check_listed(look: Look, place: Place) -> None:
    """Some rows with labels outside task.labels are dropped and reported (SPL004); many mean that the list is another one."""
    outside = int((look.reasons == REASONS.index("unknown_label")).sum())
    if outside <= UNLISTED * (outside + int(look.used.sum())):
        return
    listed = ", ".join(f"{name!r} ({n:,} rows)" for name, n in list(look.unknown().items())[:5])
    raise DataError(
        f"the labels of the data are not those of task.labels: {listed} are not in {', '.join(map(repr, look.names[:8]))}",
        place=place, fix="correct task.labels, or leave it out to take the labels of the data",
    )  # fmt: skip


def _check_labels(look: Look, recipe: Recipe, used: int, place: Place) -> None:
    present = np.unique(look.sets.take(np.flatnonzero(look.used)).codes)
    column = recipe.task.label_columns[0]
    if len(look.names) > used:
        raise DataError(
            f"there are more classes ({len(look.names):,}) than rows ({used:,})", place=place,
            fix="task.label must name the column with the class, not an id or a text",
        )  # fmt: skip
    if len(present) == 0 or (len(present) == 1 and not recipe.task.multi_label):
        only = f"every row has the label {look.names[int(present[0])]!r}" if len(present) else "no row has a label"
        raise DataError(
            f"only one class: {only}", place=place, fix=f"give rows of at least two classes, or name another column than {column!r}"
        )
    if not recipe.task.multi_label and recipe.task.labels is None and 2 * len(present) > used:
        raise DataError(
            f"column {column!r} has {len(present):,} different values in {used:,} rows: it looks like text or an id, not like classes",
            place=place, fix="name the column with the class in task.label (or list the classes in task.labels)",
        )  # fmt: skip


def assign(look: Look, recipe: Recipe, rows: pa.ChunkedArray, parent: Parent | None) -> Division:
    """The side of every used row; DataError where a split would be empty. `rows`: the ids of all rows of the store."""
    shares = shares_of(recipe, look)
    sides = np.where(look.used, look.roles, np.int8(UNDECIDED)).astype(np.int8)
    movable = look.used & (look.roles <= TRAIN)
    inherited = 0
    if shares.wanted:
        sides[movable] = UNDECIDED
        if parent is not None:
            look, sides, inherited = _inherit(look, sides, movable, shares, inherited_sides(rows, parent))
            movable &= look.used
        new = movable & (sides == UNDECIDED)
        cut_now = fresh_shares(shares, int(look.used.sum()), int(new.sum())) if parent is not None and parent.fresh else shares
        _divide(look, sides, new, cut_now, recipe.seed, after=inherited > 0)
    else:
        sides[movable] = TRAIN
    found = find_leaks(sides, look.same, look.by, look.near.tokens)
    if _given(look) and recipe.split.leaks == "drop":
        look = look.drop(found.any, LEAK)
        sides[~look.used] = UNDECIDED
    left = find_leaks(sides, look.same, look.by, look.near.tokens)
    _prove(left, look, recipe, near=inherited == 0)
    _not_empty(sides, look, shares)
    if recipe.task.label_columns:
        _learnable(sides, look, recipe)
    groups, of_row = _grouped(look)
    return Division(look, sides, groups, of_row, found, left, inherited, _folds(recipe, look, (sides, groups, of_row), rows, parent))


def _folds(recipe: Recipe, look: Look, of: tuple[Sides, Ints, Ints], rows: pa.ChunkedArray, parent: Parent | None) -> Ints | None:
    """The fold of every used row, where the recipe asks for folds; rows that the parent had keep theirs. `of`: sides, groups, strata."""
    if recipe.split.folds is None:
        return None
    sides, groups, of_row = of
    index = np.flatnonzero(groups >= 0)
    own = groups[index]
    _, first = np.unique(own, return_index=True)
    under = (of_row[index][first] + 1) * len(NAMES) + sides[index][first]
    keys = group_keys(own, look.keys[index], None if look.by is None else look.by[index], look.by_values, recipe.seed)
    out = np.full(len(look), -1, dtype=np.int64)
    known = inherited_folds(rows, parent, recipe.split.folds)
    out[index] = folds_of(own, under, keys, recipe.split.folds, known[index])
    return out


def _inherit(look: Look, sides: Sides, movable: Mask, shares: Shares, known: Sides) -> tuple[Look, Sides, int]:
    """Known rows on their old sides, new rows where these pull them; rows pulled to two sides dropped."""
    possible = np.isin(known, (TRAIN, *shares.wanted)) & movable
    start = np.where(possible, known, np.int8(UNDECIDED)).astype(np.int8)
    if look.times is not None:
        placed = sides_by_time(start, look.times, movable & (start == UNDECIDED))
        leaks = find_leaks(placed, look.same, look.by, look.near.tokens)
        gone = leaks.certain | (leaks.by_near & (start == UNDECIDED))
    else:
        placed, gone = extend(start, look.same, look.by, movable, look.near.tokens)
    out = np.where(movable, placed, sides).astype(np.int8)
    out[gone] = UNDECIDED
    return look.drop(gone, LEAK), out, int((possible & ~gone).sum())


def _divide(look: Look, sides: Sides, new: Mask, shares: Shares, seed: int, *, after: bool) -> None:
    """Divides the rows of `new` among themselves, into `sides`; `after`: others were divided before."""
    index = np.flatnonzero(new)
    if not len(index) and after:
        return
    by = None if look.by is None else look.by[index]
    _, text = np.unique(look.near.tokens[index], return_inverse=True)
    groups = components(text.reshape(-1).astype(np.int64), by)
    sets = look.sets.take(index)
    n_labels = max(1, len(look.names))
    pairs = np.unique(groups[sets.rows] * n_labels + sets.codes)
    divided = cut.divide(
        cut.Groups(
            sizes=np.bincount(groups), strata=strata(groups, sets, len(look.names)),
            keys=group_keys(groups, look.keys[index], by, look.by_values, seed),
            pairs=np.stack([pairs // n_labels, pairs % n_labels], axis=1), times=_newest(look, index, groups),
        ),
        shares,
        learned=look.sets.take(np.flatnonzero(sides == TRAIN)).codes if after else None,
    )  # fmt: skip
    sides[index] = divided[groups]


def _newest(look: Look, index: Ints, groups: Ints) -> Ints | None:
    if look.times is None:
        return None
    out = np.full(int(groups.max(initial=-1)) + 1, np.iinfo(np.int64).min)
    np.maximum.at(out, groups, look.times[index])
    return out


def _grouped(look: Look) -> tuple[Ints, Ints]:
    """Group and stratum of every row: over all used rows, whatever their side, for groups are also the clusters of intervals."""
    index = np.flatnonzero(look.used)
    _, text = np.unique(look.near.tokens[index], return_inverse=True)
    of_used = components(text.reshape(-1).astype(np.int64), None if look.by is None else look.by[index])
    groups = np.full(len(look), -1, dtype=np.int64)
    groups[index] = of_used
    of_row = np.full(len(look), -1, dtype=np.int64)
    of_row[index] = strata(of_used, look.sets.take(index), len(look.names))[of_used]
    return groups, of_row


def _given(look: Look) -> bool:
    return bool((look.roles != UNDECIDED).any())


def _prove(left: Leaks, look: Look, recipe: Recipe, *, near: bool) -> None:
    """No text and no `split.by` value on two sides, and where all was divided anew (`near`) nothing that is nearly the same.

    Given splits are the user's: there it is reported, not promised.
    """
    if (left.any if near else left.certain).any() and not (_given(look) and recipe.split.leaks == "report"):
        raise GoodfitError(f"the split leaks: {left.to_json()}", fix="please report this, with the recipe and the shape of the data")


def _not_empty(sides: Sides, look: Look, shares: Shares) -> None:
    given = {int(role) for role in np.unique(look.roles)} - {UNDECIDED}
    for side in sorted({TRAIN, *shares.wanted, *given}):
        if not (sides == side).any():
            lost = int((look.roles == side).sum())
            why = f": all {lost:,} of its rows were dropped ({', '.join(look.drop_reasons(side))})" if lost else ""
            raise DataError(
                f"the {NAMES[side]} split would be empty{why}", fix="give more rows, or change split.test_size and split.valid_size"
            )


def _learnable(sides: Sides, look: Look, recipe: Recipe) -> None:
    """Training rows of one class (given so, or all the oldest ones) teach nothing."""
    held = np.unique(look.sets.take(np.flatnonzero(sides == TRAIN)).codes)
    if len(held) < (1 if recipe.task.multi_label else 2):
        only = f"only the class {look.names[int(held[0])]!r}" if len(held) else "no class"
        how = (
            "all the oldest rows carry it"
            if look.times is not None
            else "the other classes stand in the given validation or test rows only"
            if _given(look)
            else "the other classes stand in validation and test rows only"
        )
        raise DataError(
            f"the training rows have {only}: {how if len(held) else 'none of them has a label'}",
            place=Place(key=recipe.task.label_columns[0]),
            fix="give training rows of every class, or another division in split",
        )
