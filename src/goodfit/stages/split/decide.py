"""Decisions applied: what people said of rows, laid over the data without moving a row from its side. Part of split.

Rows are divided as if nothing had been decided; then labels, texts and drops are laid over them, as a run on changed data would
(inherit.py): every row that is used before and after stays where it was, a row that is used only now joins its kin or is divided among
its like. So deciding about one row never moves another.

Test rows change only by what a person decided before they were first opened (`Run.unseal`, in any run of the workspace): nobody may mend
the rows on which a model was seen to be wrong. What is refused is counted (SPL010), and so are decisions about rows that are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit import ledger
from goodfit.data.beside import Beside
from goodfit.data.decided import check_values, decided_store, settle
from goodfit.data.decisions import Decision, Decisions
from goodfit.data.progress import OnProgress
from goodfit.errors import DataError
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.split.assign import Division, assign, check
from goodfit.stages.split.cut import NAMES, TEST
from goodfit.stages.split.groups import Mask
from goodfit.stages.split.inherit import Parent
from goodfit.stages.split.look import Look, look
from goodfit.stages.split.record import Origin
from goodfit.stages.split.sources import shown_name

Opened = Callable[[pa.Array], Mapping[str, str]]
"""Row ids -> when those of them that stood in an opened test set were first seen."""


@dataclass(frozen=True)
class Ruling:
    """What becomes of the decisions of one file."""

    beside: Beside | None = None
    fingerprint: str | None = None
    applied: dict[str, Decision] = field(default_factory=dict)
    """Row -> the decision that counts, for rows that are in the data (`keep` too)."""
    unknown: tuple[str, ...] = ()
    """Rows that are not in the data."""
    refused: dict[str, str] = field(default_factory=dict)
    """Test row -> why a later decision about it does not count."""
    tested: tuple[str, ...] = ()
    """Test rows that a decision changed, dropped ones too."""

    @property
    def changing(self) -> dict[str, Decision]:
        """Those that change something."""
        return {row: decision for row, decision in self.applied.items() if decision.action != "keep"}

    def counts(self) -> dict[str, int]:
        """Action -> rows that it changes."""
        actions = [decision.action for decision in self.changing.values()]
        return {name: actions.count(name) for name in ("relabel", "drop", "mask") if name in actions}

    def people(self) -> dict[str, int]:
        """Who -> rows that they changed, most first."""
        names = [decision.by for decision in self.changing.values()]
        return dict(sorted(((name, names.count(name)) for name in set(names)), key=lambda pair: (-pair[1], pair[0])))

    def to_json(self) -> dict[str, Any] | None:
        """The manifest's object; None where there is no file of decisions."""
        if self.beside is None or not self.beside.there:
            return None
        return {
            "file": self.beside.shown, "fingerprint": self.fingerprint, "applied": self.counts(), "by": self.people(),
            "unknown": len(self.unknown), "refused": len(self.refused), "test_rows": len(self.tested),
        }  # fmt: skip


def opened_rows(run: Run) -> Opened:
    """What the ledger of a run's workspace knows of rows."""
    return lambda rows: ledger.opened(run.workspace, rows)


def divide(
    origin: Origin, recipe: Recipe, decisions: tuple[Decisions, Beside | None], parent: Parent | None, opened: Opened,
    *, on_progress: OnProgress | None = None,
) -> tuple[Origin, Division, Ruling]:  # fmt: skip
    """The rows as decided, their division, and what became of the decisions; DataError where they cannot be divided or decided so."""
    listed, beside = decisions
    name = ", ".join(shown_name(source.path, origin.names) for source in origin.sources)
    rows = origin.store.column("row")
    before = look(origin.store, recipe, origin.sources, on_progress=on_progress)
    if not listed:
        check(before, recipe, name)
        return origin, assign(before, recipe, rows, parent), Ruling(beside)
    undecided = _division(before, recipe, rows, parent)
    tests = _tests(undecided) if undecided is not None else before.roles == TEST
    while True:
        ruling = rule(listed, beside, origin, tests, opened)
        check_values(ruling.applied.values(), origin.columns, _known(before, recipe), listed.path)
        store, dropped = decided_store(origin.store, ruling.changing, origin.columns)
        decided = replace(origin, store=store)
        after = look(store, recipe, origin.sources, dropped=dropped, on_progress=on_progress)
        check(after, recipe, name)
        division = assign(after, recipe, rows, parent if undecided is None else _as_parent(undecided, rows))
        found = tests | _tests(division)
        if (found == tests).all() or not ruling.changing:
            inherited = division.inherited if undecided is None else undecided.inherited
            return decided, replace(division, inherited=inherited), ruling
        tests = found  # a row that had no label before has become a test row: decisions about it are held to the rule too


def _division(seen: Look, recipe: Recipe, rows: pa.ChunkedArray, parent: Parent | None) -> Division | None:
    """The division without decisions; None where there is none without them (no row has a label yet)."""
    try:
        return assign(seen, recipe, rows, parent)
    except DataError:
        return None


def _as_parent(division: Division, rows: pa.ChunkedArray) -> Parent:
    index = np.flatnonzero(division.sides >= 0)
    sides = pa.DictionaryArray.from_arrays(pa.array(division.sides[index].astype(np.int32)), pa.array(NAMES)).cast(pa.string())
    folds = pa.nulls(len(index), pa.int16()) if division.folds is None else pa.array(division.folds[index], pa.int16())
    return Parent("", pa.table({"row": rows.take(pa.array(index)), "split": sides, "fold": folds}))


def _tests(division: Division) -> Mask:
    out: Mask = (division.sides == TEST) | (division.look.roles == TEST)
    return out


def _known(seen: Look, recipe: Recipe) -> list[str]:
    """The labels that a row may be given: the recipe's, else those that were read."""
    return list(
        recipe.task.label_names or [*seen.labels_read, *(c for c in recipe.task.label_columns if len(recipe.task.label_columns) > 1)]
    )


def rule(decisions: Decisions, beside: Beside | None, origin: Origin, tests: Mask, opened: Opened) -> Ruling:
    """Which decision counts for each row; `tests`: the rows of the store that are (or are given as) test rows."""
    last = decisions.last
    names = list(last)
    places = origin.store.places(names)
    applied = {row: last[row] for row, place in zip(names, places, strict=True) if place >= 0}
    unknown = tuple(row for row, place in zip(names, places, strict=True) if place < 0)
    tested = [row for row, place in zip(names, places, strict=True) if place >= 0 and tests[place]]
    seen = opened(pa.array(tested, pa.string())) if tested else {}
    refused: dict[str, str] = {}
    for row in tested:
        counts, why = settle(decisions.by_row[row], seen.get(row), people_only=True)
        if why is not None:
            refused[row] = why
        if counts is None:
            del applied[row]
        else:
            applied[row] = counts
    changed = tuple(row for row in tested if row in applied and applied[row].action != "keep")
    return Ruling(beside, decisions.fingerprint, applied, unknown, refused, changed)
