"""check: before anything is trained: every default with its source, what would run, and what this data can show.

Beside the pipeline. Reads the rows once to count them (classes, groups, clusters), looks at the base model without loading its
weights, and times one matrix product. Nothing is written, nothing is trained, and no row is shown.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goodfit.data.source import read
from goodfit.engine.plan import Plan
from goodfit.engine.precision import choose_precision
from goodfit.errors import DataError
from goodfit.models.heads import Classifier
from goodfit.models.identity import Identity
from goodfit.monitor.words import duration, size
from goodfit.pipeline import foresee
from goodfit.recipe import Recipe
from goodfit.settings import Loaded
from goodfit.stages.choose import find_base
from goodfit.stages.split.sources import columns_of, sources_of
from goodfit.stages.tune.defaults import Facts, settle
from goodfit.statistics import half_width, half_width_macro, smallest_difference, smallest_gap

ASSUMED = 0.8
"""Accuracy at which the widths are quoted."""
DISCORDANCE = 0.15
"""Share of rows on which two systems are taken to differ."""
CHARACTERS_PER_TOKEN = 4.2
"""Of text in most languages with spaces; the estimate of time says `about`."""
EFFICIENCY = 0.35
"""Share of a bare matrix product's speed that small models reach in training."""
STEPS_OVER_FORWARD = 3.0
FOLDERS = 3
"""Copies of the trained weights with two moments: the newest checkpoint, the best, and the one being written."""


@dataclass
class Counted:
    """What one pass over the rows found."""

    rows: int = 0
    unusable: int = 0
    characters: int = 0
    roles: Counter[str] = field(default_factory=Counter)
    """Rows of given splits."""
    labels: Counter[str] = field(default_factory=Counter)
    groups: dict[str, Counter[str]] = field(default_factory=dict)
    clusters: set[str] = field(default_factory=set)


def check(loaded: Loaded, base: Path) -> dict[str, Any]:
    """`{settings, would_run, can_show, problems}`: rows of a table, and sentences. Raises what a run would raise at its start."""
    recipe = loaded.recipe
    foresee(recipe)
    counted = count(recipe, base)
    train_rows, test_rows = _sides(recipe, counted)
    model, why, _ = find_base(recipe.choose.model_name_or_path, base, Classifier.of(max(2, len(counted.labels))))
    facts = Facts(rows=train_rows, parameters=model.parameters, causal=model.causal, lora=recipe.peft.method == "lora")
    settled = settle(recipe.train, recipe.peft, facts, seed=recipe.seed)
    resolved = {"choose.model_name_or_path": model.name} | settled.resolved
    reasons = {"choose.model_name_or_path": why} | settled.reasons
    return {
        "settings": list(settings(loaded, resolved, reasons)),
        "would_run": would_run(recipe, model, settled.plan, counted, train_rows),
        "can_show": can_show(recipe, counted, test_rows),
        "problems": problems(counted, train_rows, test_rows),
        "rows": counted.rows, "labels": dict(counted.labels.most_common()), "model": model.to_json(),
    }  # fmt: skip


def count(recipe: Recipe, base: Path) -> Counted:
    """Rows with a text and a label, by class, group and cluster; streaming."""
    out = Counted(groups={axis: Counter() for axis in recipe.groups})
    sources = sources_of(recipe.data, base)
    for batch in read(sources, columns_of(recipe)):
        texts, labels = batch["text"].to_pylist(), batch["label"].to_pylist()
        good = [i for i, (text, label) in enumerate(zip(texts, labels, strict=True)) if text and text.strip() and label is not None]
        out.rows += len(good)
        out.unusable += len(texts) - len(good)
        out.characters += sum(len(texts[i]) for i in good)
        origins = batch["source"].to_pylist()
        out.roles.update(role for i in good if (role := sources[origins[i]].split) is not None)
        for i in good:
            out.labels.update([labels[i]] if isinstance(labels[i], str) else labels[i])
        for axis, counter in out.groups.items():
            members = batch[f"group.{axis}"].to_pylist()
            counter.update(members[i] for i in good if members[i] is not None)
        if recipe.split.by:
            out.clusters.update(value for value in batch["by"].to_pylist() if value is not None)
    if not out.rows:
        raise DataError("no row has both a text and a label", fix="goodfit init DATA shows which columns there are")
    return out


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
    tokens = max(3.0, counted.characters / counted.rows / CHARACTERS_PER_TOKEN + 2)
    assert plan.train_batch_size is not None
    steps = plan.max_steps or math.ceil(train_rows / plan.train_batch_size) * plan.num_train_epochs
    epochs = steps * plan.train_batch_size / max(1, train_rows)
    seconds = _training_seconds(model, tokens * train_rows * epochs, plan)
    trained = 0.05 if recipe.peft.method == "lora" else 1.0
    memory = model.parameters * (4 + 12 * trained) + plan.batch_tokens * model.hidden_size * model.layers * 34 * 4
    disk = model.parameters * 4 * (1 + FOLDERS * 3 * trained)
    limit = f"context of {model.max_length} tokens" if model.max_length else "no limit of length"
    return [
        f"{model.name}: {model.architecture}, {model.parameters / 1e6:.1f} M parameters, {limit}, licence {model.license or 'unknown'}",
        f"{train_rows:,} training rows of about {tokens:.0f} tokens; {steps:,.0f} steps of {plan.train_batch_size} rows "
        f"({epochs:.3g} epochs), learning rate {plan.learning_rate:g}",
        f"about {duration(seconds)} of training here (estimate from one timed matrix product), about {size(memory)} of memory, "
        f"{size(disk)} of disk",
    ]


