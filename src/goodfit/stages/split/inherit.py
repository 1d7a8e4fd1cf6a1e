"""A run on changed data keeps the sides of its parent: no row id changes side, only new rows are divided.

Part of split. A new row that shares its text, or nearly, or its `split.by` value with rows of one side joins that side; one that is tied
to both sides is dropped and counted (reason `leak`); the others are divided among themselves as in a first split. Where the split is by
time, new rows go to the side of their time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from goodfit.errors import DataError, RunError
from goodfit.files import read_json
from goodfit.recipe import Recipe
from goodfit.run import ASSIGNMENT, MANIFEST, Run, digest
from goodfit.stages.split.cut import NAMES, TEST, TRAIN, UNDECIDED, VALID, Shares
from goodfit.stages.split.groups import Ints, Mask, components
from goodfit.stages.split.leaks import Sides, find_leaks
from goodfit.stages.split.times import Times
from goodfit.statistics.power import half_width

FEWEST_FRESH = 30
"""New rows below which there is no fresh test set."""
MOST_FRESH = 0.9
"""Of the new rows, at most: some of what is new is learned too."""
DIVIDING = ("test_size", "valid_size", "by", "time", "near_duplicates")
"""Keys of the section `split` that decide who goes where; a parent with other values (or another seed) is not inherited from."""


class Manifest(TypedDict):
    """What is needed of another run's manifest."""

    data: str
    """The files' content, and what was decided of their rows."""
    settings: str
    lineage: str | None
    assignment: str
    rules: dict[str, Any]


@dataclass(frozen=True)
class Parent:
    """The run whose sides are kept."""

    id: str
    assignment: pa.Table
    """Columns row, split, fold."""
    fresh: bool = False
    """Its test rows are released into training; new rows take their place (`split.fresh_test`)."""


def content_of(data: str, decided: str | None) -> str:
    """What was divided: the files' content, and what was decided of their rows."""
    return data if decided is None else digest([data, decided])


def rules(recipe: Recipe) -> dict[str, Any]:
    """What decides who goes where, beside the data."""
    return {"seed": recipe.seed, **{key: getattr(recipe.split, key) for key in DIVIDING}}


def settings(recipe: Recipe) -> str:
    """Everything of the recipe that the split depends on, as a fingerprint."""
    sections = (recipe.task, recipe.data, recipe.split)
    groups = {axis: group.model_dump(mode="json") for axis, group in recipe.groups.items()}
    return digest([recipe.seed, groups, *(section.model_dump(mode="json") for section in sections)])


def lineage(recipe: Recipe, run: Run, data: str) -> str | None:
    """What this split inherits, as a fingerprint: part of the stage's inputs, so that a split is reused only where it would come
    out the same. A child that splits its parent's very data in the very same way inherits what the parent inherited, and can
    therefore take the parent's split as it is.
    """
    own = _manifest(run.path / "split", recipe)
    if own is not None and (own["data"], own["settings"]) == (data, settings(recipe)):
        return own["lineage"]  # done before: it stays what it was, even if the parent has been deleted since
    found = _parent_manifest(recipe, run)
    if found is None:
        return None
    if (found["data"], found["settings"]) == (data, settings(recipe)):
        return found["lineage"]
    return digest([run.record.parent, found["assignment"]])


def parent_of(recipe: Recipe, run: Run, data: str) -> Parent | None:
    """The run whose sides are kept: the parent, where it was divided by the same rules."""
    if lineage(recipe, run, data) is None:
        return None
    file = run.workspace / str(run.record.parent) / "split" / ASSIGNMENT
    return Parent(str(run.record.parent), pq.read_table(file, columns=["row", "split", "fold"]), recipe.split.fresh_test)


def _parent_manifest(recipe: Recipe, run: Run) -> Manifest | None:
    return None if run.record.parent is None else _manifest(run.workspace / run.record.parent / "split", recipe)


