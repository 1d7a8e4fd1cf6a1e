"""Batches: which rows make an optimiser step, how a batch is cut to fit memory, and the tensors of one forward pass.

The composition of a batch depends on seed and epoch alone. How it is cut into micro-batches depends on memory and tier, and
changes nothing but rounding: the loss is normalised by the whole batch before the first cut runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from goodfit.engine.examples import Draws, Examples
from goodfit.engine.plan import Plan

Indices = NDArray[np.int64]
BLOCK = 0xB10C
"""Of the seed of a block's order."""


@dataclass(frozen=True, eq=False)
class Micro:
    """The rows of one forward pass, sorted by length."""

    indices: Indices
    """[n] places in the Examples."""
    ids: torch.Tensor
    """int64 [T], all tokens, without padding."""
    lengths: NDArray[np.int64]
    """[n] ascending."""
    target: torch.Tensor
    """[n] or [n, L]; where tokens are predicted: int64 [m], the m learned tokens themselves, row by row."""
    weight: torch.Tensor
    """float32 [n] or [m]: of the row."""
    places: torch.Tensor | None = None
    """int64 [m] where tokens are predicted: the place in `ids` of the token before each learned one."""
    counts: NDArray[np.int64] | None = None
    """[n] where tokens are predicted: learned tokens of each row."""

    def to(self, device: torch.device) -> Micro:
        """The same on another device."""
        if device.type == "cpu":
            return self
        places = None if self.places is None else self.places.to(device)
        moved = (self.target.to(device), self.weight.to(device), places)
        return Micro(self.indices, self.ids.to(device), self.lengths, *moved, self.counts)


