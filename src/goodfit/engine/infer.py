"""Infer: predictions for any number of rows in bounded memory. evaluate, assess, embeddings, predict and serve come through here.

Rows are taken in windows and sorted by length inside each, so results come with the places they belong to, not in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from goodfit.engine.batches import Cutter, Indices, Micro, assemble
from goodfit.engine.examples import Examples
from goodfit.engine.forward import Forward, Observed
from goodfit.engine.memory import less_memory
from goodfit.engine.objective import Objective
from goodfit.engine.parts import evaluating
from goodfit.engine.plan import Precision
from goodfit.engine.precision import precision_of
from goodfit.engine.tier import Tier, find_tier
from goodfit.errors import DataError

Result = NDArray[np.float32]
T = TypeVar("T")
Want = Literal["logits", "hidden_mean"]
BATCH_TOKENS = 4096
_WINDOW = 16_384


@dataclass(frozen=True, eq=False)
class Batch:
    """Predictions for some rows."""

    indices: Indices
    """[b] places in the Examples; every place comes once."""
    logits: NDArray[np.float32] | None = None
    """[b, L]"""
    hidden_mean: NDArray[np.float32] | None = None
    """[b, H]: the last hidden states averaged over the row's tokens."""


def infer(
    model: nn.Module,
    examples: Examples,
    *,
    want: Sequence[Want] = ("logits",),
    tier: Tier | None = None,
    precision: Precision = "float32",
    batch_tokens: int = BATCH_TOKENS,
) -> Iterator[Batch]:
    """Run the model on every row, dropout off, no gradients; at most `batch_tokens` tokens in memory at once (halved where that fails).

    `tier` is found on these rows when it is not given. float32 by default, so that scores equal plain transformers' to rounding.
    """
    if len(examples) == 0:
        return
    forward = _forward(model, examples, tier, precision)
    for indices, answer in walk(forward, examples, cutter_for(forward, batch_tokens), forward):
        yield Batch(
            indices,
            answer.logits.cpu().numpy() if "logits" in want else None,
            answer.hidden_mean().cpu().numpy() if "hidden_mean" in want else None,
        )


def observe(
    model: nn.Module,
    examples: Examples,
    objective: Objective,
    *,
    tier: Tier | None = None,
    precision: Precision = "float32",
    batch_tokens: int = BATCH_TOKENS,
) -> Iterator[tuple[Indices, Observed]]:
    """As `infer`, but what `objective` keeps of every answer: for language models, where logits are too many to hand out.

    Gives the places of some rows and, row by row in that order, what was observed of their learned tokens.
    """
    if len(examples) == 0:
        return
    forward = _forward(model, examples, tier, precision)
    yield from walk(forward, examples, cutter_for(forward, batch_tokens), lambda micro: forward.observe(micro, objective))


def _forward(model: nn.Module, examples: Examples, tier: Tier | None, precision: Precision) -> Forward:
    refuse_empty_rows(examples)
    tier = tier or find_tier(model, examples, gradients=False)
    dtype, _ = precision_of(precision, model)
    return tier.forward(model, dtype)


def in_order(batches: Iterator[Batch], n: int, pick: Callable[[Batch], Result | None] = lambda b: b.logits) -> Result:
    """All results as one array [n, ...] in the order of the rows (logits unless `pick` says otherwise)."""
    out: Result | None = None
    for batch in batches:
        part = pick(batch)
        assert part is not None, "these were not asked for"
        if out is None:
            out = np.empty((n, *part.shape[1:]), dtype=np.float32)
        out[batch.indices] = part
    return out if out is not None else np.empty((0, 0), dtype=np.float32)


def walk(forward: Forward, examples: Examples, cutter: Cutter, run: Callable[[Micro], T]) -> Iterator[tuple[Indices, T]]:
    """`run` on every row, window by window, longest rows of a window first; eval mode while it runs."""
    with evaluating(forward.model), forward.ready():
        for first in range(0, len(examples), _WINDOW):
            window = np.arange(first, min(len(examples), first + _WINDOW))
            todo = cutter.cut(window, np.asarray(examples.lengths))
            while todo:
                rows = todo.pop()
                try:
                    with torch.inference_mode():
                        answer = run(assemble(examples, rows))
                except (RuntimeError, MemoryError) as error:
                    cutter = less_memory(error, cutter, examples, rows)
                    todo += cutter.cut(rows, np.asarray(examples.lengths))
                    continue
                yield rows, answer


def cutter_for(forward: Forward, tokens: int, rows: int | None = None) -> Cutter:
    """A Cutter that counts as the tier needs it."""
    return Cutter(tokens, rows, padded=forward.tier != "packed", equal_lengths=forward.tier == "equal_lengths")


def refuse_empty_rows(examples: Examples) -> None:
    """DataError where a row has no token at all: there is nothing to attend to."""
    empty = np.flatnonzero(np.asarray(examples.lengths) == 0)
    if len(empty):
        names = ", ".join(examples.row_ids(empty[:5]))
        raise DataError(f"{len(empty)} rows have no tokens ({names})", fix="drop rows without text")
