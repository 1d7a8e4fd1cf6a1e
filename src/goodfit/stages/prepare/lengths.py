"""The maximum length: what the recipe asks for, or what the training rows' lengths say. Part of prepare."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from goodfit.models.identity import Identity
from goodfit.tasks.classification import Classification

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

BATCH = 2048
SAMPLE = 20_000
"""Training rows whose lengths decide `max_length: auto`."""
QUANTILE = 0.995
NOTHING_CUT = 1.5
"""`auto` cuts nothing where the longest row is at most this many times the quantile."""
UNLIMITED = 8192
"""`auto` for a model that knows no limit."""


def auto_length(splits: Splits, task: Classification, tokenizer: Any, limit: int | None) -> int:
    """The 99.5% quantile of the training rows' lengths (the longest where that is near), at most the model's limit."""
    step = max(1, splits.counts["train"] // SAMPLE)
    batches = splits.batches("train", size=BATCH, columns=("text",))
    every = np.concatenate([task.encode(b["text"].to_pylist()[::step], tokenizer, limit or UNLIMITED).full_lengths for b in batches])
    quantile, longest = int(np.ceil(np.quantile(every, QUANTILE))), int(every.max())
    wanted = longest if longest <= NOTHING_CUT * quantile else quantile
    return max(min(wanted, limit or UNLIMITED), tokenizer.num_special_tokens_to_add(pair=False) + 1, 8)


def within(asked: int, base: Identity, say: Callable[[str], None]) -> int:
    """The asked length, at most what the model can take."""
    limit = base.max_length
    if limit is not None and asked > limit:
        say(f"  prepare.max_length: {asked} is more than {base.name} takes; {limit} is used")
        return limit
    return asked
