"""Layout: how rows without padding lie in one long sequence, and which of them are attended together.

The micro-batch is sorted by length, so that rows of nearly equal length are neighbours; attention pads only inside such a group.
Shapes: T tokens, n rows, g rows of a group, L longest row of a group, H any width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_SLACK = 1.3
"""Rows share a group up to this ratio of lengths (or 8 tokens): padding costs less than another set of kernel calls."""


class _Unflatten(torch.autograd.Function):
    """[T, ...] -> [rows x longest, ...] by `index`; no gradient flows back from padding, wherever `index` points there."""

    @staticmethod
    def forward(ctx: Any, flat: torch.Tensor, index: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(real)
        return flat.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (real,) = ctx.saved_tensors
        return gradients[0].index_select(0, real), None, None


class _Flatten(torch.autograd.Function):
    """The way back: [rows x longest, ...] -> [T, ...]; padding gets a gradient of zero."""

    @staticmethod
    def forward(ctx: Any, padded: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(real)
        ctx.size = padded.shape[0]
        return padded.index_select(0, real)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (real,) = ctx.saved_tensors
        out = gradients[0].new_zeros(ctx.size, *gradients[0].shape[1:])
        return out.index_copy_(0, real, gradients[0]), None


@dataclass(frozen=True, eq=False)
class Group:
    """Neighbouring rows that are attended together: tokens `start : start + tokens` of the sequence."""

    start: int
    tokens: int
    rows: int
    longest: int
    index: torch.Tensor | None
    """[rows x longest] into the group's tokens; None where all rows are equally long."""
    real: torch.Tensor | None
    """[tokens] places of the real tokens in the padded form."""
    valid: torch.Tensor | None
    """bool [rows, longest]"""

    def pad(self, flat: torch.Tensor) -> torch.Tensor:
        """[T, ...] -> [rows, longest, ...] of this group."""
        mine = flat.narrow(0, self.start, self.tokens)
        if self.index is not None and self.real is not None:
            mine = _Unflatten.apply(mine, self.index, self.real)  # type: ignore[no-untyped-call]
        return mine.view(self.rows, self.longest, *flat.shape[1:])

    def unpad(self, padded: torch.Tensor) -> torch.Tensor:
        """[rows, longest, ...] -> [tokens, ...]"""
        flat = padded.reshape(self.rows * self.longest, *padded.shape[2:])
        return flat if self.real is None else _Flatten.apply(flat, self.real)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, eq=False)
class Layout:
    """n rows in a sequence of T tokens, in the order given (best sorted by length)."""

    lengths: tuple[int, ...]
    position_ids: torch.Tensor
    """int64 [1, T], restarting at 0 with every row."""
    groups: tuple[Group, ...]
    whole: Group
    """All rows as one group: for heads, which see [n, longest, H]."""
    bounds: torch.Tensor
    """int32 [n+1], where each row begins (for kernels that take the bounds instead of groups)."""
    masks: dict[Any, Any] = field(default_factory=dict)
    """Attention masks made so far; they live as long as the micro-batch."""
    calls: list[int] = field(default_factory=lambda: [0])
    """How often the registered attention ran: 0 means that the model does not use it."""

    @property
    def tokens(self) -> int:
        """T."""
        return self.whole.tokens


def make_layout(lengths: NDArray[np.int64], device: torch.device | str = "cpu") -> Layout:
    """The layout of rows of these lengths (all at least 1), in this order."""
    sizes = [int(x) for x in lengths]
    assert sizes, "no rows"
    assert min(sizes) > 0, "rows without tokens"
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    positions = np.arange(bounds[-1]) - np.repeat(bounds[:-1], sizes)
    groups = tuple(_group(sizes, bounds, first, last, device) for first, last in _cut(sizes))
    return Layout(
        lengths=tuple(sizes),
        position_ids=torch.from_numpy(positions)[None].to(device),
        groups=groups,
        whole=groups[0] if len(groups) == 1 else _group(sizes, bounds, 0, len(sizes), device),
        bounds=torch.from_numpy(bounds.astype(np.int32)).to(device),
    )


def _cut(sizes: list[int]) -> list[tuple[int, int]]:
    """Neighbours of similar length; works in any order, well where the rows are sorted."""
    cuts, first = [], 0
    low = high = sizes[0]
    for i, size in enumerate(sizes[1:], start=1):
        low, high = min(low, size), max(high, size)
        if high > max(low * _SLACK, low + 8):
            cuts.append((first, i))
            first, low, high = i, size, size
    return [*cuts, (first, len(sizes))]


def _group(sizes: list[int], bounds: NDArray[np.int64], first: int, last: int, device: torch.device | str) -> Group:
    lengths = np.asarray(sizes[first:last])
    start, tokens, longest = int(bounds[first]), int(lengths.sum()), int(lengths.max())
    if (lengths == longest).all():
        return Group(start, tokens, len(lengths), longest, None, None, None)
    column = np.arange(longest)
    valid = column < lengths[:, None]
    begins = (bounds[first:last] - start)[:, None]
    index = np.where(valid, begins + column, begins).reshape(-1)
    return Group(
        start, tokens, len(lengths), longest,
        index=torch.from_numpy(index).to(device),
        real=torch.from_numpy(np.flatnonzero(valid)).to(device),
        valid=torch.from_numpy(valid).to(device),
    )  # fmt: skip
