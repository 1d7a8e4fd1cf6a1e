"""Forward: one micro-batch through the model, in the tier that was found to be right for it.

Packed, the *base model* runs on the rows without padding; its last hidden states are then laid out again as [n, longest, H] and
the unmodified `…ForSequenceClassification.forward` runs with them in place of its base model's answer. So every architecture's own
pooling and head are used (BERT's pooler, RoBERTa's head, ModernBERT's mean, the last token of a decoder), and plain transformers
gives the same logits. Padded, the model is simply called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import nn

from goodfit.engine import attention
from goodfit.engine.batches import Micro
from goodfit.engine.layout import Layout, make_layout
from goodfit.engine.objective import Objective
from goodfit.engine.parts import base_model, whole_model

TierName = Literal["packed", "padded", "equal_lengths"]


@dataclass(slots=True)
class _Slip:
    """What the head and its base model exchange during one call."""

    known: Any = None
    """The base model's answer, where it is already there."""
    asked: int = 0
    """How often the head asked its base model."""
    said: Any = None
    """The base model's answer, where it had to run."""


_slip: ContextVar[tuple[int, _Slip] | None] = ContextVar("goodfit_slip", default=None)
"""The base model (its id) and the slip of the call that is under way."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a forward pass gives."""

    logits: torch.Tensor
    """float32 [n, L], in the order of the micro-batch."""
    hidden: torch.Tensor
    """[n, longest, H], last hidden states; padding holds anything."""
    valid: torch.Tensor
    """bool [n, longest]"""

    def hidden_mean(self) -> torch.Tensor:
        """float32 [n, H]: the mean over a row's own tokens."""
        mask = self.valid[..., None]
        return torch.where(mask, self.hidden.float(), 0.0).sum(1) / mask.sum(1)


@dataclass(frozen=True, slots=True)
class Observed:
    """What an evaluation takes of a micro-batch."""

    answers: torch.Tensor
    """[k, …] on the CPU: what `Objective.observe` keeps."""
    target: NDArray[Any]
    """[k] or [k, L]"""
    loss_sum: float
    """Unweighted."""


def slipped(base: Any, known: Any, call: Callable[[], Any]) -> torch.Tensor:
    """The logits of `call()`, within which `base` gives the answer `known` instead of running."""
    slip = _Slip(known=known)
    token = _slip.set((id(base), slip))
    try:
        logits: torch.Tensor = call().logits
    finally:
        _slip.reset(token)
    if slip.asked != 1:
        raise attention.NotPackable(f"the head asks its base model {slip.asked} times")
    return logits


class Forward:
    """Runs a classifier (transformers' own, or one inside a PeftModel) on micro-batches. Use it within `ready()`."""

    def __init__(self, model: nn.Module, *, tier: TierName, dtype: torch.dtype = torch.float32, position_offset: int = 0) -> None:
        self.model: Any = whole_model(model)
        self.base: Any = base_model(model)
        self.tier: TierName = tier
        self.dtype = dtype
        self.position_offset = position_offset
        self.pad_id = int(self.config.pad_token_id or 0)
        self._no_cache = _without_cache(self.model)
        self._no_cache_below = _without_cache(self.base)

    @property
    def config(self) -> Any:
        """The model's configuration, of its text part where it has several."""
        return self.model.config.get_text_config()

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return next(self.model.parameters()).device

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Puts our attention and our hook in place, and takes them away again."""
        with ExitStack() as stack:
            if self.tier == "packed":
                stack.enter_context(attention.installed(self.model.config))
            stack.enter_context(_answering(self.base))
            yield

    def loss(self, micro: Micro, objective: Objective) -> torch.Tensor:
        """The weighted sum over the micro-batch, a float32 scalar."""
        micro = micro.to(self.device)
        return objective.loss(self(micro).logits, micro.target, micro.weight)

    def observe(self, micro: Micro, objective: Objective) -> Observed:
        """The unweighted loss, and what the objective keeps of every answer."""
        logits = self(micro).logits.cpu()
        ones = torch.ones(len(logits))
        return Observed(objective.observe(logits, micro.target), micro.target.numpy(), float(objective.loss(logits, micro.target, ones)))

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def __call__(self, micro: Micro) -> Answer:
        """The answer for one micro-batch. Raises NotPackable where a packed model turns out to need something else."""
        micro = micro.to(self.device)
        layout = make_layout(micro.lengths, self.device)
        with self._autocast():
            ids, valid = self._padded_ids(micro, layout)
            slip = _Slip(known=self._packed(micro, layout) if self.tier == "packed" else None)
            token = _slip.set((id(self.base), slip))
            try:
                logits = self.model(input_ids=ids, attention_mask=valid.long(), return_dict=True, **self._no_cache).logits
            finally:
                _slip.reset(token)
        if slip.asked != 1:
            raise attention.NotPackable(f"the head asks its base model {slip.asked} times")
        return Answer(logits.float(), (slip.known or slip.said).last_hidden_state, valid)

    def _packed(self, micro: Micro, layout: Layout) -> Any:
        """The base model's answer for rows without padding, laid out as [n, longest, H]."""
        with attention.packed(layout):
            out = self.base(
                input_ids=micro.ids[None], position_ids=layout.position_ids + self.position_offset, return_dict=True, **self._no_cache_below
            )
        if layout.calls[0] == 0:
            raise attention.NotPackable("the model does not call the registered attention")
        hidden = layout.whole.pad(out.last_hidden_state[0])
        fields: dict[str, Any] = {"last_hidden_state": hidden}
        if getattr(self.base, "pooler", None) is not None:
            fields["pooler_output"] = self.base.pooler(hidden)
        return type(out)(**fields)

    def _padded_ids(self, micro: Micro, layout: Layout) -> tuple[torch.Tensor, torch.Tensor]:
        """int64 [n, longest] and bool [n, longest]"""
        group = layout.whole
        if group.valid is None:
            ids = micro.ids.view(group.rows, group.longest)
            return ids, torch.ones_like(ids, dtype=torch.bool)
        ids = torch.full((group.rows, group.longest), self.pad_id, dtype=torch.int64, device=micro.ids.device)
        ids[group.valid] = micro.ids
        return ids, group.valid


@contextmanager
def _answering(base: Any) -> Iterator[None]:
    """Within it, `base(...)` gives the answer on the current slip, if there is one; overlapping users share the hook."""
    hook = base.__dict__.get("forward")
    if isinstance(hook, _Hook):
        hook.users += 1
    else:
        base.forward = hook = _Hook(base)
    try:
        yield
    finally:
        hook.users -= 1
        if hook.users == 0:
            hook.leave(base)


class _Hook:
    """Stands in for a base model's forward."""

    def __init__(self, base: Any) -> None:
        self.original, self.key, self.users = base.forward, id(base), 1
        self._was_patched = "forward" in base.__dict__
        self.__signature__ = inspect.signature(base.forward)

    def leave(self, base: Any) -> None:
        """Put back what was there, be it the class's own or somebody else's."""
        if self._was_patched:
            base.forward = self.original
        else:
            del base.forward

    def __call__(self, *args: Any, **settings: Any) -> Any:
        under_way = _slip.get()
        if under_way is None or under_way[0] != self.key:
            return self.original(*args, **settings)
        slip = under_way[1]
        slip.asked += 1
        if slip.known is not None:
            return slip.known
        slip.said = self.original(*args, **settings)
        return slip.said


def _without_cache(model: Any) -> dict[str, bool]:
    """A cache of keys and values is of no use here; not every encoder knows the word."""
    return {"use_cache": False} if "use_cache" in inspect.signature(model.forward).parameters else {}
