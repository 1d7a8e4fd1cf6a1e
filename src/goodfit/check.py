"""check: before anything is trained: every default with its source, what would run, and what this data can show.

Beside the pipeline. Divides the rows as a run would (so that what a run refuses is refused here), counts classes, groups and clusters,
looks at the base model, and times a few training steps on made-up rows. No run is made, no row is shown.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from goodfit.data.store import open_store
from goodfit.engine.events import Event
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.plan import Plan
from goodfit.engine.precision import choose_precision
from goodfit.models.adapters import add_lora
from goodfit.models.heads import Classifier
from goodfit.models.identity import Identity
from goodfit.models.load import load
from goodfit.monitor.words import duration, size
from goodfit.recipe import Recipe
from goodfit.settings import Loaded
from goodfit.stages.choose import find_base
from goodfit.stages.split.assign import Division, assign
from goodfit.stages.split.assign import check as refuse
from goodfit.stages.split.cut import NAMES, TEST, TRAIN
from goodfit.stages.split.look import look
from goodfit.stages.split.sources import columns_of, sources_of
from goodfit.stages.tune.defaults import Facts, settle
from goodfit.statistics import half_width, half_width_macro, smallest_difference, smallest_gap
from goodfit.tasks import Classification
from goodfit.tasks.foresee import foresee

ASSUMED = 0.8
"""Accuracy at which the widths are quoted."""
DISCORDANCE = 0.15
"""Share of rows on which two systems are taken to differ."""
CHARACTERS_PER_TOKEN = 4.2
"""Of text in most languages with spaces; the estimate of time says `about`."""
EFFICIENCY = 0.35
"""Share of a bare matrix product's speed that small models reach in training."""
STEPS_OVER_FORWARD = 3.0
TRIED, TRIED_STEPS = 200_000_000, 3
"""Models up to so many parameters are tried out for a few steps; larger ones would take too long to load."""
LOOKING = 0.2
"""Of the training's time, at most, for looking at validation."""
FEW_UNITS, FEW_OF_GROUP, FEW_OF_CLASS = 30, 20, 10
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
    """Class -> test rows."""
    groups: dict[str, Counter[str]]
    """Axis -> member -> test rows."""
    units: int
    """Independent test rows: clusters, where rows share a text or a value of `split.by`."""


def check(loaded: Loaded, base: Path) -> dict[str, Any]:
    """`{settings, would_run, can_show, problems}`: rows of a table, and sentences. Raises what a run would raise at its start."""
    recipe = loaded.recipe
    foresee(recipe, base)
    counted = count(recipe, base)
    train_rows, test_rows = counted.sides["train"], counted.sides["test"]
    model, why, _ = find_base(recipe.choose.model_name_or_path, base, Classifier.of(max(2, len(counted.labels))))
    facts = Facts(
        rows=train_rows,
        parameters=model.parameters,
        causal=model.causal,
        lora=recipe.peft.method == "lora",
        multi_label=recipe.task.multi_label,
    )
    settled = settle(recipe.train, recipe.peft, facts, seed=recipe.seed)
    resolved = {"choose.model_name_or_path": model.name} | settled.resolved
    reasons = {"choose.model_name_or_path": why} | settled.reasons
    return {
        "settings": list(settings(loaded, resolved, reasons)),
        "would_run": would_run(recipe, model, settled.plan, counted, train_rows),
        "can_show": can_show(counted) if test_rows else ["no test rows: nothing will be shown of unseen text"],
        "problems": problems(counted),
        "rows": counted.rows, "splits": counted.sides, "labels": counted.labels, "model": model.to_json(),
    }  # fmt: skip


