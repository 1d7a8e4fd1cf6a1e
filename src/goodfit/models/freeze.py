"""Freezing: which weights stay as they are. The engine trains whatever has `requires_grad`, and stores no gradient for the rest."""

from __future__ import annotations

from typing import Any, Literal

from torch import nn

from goodfit.errors import SettingsError
from goodfit.models.load import fresh_parameters


def freeze(model: Any, what: Literal["none", "embeddings", "body"] | int) -> int:
    """Freeze part of a classifier in place; returns how many parameters are frozen.

    `embeddings`; a number k: the embeddings and the first k layers; `body`: everything but the head (and what is new). SettingsError
    where the model has fewer layers.
    """
    if what == "none":
        return 0
    base: nn.Module = getattr(model, model.base_model_prefix)
    stack = layers(base)
    if isinstance(what, int) and what > len(stack):
        raise SettingsError(f"train.freeze: {what}, but the model has {len(stack)} layers", fix=f"give at most {len(stack)}, or `body`")
    if what == "body":
        frozen = list(base.parameters())
    else:
        parts = [*_embeddings(base, stack), *(stack[:what] if isinstance(what, int) else [])]
        frozen = [p for part in parts for p in part.parameters()]
    new = {id(p) for name, p in model.named_parameters() if name in fresh_parameters(model)}
    chosen = {id(p): p for p in frozen if id(p) not in new}
    for p in chosen.values():
        p.requires_grad_(False)
    return sum(p.numel() for p in chosen.values())


def layers(base: nn.Module) -> list[nn.Module]:
    """The blocks of a transformer, bottom first: the longest list of modules of one class."""
    stacks = [list(m) for m in base.modules() if isinstance(m, nn.ModuleList) and len({type(block) for block in m}) == 1]
    return max(stacks, key=len, default=[])


def _embeddings(base: nn.Module, stack: list[nn.Module]) -> list[nn.Module]:
    """Embedding tables, each with what belongs to it (its norm, its projection) where they share a module of their own."""
    inside = {id(module) for block in stack for module in block.modules()}
    holds_layers = {id(module) for module in base.modules() if any(block in set(module.modules()) for block in stack[:1])}
    found: list[nn.Module] = []
    for parent in base.modules():
        tables = [child for child in parent.children() if isinstance(child, nn.Embedding) and id(child) not in inside]
        if tables:
            found += tables if id(parent) in holds_layers else [parent]
    return found
