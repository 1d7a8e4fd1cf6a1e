"""Working copies of a model's weights for generating: adapters merged, in the dtype of the products, laid out as the processor wants.

On the CPU a product of few rows with an ordinary weight matrix spends half its time rearranging the matrix; oneDNN's own layout, made
once, saves that at every token (docs/decisions/0106-writing.md has the figures).

Shapes: T tokens, n outputs, m inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper
from torch import nn

_dnn: Any = torch.ops.mkldnn


class Refused(Exception):
    """The model has a part that the own forward pass does not know."""


def dense(module: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    """[n, m] weight and [n] bias of a linear layer, its active LoRA adapters merged. Raises Refused for any other layer."""
    if isinstance(module, ModulesToSaveWrapper):
        module = module.original_module if module.disable_adapters else module.modules_to_save[module.active_adapters[0]]
    if isinstance(module, LoraLayer):
        return _merged(module)
    if type(module) is not nn.Linear:
        raise Refused(type(module).__name__)
    return module.weight, module.bias


def _merged(module: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    inner = module.get_base_layer()
    if type(inner) is not nn.Linear or module.merged:
        raise Refused(f"{type(module).__name__} around {type(inner).__name__}")
    weight = inner.weight
    for name in () if module.disable_adapters else module.active_adapters:
        if name in module.lora_A:
            weight = weight + module.get_delta_weight(name).to(weight.dtype)
    return weight, inner.bias


def can_pack(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether oneDNN's layout is to be had here: tried once on a small product, since torch offers it to its own compiler only."""
    if device.type != "cpu" or not torch._C._has_mkldnn:
        return False
    try:
        eye = torch.eye(32, dtype=dtype)
        packed = _dnn._reorder_linear_weight(eye, 8)
        return bool(torch.equal(_dnn._linear_pointwise(eye[:8], packed, None, "none", [], ""), eye[:8]))
    except (RuntimeError, AttributeError, TypeError):
        return False


class Product:
    """[T, m] -> [T, n] of one or several linear layers that read the same input, their outputs side by side."""

    def __init__(self, modules: Sequence[Any], dtype: torch.dtype, *, packed: bool) -> None:
        parts = [dense(module) for module in modules]
        self.widths = [len(weight) for weight, _ in parts]
        weight = torch.cat([w.to(dtype) for w, _ in parts]) if len(parts) > 1 else parts[0][0].to(dtype)
        biases = [b for _, b in parts if b is not None]
        if len(biases) not in (0, len(parts)):
            raise Refused("a bias on some of the projections only")
        self.bias = torch.cat([b.to(dtype) for b in biases]) if biases else None
        self.packed = packed
        self.weight = _dnn._reorder_linear_weight(weight.contiguous(), 8) if packed else weight

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[T, n]"""
        if self.packed:
            out: torch.Tensor = _dnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
            return out
        return F.linear(x, self.weight, self.bias)


class Norm:
    """A root-mean-square norm as the module computes it: weight x, or (1 + weight) x as in Gemma, with the same roundings."""

    def __init__(self, module: Any, dtype: torch.dtype) -> None:
        weight = module.weight.detach()
        eps = getattr(module, "variance_epsilon", None) or module.eps
        probe = torch.linspace(-2, 3, weight.shape[-1], device=weight.device, dtype=weight.dtype)
        plain = probe * torch.rsqrt(probe.pow(2).mean() + eps)
        said = module(probe)
        self.shifted = not torch.allclose(said, plain * weight, rtol=1e-5, atol=1e-6)
        if self.shifted and not torch.allclose(said, plain * (1 + weight), rtol=1e-5, atol=1e-6):
            raise Refused(type(module).__name__)
        self.eps = float(eps)
        self.weight = 1 + weight.float() if self.shifted else weight.to(dtype)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[…, width], normed over the last dimension."""
        if x.dtype == torch.float32:
            return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (wide * self.weight).to(x.dtype) if self.shifted else self.weight * wide.to(x.dtype)


def norm(owner: Any, name: str, dtype: torch.dtype) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """The norm of that name, or None where the layer has none."""
    module = getattr(owner, name, None)
    return None if module is None else Norm(module, dtype)
