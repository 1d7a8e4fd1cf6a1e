"""What `auto` becomes, and why: rules of thumb with their sources, computed from the data's and the model's size.

Part of tune. Sources: Mosbach et al. 2021 and Zhang et al. 2021 (encoders on small data fail for lack of steps, warm-up and bias
correction); Thinking Machines 2025, "LoRA Without Regret" (a LoRA rate of about ten times the full one, small batches) and the table of its
cookbook; TRL's SFTConfig; the ModernBERT paper; and our own sweeps (docs/why/defaults.md, which says where they overrule a source).
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
ENCODER_RATES = ((50, 1e-4), (150, 3e-5), (400, 2e-5), (math.inf, 1e-5))
"""(Millions of parameters up to, rate of all weights of an encoder)."""
MODERN = ("modernbert",)
MODERN_RATES = ((200, 8e-5), (math.inf, 5e-5))
"""The same for encoders that were pre-trained as ModernBERT was: they take more."""
WRITING_RATES = ((1000, 1e-4), (8000, 2e-5), (math.inf, 1e-5))
"""(Millions of parameters up to, rate of all weights of a language model)."""
ADAPTED_FAST, ADAPTED, LARGE_MODEL, ENOUGH_STEPS = 1e-3, 3e-4, 5000, 500
"""Rates of an adapter on a language model: the fast one up to so many million parameters, where there are so many steps."""
SMALL_MODEL = 1000
"""Millions of parameters up to which the fast one is taken for short trainings too (measured)."""
WRITING_EPOCHS = ((10_000, 3), (100_000, 2), (math.inf, 1))
"""(Training rows below, epochs)."""
FEW_ROWS_TO_WRITE, WRITING_TOKENS, MOST_WRITING_ROWS = 5000, 32_768, 128
"""Rows from which a step of a language model counts tokens, how many it has, and the most rows that it takes."""
LORA_DROPOUT, LORA_DROPOUT_ROWS = 0.05, 20_000
DECAY, WARMUP, WRITING_WARMUP = 0.01, 0.06, 0.03


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
    tokens_per_row: float = 0.0
    """Of the training rows; 0 where it is not known."""
    model_type: str = ""
    """As in the base model's configuration."""


@dataclass
class Settled:
    """The plan, the reasons, and the recipe keys that were `auto` with what they became."""

    plan: Plan
    lora_dropout: float
    reasons: dict[str, str] = field(default_factory=dict)
    resolved: dict[str, Any] = field(default_factory=dict)

    def take(self, key: str, given: Any, rule: tuple[Any, str]) -> Any:
        """What the recipe gives, or what the rule says where that is `auto`; the reason is noted."""
        chosen, self.reasons[key] = (given, GIVEN) if given != "auto" else rule
        if given == "auto":
            self.resolved[key] = chosen
        return chosen


def settle(train: Train, peft: Peft, facts: Facts, *, seed: int) -> Settled:
    """Every `auto` of the train and peft sections as a number, with its reason."""
    out = Settled(Plan(learning_rate=0.0), 0.0, _kept(train, peft, facts))
    batch = out.take("train.per_device_train_batch_size", train.per_device_train_batch_size, _batch(facts))
    rows = batch * train.gradient_accumulation_steps
    epochs = out.take("train.num_train_epochs", train.num_train_epochs, _epochs(facts, rows))
    steps = train.max_steps or math.ceil(facts.rows / rows * epochs)
    rate = out.take("train.learning_rate", train.learning_rate, _rate(facts, steps))
    out.plan = Plan(
        learning_rate=rate,
        head_learning_rate=out.take("train.head_learning_rate", train.head_learning_rate, _head_rate(rate, facts)),
        num_train_epochs=float(epochs),
        max_steps=train.max_steps,
        train_batch_size=rows,
        batch_tokens=out.take("train.batch_tokens", train.batch_tokens, (4096, "the result does not depend on it; fits small machines")),
        batch_rows=None if train.per_device_train_batch_size == "auto" else batch,
        weight_decay=out.take("train.weight_decay", train.weight_decay, _decay(facts)),
        adam_beta1=train.adam_beta1, adam_beta2=train.adam_beta2, adam_epsilon=train.adam_epsilon,
        warmup_steps=out.take("train.warmup_steps", train.warmup_steps, _warmup(facts)),
        lr_scheduler_type=out.take("train.lr_scheduler_type", train.lr_scheduler_type, ("linear", "to 0, after the warm-up")),
        decay_steps=train.decay_steps, max_grad_norm=train.max_grad_norm,
        early_stopping=train.early_stopping,
        eval_steps=None if train.eval_steps == "auto" else train.eval_steps,
        save_steps=None if train.save_steps == "auto" else train.save_steps,
        logging_steps=None if train.logging_steps == "auto" else train.logging_steps,
        seed=seed, precision=train.precision, neftune_noise_alpha=train.neftune_noise_alpha,
    )  # fmt: skip
    out.lora_dropout = float(out.take("peft.lora_dropout", peft.lora_dropout, _lora_dropout(facts))) if facts.lora else 0.0
    return out


