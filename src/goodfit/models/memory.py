"""How much memory a training will need, told from the configuration before anything is loaded. `check` and `choose` ask.

Counted: weights, gradients, AdamW's two moments, what autograd keeps per token, and the process itself. The figures per token were
counted with saved_tensors_hooks on BERT, ModernBERT, Llama and GPT-2 shapes (docs/why/engine.md has the table).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn
from transformers.pytorch_utils import Conv1D

from goodfit.models.heads import TWO, Head
from goodfit.models.identity import skeleton
from goodfit.models.source import Source, resolve

_PROCESS = 450_000_000
"""Python, torch and transformers, loaded and idle (resident, measured)."""
_COMPOSED = frozenset({"gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu"})
"""Activations made of several operations, each of which keeps its input."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes, by what holds them."""

    process: int
    weights: int
    gradients: int
    optimiser: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.process + self.weights + self.gradients + self.optimiser + self.activations

    def to_json(self) -> dict[str, int]:
        """A plain dict, the total with it."""
        return asdict(self) | {"total": self.total}


def estimate(
    source: str | Path | Source,
    *,
    head: Head = TWO,
    batch_tokens: int = 4096,
    longest: int = 128,
    half: bool = False,
    lora_r: int | None = None,
) -> Memory:
    """Memory for training a model with forward passes of `batch_tokens` tokens, in rows of up to `longest` tokens.

    `half`: products in bfloat16 (weights stay float32). `lora_r`: an adapter of that rank on all linear layers instead of all weights.
    """
    model = skeleton(source if isinstance(source, Source) else resolve(source), head)
    linear = [module for module in model.modules() if isinstance(module, nn.Linear | Conv1D)]
    total = sum(p.numel() for p in model.parameters())
    products = sum(module.weight.numel() for module in linear)
    learning = total if lora_r is None else lora_r * sum(sum(module.weight.shape) for module in linear)
    copies = 2 * products if half else 0
    held = total if lora_r is None else total + learning
    tokens = max(batch_tokens, longest)
    return Memory(
        process=_PROCESS,
        weights=4 * held,
        gradients=4 * learning,
        optimiser=8 * learning,
        activations=copies + int(tokens * _per_token(model, linear, longest=longest, half=half)),
    )


def _per_token(model: Any, linear: list[Any], *, longest: int, half: bool) -> float:
    """Bytes that the forward pass keeps for the backward pass, per token, and the most that the backward pass adds."""
    config = model.config.get_text_config()
    width, depth, heads = config.hidden_size, config.num_hidden_layers, config.num_attention_heads
    inner = getattr(config, "intermediate_size", None) or getattr(config, "n_inner", None) or 4 * width
    gated = sum(1 for module in linear if inner in module.weight.shape or 2 * inner in module.weight.shape) >= 3 * depth
    gated = gated or any(2 * inner in module.weight.shape for module in linear)
    activation = (
        getattr(config, "hidden_activation", None) or getattr(config, "hidden_act", None) or getattr(config, "activation_function", "")
    )
    inner_times = 5 if activation in _COMPOSED and not gated else 4 if gated else 2
    dropped = any(module.p > 0 for module in model.modules() if isinstance(module, nn.Dropout))
    per_key = (6 if half else 12) if dropped else (2 if half else 0)
    kept = (7 * width + inner_times * inner / 2 if half else 10 * width + inner_times * inner) * 4 + heads * longest * per_key
    passing = 4 * (2 * inner + 4 * width) + heads * longest * per_key
    return depth * kept + passing
