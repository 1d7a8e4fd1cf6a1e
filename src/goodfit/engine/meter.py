"""Meter: the step lines. It adds up what happened since the last line and says when the next is due."""

from __future__ import annotations

import math
import time

import torch

from goodfit.engine.events import Step
from goodfit.engine.plan import Plan
from goodfit.engine.step import Stepped
from goodfit.memory import resident_bytes


class Meter:
    """Sums over the optimiser steps since the last line; only training time counts, not evaluation or saving."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._last: Stepped | None = None
        self._loss = self._weight = self._seconds = self._cpu = self._waited = self._begun = self._cpu_begun = 0.0
        self._rows = self._tokens = self._steps = self._clipped = 0
        self._loss_max = -math.inf

    def due(self, step: int, *, last: bool) -> bool:
        """Whether a line is due after optimiser step `step` (1-based).

        The first step has a line of its own: its loss is that of the untrained model.
        """
        if last or step == 1:
            return True
        if self._plan.logging_steps is not None:
            return step % self._plan.logging_steps == 0
        return self._seconds + (time.perf_counter() - self._begun if self._begun else 0.0) >= self._plan.logging_seconds

    def begin(self) -> None:
        """An optimiser step begins."""
        self._begun, self._cpu_begun = time.perf_counter(), time.process_time()

    def end(self, stepped: Stepped) -> None:
        """It is done."""
        self._seconds += time.perf_counter() - self._begun
        self._cpu += time.process_time() - self._cpu_begun
        self._begun = 0.0
        self._loss += stepped.loss_sum
        self._loss_max = max(self._loss_max, stepped.loss_sum / (stepped.weight_total or 1.0))
        self._steps, self._clipped = self._steps + 1, self._clipped + (0 < self._plan.max_grad_norm < stepped.grad_norm)
        self._weight += stepped.weight_total
        self._rows += stepped.rows
        self._tokens += stepped.tokens
        self._waited += stepped.data_seconds
        self._last = stepped

    @property
    def empty(self) -> bool:
        """Whether nothing happened since the last line."""
        return self._last is None

    def line(self, *, attempt: int, step: int, epoch: float, rate: float, tokens: int) -> Step:
        """The line, and a fresh start."""
        assert self._last is not None
        seconds = max(self._seconds, 1e-9)
        event = Step(
            attempt=attempt, step=step, epoch=round(epoch, 4), loss=self._loss / (self._weight or 1.0), n=self._rows,
            loss_max=self._loss_max, learning_rate=rate, grad_norm=self._last.grad_norm,
            clipped_share=round(self._clipped / self._steps, 4), update_ratio=self._last.update_ratio, tokens=tokens,
            tokens_per_second=round(self._tokens / seconds, 1), samples_per_second=round(self._rows / seconds, 2),
            memory_bytes=_memory(), data_wait_share=round(self._waited / seconds, 4), seconds=round(seconds, 4),
            cpu_seconds=round(self._cpu, 4),
        )  # fmt: skip
        self._clear()
        return event

    def _clear(self) -> None:
        self._loss = self._weight = self._seconds = self._cpu = self._waited = 0.0
        self._rows = self._tokens = self._steps = self._clipped = 0
        self._loss_max = -math.inf
        self._begun = self._cpu_begun = 0.0
        self._last = None


def _memory() -> int:
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else resident_bytes()
