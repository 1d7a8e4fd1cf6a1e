"""Plan: every number that a training is made of, resolved. Nothing in it is `auto` any more, but the precision.

The tune stage makes it from the recipe; the names are those of transformers' TrainingArguments where one exists. A plan and
the data it trains on have fingerprints; a checkpoint of another plan or other data is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any, Literal

Schedule = Literal["linear", "cosine", "constant", "constant_with_warmup", "warmup_stable_decay"]
Precision = Literal["auto", "float32", "bfloat16"]

_NOT_PART_OF_IT = frozenset({"logging_seconds", "logging_steps", "save_seconds", "save_total_limit", "threads"})
"""Keys that change what is written or how fast, never the weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The resolved train section. The effective batch is `train_batch_size` rows **or** `train_batch_tokens` tokens."""

    learning_rate: float
    head_learning_rate: float | None = None
    """Rate of the freshly made head; None: as the body."""
    num_train_epochs: float = 3.0
    max_steps: int | None = None
    """Overrules the epochs; the schedule ends there."""
    train_batch_size: int | None = 16
    """Rows per optimiser step (per_device_train_batch_size x gradient_accumulation_steps)."""
    train_batch_tokens: int | None = None
    """Tokens per optimiser step, instead of `train_batch_size`."""
    batch_tokens: int = 4096
    """Tokens of one forward pass (padded ones where the tier pads). Never changes the result beyond rounding."""
    batch_rows: int | None = None
    """At most so many rows in one forward pass (per_device_train_batch_size)."""
    weight_decay: float = 0.01
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    warmup_steps: float = 0.06
    """Steps, or a share of all steps where below 1."""
    lr_scheduler_type: Schedule = "linear"
    decay_steps: float = 0.2
    """The linear fall at the end of `warmup_stable_decay`: steps, or a share of all steps where below 1."""
    max_grad_norm: float = 1.0
    """0: no clipping."""
    early_stopping: bool = True
    early_stopping_patience: int | None = None
    """Evaluations without improvement; None: the larger of 3 evaluations and 20% of the planned steps."""
    eval_steps: int | None = None
    """None: 4 evaluations an epoch, some 12 in all where epochs are few, within 20% of the training's cost but at least one an epoch."""
    save_steps: int | None = None
    """None: at every evaluation, and every `save_seconds`."""
    save_seconds: float = 60.0
    save_total_limit: int = 1
    """Newest checkpoints kept, beside the best one."""
    logging_steps: int | None = None
    """None: about one step line per `logging_seconds`."""
    logging_seconds: float = 1.0
    seed: int = 42
    dropout: float | None = None
    """Replaces every dropout but an adapter's; None: as the base model's configuration says."""
    neftune_noise_alpha: float | None = None
    """Noise on the embeddings of a language model; None: none."""
    precision: Precision = "auto"
    threads: int | None = None
    """None: as torch is set."""

    def __post_init__(self) -> None:
        """Programmers' errors only: what users write is checked, with its line, where the recipe is read."""
        assert (self.train_batch_size is None) != (self.train_batch_tokens is None), "one of train_batch_size, train_batch_tokens"
        assert 0 <= self.learning_rate < math.inf, self.learning_rate
        assert self.num_train_epochs > 0, self.num_train_epochs
        assert self.max_steps is None or self.max_steps > 0, self.max_steps
        assert min(self.batch_tokens, self.save_total_limit) > 0, "a budget of nothing"
        assert self.warmup_steps >= 0, self.warmup_steps
        assert self.decay_steps > 0, self.decay_steps

    def warmup(self, steps_total: int) -> int:
        """Warm-up steps: a count, or the share of `steps_total`, rounded up."""
        return _steps(self.warmup_steps, steps_total)

    def rate_factor(self, step: int, steps_total: int) -> float:
        """What the rates are multiplied by at the optimiser step `step` (0-based), as in transformers' schedules.

        The warm-up rises by `(step + 1) / warmup`, so that no step is spent at a rate of 0.
        """
        warmup = 0 if self.lr_scheduler_type == "constant" else self.warmup(steps_total)
        if step < warmup:
            return (step + 1) / warmup
        if self.lr_scheduler_type.startswith("constant"):
            return 1.0
        if self.lr_scheduler_type == "warmup_stable_decay":
            fall = min(_steps(self.decay_steps, steps_total), steps_total - warmup)
            return min(1.0, (steps_total - step) / max(1, fall))
        done = (step - warmup) / max(1, steps_total - warmup)
        if self.lr_scheduler_type == "linear":
            return max(0.0, 1.0 - done)
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every key."""
        return dataclasses.asdict(self)

    def essence(self) -> dict[str, Any]:
        """The keys that decide the weights; a resumed training must agree on them."""
        return {key: value for key, value in self.to_json().items() if key not in _NOT_PART_OF_IT}

    def fingerprint(self) -> str:
        """`b2:` and a hash of the essence."""
        text = json.dumps(self.essence(), sort_keys=True)
        return f"b2:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def _steps(given: float, steps_total: int) -> int:
    return math.ceil(given * steps_total) if given < 1 else min(int(given), steps_total)
