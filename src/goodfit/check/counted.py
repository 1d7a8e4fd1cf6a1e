"""What a split of the rows would give, counted on the rows themselves; and every key of a recipe with where it comes from.

Part of check, for every task.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from goodfit.data.beside import decisions_of
from goodfit.data.store import RowStore, open_store
from goodfit.engine.events import Event
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.objective import Objective
from goodfit.engine.plan import Plan
from goodfit.engine.precision import choose_precision
from goodfit.models.identity import Identity
from goodfit.recipe import Recipe
from goodfit.settings import Loaded
from goodfit.stages.split.assign import Division
from goodfit.stages.split.cut import NAMES, TEST, TRAIN
from goodfit.stages.split.decide import divide as divide_rows
from goodfit.stages.split.record import Origin
from goodfit.stages.split.sources import columns_of, sources_of
from goodfit.statistics import folds, smallest_difference, smallest_gap

ASSUMED = 0.8
"""Accuracy at which the widths are quoted."""
DISCORDANCE = 0.15
"""Share of rows on which two systems are taken to differ."""
TRIED = 200_000_000
"""Models up to so many parameters are tried out for a few steps; larger ones would take too long to load."""
EFFICIENCY = 0.35
"""Share of a bare matrix product's speed that small models reach in training."""
STEPS_OVER_FORWARD = 3.0
FEW_UNITS, FEW_OF_GROUP = 30, 20
SHOWN_MEMBERS = 6
FOLDERS = 3
"""Copies of the trained weights with two moments: the newest checkpoint, the best, and the one being written."""


@dataclass(frozen=True)
class Counted:
    """What a split of the rows would give."""

    rows: int
    """Used, of all splits."""
    dropped: dict[str, int]
    """Reason -> rows."""
    characters: int
    """Of the training rows' texts."""
    sides: dict[str, int]
    """`train`, `valid`, `test` -> rows."""
    labels: dict[str, int]
    """Class -> rows of all splits, largest first; classes without rows too."""
    tested: dict[str, int]
    """Class -> rows that are scored: test rows, or with `split.folds` all."""
    groups: dict[str, Counter[str]]
    """Axis -> member -> the same."""
    units: int
    """Independent ones: clusters, where rows share a text or a value of `split.by`."""
    scored: int = 0
    """Rows that are scored."""
    folds: int | None = None

    @property
    def called(self) -> str:
        """What the scored rows are called."""
        return "test rows" if self.folds is None else "rows"

    def worth(self, rows: int) -> int:
        """To how many rows of an ordinary test set so many are equal: answers of folds know less than independent ones."""
        return folds.worth(rows, self.folds)


def divide(recipe: Recipe, base: Path) -> tuple[RowStore, Division]:
    """Reads and divides the rows as split does; DataError where it would refuse them."""
    sources, columns = sources_of(recipe.data, base), columns_of(recipe)
    origin = Origin(open_store(sources, columns), sources, columns, "", {})
    decided, division, _ = divide_rows(origin, recipe, decisions_of(recipe.data, base), None, lambda _: {})
    return decided.store, division


def count(recipe: Recipe, store: RowStore, division: Division) -> Counted:
    """The counts of the divided rows."""
    train, test = division.sides == TRAIN, division.sides == TEST
    test = test if division.folds is None else division.folds >= 0
    lengths = pc.utf8_length(store.column("text").filter(pa.array(train)))
    used, tested = (_by_label(division, mask) for mask in (division.look.used, test))
    return Counted(
        rows=int(division.look.used.sum()),
        dropped=division.look.dropped(),
        characters=int(pc.sum(lengths).as_py() or 0),
        sides={name: int((division.sides == code).sum()) for code, name in enumerate(NAMES)},
        labels=dict(sorted(used.items(), key=lambda pair: (-pair[1], pair[0]))),
        tested=tested,
        groups={
            axis: _members(store.column(f"group.{axis}").filter(pa.array(test))) for axis, group in recipe.groups.items() if group.column
        },
        units=len(np.unique(division.groups[test])),
        scored=int(test.sum()),
        folds=recipe.split.folds,
    )


def _by_label(division: Division, mask: Any) -> dict[str, int]:
    names = division.look.names
    counts = np.bincount(division.look.sets.take(np.flatnonzero(mask)).codes, minlength=len(names))
    return dict(zip(names, counts.tolist(), strict=True))


