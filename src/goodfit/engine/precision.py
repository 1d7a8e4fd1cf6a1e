"""Which arithmetic the matrix products run in: measured on this machine, not looked up.

Weights, optimiser state and residual sums stay float32; only products run in bfloat16 (torch.autocast). A processor without
bfloat16 units is slower in it, so the two are timed once per process at the model's own width.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from goodfit.engine.parts import whole_model
from goodfit.engine.plan import Precision

_CLEARLY = 1.3
"""bfloat16 is taken where it is faster by this factor: casting the weights costs a part of the gain."""
_ROWS = 512
_SECONDS = 0.04


def precision_of(asked: Precision, model: nn.Module) -> tuple[torch.dtype, str]:
    """The dtype of this model's products, where it stands, and why."""
    whole: Any = whole_model(model)
    return choose_precision(asked, int(whole.config.get_text_config().hidden_size), next(model.parameters()).device)


def choose_precision(asked: Precision, hidden_size: int, device: torch.device) -> tuple[torch.dtype, str]:
    """The dtype of the products at this width, and why."""
    if asked != "auto":
        return getattr(torch, asked), "as the plan says"
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
        return (torch.bfloat16, "the card has bfloat16 units") if fast else (torch.float32, "the card has no bfloat16 units")
    ratio = _speed_up(min(hidden_size, 2048), torch.get_num_threads())
    if ratio >= _CLEARLY:
        return torch.bfloat16, f"matrix products are {ratio:.1f} times as fast as in float32 here"
    return torch.float32, f"bfloat16 would be {ratio:.1f} times as fast here: not worth it"


@lru_cache(maxsize=8)
def _speed_up(width: int, threads: int) -> float:
    """Seconds of a float32 product over those of a bfloat16 one, at the shape of a feed-forward layer."""
    return _seconds(width, torch.float32) / _seconds(width, torch.bfloat16)


def _seconds(width: int, dtype: torch.dtype) -> float:
    """The fastest of several products: the one that nothing else disturbed."""
    a = torch.ones(_ROWS, width, dtype=dtype)
    b = torch.ones(width, 4 * width, dtype=dtype)
    best, until = float("inf"), 0.0
    while until < _SECONDS:
        start = time.perf_counter()
        torch.mm(a, b)
        took = time.perf_counter() - start
        best, until = min(best, took), until + took
    return best
