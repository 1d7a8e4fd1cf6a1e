"""Padded batches: writing with transformers' own modules, for every model that the own forward pass does not know.

Prompts of similar length are padded on the left; keys and values are cached by transformers' own classes (sliding windows hold), only
the last position's logits are computed, and rows that have stopped leave the batch.

Shapes: b rows, L longest prompt, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from transformers import DynamicCache

from goodfit.engine.decoding import Decoding, Written, choose, draws_for

_LEAVE = 0.75
"""A batch is made smaller when at most this share of its rows is still writing: moving the cache costs about one step."""


def weights_in(model: nn.Module, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The parameters that are not in `dtype` yet, cast once: autocast would cast them anew at every token."""
    return {name: p.detach().to(dtype) for name, p in model.named_parameters() if p.is_floating_point() and p.dtype != dtype}


class PaddedBatch:
    """Some prompts, padded on the left, being continued together."""

    def __init__(
        self, model: Any, prompts: Sequence[Sequence[int]], places: list[int], decoding: Decoding, weights: dict[str, torch.Tensor]
    ) -> None:
        """`weights` stand in for the model's own."""
        self.model, self.decoding, self.weights = model, decoding, weights
        self.device = next(model.parameters()).device
        longest = max(len(prompts[i]) for i in places)
        ids = np.zeros((len(places), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, place in enumerate(places):
            ids[row, longest - len(prompts[place]) :] = prompts[place]
            mask[row, longest - len(prompts[place]) :] = 1
        self.ids, self.mask = torch.from_numpy(ids).to(self.device), torch.from_numpy(mask).to(self.device)
        self.places = list(places)
        self.room = {place: decoding.room(len(prompts[place])) for place in places}
        self.new: dict[int, list[int]] = {place: [] for place in places}
        self.draws = draws_for(places, decoding)
        self.cache = DynamicCache(config=model.config)
        self.stops = torch.tensor(decoding.stop_token_ids, dtype=torch.int64, device=self.device)
        self.writing = torch.ones(len(places), dtype=torch.bool, device=self.device)

    def run(self) -> Iterator[Written]:
        """Every row once, as it ends."""
        ids, positions = self.ids, self.mask.cumsum(1).sub(1).clamp_min(0)
        for step in range(1, max(self.room.values()) + 1):
            chosen = choose(self._step(ids, positions), self.places, self.decoding, self.draws)
            ended = torch.isin(chosen, self.stops)
            full = torch.tensor([self.room[place] == step for place in self.places], device=self.device)
            yield from self._take(chosen.tolist(), ended.tolist(), full.tolist())
            self.writing &= ~(ended | full)
            if not bool(self.writing.any()):
                return
            ids, positions = chosen[:, None], positions[:, -1:] + 1
            self.mask = torch.cat([self.mask, torch.ones_like(ids)], dim=1)
            if float(self.writing.float().mean()) <= _LEAVE:
                ids, positions = self._shrink(ids, positions)

    def _step(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """float32 [b, V]: the logits of each row's next token."""
        inputs = {
            "input_ids": ids,
            "attention_mask": self.mask,
            "position_ids": positions,
            "past_key_values": self.cache,
            "use_cache": True,
            "logits_to_keep": 1,
        }
        with torch.inference_mode():
            out: Any = functional_call(self.model, self.weights, (), inputs) if self.weights else self.model(**inputs)
        logits: torch.Tensor = out.logits[:, -1].float()
        return logits

    def _take(self, chosen: list[int], ended: list[bool], full: list[bool]) -> Iterator[Written]:
        for place, token, end, last, writes in zip(self.places, chosen, ended, full, self.writing.tolist(), strict=True):
            if not writes:
                continue
            if not end:
                self.new[place].append(token)
            if end or last:
                yield Written(place, tuple(self.new.pop(place)), end)

    def _shrink(self, ids: torch.Tensor, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The batch without the rows that have stopped."""
        keep = self.writing.nonzero()[:, 0]
        self.cache.batch_select_indices(keep)
        self.places = [self.places[i] for i in keep.tolist()]
        self.mask, self.writing = self.mask[keep], self.writing[keep]
        return ids[keep], positions[keep]