class Order:
    """The optimiser steps of a training: `batch(step)` gives the rows of each, for any step, without replaying the others."""

    def __init__(self, lengths: NDArray[np.int64], plan: Plan, draws: Draws = ()) -> None:
        """`draws`: (rows, drawn in an epoch) of each block of rows; none: every row once in an epoch."""
        assert len(lengths) > 0, "no rows to train on"
        self._lengths, self._plan, self._draws = lengths, plan, draws
        self._n = sum(drawn for _, drawn in draws) if draws else len(lengths)
        self.starts = np.concatenate([[0], np.cumsum(self._steps_of_epochs())]).astype(np.int64)
        """[epochs + 1] the first step of each epoch, and the end."""
        self.steps_total = int(self.starts[-1])

    def _steps_of_epochs(self) -> list[int]:
        """Steps in each epoch; the last may be cut short. `max_steps` overrules the epochs, as in transformers' Trainer."""
        counts: list[int] = []
        left = self._plan.max_steps
        epochs = self._plan.num_train_epochs
        while left is None and len(counts) < epochs - 1e-9:
            full, share = len(self._cuts(len(counts))) - 1, min(1.0, epochs - len(counts))
            counts.append(math.ceil(full * share - 1e-9))
        while left is not None and left > 0:
            counts.append(min(left, len(self._cuts(len(counts))) - 1))
            left -= counts[-1]
        return counts

    @property
    def ended_by(self) -> str:
        """What ends the training if nothing stops it before: `epochs` or `max_steps`."""
        return "epochs" if self._plan.max_steps is None else "max_steps"

    def epoch_of(self, step: int) -> int:
        """The epoch of an optimiser step, counted from 0."""
        return min(int(np.searchsorted(self.starts, step, side="right")) - 1, len(self.starts) - 2)

    def epochs_done(self, step: int) -> float:
        """Epochs after `step` optimiser steps, as a fraction."""
        epoch = self.epoch_of(max(0, step - 1))
        first, last = int(self.starts[epoch]), int(self.starts[epoch]) + len(self._cuts(epoch)) - 1
        return epoch + (step - first) / (last - first)

    def batch(self, step: int) -> Indices:
        """The rows of optimiser step `step` (0-based)."""
        epoch = self.epoch_of(step)
        cuts, place = self._cuts(epoch), step - int(self.starts[epoch])
        return self._shuffled(epoch)[cuts[place] : cuts[place + 1]]

    def evaluation_points(self, per_epoch: int) -> set[int]:
        """Steps after which to evaluate: `per_epoch` times in each epoch, evenly, its end among them."""
        points = {self.steps_total}
        for first, last in zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True):
            points |= {first + math.ceil(part * (last - first) / per_epoch) for part in range(1, per_epoch + 1)}
        return {point for point in points if 0 < point <= self.steps_total}

    @lru_cache(maxsize=2)  # noqa: B019 - an Order lives as long as its training
    def _shuffled(self, epoch: int) -> Indices:
        rng = np.random.default_rng([self._plan.seed, epoch])
        return rng.permutation(self._drawn(epoch)) if self._draws else rng.permutation(len(self._lengths))

    def _drawn(self, epoch: int) -> Indices:
        """The rows of an epoch: of each block the next so many in an order of its own, round and round, so that no row of it comes a
        second time before all others came once.
        """
        parts, first = [], 0
        for block, (rows, n) in enumerate(self._draws):
            order = np.random.default_rng([self._plan.seed, BLOCK, block]).permutation(rows) + first
            parts.append(order[(epoch * n + np.arange(n)) % rows] if rows else order)
            first += rows
        return np.concatenate(parts)

    @lru_cache(maxsize=64)  # noqa: B019
    def _cuts(self, epoch: int) -> Indices:
        """[steps + 1] where each batch begins in the shuffled rows."""
        n = self._n
        if self._plan.train_batch_size is not None:
            return np.append(np.arange(0, n, self._plan.train_batch_size), n)
        assert self._plan.train_batch_tokens is not None
        ends, cuts = np.cumsum(self._lengths[self._shuffled(epoch)]), [0]
        while cuts[-1] < n:
            done = int(ends[cuts[-1] - 1]) if cuts[-1] else 0
            cuts.append(max(cuts[-1] + 1, int(np.searchsorted(ends, done + self._plan.train_batch_tokens, side="right"))))
        return np.asarray(cuts, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Cutter:
    """How much one forward pass may hold."""

    tokens: int
    """Budget in tokens; in padded tiers padding counts."""
    rows: int | None = None
    padded: bool = False
    equal_lengths: bool = False

    def cut(self, indices: Indices, lengths: NDArray[np.int64]) -> list[Indices]:
        """The rows in micro-batches, shortest first; a row beyond the budget gets one of its own."""
        order = indices[np.argsort(lengths[indices], kind="stable")]
        sizes = lengths[order].tolist()
        cuts, held = [0], 0
        for i, size in enumerate(sizes):
            count = i - cuts[-1] + 1
            held += size
            cost = count * size if self.padded else held
            full = cost > self.tokens or (self.rows is not None and count > self.rows)
            if count > 1 and (full or (self.equal_lengths and size != sizes[cuts[-1]])):
                cuts.append(i)
                held = size
        return np.split(order, cuts[1:])

    def halved(self) -> Cutter:
        """Half the budget."""
        return Cutter(max(1, self.tokens // 2), None if self.rows is None else max(1, self.rows // 2), self.padded, self.equal_lengths)

    def worst(self, lengths: NDArray[np.int64], at_most_rows: int | None) -> Indices:
        """The heaviest micro-batch that any batch of these rows could give: the longest rows, as many as fit."""
        limit = min(len(lengths), self.tokens, *(x for x in (self.rows, at_most_rows) if x is not None))
        longest = np.argpartition(lengths, len(lengths) - limit)[len(lengths) - limit :]
        longest = longest[np.argsort(-lengths[longest], kind="stable")]
        total = np.arange(1, limit + 1) * int(lengths[longest[0]]) if self.padded else np.cumsum(lengths[longest])
        count = max(1, int(np.searchsorted(total, self.tokens, side="right")))
        if self.equal_lengths:
            count = max(1, int((lengths[longest[:count]] == lengths[longest[0]]).sum()))
        return longest[:count]


def assemble(examples: Examples, indices: Indices) -> Micro:
    """The tensors of some rows; they are sorted by length if they are not yet."""
    lengths = np.asarray(examples.lengths[indices])
    if (np.diff(lengths) < 0).any():
        order = np.argsort(lengths, kind="stable")
        indices, lengths = indices[order], lengths[order]
    ids, weight = examples.gather(indices).astype(np.int64), np.array(examples.weight[indices])
    target: NDArray[Any] = np.array(examples.target[indices])
    if examples.learned is None:
        return Micro(indices, torch.from_numpy(ids), lengths, torch.from_numpy(target), torch.from_numpy(weight))
    learned = np.flatnonzero(examples.gather_learned(indices))
    return Micro(
        indices, torch.from_numpy(ids), lengths, torch.from_numpy(ids[learned]), torch.from_numpy(np.repeat(weight, target)),
        places=torch.from_numpy(learned - 1), counts=target,
    )  # fmt: skip