KEPT = {
    "train.adam_beta1": "AdamW's usual value",
    "train.adam_beta2": "AdamW's usual value, with bias correction (Zhang et al. 2021)",
    "train.adam_epsilon": "weights and moments are float32, which needs no larger one",
    "train.max_grad_norm": "as in transformers and TRL",
    "peft.r": "ranks from 8 to 64 differ little (Thinking Machines 2025)",
    "peft.lora_alpha": "twice the rank",
    "peft.target_modules": "all linear layers, the feed-forward ones above all (Thinking Machines 2025)",
}
"""Defaults that no rule changes, and why they are what they are."""


def _kept(train: Train, peft: Peft, facts: Facts) -> dict[str, str]:
    """Why the plain defaults are what they are; `given` where the recipe has another value."""
    sections: dict[str, Train | Peft] = {"train": train, "peft": peft} if facts.lora else {"train": train}
    of = {key: (sections[key.split(".")[0]], key.split(".")[1]) for key in KEPT if key.split(".")[0] in sections}
    return {key: KEPT[key] if getattr(part, name) == type(part).model_fields[name].default else GIVEN for key, (part, name) in of.items()}


def _rate(facts: Facts, steps: int) -> tuple[float, str]:
    millions = facts.parameters / 1e6
    if facts.writes:
        return _writing_rate(facts, millions, steps)
    if facts.lora:
        return (5e-4 if millions <= 150 else 3e-4), f"LoRA on {millions:.0f} M parameters: about ten times the full rate"
    if facts.causal:
        return (2e-5 if millions <= 8000 else 1e-5), f"a decoder of {millions:.0f} M parameters, all weights"
    modern = facts.model_type in MODERN
    what = "an encoder trained as ModernBERT was" if modern else "an encoder"
    return _up_to(millions, MODERN_RATES if modern else ENCODER_RATES), f"{what}, of {millions:.0f} M parameters, all weights"


def _writing_rate(facts: Facts, millions: float, steps: int) -> tuple[float, str]:
    if not facts.lora:
        return _up_to(millions, WRITING_RATES), f"all weights of a language model of {millions:.0f} M parameters"
    fast = millions <= SMALL_MODEL or (millions <= LARGE_MODEL and steps >= ENOUGH_STEPS)
    why = f", {steps:,} steps" if SMALL_MODEL < millions <= LARGE_MODEL else ""
    return (ADAPTED_FAST if fast else ADAPTED), f"LoRA on a language model of {millions:.0f} M parameters{why}"


def _up_to(millions: float, table: tuple[tuple[float, float], ...]) -> float:
    return next(rate for bound, rate in table if millions <= bound)


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
    if facts.writes and facts.rows >= FEW_ROWS_TO_WRITE and facts.tokens_per_row > 0:
        enough = facts.rows * _epochs(facts, 1)[0] / ENOUGH_STEPS
        wanted = max(32, min(MOST_WRITING_ROWS, WRITING_TOKENS / facts.tokens_per_row, enough))
        why = f"up to {WRITING_TOKENS:,} tokens and {MOST_WRITING_ROWS} rows, as far as {ENOUGH_STEPS} steps are left"
        return 2 ** int(math.log2(wanted)), why
    wanted = max(8, min(32, facts.rows // 50))
    return 2 ** int(math.log2(wanted)), f"{facts.rows:,} training rows: between 8 and 32, about one fiftieth of them"


def _epochs(facts: Facts, batch: int) -> tuple[int, str]:
    if facts.writes:
        return next(epochs for bound, epochs in WRITING_EPOCHS if facts.rows < bound), f"{facts.rows:,} training rows to write from"
    steps = max(1, math.ceil(facts.rows / batch))
    wanted = max(MIN_EPOCHS, math.ceil(MIN_STEPS / steps))
    epochs = min(MAX_EPOCHS, wanted)
    if facts.lora:
        epochs = min(MAX_EPOCHS, math.ceil(1.5 * epochs))
    return epochs, f"at least {MIN_EPOCHS}, and about {MIN_STEPS} steps of {batch} rows, at most {MAX_EPOCHS}"


def _decay(facts: Facts) -> tuple[float, str]:
    return (0.0, "an adapter is not decayed: it starts at nothing") if facts.lora else (DECAY, "the usual, none on norms and biases")


def _warmup(facts: Facts) -> tuple[float, str]:
    if facts.writes:
        return WRITING_WARMUP, "a model that goes on doing what it was trained for needs little"
    return WARMUP, "small data fail without (Mosbach et al. 2021)"


def _lora_dropout(facts: Facts) -> tuple[float, str]:
    if facts.rows > LORA_DROPOUT_ROWS:
        return 0.0, f"more than {LORA_DROPOUT_ROWS:,} rows need none"
    return LORA_DROPOUT, f"up to {LORA_DROPOUT_ROWS:,} rows"