def can_show(recipe: Recipe, counted: Counted, test_rows: int) -> list[str]:
    """Half-width of the main score, smallest visible difference to a baseline, smallest gap per group."""
    share = test_rows / counted.rows
    units = min(test_rows, math.ceil(len(counted.clusters) * share)) if counted.clusters else test_rows
    if units < 30:
        return [f"{units} independent test rows: not enough to say anything with an interval worth printing"]
    supports = [max(1, round(n * share)) for n in counted.labels.values()]
    rarest = min(counted.labels, key=lambda label: counted.labels[label])
    points = 100 * half_width(units, ASSUMED)
    out = [
        f"an accuracy of {ASSUMED:.0%} would be known to ±{points:.1f} points ({test_rows:,} test rows"
        + (f" in {units:,} clusters, if rows of a cluster are alike)" if units < test_rows else ")"),
        f"macro-F1 to about ±{100 * half_width_macro(supports, ASSUMED):.1f} points; "
        f"the rarest class, {rarest!r}, has {min(supports)} test rows",
        f"a lead over a baseline is seen from {100 * smallest_difference(units, DISCORDANCE):.1f} points "
        f"(four times of five, where the two differ on {DISCORDANCE:.0%} of the rows)",
    ]
    return out + [line for axis, members in counted.groups.items() for line in _group_lines(axis, members, share)]


def _group_lines(axis: str, members: Counter[str], share: float) -> Iterator[str]:
    ranked = [(member, round(n * share)) for member, n in members.most_common()]
    if len(ranked) < 2:
        return
    total = sum(n for _, n in ranked)
    shown = [(m, n) for m, n in ranked if n >= 20][:6]
    for member, n in shown:
        gap = smallest_gap(n, max(1, total - n), ASSUMED)
        yield f"{axis} = {member}: {n:,} test rows; a gap to the rest is seen from {100 * gap:.0f} points"
    few = [m for m, n in ranked if n < 20]
    if few:
        yield f"{axis}: {len(few)} members have fewer than 20 test rows; nothing can be said of them"


def problems(counted: Counted, train_rows: int, test_rows: int) -> list[str]:
    """What a person should know before starting."""
    out = []
    if counted.unusable:
        out.append(f"{counted.unusable:,} rows have no text or no label and will not be used")
    few = [label for label, n in counted.labels.items() if n < 10]
    if few:
        names = ", ".join(repr(label) for label in few[:5])
        out.append(f"{len(few)} classes have fewer than 10 rows ({names}{' …' if len(few) > 5 else ''})")
    if test_rows < 100:
        out.append(f"{test_rows} test rows give wide intervals; about 400 would give ±4 points")
    if train_rows < 200:
        out.append(f"{train_rows} training rows are few for fine-tuning all weights")
    return out


def _sides(recipe: Recipe, counted: Counted) -> tuple[int, int]:
    """Expected training and test rows; what is not given is cut from train."""
    given = counted.roles
    whole = given["train"] if given else counted.rows
    test = given["test"] or round(whole * recipe.split.test_size)
    valid = given["valid"] or round(whole * recipe.split.valid_size)
    return whole - (0 if given["test"] else test) - (0 if given["valid"] else valid), test


def _training_seconds(model: Identity, tokens: float, plan: Plan) -> float:
    """Operations of training over what this machine does in one product of the model's width, less what small models lose."""
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
