"""What `auto` becomes, and why: rules of thumb with their sources, computed from the data's and the model's size.

Part of tune. Sources: Mosbach et al. 2021 and Zhang et al. 2021 (encoders on small data fail for lack of steps, warm-up and bias
correction); Thinking Machines 2025, "LoRA Without Regret" (a LoRA rate of about ten times the full one, small batches); and our own
sweep on short-text classification (docs/why/defaults.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from goodfit.engine.plan import Plan
from goodfit.recipe import Peft, Train

GIVEN = "given in the recipe"
MIN_STEPS = 1000
"""Small data need this many optimiser steps, within MAX_EPOCHS."""
MIN_EPOCHS, MAX_EPOCHS = 3, 20
HEAD_FACTOR, MANY_LABELS_FACTOR = 10.0, 100.0
FASTEST_HEAD = 1e-2
WRITING_RATES = ((1000, 1e-4), (8000, 3e-5), (math.inf, 1e-5))
"""(Millions of parameters up to, rate of all weights of a language model); LoRA takes ten times as much."""
LORA_FACTOR = 10
WRITING_EPOCHS = ((10_000, 3), (100_000, 2), (math.inf, 1))
"""(Training rows below, epochs)."""
LORA_DROPOUT, LORA_DROPOUT_ROWS = 0.05, 20_000


@dataclass(frozen=True)
class Facts:
    """What the rules look at."""

    rows: int
    parameters: int
    causal: bool
    lora: bool
    multi_label: bool = False
    writes: bool = False
    """A language model that learns to write, not one that gets a head for classes."""


@dataclass
class Settled:
    """The plan, the reasons, and the recipe keys that were `auto` with what they became."""

    plan: Plan
    lora_dropout: float
    reasons: dict[str, str] = field(default_factory=dict)
    resolved: dict[str, Any] = field(default_factory=dict)


def settle(train: Train, peft: Peft, facts: Facts, *, seed: int) -> Settled:
    """Every `auto` of the train and peft sections as a number, with its reason."""
    reasons: dict[str, str] = {}
    resolved: dict[str, Any] = {}

    def value(key: str, given: Any, rule: tuple[Any, str]) -> Any:
        chosen, why = (given, GIVEN) if given != "auto" else rule
        reasons[key] = why
        if given == "auto":
            resolved[key] = chosen
        return chosen

    batch = value("train.per_device_train_batch_size", train.per_device_train_batch_size, _batch(facts))
    rate = value("train.learning_rate", train.learning_rate, _rate(facts))
    epochs = value("train.num_train_epochs", train.num_train_epochs, _epochs(facts, batch * train.gradient_accumulation_steps))
    plan = Plan(
        learning_rate=rate,
        head_learning_rate=value("train.head_learning_rate", train.head_learning_rate, _head_rate(rate, facts)),
        num_train_epochs=float(epochs),
        max_steps=train.max_steps,
        train_batch_size=batch * train.gradient_accumulation_steps,
        batch_tokens=value("train.batch_tokens", train.batch_tokens, (4096, "the result does not depend on it; fits small machines")),
        batch_rows=None if train.per_device_train_batch_size == "auto" else batch,
        weight_decay=train.weight_decay, adam_beta1=train.adam_beta1, adam_beta2=train.adam_beta2, adam_epsilon=train.adam_epsilon,
        warmup_steps=train.warmup_steps, lr_scheduler_type=train.lr_scheduler_type, max_grad_norm=train.max_grad_norm,
        early_stopping=train.early_stopping,
        eval_steps=None if train.eval_steps == "auto" else train.eval_steps,
        save_steps=None if train.save_steps == "auto" else train.save_steps,
        logging_steps=None if train.logging_steps == "auto" else train.logging_steps,
        seed=seed, precision=train.precision, neftune_noise_alpha=train.neftune_noise_alpha,
    )  # fmt: skip
    dropout = value("peft.lora_dropout", peft.lora_dropout, _lora_dropout(facts)) if facts.lora else 0.0
    return Settled(plan, float(dropout), reasons, resolved)


def _rate(facts: Facts) -> tuple[float, str]:
    millions = facts.parameters / 1e6
    if facts.writes:
        rate = next(rate for bound, rate in WRITING_RATES if millions <= bound)
        how = "LoRA on" if facts.lora else "all weights of"
        return rate * (LORA_FACTOR if facts.lora else 1), f"{how} a language model of {millions:.0f} M parameters"
    if facts.lora:
        rate = 5e-4 if millions <= 150 else 3e-4
        return rate, f"LoRA on {millions:.0f} M parameters: about ten times the full rate"
    if facts.causal:
        return (2e-5 if millions <= 8000 else 1e-5), f"a decoder of {millions:.0f} M parameters, all weights"
    for bound, rate in ((50, 1e-4), (150, 3e-5), (400, 2e-5)):
        if millions <= bound:
            return rate, f"an encoder of {millions:.0f} M parameters, all weights"
    return 1e-5, f"an encoder of {millions:.0f} M parameters, all weights"


def _head_rate(rate: float, facts: Facts) -> tuple[float, str]:
    if facts.writes:
        return rate, "the head is the one that the model was pre-trained with"
    if facts.multi_label:
        factor = MANY_LABELS_FACTOR / 5 if facts.lora else MANY_LABELS_FACTOR
        return min(FASTEST_HEAD, rate * factor), f"{factor:.0f} times the body's: each of several labels is learned from few rows"
    if facts.lora:
        return rate, "the adapter's rate is already that of fresh weights"
    return rate * HEAD_FACTOR, "ten times the body's: the head starts from random numbers"


def _batch(facts: Facts) -> tuple[int, str]:
    wanted = max(8, min(32, facts.rows // 50))
    batch = 2 ** int(math.log2(wanted))
    return batch, f"{facts.rows:,} training rows: between 8 and 32, about one fiftieth of them"


def _epochs(facts: Facts, batch: int) -> tuple[int, str]:
    if facts.writes:
        return next(epochs for bound, epochs in WRITING_EPOCHS if facts.rows < bound), f"{facts.rows:,} training rows to write from"
    steps = max(1, math.ceil(facts.rows / batch))
    wanted = max(MIN_EPOCHS, math.ceil(MIN_STEPS / steps))
    epochs = min(MAX_EPOCHS, wanted)
    if facts.lora:
        epochs = min(MAX_EPOCHS, math.ceil(1.5 * epochs))
    return epochs, f"at least {MIN_EPOCHS}, and about {MIN_STEPS} steps of {batch} rows, at most {MAX_EPOCHS}"


def _lora_dropout(facts: Facts) -> tuple[float, str]:
    if facts.rows > LORA_DROPOUT_ROWS:
        return 0.0, f"more than {LORA_DROPOUT_ROWS:,} rows need none"
    return LORA_DROPOUT, f"up to {LORA_DROPOUT_ROWS:,} rows"
