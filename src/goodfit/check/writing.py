"""check, for generation: some rows go through the chat template and the tokenizer as prepare would do it, and a step of training is timed.

Part of check. What stands in test rows is not looked at; of the others what prepare would find is told with the line of the first.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

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
from goodfit.data.store import RowStore
from goodfit.engine.examples import Examples
from goodfit.engine.plan import Plan
from goodfit.models.adapters import add_lora
from goodfit.models.heads import Language
from goodfit.models.identity import Identity
from goodfit.models.load import load_language
from goodfit.monitor.words import duration, size
from goodfit.recipe import Recipe
from goodfit.settings import Loaded
from goodfit.stages.choose import find_base, listed
from goodfit.stages.evaluate.language_rows import ROWS
from goodfit.stages.prepare.language import Encoder, Piece, encoder_of, examine, refuse_nothing
from goodfit.stages.prepare.language import Facts as Told
from goodfit.stages.prepare.mix import Mixed, wanted
from goodfit.stages.prepare.outcome import SIDES, Side
from goodfit.stages.prepare.told import findings_of
from goodfit.stages.split.assign import Division
from goodfit.stages.split.cut import NAMES, TRAIN
from goodfit.stages.split.sources import as_written, shown, sources_of
from goodfit.stages.tune.defaults import Facts, settle
from goodfit.statistics import half_width
from goodfit.tasks.baselines import names_of

LOOKED_AT = 2000
"""Rows of each side that are tokenised, spread over it."""
TRIED_TOKENS = 1024
"""Tokens of the step that is timed, about."""
LOOKING = 0.1
"""Of the training's time, for looking at validation and for samples."""
FEW_ANSWERS = 100


@dataclass(frozen=True)
class Looked:
    """What tokenising some rows of each side found out."""

    encoder: Encoder
    facts: dict[Side, Told]
    rows: dict[Side, int]
    """That were looked at."""
    pieces: list[Piece]
    """Some training examples, for the step that is timed."""
    answers: bool
    """Whether rows have an answer; plain texts have none."""
    notes: list[str]
    validation: int = 0
    """Validation rows in all."""

    @property
    def tokens(self) -> float:
        """Tokens of a training example."""
        return self.facts["train"].tokens_used / max(1, self.facts["train"].examples)

    @property
    def share(self) -> float:
        """Examples per training row: below 1 where rows are left out, above where plain texts are cut into pieces."""
        return self.facts["train"].examples / max(1, self.rows["train"])


def check_writing(loaded: Loaded, base: Path) -> dict[str, Any]:
    """The answer of `check` for a model that writes."""
    recipe = loaded.recipe
    store, division = divide(recipe, base)
    counted = count(recipe, store, division)
    model, why, candidates = find_base(recipe, base, Language())
    looked = look_at(recipe, base, model, store, division)
    own = epoch_rows(recipe, base, store, division)
    mix = recipe.prepare.mix
    if mix is not None:
        mixed = Mixed.opened(mix, base, recipe.data.mask)
        looked.notes.append(f"prepare.mix: {len(mixed.places):,} rows of {mix.path}, about {wanted(mix.share, own):,} of them in an epoch")
        own += wanted(mix.share, own)
    examples = max(1, round(looked.share * own))
    facts = Facts(
        rows=examples, parameters=model.parameters, causal=True, lora=recipe.peft.method == "lora", writes=True,
        tokens_per_row=looked.tokens, model_type=model.model_type,
    )  # fmt: skip
    settled = settle(recipe.train, recipe.peft, facts, seed=recipe.seed)
    longest = max((n for told in looked.facts.values() for n, _ in told.longest), default=looked.encoder.max_length)
    resolved = {"choose.model_name_or_path": model.name, "prepare.max_length": longest} | settled.resolved
    reasons = {"choose.model_name_or_path": why, "prepare.max_length": "the longest row that was looked at"} | settled.reasons
    return {
        "settings": list(settings(loaded, resolved, reasons)),
        "would_run": [*would_run(recipe, model, settled.plan, looked, examples), *listed(candidates)],
        "can_show": can_show(recipe, counted, looked) if counted.sides["test"] else ["no test rows: nothing will be shown of unseen text"],
        "problems": [*lost_rows(counted), *problems(counted, looked)],
        "rows": counted.rows, "splits": counted.sides, "labels": {}, "model": model.to_json(),
    }  # fmt: skip


