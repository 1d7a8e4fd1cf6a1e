"""Numbers that run wild: the error that ends a training before NaN reaches a weight or the disk."""

from __future__ import annotations

import math

import torch


class NotFinite(ArithmeticError):
    """A loss, gradient or weight is NaN or infinite. Inside the engine only: `fit` turns it into errors.Diverged."""

    def __init__(self, value: float, where: str, rows: list[str]) -> None:
        self.kind = "nan" if math.isnan(value) else "inf"
        self.where, self.rows = where, rows
        super().__init__(f"the {where} is {self.kind}")


def refuse_wild_weights(weights: dict[str, torch.Tensor]) -> None:
    """NotFinite where a weight is NaN or infinite."""
    for name, tensor in weights.items():
        if not bool(torch.isfinite(tensor).all()):
            raise NotFinite(float(tensor.sum()), f"weight {name}", [])
