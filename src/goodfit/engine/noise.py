"""NEFTune: uniform noise on the embeddings while a language model trains, which keeps it from learning answers by heart.

Source: Jain et al. 2023 (arXiv 2310.05914). The noise of a row of L tokens of width d is uniform in +-alpha / sqrt(L d), as in
transformers' `neftune_noise_alpha`; a packed row counts its own tokens. It is drawn from the training's generator, so that a resumed
training draws the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from goodfit.engine.attention import row_lengths
from goodfit.engine.parts import whole_model


@contextmanager
def noise_of(model: nn.Module, alpha: float | None) -> Iterator[None]:
    """Within it the input embeddings are noisy in training mode; nothing happens without `alpha`."""
    if not alpha:
        yield
        return
    whole: Any = whole_model(model)
    embeddings = whole.get_input_embeddings()

    def add(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        if not module.training or not torch.is_grad_enabled():
            return output
        lengths = row_lengths()
        tokens = output.new_tensor(output.shape[1]) if lengths is None else torch.repeat_interleave(*lengths).to(output)[None, :, None]
        reach = alpha / torch.sqrt(tokens * output.shape[-1])
        return output + torch.empty_like(output).uniform_(-1, 1) * reach

    handle = embeddings.register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()
