"""Decoding: how to write, what was written, and how the next token is chosen from the logits.

Shapes: b rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How to write; the names are those of transformers' GenerationConfig."""

    max_new_tokens: int = 256
    stop_token_ids: tuple[int, ...] = ()
    do_sample: bool = False
    temperature: float = 1.0
    top_k: int = 0
    """0: all."""
    top_p: float = 1.0
    seed: int = 42
    context: int | None = None
    """Tokens that prompt and answer may have together; an answer ends there. None: no limit."""

    def room(self, prompt: int) -> int:
        """New tokens after a prompt of so many: at least 1."""
        return self.max_new_tokens if self.context is None else max(1, min(self.max_new_tokens, self.context - prompt))

    def __post_init__(self) -> None:
        """Programmers' errors: what users write is checked where the recipe is read."""
        assert self.max_new_tokens > 0, self.max_new_tokens
        assert self.temperature > 0, self.temperature
        assert 0 < self.top_p <= 1, self.top_p


@dataclass(frozen=True, slots=True)
class Written:
    """One continuation."""

    index: int
    """Place of its prompt."""
    ids: tuple[int, ...]
    """The new tokens, without the stop token."""
    stopped: bool
    """Ended by a stop token; False where max_new_tokens or the context cut it."""


def draws_for(places: Sequence[int], decoding: Decoding) -> dict[int, np.random.Generator]:
    """A stream of random numbers for each prompt, of the seed and its place alone; none where nothing is drawn."""
    return {place: np.random.default_rng([decoding.seed, place]) for place in places} if decoding.do_sample else {}


def choose(logits: torch.Tensor, places: Sequence[int], decoding: Decoding, draws: Mapping[int, np.random.Generator]) -> torch.Tensor:
    """int64 [b]: the next token of each row, from float32 [b, V]; `places` are the prompts of the rows."""
    if not decoding.do_sample:
        return logits.argmax(dim=-1)
    shares = likely_shares(logits / decoding.temperature, decoding.top_k, decoding.top_p)
    points = torch.tensor([draws[place].random() for place in places], dtype=torch.float64, device=logits.device)
    sums = shares.double().cumsum(dim=-1)
    return torch.searchsorted(sums, (points * sums[:, -1])[:, None], right=True)[:, 0].clamp_max(logits.shape[-1] - 1)


def likely_shares(logits: torch.Tensor, top_k: int, top_p: float) -> torch.Tensor:
    """[b, V] probabilities with all but the likeliest set to 0: at most `top_k` of them (0: any number), with a sum of at least `top_p`.

    Holtzman et al. 2020 (nucleus sampling); as in transformers the token that passes `top_p` is kept.
    """
    shares = logits.softmax(dim=-1)
    if top_k:
        shares = shares.where(shares >= shares.topk(min(top_k, shares.shape[-1])).values[:, -1:], 0.0)
    if top_p < 1:
        ordered, order = shares.sort(dim=-1, descending=True)
        total = ordered.sum(dim=-1, keepdim=True)
        unlikely = ordered.cumsum(dim=-1) - ordered >= top_p * total
        shares = shares.masked_fill(torch.zeros_like(unlikely).scatter(-1, order, unlikely), 0.0)
    return shares