def count(recipe: Recipe, base: Path) -> Counted:
    """Reads and divides the rows as split does; DataError where it would refuse them."""
    sources = sources_of(recipe.data, base)
    store = open_store(sources, columns_of(recipe))
    seen = look(store, recipe, sources)
    refuse(seen, recipe, ", ".join(source.path for source in sources))
    division = assign(seen, recipe, store.column("row"), None)
    train, test = division.sides == TRAIN, division.sides == TEST
    lengths = pc.utf8_length(store.column("text").filter(pa.array(train)))
    used, tested = (_by_label(division, mask) for mask in (division.look.used, test))
    return Counted(
        rows=int(division.look.used.sum()),
        dropped=division.look.dropped(),
        characters=int(pc.sum(lengths).as_py() or 0),
        sides={name: int((division.sides == code).sum()) for code, name in enumerate(NAMES)},
        labels=dict(sorted(used.items(), key=lambda pair: (-pair[1], pair[0]))),
        tested=tested,
        groups={axis: _members(store.column(f"group.{axis}").filter(pa.array(test))) for axis in recipe.groups},
        units=len(np.unique(division.groups[test])),
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
                yield {"key": key, "value": value, "source": source}


def would_run(recipe: Recipe, model: Identity, plan: Plan, counted: Counted, train_rows: int) -> list[str]:
    """Model, steps, memory, time and disk, in sentences; estimates say so."""
    tokens = max(3.0, counted.characters / max(1, train_rows) / CHARACTERS_PER_TOKEN + 2)
    assert plan.train_batch_size is not None
    steps_per_epoch = max(1, math.ceil(train_rows / plan.train_batch_size))
    steps = plan.max_steps or steps_per_epoch * plan.num_train_epochs
    epochs = steps / steps_per_epoch
    seconds = _training_seconds(recipe, model, plan, tokens, steps)
    how = "estimate from one timed matrix product" if model.parameters > TRIED else f"from {TRIED_STEPS} steps done here"
    trained = 0.05 if recipe.peft.method == "lora" else 1.0
    memory = model.parameters * (4 + 12 * trained) + plan.batch_tokens * model.hidden_size * model.layers * 34 * 4
    disk = model.parameters * 4 * (1 + FOLDERS * 3 * trained)
    limit = f"context of {model.max_length} tokens" if model.max_length else "no limit of length"
    return [
        f"{model.name}: {model.architecture}, {model.parameters / 1e6:.1f} M parameters, {limit}, licence {model.license or 'unknown'}",
        f"{train_rows:,} training rows of about {tokens:.0f} tokens; {steps:,.0f} steps of {plan.train_batch_size} rows "
        f"({epochs:.3g} epochs), learning rate {plan.learning_rate:g}",
        f"about {duration(seconds)} of training here ({how}), about {size(memory)} of memory, {size(disk)} of disk",
    ]


def can_show(counted: Counted) -> list[str]:
    """Half-width of the main score, smallest visible difference to a baseline, smallest gap per group."""
    test_rows, units = counted.sides["test"], counted.units
    if units < FEW_UNITS:
        return [f"{units} independent test rows: not enough to say anything with an interval worth printing"]
    present = {label: n for label, n in counted.tested.items() if n}
    rarest = min(present, key=lambda label: present[label])
    points = 100 * half_width(units, ASSUMED)
    clusters = f" in {units:,} clusters, if rows of a cluster are alike" if units < test_rows else ""
    out = [
        f"an accuracy of {ASSUMED:.0%} would be known to ±{points:.1f} points ({test_rows:,} test rows{clusters})",
        f"macro-F1 to about ±{100 * half_width_macro(list(present.values()), ASSUMED):.1f} points; "
        f"the rarest class, {rarest!r}, has {present[rarest]} test rows",
        f"a lead over a baseline is seen from {100 * smallest_difference(units, DISCORDANCE):.1f} points "
        f"(four times of five, where the two differ on {DISCORDANCE:.0%} of the rows)",
    ]
    return out + [line for axis, members in counted.groups.items() for line in _group_lines(axis, members)]


def _group_lines(axis: str, members: Counter[str]) -> Iterator[str]:
    if len(members) < 2:
        return
    total = members.total()
    for member, n in [(m, n) for m, n in members.most_common() if n >= FEW_OF_GROUP][:SHOWN_MEMBERS]:
        gap = smallest_gap(n, max(1, total - n), ASSUMED)
        yield f"{axis} = {member}: {n:,} test rows; a gap to the rest is seen from {100 * gap:.0f} points"
    few = sum(n < FEW_OF_GROUP for n in members.values())
    if few:
        yield f"{axis}: {few} members have fewer than {FEW_OF_GROUP} test rows; nothing can be said of them"


def problems(counted: Counted) -> list[str]:
    """What a person should know before starting."""
    out = []
    if counted.dropped:
        reasons = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in counted.dropped.items())
        out.append(f"{sum(counted.dropped.values()):,} rows will not be used ({reasons})")
    few = [label for label, n in counted.labels.items() if n < FEW_OF_CLASS]
    if few:
        names = ", ".join(repr(label) for label in few[:5])
        have = "1 class has" if len(few) == 1 else f"{len(few)} classes have"
        out.append(f"{have} fewer than {FEW_OF_CLASS} rows ({names}{' …' if len(few) > 5 else ''})")
    thin = {label: n for label, n in counted.tested.items() if n < FEW_OF_CLASS <= counted.labels[label]}
    if thin:
        names = ", ".join(f"{label!r} {n}" for label, n in list(thin.items())[:5])
        out.append(f"few test rows of some classes, whose own scores will say little: {names}{' …' if len(thin) > 5 else ''}")
    if counted.sides["test"] < 100:
        out.append(f"{counted.sides['test']} test rows give wide intervals; about 400 would give ±4 points")
    if counted.sides["train"] < 200:
        out.append(f"{counted.sides['train']} training rows are few for fine-tuning all weights")
    return out


def _training_seconds(recipe: Recipe, model: Identity, plan: Plan, tokens: float, steps: float) -> float:
    """Seconds of so many optimiser steps here: a few real ones are done on rows of the same length, on a copy that is thrown away."""
    assert plan.train_batch_size is not None
    if model.parameters > TRIED:
        return _estimated_seconds(model, tokens * plan.train_batch_size * steps, plan)
    loaded = load(model.path, labels=("a", "b"))
    if recipe.peft.method == "lora":
        loaded = add_lora(loaded, r=recipe.peft.r, lora_alpha=recipe.peft.lora_alpha)
    length = int(min(max(3, round(tokens)), model.max_length or 512))
    n = max(plan.train_batch_size, 2) * 2
    rows = Examples.from_arrays(np.full(n * length, model.vocabulary - 1), np.arange(n + 1) * length, np.arange(n) % 2)
    times: list[float] = []

    def watch(event: Event) -> None:
        if event["event"] == "step":
            times.append(time.perf_counter())

    few = dataclasses.replace(plan, max_steps=1 + TRIED_STEPS, logging_steps=1, eval_steps=None, early_stopping=False, save_seconds=1e9)
    fit(loaded.model, {"train": rows}, few, objective=Classification(("a", "b")).objective(), on_event=watch)
    return (times[-1] - times[0]) / TRIED_STEPS * steps * (1 + LOOKING)


def _estimated_seconds(model: Identity, tokens: float, plan: Plan) -> float:
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
