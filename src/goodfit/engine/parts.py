"""The parts of a classifier, wherever an adapter has wrapped it: the whole, and the base model below the head."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peft import PeftModel
from torch import nn


def whole_model(model: nn.Module) -> nn.Module:
    """The transformers classifier, also from inside a PeftModel (whose adapters are part of its modules)."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def base_model(model: nn.Module) -> nn.Module:
    """The part below the head."""
    whole: Any = whole_model(model)
    base: nn.Module = getattr(whole, whole.base_model_prefix)
    return base


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode within it; every module's own mode again afterwards."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
