"""Generate: continuations of any number of prompts in bounded memory. evaluate, predict, chat and the samples of a training come here.

Prompts are sorted by length and taken in batches; a row that has stopped leaves its batch at once, so that one long answer does not
keep seven finished ones computing. Keys and values are cached by transformers' own cache classes (sliding windows hold), only the last
position's logits are computed, and greedy answers equal `transformers.generate` token for token. A sampled answer depends on its seed
and its prompt's place, never on what stands beside it.

Shapes: b rows, L longest prompt, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import DynamicCache

from goodfit.engine.memory import is_out_of_memory
from goodfit.engine.parts import evaluating, whole_model
from goodfit.engine.plan import Precision
from goodfit.engine.precision import choose_precision
from goodfit.errors import MachineError

_LEAVE = 0.75
"""A batch is made smaller when at most this share of its rows is still writing: moving the cache costs about one step."""


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
    """Ended by a stop token; False where max_new_tokens cut it."""


def generate(
    model: nn.Module, prompts: Sequence[Sequence[int]], decoding: Decoding, *, batch_rows: int = 16, precision: Precision = "float32"
) -> Iterator[Written]:
    """Continue every prompt (token ids, at least one each); results come batch by batch, not in order.

    Where memory runs out the batch is halved; MachineError where a single prompt is too much. Eval mode while it runs.
    """
    assert all(len(prompt) for prompt in prompts), "a prompt without tokens"
    whole: Any = whole_model(model)
    dtype, _ = choose_precision(precision, whole.config.get_text_config().hidden_size, next(model.parameters()).device)
    todo = _batches(prompts, batch_rows)
    with evaluating(whole):
        while todo:
            places = todo.pop()
            try:
                done = list(_Batch(whole, prompts, places, decoding, dtype).run())
            except (RuntimeError, MemoryError) as error:
                todo += _halves(error, places, prompts)
                continue
            yield from done


def _batches(prompts: Sequence[Sequence[int]], rows: int) -> list[list[int]]:
    """Prompts of similar length together; the longest batch last, so that it is taken first and memory runs out now or never."""
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    return [order[i : i + rows] for i in range(0, len(order), rows)]


def _halves(error: BaseException, places: list[int], prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    if not is_out_of_memory(error):
        raise error
    if len(places) == 1:
        raise MachineError(
            f"memory ran out on one prompt of {len(prompts[places[0]]):,} tokens",
            fix="a shorter prompt, or a smaller model",
        ) from error
    middle = len(places) // 2
    return [places[:middle], places[middle:]]


class _Batch:
    """Some prompts, padded on the left, being continued together."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], places: list[int], decoding: Decoding, dtype: torch.dtype) -> None:
        self.model, self.decoding, self.dtype = model, decoding, dtype
        self.device = next(model.parameters()).device
        longest = max(len(prompts[i]) for i in places)
        ids = np.zeros((len(places), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, place in enumerate(places):
            ids[row, longest - len(prompts[place]) :] = prompts[place]
            mask[row, longest - len(prompts[place]) :] = 1
        self.ids, self.mask = torch.from_numpy(ids).to(self.device), torch.from_numpy(mask).to(self.device)
        self.places = list(places)
        self.new: dict[int, list[int]] = {place: [] for place in places}
        self.draws = {place: np.random.default_rng([decoding.seed, place]) for place in places} if decoding.do_sample else {}
        self.cache = DynamicCache(config=model.config)
        self.stops = torch.tensor(decoding.stop_token_ids, dtype=torch.int64, device=self.device)
        self.writing = torch.ones(len(places), dtype=torch.bool, device=self.device)

    def run(self) -> Iterator[Written]:
        """Every row once, as it ends."""
        ids, positions = self.ids, self.mask.cumsum(1).sub(1).clamp_min(0)
        for step in range(self.decoding.max_new_tokens):
            chosen = self._choose(self._step(ids, positions))
            ended = torch.isin(chosen, self.stops)
            last = step + 1 == self.decoding.max_new_tokens
            yield from self._take(chosen.tolist(), ended.tolist(), last=last)
            self.writing &= ~ended
            if last or not bool(self.writing.any()):
                return
            ids, positions = chosen[:, None], positions[:, -1:] + 1
            self.mask = torch.cat([self.mask, torch.ones_like(ids)], dim=1)
            if float(self.writing.float().mean()) <= _LEAVE:
                ids, positions = self._shrink(ids, positions)

    def _step(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """float32 [b, V]: the logits of each row's next token."""
        with torch.inference_mode(), torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            out = self.model(
                input_ids=ids,
                attention_mask=self.mask,
                position_ids=positions,
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=1,
            )
        logits: torch.Tensor = out.logits[:, -1].float()
        return logits

    def _choose(self, logits: torch.Tensor) -> torch.Tensor:
        """int64 [b]"""
        if not self.decoding.do_sample:
            return logits.argmax(dim=-1)
        shares = likely_shares(logits / self.decoding.temperature, self.decoding.top_k, self.decoding.top_p)
        draws = torch.tensor([self.draws[place].random() for place in self.places], dtype=torch.float64, device=self.device)
        sums = shares.double().cumsum(dim=-1)
        return torch.searchsorted(sums, (draws * sums[:, -1])[:, None], right=True)[:, 0].clamp_max(logits.shape[-1] - 1)

    def _take(self, chosen: list[int], ended: list[bool], *, last: bool) -> Iterator[Written]:
        for place, token, end, writes in zip(self.places, chosen, ended, self.writing.tolist(), strict=True):
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
