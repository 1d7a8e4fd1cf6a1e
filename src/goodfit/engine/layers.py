"""Features of rows by a model that was not trained on them: hidden states averaged over a row's tokens and over the model's layers.

`choose` compares base models by them. The mean over all layers tells far more of what fine-tuning will reach than the last layer does
(Garbaciauskas et al. 2024: Pearson 0.65 -> 0.88 for H-scores). The base model runs in the tier that `find_tier` finds right for it.

Shapes: n rows, T tokens, H hidden size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from goodfit.engine import attention
from goodfit.engine.batches import Micro
from goodfit.engine.examples import Examples
from goodfit.engine.forward import Forward
from goodfit.engine.infer import BATCH_TOKENS, cutter_for, walk
from goodfit.engine.layout import make_layout
from goodfit.engine.plan import Precision
from goodfit.engine.precision import precision_of
from goodfit.engine.tier import find_tier

OnDone = Callable[[int], object]
"""Called with the number of rows done so far."""


def layer_means(
    model: nn.Module,
    examples: Examples,
    *,
    precision: Precision = "auto",
    batch_tokens: int = BATCH_TOKENS,
    on_done: OnDone = lambda _: None,
) -> NDArray[np.float32]:
    """float32 [n, H]: the mean over the row's tokens and over all layers above the embeddings.

    Raises ModelError where rows cannot stand side by side in this model.
    """
    tier = find_tier(model, examples, gradients=False)
    dtype, _ = precision_of(precision, model)
    forward, out, done = tier.forward(model, dtype), None, 0
    for indices, found in walk(forward, examples, cutter_for(forward, batch_tokens), lambda micro: _means(forward, micro)):
        if out is None:
            out = np.empty((len(examples), found.shape[1]), dtype=np.float32)
        out[indices] = found.cpu().numpy()
        done += len(indices)
        on_done(done)
    return out if out is not None else np.empty((0, 0), dtype=np.float32)


def _means(forward: Forward, micro: Micro) -> torch.Tensor:
    """float32 [n, H] of one micro-batch, on the model's device."""
    micro = micro.to(forward.device)
    layout = make_layout(micro.lengths, forward.device)
    more: dict[str, Any] = {"return_dict": True, "output_hidden_states": True, **forward._no_cache_below}
    with torch.autocast(forward.device.type, dtype=torch.bfloat16, enabled=forward.dtype == torch.bfloat16):
        if forward.tier == "packed":
            with attention.packed(layout):
                said = forward.base(input_ids=micro.ids[None], position_ids=layout.position_ids + forward.position_offset, **more)
            flat = _over_layers(said.hidden_states)[0]
        else:
            ids, valid = forward._padded_ids(micro, layout)
            flat = _over_layers(forward.base(input_ids=ids, attention_mask=valid.long(), **more).hidden_states)[valid]
    lengths = torch.as_tensor(micro.lengths, device=flat.device)
    owner = torch.repeat_interleave(torch.arange(len(lengths), device=flat.device), lengths)
    sums = flat.new_zeros(len(lengths), flat.shape[1]).index_add_(0, owner, flat)
    return sums / lengths[:, None]


def _over_layers(states: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """[b, t, H] in float32; the embeddings, which come first, do not count."""
    above = states[1:] or states
    total = above[0].float()
    for state in above[1:]:
        total = total + state.float()
    return total / len(above)
