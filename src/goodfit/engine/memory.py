"""Memory while it runs: what counts as 'out of memory', and the smaller cut that follows it."""

from __future__ import annotations

import torch

from goodfit.engine.batches import Cutter, Indices
from goodfit.engine.examples import Examples
from goodfit.errors import MachineError

_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch or Python means that memory ran out."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(sign in str(error).lower() for sign in _SIGNS)


def less_memory(error: BaseException, cutter: Cutter, examples: Examples, rows: Indices) -> Cutter:
    """A Cutter that splits `rows` further; any other error is raised again, and MachineError where one row alone is too much."""
    if not is_out_of_memory(error):
        raise error
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    pieces = cutter.cut(rows, examples.lengths)
    if max(map(len, pieces)) == 1:
        longest = rows[int(examples.lengths[rows].argmax())]
        raise MachineError(
            f"memory ran out on one row of {int(examples.lengths[longest]):,} tokens ({bytes(examples.row[longest]).decode()})",
            fix="lower prepare.max_length, choose a smaller model, or train an adapter (peft.method: lora)",
        ) from error
    smaller = cutter.halved()
    while len(smaller.cut(rows, examples.lengths)) <= len(pieces):
        smaller = smaller.halved()
    return smaller