def _manifest(folder: Path, recipe: Recipe) -> Manifest | None:
    """The manifest of a split that was made by this recipe's rules; None where there is no such split to keep."""
    try:
        document = read_json(folder / MANIFEST)
        manifest: Manifest = {key: document[key] for key in ("data", "settings", "lineage", "assignment", "rules")}  # type: ignore[assignment]
        manifest["data"] = content_of(manifest["data"], (document.get("decisions") or {}).get("fingerprint"))
    except (OSError, ValueError, KeyError):
        return None  # that run failed before its split, or was deleted
    return manifest if manifest["rules"] == rules(recipe) and (folder / ASSIGNMENT).is_file() else None


def inherited_sides(rows: pa.ChunkedArray, parent: Parent) -> Sides:
    """The side of every row that the parent knew, UNDECIDED for new ones; shape (n,)."""
    codes = pc.index_in(parent.assignment["split"], value_set=pa.array(NAMES))
    if codes.null_count:
        raise RunError(
            f"{parent.id}: its {ASSIGNMENT} names a split that is none of {', '.join(NAMES)}", fix="start a run without a parent"
        )
    places = pc.index_in(rows, value_set=parent.assignment["row"])
    known = pc.is_valid(places).to_numpy()
    out = np.full(len(rows), UNDECIDED, dtype=np.int8)
    of_parent = codes.to_numpy().astype(np.int8)
    out[known] = of_parent[places.fill_null(0).to_numpy()[known]]
    out[(out == TEST) & parent.fresh] = TRAIN
    return out


def inherited_folds(rows: pa.ChunkedArray, parent: Parent | None, k: int) -> Ints:
    """The fold of every row that the parent knew, -1 for new ones; all are new where the parent has another number of folds; shape (n,)."""
    fresh: Ints = np.full(len(rows), -1, dtype=np.int64)
    if parent is None:
        return fresh
    known = parent.assignment["fold"].fill_null(-1).cast(pa.int64()).to_numpy()
    if int(known.max(initial=-1)) + 1 != k:
        return fresh
    places = pc.index_in(rows, value_set=parent.assignment["row"]).fill_null(-1).to_numpy()
    return np.where(places >= 0, known[places], -1) if len(known) else fresh


def fresh_shares(shares: Shares, used: int, new: int) -> Shares:
    """What is cut from `new` rows so that of all `used` the asked share is fresh test rows; DataError where they are too few."""
    wanted = max(FEWEST_FRESH, round(shares.test * used))
    if new < FEWEST_FRESH:
        rows = f"{new:,} rows" if new else "no rows"
        raise DataError(
            f"there are {rows} that no earlier run has used, of which fresh test rows could be taken",
            fix=f"add about {wanted:,} labelled rows (accuracy would be known to within {100 * half_width(wanted):.0f} points), "
            "or leave split.fresh_test out",
        )  # fmt: skip
    return Shares(test=min(MOST_FRESH, wanted / new), valid=0.0)


def extend(sides: Sides, same: Ints, by: Ints | None, used: Mask, near: Ints | None = None) -> tuple[Sides, Mask]:
    """Sides for the new rows that are tied to known ones, and the mask of rows that have to go; both of shape (n,).

    `sides`: of known rows, UNDECIDED of new ones. `used`: rows that were not dropped before. To go have: known rows of train (or
    valid) that a changed file tied to a higher split, and new rows that are tied to two sides. `near`: for each row the first of its
    group of near-duplicates. Known rows of two sides that are near-duplicates now were none when they were divided: they stay.
    """
    start = np.where(used, sides, np.int8(UNDECIDED)).astype(np.int8)
    dropped = find_leaks(start, same, by).any
    start[dropped] = UNDECIDED
    new = used & ~dropped & (start == UNDECIDED)
    tokens = same
    if near is not None:
        torn = _torn(start, near)
        between = new & torn & (_highest(start, same)[same] < 0)
        dropped |= between
        new &= ~between
        tokens = np.where(torn, same, near)
    dropped |= _tied_to_two(start, tokens, by, new)
    joined = _join(start, tokens, by, used & ~dropped)
    return joined, dropped


