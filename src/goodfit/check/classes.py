"""check, for classification: classes, groups and clusters are counted, and a few training steps timed on made-up rows. Part of check."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.check.counted import (
    ASSUMED,
    FEW_UNITS,
    TRIED,
    Counted,
    count,
    divide,
    estimated_seconds,
    group_lines,
    lead_line,
    lost_rows,
    machine_needs,
    settings,
    timed,
    too_few,
)  # fmt: skip
from goodfit.check.searching import search_lines
from goodfit.engine.examples import Examples
from goodfit.engine.plan import Plan
from goodfit.models.adapters import add_lora
from goodfit.models.heads import Classifier
from goodfit.models.identity import Identity
from goodfit.models.load import load
from goodfit.monitor.words import duration, size
from goodfit.recipe import Recipe
from goodfit.settings import Loaded
from goodfit.stages.choose import find_base, listed
from goodfit.stages.tune.defaults import Facts, settle
from goodfit.statistics import folds, half_width, half_width_macro
from goodfit.tasks import Classification

CHARACTERS_PER_TOKEN = 4.2
"""Of text in most languages with spaces; the estimate of time says `about`."""
TRIED_STEPS = 3
LOOKING = 0.2
"""Of the training's time, at most, for looking at validation."""
FEW_OF_CLASS = 10


def check_classes(loaded: Loaded, base: Path) -> dict[str, Any]:
    """The answer of `check` for a classifier."""
    recipe = loaded.recipe
    counted = count(recipe, *divide(recipe, base))
    train_rows = counted.sides["train"]
    model, why, candidates = find_base(recipe, base, Classifier.of(max(2, len(counted.labels))))
    facts = Facts(
        rows=train_rows,
        parameters=model.parameters,
        causal=model.causal,
        lora=recipe.peft.method == "lora",
        multi_label=recipe.task.multi_label,
        model_type=model.model_type,
    )
    settled = settle(recipe.train, recipe.peft, facts, seed=recipe.seed)
    resolved = {"choose.model_name_or_path": model.name} | settled.resolved
    reasons = {"choose.model_name_or_path": why} | settled.reasons
    return {
        "settings": list(settings(loaded, resolved, reasons)),
        "would_run": [*would_run(recipe, model, settled.plan, counted, train_rows), *listed(candidates)],
        "can_show": can_show(counted) if counted.scored else ["no test rows: nothing will be shown of unseen text"],
        "problems": problems(counted),
        "rows": counted.rows, "splits": counted.sides, "labels": counted.labels, "model": model.to_json(),
    }  # fmt: skip


def would_run(recipe: Recipe, model: Identity, plan: Plan, counted: Counted, train_rows: int) -> list[str]:
    """Model, steps, memory, time and disk, in sentences; estimates say so."""
    tokens = max(3.0, counted.characters / max(1, train_rows) / CHARACTERS_PER_TOKEN + 2)
    assert plan.train_batch_size is not None
    steps_per_epoch = max(1, math.ceil(train_rows / plan.train_batch_size))
    steps = plan.max_steps or steps_per_epoch * plan.num_train_epochs
    epochs = steps / steps_per_epoch
    seconds = _training_seconds(recipe, model, plan, tokens, steps)
    how = "estimate from one timed matrix product" if model.parameters > TRIED else f"from {TRIED_STEPS} steps done here"
    memory, disk = machine_needs(model, plan, lora=recipe.peft.method == "lora")
    limit = f"context of {model.max_length} tokens" if model.max_length else "no limit of length"
    return [
        f"{model.name}: {model.architecture}, {model.parameters / 1e6:.1f} M parameters, {limit}, licence {model.license or 'unknown'}",
        f"{train_rows:,} training rows of about {tokens:.0f} tokens; {steps:,.0f} steps of {plan.train_batch_size} rows "
        f"({epochs:.3g} epochs), learning rate {plan.learning_rate:g}",
        f"about {duration(seconds)} of training here ({how}), about {size(memory)} of memory, {size(disk)} of disk",
        *_of_folds(counted.folds, seconds),
        *search_lines(recipe, seconds, counted.sides["valid"], task=recipe.task.kind),
    ]