def look_at(recipe: Recipe, base: Path, model: Identity, store: RowStore, division: Division) -> Looked:
    """Tokenises some training and validation rows; DataError or SettingsError where no training row could be learned from."""
    notes: list[str] = []
    encoder = encoder_of(recipe, model, base, notes.append)
    facts: dict[Side, Told] = {}
    rows: dict[Side, int] = {}
    pieces: list[Piece] = []
    for side in SIDES:
        places = np.flatnonzero(division.sides == NAMES.index(side))
        places = places[:: max(1, len(places) // LOOKED_AT)][:LOOKED_AT]
        take = pa.array(places)
        at = shown(store.column("at").take(take), as_written(recipe.data, base))
        facts[side], rows[side] = Told(), len(places)
        columns = (store.column("conversation").take(take), store.column("row").take(take), at)
        for text, row, where in zip(*(column.to_pylist() for column in columns), strict=True):
            found = examine(text, row, where, encoder, facts[side])
            pieces += found if side == "train" and len(pieces) < 64 else []
    refuse_nothing(facts["train"])
    answers = store.column("label").null_count < len(store.column("label"))
    validation = int((division.sides == NAMES.index("valid")).sum())
    return Looked(encoder, facts, rows, pieces, answers, notes, validation)


def epoch_rows(recipe: Recipe, base: Path, store: RowStore, division: Division) -> int:
    """Training rows of an epoch: those of each source, as often as its weight says."""
    of_source = np.bincount(store.column("source").to_numpy()[division.sides == TRAIN])
    weights = [source.weight for source in sources_of(recipe.data, base)]
    return max(1, round(float(sum(n * weight for n, weight in zip(of_source.tolist(), weights)))))


def would_run(recipe: Recipe, model: Identity, plan: Plan, looked: Looked, examples: int) -> list[str]:
    """Model, what a row becomes, steps, memory, time and disk, answers, in sentences; estimates say so."""
    assert plan.train_batch_size is not None
    steps_per_epoch = max(1, math.ceil(examples / plan.train_batch_size))
    steps = plan.max_steps or steps_per_epoch * plan.num_train_epochs
    total = looked.tokens * plan.train_batch_size * steps
    tried = model.parameters <= TRIED
    seconds = _seconds_of(recipe, model, plan, looked, total) if tried else estimated_seconds(model, total, plan)
    how = "from one step done here" if tried else "estimate from one timed matrix product"
    memory, disk = machine_needs(model, plan, lora=recipe.peft.method == "lora")
    limit = f"context of {model.max_length:,} tokens" if model.max_length else "no limit of length"
    train = looked.facts["train"]
    template = looked.encoder.task.template
    own = template is not None and template.origin == "model"
    written = (
        "without a chat template" if template is None else "the model's own chat template" if own else f"the chat template {template.name}"
    )
    return [
        f"{model.name}: {model.architecture}, {model.parameters / 1e6:.1f} M parameters, {limit}, licence {model.license or 'unknown'}",
        f"{looked.rows['train']:,} training rows were tokenised, {written}: {train.tokens_used:,} tokens, of which "
        f"{train.learned:,} ({train.learned / max(1, train.tokens_used):.0%}) are learned",
        f"{examples:,} training examples of about {looked.tokens:.0f} tokens; {steps:,.0f} steps of {plan.train_batch_size} "
        f"({steps / steps_per_epoch:.3g} epochs), learning rate {plan.learning_rate:g}",
        f"about {duration(seconds * (1 + LOOKING))} of training here ({how}), about {size(memory)} of memory, {size(disk)} of disk",
        *search_lines(recipe, seconds * (1 + LOOKING), looked.validation, task=recipe.task.kind),
    ]


def can_show(recipe: Recipe, counted: Counted, looked: Looked) -> list[str]:
    """How well a share of the answers would be known, and from where a lead over a baseline is seen."""
    if counted.units < FEW_UNITS:
        return [too_few(counted.units)]
    losses = f"losses (bits per byte, perplexity) are measured on all {counted.sides['test']:,} test rows"
    if not looked.answers:
        return [f"{losses}; plain texts have no answers to score"]
    asked = ROWS if recipe.evaluate.rows == "auto" else recipe.evaluate.rows
    n = min(asked, counted.units)
    systems = [name for name in names_of(recipe) if name != "retrieval"]
    writers = " and by ".join(["the model", *systems])
    points = 100 * half_width(n, ASSUMED)
    return [
        f"the answers to {min(asked, counted.sides['test']):,} test prompts are written by {writers}; {losses}",
        f"a share of answers (exact match, self-stop) near {ASSUMED:.0%} would be known to ±{points:.1f} points",
        lead_line(n, " in such a share"),
        *(line for axis, members in counted.groups.items() for line in group_lines(axis, members)),
    ]


def problems(counted: Counted, looked: Looked) -> list[str]:
    """What prepare would find in the rows that were looked at, and what is few."""
    found = [finding for finding in findings_of(looked.facts) if finding.status == "open"]
    out = [f"{f.severity}: {f.title}{f'. {f.detail}' if f.detail else ''} → {f.fix} ({f.code})" for f in found]
    out += [note.strip() for note in looked.notes]
    if counted.sides["test"] < FEW_ANSWERS:
        out.append(f"{counted.sides['test']} test rows give wide intervals; about 400 would give ±4 points")
    if counted.sides["train"] < FEW_ANSWERS:
        out.append(f"{counted.sides['train']} training rows are few: some hundred good answers are the least that is usual")
    return out


def _seconds_of(recipe: Recipe, model: Identity, plan: Plan, looked: Looked, tokens: float) -> float:
    """Seconds for so many tokens here: one step on some of the user's rows is timed, on a copy that is thrown away."""
    loaded = looked.encoder.task.vocabulary.extend(load_language(model.path))
    if recipe.peft.method == "lora":
        loaded = add_lora(loaded, r=recipe.peft.r, lora_alpha=recipe.peft.lora_alpha)
    chosen: list[Piece] = []
    for piece in looked.pieces:
        chosen += [piece] if not chosen or sum(len(p.ids) for p in chosen) + len(piece.ids) <= TRIED_TOKENS else []
    lengths = [len(piece.ids) for piece in chosen]
    rows = Examples.from_arrays(
        [token for piece in chosen for token in piece.ids], np.concatenate([[0], np.cumsum(lengths)]),
        learned=[flag for piece in chosen for flag in piece.learned],
    )  # fmt: skip
    few = dataclasses.replace(plan, train_batch_size=len(chosen), batch_rows=None)
    return timed(loaded.model, rows, few, looked.encoder.task.objective(), 1) / sum(lengths) * tokens