def _torn(sides: Sides, near: Ints) -> Mask:
    """Rows of groups of near-duplicates whose known rows stand on two sides."""
    known = sides >= 0
    low = np.full(len(sides), 3, dtype=np.int8)
    np.minimum.at(low, near[known], sides[known])
    out: Mask = (low < _highest(sides, near))[near]
    return out


def _highest(sides: Sides, tokens: Ints) -> Sides:
    """The highest side among the known rows of every token, -1 where none is known; shape (n,)."""
    known = sides >= 0
    out = np.full(len(sides), UNDECIDED, dtype=np.int8)
    np.maximum.at(out, tokens[known], sides[known])
    return out


def _join(sides: Sides, same: Ints, by: Ints | None, used: Mask) -> Sides:
    """Every row of a group takes the side that the group's known rows have (they have one at most)."""
    index = np.flatnonzero(used)
    group = _groups(same, by, index)
    of_group = np.full(int(group.max(initial=-1)) + 1, UNDECIDED, dtype=np.int8)
    np.maximum.at(of_group, group, sides[index])
    out = sides.copy()
    out[index] = of_group[group]
    return out


def _groups(same: Ints, by: Ints | None, index: Ints) -> Ints:
    # `same` names the first row of all with this text; among the rows of `index` any equal number does as well.
    _, text = np.unique(same[index], return_inverse=True)
    return components(text.reshape(-1).astype(np.int64), None if by is None else by[index])


def _tied_to_two(sides: Sides, same: Ints, by: Ints | None, new: Mask) -> Mask:
    """New rows that would join two sides, in file order: a row is tied by its text, by its value, and by new rows before it."""
    out = np.zeros(len(sides), dtype=bool)
    suspects = _suspects(sides, same, by, new)
    if not len(suspects):
        return out
    text_side = _token_sides(sides, same, same[suspects])
    value_side = {} if by is None else _token_sides(sides, by, by[suspects])
    waiting = [int(i) for i in suspects]
    while waiting:
        later = []
        for i in waiting:
            value = -1 if by is None else int(by[i])
            known = {text_side.get(int(same[i])), value_side.get(value) if value >= 0 else None} - {None}
            if len(known) == 2:
                out[i] = True
            elif known:
                side = known.pop()
                assert side is not None
                text_side[int(same[i])] = side
                if value >= 0:
                    value_side[value] = side
            else:
                later.append(i)
        if len(later) == len(waiting):
            break  # tied to dropped rows only: a group of their own now
        waiting = later
    return out


def _suspects(sides: Sides, same: Ints, by: Ints | None, new: Mask) -> Ints:
    """New rows in groups that hold known rows of two sides (few, so that the loop over them is short)."""
    index = np.flatnonzero(new | (sides >= 0))
    group = _groups(same, by, index)
    size = int(group.max(initial=-1)) + 1
    known = sides[index] >= 0
    low, high = np.full(size, 3, dtype=np.int8), np.full(size, -1, dtype=np.int8)
    np.minimum.at(low, group[known], sides[index][known])
    np.maximum.at(high, group[known], sides[index][known])
    out: Ints = index[(low < high)[group] & new[index]]
    return out


def _token_sides(sides: Sides, tokens: Ints, asked: Ints) -> dict[int, int]:
    """Token -> side of the known rows that carry it (they all stand on one), for the tokens asked for."""
    held = (sides >= 0) & (tokens >= 0) & np.isin(tokens, asked)
    return dict(zip(tokens[held].tolist(), sides[held].tolist()))


def sides_by_time(sides: Sides, times: Times, new: Mask) -> Sides:
    """New rows of a split by time: each goes to the side of its time, by where valid and test began among the known rows."""
    out = sides.copy()
    out[new] = TRAIN
    for side in (VALID, TEST):
        held = sides == side
        if held.any():
            out[new & (times >= times[held].min())] = side
    return out
