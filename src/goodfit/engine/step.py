"""One optimiser step: the whole batch through the model in micro-batches, its gradient, and what to do when numbers run wild.

The loss is the sum over the batch divided by its total weight, known before the first micro-batch runs: however the batch is cut,
the gradient is that of the whole. Every micro-batch seeds its own dropout from (seed, step, place), so that a training that is cut
anywhere goes on with the same bits.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from goodfit.engine.batches import Cutter, Indices, Micro, assemble
from goodfit.engine.examples import Examples
from goodfit.engine.finite import NotFinite
from goodfit.engine.forward import Forward
from goodfit.engine.looks import Facts, Followed
from goodfit.engine.objective import Objective
from goodfit.engine.optimiser import Optimiser

_NAMED = 64
"""At most so many rows are tried one by one for the one whose gradient is not finite."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """What one optimiser step did."""

    loss_sum: float
    weight_total: float
    rows: int
    tokens: int
    grad_norm: float
    update_ratio: float | None
    data_seconds: float
    """Seconds spent on getting the tensors ready."""


class Stepper:
    """Runs optimiser steps on the training rows."""

    def __init__(self, forward: Forward, optimiser: Optimiser, objective: Objective, examples: Examples, seed: int) -> None:
        self.forward, self.optimiser = forward, optimiser
        self._objective, self._examples, self._seed = objective, examples, seed
        self.followed: Followed | None = None
        """Training rows whose predictions are noted."""
        self._overheard = _Overheard(objective)
        self._noted: list[tuple[Indices, Facts]] = []

    def __call__(self, step: int, batch: Indices, cutter: Cutter, *, scale: float = 1.0, observe: bool = False) -> Stepped:
        """Optimiser step `step` (0-based) on the rows of `batch`. Raises NotFinite before any weight changes."""
        total = self._objective.weight_total(np.asarray(self._examples.target[batch]), np.asarray(self._examples.weight[batch]))
        loss_sum, data_seconds = 0.0, 0.0
        self._noted = []
        for place, rows in enumerate(cutter.cut(batch, self._examples.lengths)):
            start = time.perf_counter()
            micro = assemble(self._examples, rows)
            data_seconds += time.perf_counter() - start
            loss_sum += self._accumulate(micro, total or 1.0, dropout_seed(self._seed, step, place))
        norm = self.optimiser.clip()
        if not math.isfinite(norm):
            rows_named = self._rows_with_wild_gradients(batch, step)
            self.optimiser.forget_gradients()
            raise NotFinite(norm, "gradient", rows_named)
        ratio = self.optimiser.step(step, scale, observe=observe)
        if self.followed is not None:
            for rows, facts in self._noted:
                self.followed.add(rows, facts)
        tokens = int(self._examples.lengths[batch].sum())
        return Stepped(loss_sum, total, len(batch), tokens, norm, ratio, data_seconds)

    def rehearse(self, rows: Indices) -> float:
        """Forward and backward on some rows, leaving weights, gradients and random state alone; returns the seconds it took."""
        start = time.perf_counter()
        with torch.random.fork_rng(devices=[self.forward.device] if self.forward.device.type == "cuda" else []):
            try:
                micro = assemble(self._examples, rows)
                self._loss(micro).backward()  # type: ignore[no-untyped-call]
            finally:
                self.optimiser.forget_gradients()
        return time.perf_counter() - start

    def _accumulate(self, micro: Micro, total: float, seed: int) -> float:
        """Add a micro-batch's share of the gradient; returns its summed loss."""
        torch.manual_seed(seed)
        loss = self._loss(micro)
        value = float(loss.detach())
        if not math.isfinite(value):
            rows = self._rows_with_wild_losses(micro)
            self.optimiser.forget_gradients()
            raise NotFinite(value, "loss", rows)
        (loss / total).backward()  # type: ignore[no-untyped-call]
        if self.followed is not None:
            self._noted.append((micro.indices, self._overheard.of(micro)))
        return value

    def _loss(self, micro: Micro) -> torch.Tensor:
        heard: Any = self._overheard
        return self.forward.loss(micro, self._objective if self.followed is None else heard)

    def _rows_with_wild_losses(self, micro: Micro) -> list[str]:
        """The rows whose own loss is not finite; all of them where only the sum is."""
        if len(micro.indices) > _NAMED:
            return self._examples.row_ids(micro.indices)
        with torch.no_grad():
            each = [float(self._loss(assemble(self._examples, micro.indices[i : i + 1]))) for i in range(len(micro.indices))]
        wild = [i for i, loss in enumerate(each) if not math.isfinite(loss)]
        return self._examples.row_ids(micro.indices[wild or slice(None)])

    def _rows_with_wild_gradients(self, batch: Indices, step: int) -> list[str]:
        """The rows whose own gradient is not finite; the whole batch where none is, or where it is large."""
        wild: list[int] = []
        for index in batch[:_NAMED] if len(batch) <= _NAMED else []:
            self.optimiser.forget_gradients()
            torch.manual_seed(dropout_seed(self._seed, step, 0))
            self._loss(assemble(self._examples, np.asarray([index]))).backward()  # type: ignore[no-untyped-call]
            gradients = [p.grad for p in self.optimiser.parameters.values() if p.grad is not None]
            if not math.isfinite(float(torch.nn.utils.get_total_norm(gradients))):
                wild.append(int(index))
        return self._examples.row_ids(np.asarray(wild if wild else batch))


class _Overheard:
    """The task's objective, which remembers the logits of the last loss: the predictions are there anyway."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._logits: torch.Tensor | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objective, name)

    def loss(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        self._logits = logits.detach()
        return self._objective.loss(logits, target, weight)

    def of(self, micro: Micro) -> Facts:
        """The facts of the micro-batch whose loss was the last."""
        assert self._logits is not None
        observed = self._objective.observe(self._logits.float().cpu(), micro.target)
        return self._objective.facts(observed, micro.target.cpu().numpy())


def dropout_seed(seed: int, step: int, place: int) -> int:
    """63 bits from the plan's seed, the optimiser step and the place of the micro-batch in it."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{step}/{place}".encode(), digest_size=8).digest(), "little") >> 1
