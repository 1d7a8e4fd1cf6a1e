"""How fast the weights move: the size of one update relative to the weights, watched in a few matrices.

Weights are watched in up to three linear layers of the body, from bottom to top. Of an adapter the update is that of the correction which
it adds, relative to the frozen weights that it corrects: its own matrices start at zero, and any step is large beside them.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import nn

from goodfit.engine.parts import base_model
from goodfit.models.adapters import Correction, corrections

_LARGEST = 4_000_000
_WATCHED = 3


class Watched(Protocol):
    """One matrix."""

    def remember(self) -> None:
        """The weights as they are before a step."""

    def moved(self) -> tuple[float, float]:
        """Squared norms of the update since, and of the weights."""


class Weight:
    """A matrix that learns."""

    def __init__(self, weight: nn.Parameter) -> None:
        self._weight, self._before = weight, weight.detach()

    def remember(self) -> None:
        """A copy."""
        self._before = self._weight.detach().clone()

    def moved(self) -> tuple[float, float]:
        """Of the update, and of the weights before it."""
        out = float((self._weight.detach() - self._before).square().sum()), float(self._before.square().sum())
        self._before = self._weight.detach()
        return out


class Corrected:
    """A frozen matrix and its correction scale * b @ a. Norms come from the r x r products, never from the whole matrix."""

    def __init__(self, correction: Correction) -> None:
        self._now, self._size = correction, float(correction.weight.detach().float().square().sum())
        self._before: tuple[torch.Tensor, torch.Tensor] | None = None

    def remember(self) -> None:
        """Copies of both factors."""
        self._before = (self._now.a.detach().double().clone(), self._now.b.detach().double().clone())

    def moved(self) -> tuple[float, float]:
        """Of the change of the correction, and of the frozen weights."""
        assert self._before is not None
        a = torch.cat([self._now.a.detach().double(), self._before[0]])
        b = torch.cat([self._now.b.detach().double(), -self._before[1]], dim=1)
        self._before = None
        return max(0.0, self._now.scale**2 * float(((b.T @ b) * (a @ a.T)).sum())), self._size


def watch(model: nn.Module, parameters: dict[str, nn.Parameter]) -> list[Watched]:
    """Some of what learns: corrections of an adapter, else linear layers of the body, else whatever learns."""
    corrected = corrections(model)
    if corrected:
        return [Corrected(one) for one in _spread(corrected)]
    learning = {id(p) for p in parameters.values()}
    inside: list[Any] = [
        m.weight for m in base_model(model).modules() if getattr(m, "weight", None) is not None and not isinstance(m, nn.Embedding)
    ]
    layers = [p for p in inside if id(p) in learning and p.ndim == 2 and p.numel() <= _LARGEST]
    return [Weight(p) for p in _spread(layers or [p for p in parameters.values() if p.ndim == 2] or list(parameters.values()))]


def _spread(items: list[Any]) -> list[Any]:
    """The first, the middle and the last."""
    return [items[i] for i in sorted({0, len(items) // 2, len(items) - 1})] if len(items) > _WATCHED else items