def _of_folds(folds: int | None, seconds: float) -> list[str]:
    if folds is None:
        return []
    return [f"before it {folds} models for the rows out of fold, about {duration(folds * seconds * (1 - 1 / folds))} more"]


def can_show(counted: Counted) -> list[str]:
    """Half-width of the main score, smallest visible difference to a baseline, smallest gap per group."""
    rows, units, called = counted.scored, counted.units, counted.called
    if units < FEW_UNITS:
        return [too_few(units, called)]
    present = {label: n for label, n in counted.tested.items() if n}
    rarest = min(present, key=lambda label: present[label])
    points = 100 * half_width(counted.worth(units), ASSUMED)
    clusters = f" in {units:,} clusters, if rows of a cluster are alike" if units < rows else ""
    folds = "" if counted.folds is None else f", each answered by one of {counted.folds} models that did not learn from it"
    out = [
        f"an accuracy of {ASSUMED:.0%} would be known to ±{points:.1f} points ({rows:,} {called}{clusters}{folds})",
        f"macro-F1 to about ±{100 * half_width_macro([counted.worth(n) for n in present.values()], ASSUMED):.1f} points; "
        f"the rarest class, {rarest!r}, has {present[rarest]} {called}",
        lead_line(counted.worth(units)),
    ]
    return out + [line for axis, members in counted.groups.items() for line in group_lines(axis, members, called, counted.worth)]


def problems(counted: Counted) -> list[str]:
    """What a person should know before starting."""
    out = lost_rows(counted)
    few = [label for label, n in counted.labels.items() if n < FEW_OF_CLASS]
    if few:
        names = ", ".join(repr(label) for label in few[:5])
        have = "1 class has" if len(few) == 1 else f"{len(few)} classes have"
        out.append(f"{have} fewer than {FEW_OF_CLASS} rows ({names}{' …' if len(few) > 5 else ''})")
    thin = {label: n for label, n in counted.tested.items() if n < FEW_OF_CLASS <= counted.labels[label]}
    if thin:
        names = ", ".join(f"{label!r} {n}" for label, n in list(thin.items())[:5])
        out.append(f"few {counted.called} of some classes, whose own scores will say little: {names}{' …' if len(thin) > 5 else ''}")
    if counted.worth(counted.scored) < 100:
        enough = math.ceil(400 * folds.factor(counted.folds) ** 2 / 100) * 100
        out.append(f"{counted.scored} {counted.called} give wide intervals; about {enough:,} would give ±4 points")
    if counted.sides["train"] < 200:
        out.append(f"{counted.sides['train']} training rows are few for fine-tuning all weights")
    return out


def _training_seconds(recipe: Recipe, model: Identity, plan: Plan, tokens: float, steps: float) -> float:
    """Seconds of so many optimiser steps here: a few real ones are done on rows of the same length, on a copy that is thrown away."""
    assert plan.train_batch_size is not None
    if model.parameters > TRIED:
        return estimated_seconds(model, tokens * plan.train_batch_size * steps, plan)
    loaded = load(model.path, labels=("a", "b"))
    if recipe.peft.method == "lora":
        loaded = add_lora(loaded, r=recipe.peft.r, lora_alpha=recipe.peft.lora_alpha)
    length = int(min(max(3, round(tokens)), model.max_length or 512))
    n = max(plan.train_batch_size, 2) * 2
    rows = Examples.from_arrays(np.full(n * length, model.vocabulary - 1), np.arange(n + 1) * length, np.arange(n) % 2)
    step = timed(loaded.model, rows, plan, Classification(("a", "b")).objective(), TRIED_STEPS)
    return step * steps * (1 + LOOKING)
