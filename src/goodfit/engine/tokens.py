"""Forward for language models: the answers are the learned tokens of each row, never the logits of all of them at once.

The base model runs as for a classifier (packed or padded). Of its hidden states only those before a learned token are kept, and the
unmodified `…ForCausalLM.forward` turns them into logits a piece at a time (so that soft caps and scales of an architecture hold). The
loss takes the gradient of each piece while its logits are there: a vocabulary of 262,144 costs no more memory than one of 1,000, and
nothing is computed twice (the idea of Liger's and Cut Cross-Entropy's kernels: Hsu et al. 2024, Wijmans et al. 2024).

Shapes: T tokens, m learned tokens, k of them in a piece, H hidden size, V vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from goodfit.engine import attention
from goodfit.engine.batches import Micro
from goodfit.engine.forward import Answer, Forward, Observed, slipped
from goodfit.engine.layout import Layout, make_layout
from goodfit.engine.objective import Objective

_PIECE = {"cpu": 2**24, "cuda": 2**27}
"""Logits (of 4 bytes) in a piece."""
CHECKED = 4
"""Learned tokens of a row whose logits `__call__` gives: enough to compare tiers by."""


class TokenForward(Forward):
    """Runs a `…ForCausalLM` (or one inside a PeftModel) on micro-batches whose tokens are predicted. Use it within `ready()`."""

    def __call__(self, micro: Micro) -> Answer:
        """All hidden states, and the logits of each row's last few learned tokens; for comparing tiers."""
        micro = micro.to(self.device)
        layout = make_layout(micro.lengths, self.device)
        with self._autocast():
            body, make = self._body(micro, layout)
            logits = self._logits(body.index_select(0, last_places(micro)), make)
        valid = torch.ones(1, 1) if layout.whole.valid is None else layout.whole.valid
        return Answer(logits, layout.whole.pad(body), valid)

    def loss(self, micro: Micro, objective: Objective) -> torch.Tensor:
        """The weighted sum over the learned tokens, a float32 scalar whose gradient is known already."""
        micro = micro.to(self.device)
        with self._autocast():
            states, make = self._states(micro)
            if not len(states):
                return states.float().sum()

            def run(part: torch.Tensor, first: int) -> torch.Tensor:
                some = slice(first, first + len(part))
                return objective.loss(self._logits(part, make), micro.target[some], micro.weight[some])

            piece = self._piece()
            if not torch.is_grad_enabled():
                return torch.stack([run(states[i : i + piece], i) for i in range(0, len(states), piece)]).sum()
            total: torch.Tensor = _Pieces.apply(states, run, piece, *self._head_parameters())  # type: ignore[no-untyped-call]
            return total

    def observe(self, micro: Micro, objective: Objective) -> Observed:
        """The unweighted loss and what the objective keeps of every learned token."""
        micro = micro.to(self.device)
        kept, total = [], 0.0
        with self._autocast():
            states, make = self._states(micro)
            for first in range(0, len(states), self._piece()):
                some = slice(first, first + self._piece())
                logits, target = self._logits(states[some], make), micro.target[some]
                total += float(objective.loss(logits, target, torch.ones(len(target), device=logits.device)))
                kept.append(objective.observe(logits, target).cpu())
        return Observed(torch.cat(kept) if kept else torch.zeros(0, 2), micro.target.cpu().numpy(), total)

    def _states(self, micro: Micro) -> tuple[torch.Tensor, Callable[[torch.Tensor], Any]]:
        """[m, H]: the hidden state before each learned token, and how a base model's answer is made of some of them."""
        assert micro.places is not None, "these rows are not language"
        body, make = self._body(micro, make_layout(micro.lengths, self.device))
        return body.index_select(0, micro.places), make

    def _body(self, micro: Micro, layout: Layout) -> tuple[torch.Tensor, Callable[[torch.Tensor], Any]]:
        """[T, H]: the last hidden states, row after row without padding."""
        if self.tier == "packed":
            positions = layout.position_ids + self.position_offset
            with attention.packed(layout):
                out = self.base(input_ids=micro.ids[None], position_ids=positions, return_dict=True, **self._no_cache_below)
            if layout.calls[0] == 0:
                raise attention.NotPackable("the model does not call the registered attention")
            flat = out.last_hidden_state[0]
        else:
            ids, valid = self._padded_ids(micro, layout)
            out = self.base(input_ids=ids, attention_mask=valid.long(), return_dict=True, **self._no_cache_below)
            flat = out.last_hidden_state[valid]
        return flat, lambda states: type(out)(last_hidden_state=states[None])

    def _logits(self, states: torch.Tensor, make: Callable[[torch.Tensor], Any]) -> torch.Tensor:
        """float32 [k, V], by the model's own head."""
        nothing = torch.zeros(1, len(states), dtype=torch.int64, device=states.device)
        logits: torch.Tensor = slipped(self.base, make(states), lambda: self.model(input_ids=nothing, return_dict=True, **self._no_cache))
        return logits[0].float()

    def _head_parameters(self) -> list[nn.Parameter]:
        """What the head learns, tied embeddings among it."""
        prefix = f"{self.model.base_model_prefix}."
        named = self.model.named_parameters(remove_duplicate=False)
        found = {id(p): p for name, p in named if p.requires_grad and not name.startswith(prefix)}
        return list(found.values())

    def _piece(self) -> int:
        """Learned tokens in a piece."""
        return max(16, _PIECE.get(self.device.type, _PIECE["cpu"]) // self.config.vocab_size)


class _Pieces(torch.autograd.Function):
    """`run(states of a piece, its first place)` for all pieces, summed; the gradient is taken piece by piece on the way."""

    @staticmethod
    def forward(
        ctx: Any, states: torch.Tensor, run: Callable[[torch.Tensor, int], torch.Tensor], piece: int, *parameters: torch.Tensor
    ) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float32, device=states.device)
        of_states, of_parameters = torch.empty_like(states), [torch.zeros_like(p) for p in parameters]
        for first in range(0, len(states), piece):
            with torch.enable_grad():
                part = states[first : first + piece].detach().requires_grad_()
                loss = run(part, first)
                found = torch.autograd.grad(loss, [part, *parameters], allow_unused=True)
            total += loss.detach()
            of_states[first : first + piece] = found[0]
            for mine, more in zip(of_parameters, found[1:], strict=True):
                if more is not None:
                    mine += more
        ctx.gradients = of_states, of_parameters
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        of_states, of_parameters = ctx.gradients
        factor = upstream[0]
        return (of_states * factor.to(of_states.dtype), None, None, *(g * factor for g in of_parameters))


def last_places(micro: Micro) -> torch.Tensor:
    """int64: the places before the last few learned tokens of each row, row by row."""
    assert micro.places is not None
    assert micro.counts is not None
    return torch.cat([part[-CHECKED:] for part in torch.split(micro.places, micro.counts.tolist())])


def plain_answers(model: Any, micro: Micro, seen: Callable[[], torch.Tensor]) -> Answer:
    """One row through the model as transformers calls it; `seen` gives the base model's hidden states of that call."""
    ids = micro.ids[None].to(next(model.parameters()).device)
    places = last_places(micro).to(ids.device)
    keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
    logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), **({"logits_to_keep": places} if keeps else {})).logits[0]
    if logits.shape[0] != len(places):
        logits = logits.index_select(0, places)
    return Answer(logits.float(), seen(), torch.ones_like(ids, dtype=torch.bool))