def _members(values: pa.ChunkedArray) -> Counter[str]:
    found = pc.value_counts(pc.drop_null(values))
    return Counter({entry["values"].as_py(): entry["counts"].as_py() for entry in found})


def settings(loaded: Loaded, resolved: dict[str, Any], reasons: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Every key of the recipe with its value and where it comes from; `auto` shows what it would become."""
    for section, content in loaded.recipe.to_json().items():
        entries = content.items() if isinstance(content, dict) else [("", content)]
        for name, value in entries:
            key = f"{section}.{name}" if name else section
            source = loaded.source(*key.split("."))
            if key in resolved and value == "auto":
                yield {"key": key, "value": f"auto → {resolved[key]}", "source": f"{source}: {reasons[key]}"}
            else:
                why = f": {reasons[key]}" if source == "default" and key in reasons else ""
                yield {"key": key, "value": value, "source": source + why}


def lost_rows(counted: Counted) -> list[str]:
    """Rows that will not be used, in a sentence; none where there are none."""
    if not counted.dropped:
        return []
    reasons = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in counted.dropped.items())
    return [f"{sum(counted.dropped.values()):,} rows will not be used ({reasons})"]


def too_few(units: int, rows: str = "test rows") -> str:
    """What is said below FEW_UNITS."""
    return f"{units} independent {rows}: not enough to say anything with an interval worth printing"


def lead_line(units: int, where: str = "") -> str:
    """The smallest lead over a baseline that is seen."""
    return (
        f"a lead over a baseline{where} is seen from {100 * smallest_difference(units, DISCORDANCE):.1f} points "
        f"(four times of five, where the two differ on {DISCORDANCE:.0%} of the rows)"
    )


def group_lines(axis: str, members: Counter[str], rows: str = "test rows", worth: Callable[[int], int] = int) -> Iterator[str]:
    """The smallest gap that is seen, for each member of an axis."""
    if len(members) < 2:
        return
    total = members.total()
    for member, n in [(m, n) for m, n in members.most_common() if n >= FEW_OF_GROUP][:SHOWN_MEMBERS]:
        gap = smallest_gap(worth(n), worth(max(1, total - n)), ASSUMED)
        yield f"{axis} = {member}: {n:,} {rows}; a gap to the rest is seen from {100 * gap:.0f} points"
    few = sum(n < FEW_OF_GROUP for n in members.values())
    if few:
        yield f"{axis}: {few} members have fewer than {FEW_OF_GROUP} {rows}; nothing can be said of them"


def machine_needs(model: Identity, plan: Plan, *, lora: bool) -> tuple[float, float]:
    """Bytes of memory and of disk that training takes, roughly: weights, gradients, two moments, and what is kept for the way back."""
    trained = 0.05 if lora else 1.0
    memory = model.parameters * (4 + 12 * trained) + plan.batch_tokens * model.hidden_size * model.layers * 34 * 4
    return memory, model.parameters * 4 * (1 + FOLDERS * 3 * trained)


def timed(model: Any, rows: Examples, plan: Plan, objective: Objective, n: int) -> float:
    """Seconds of an optimiser step of the plan on these rows, from `n` that are done after a first one; the model is changed by it."""
    times: list[float] = []

    def watch(event: Event) -> None:
        if event["event"] == "step":
            times.append(time.perf_counter())

    few = dataclasses.replace(plan, max_steps=1 + n, logging_steps=1, eval_steps=None, early_stopping=False, save_seconds=1e9)
    fit(model, {"train": rows}, few, objective=objective, on_event=watch)
    return (times[-1] - times[0]) / n


def estimated_seconds(model: Identity, tokens: float, plan: Plan) -> float:
    """Operations of training over what this machine does in one product of the model's width, less what is lost on the way."""
    body = model.parameters - model.vocabulary * model.hidden_size
    operations = 2 * STEPS_OVER_FORWARD * max(body, 1) * tokens
    dtype, _ = choose_precision(plan.precision, model.hidden_size, torch.device("cpu"))
    width = min(model.hidden_size, 2048)
    a, b = torch.ones(512, width, dtype=dtype), torch.ones(width, 4 * width, dtype=dtype)
    best = math.inf
    for _ in range(5):
        begin = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - begin)
    speed = 2 * 512 * width * 4 * width / best
    return float(np.ceil(operations / (speed * EFFICIENCY)))
