"""Adapters through PEFT: a small trainable correction beside frozen weights, and the head trained in full."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, TaskType, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers.pytorch_utils import Conv1D

from goodfit.errors import ModelError
from goodfit.models.load import LoadedModel, mark_fresh


def add_lora(
    loaded: LoadedModel,
    *,
    r: int = 16,
    lora_alpha: float = 32,
    lora_dropout: float = 0.0,
    target_modules: str | Sequence[str] = "all-linear",
    seed: int = 42,
) -> LoadedModel:
    """The same model with a LoRA adapter; only it learns, a classifier's head, and the rows of tokens that were added.

    Equal seeds give equal adapters.

    `all-linear` means every linear layer of the body; names (or a regular expression) are PEFT's. ModelError where nothing matches.
    """
    model = loaded.model
    language = not loaded.labels
    whole = [] if language else _whole_modules(model, loaded.fresh)
    apart = whole or _heads(model)
    targets = _linear_layers(model, apart) if target_modules == "all-linear" else target_modules
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM if language else TaskType.SEQ_CLS,
        r=r,
        lora_alpha=lora_alpha,
        lora_dropout=lora_dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        modules_to_save=whole or None,
        trainable_token_indices=_rows_of(model, loaded.new_tokens),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            adapted: Any = get_peft_model(model, config)
    except ValueError as error:
        known = sorted({name.rsplit(".", 1)[-1] for name in _linear_layers(model, apart)})
        raise ModelError(
            f"peft.target_modules {target_modules!r} fits no layer of {loaded.identity.name}",
            fix=f"its linear layers are {', '.join(known)}",
        ) from error
    if loaded.fresh:
        mark_fresh(adapted, {name for name, _ in adapted.get_base_model().named_parameters() if ".modules_to_save." in name})
    identity = dataclasses.replace(loaded.identity, parameters=sum(p.numel() for p in adapted.parameters()))
    return dataclasses.replace(loaded, model=adapted.eval(), identity=identity)


@dataclass(frozen=True, eq=False)
class Correction:
    """What an adapter adds to one frozen matrix: scale * b @ a."""

    a: torch.Tensor
    """[r, in]"""
    b: torch.Tensor
    """[out, r]"""
    scale: float
    weight: torch.Tensor
    """The frozen matrix."""


def corrections(model: Any) -> list[Correction]:
    """Of every linear layer with a LoRA adapter, from bottom to top; none where there is no adapter."""
    out = []
    for module in model.modules():
        if isinstance(module, LoraLayer) and module.active_adapters:
            name = module.active_adapters[0]
            if name in module.lora_A:
                a, b = module.lora_A[name].weight, module.lora_B[name].weight
                out.append(Correction(a, b, float(module.scaling[name]), module.get_base_layer().weight))
    return out


def _rows_of(model: Any, ids: Sequence[int]) -> dict[str, list[int]] | None:
    """The tables whose rows of these tokens are learned and saved with the adapter (PEFT ties what the model ties)."""
    if not ids:
        return None
    tied = bool(getattr(model.config.get_text_config(), "tie_word_embeddings", False))
    tables = [model.get_input_embeddings(), *([] if tied else [model.get_output_embeddings()])]
    return {name: list(ids) for table in tables for name, module in model.named_modules() if module is table}


def _whole_modules(model: Any, fresh: frozenset[str]) -> list[str]:
    """Modules that are trained and saved in full: the head's, and those of the body that the checkpoint did not hold."""
    made = {name.rsplit(".", 1)[0] for name in fresh if name.startswith(f"{model.base_model_prefix}.")}
    return _heads(model) + sorted(made)


def _heads(model: Any) -> list[str]:
    """The modules beside the body."""
    return [name for name, module in model.named_children() if name != model.base_model_prefix and any(True for _ in module.parameters())]


def _linear_layers(model: Any, apart: list[str]) -> list[str]:
    """The full names of all linear layers, without those in the modules named `apart`."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and not any(name == other or name.startswith(f"{other}.") for other in apart)
    ]
