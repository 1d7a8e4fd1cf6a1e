"""Which tier a model gets: decided by running it on the user's own rows, never by its name.

`packed` if rows without padding give the hidden states, logits and gradients that the rows give one by one; else `padded` if padded
batches do; else `equal_lengths`. A model that answers differently for equal rows side by side cannot be trained in batches at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from goodfit.engine.attention import NotPackable
from goodfit.engine.batches import Indices, Micro, assemble
from goodfit.engine.examples import Examples
from goodfit.engine.forward import Answer, Forward, TierName
from goodfit.engine.parts import base_model, evaluating, whole_model
from goodfit.engine.tokens import TokenForward, plain_answers
from goodfit.errors import ModelError, first_line

TOLERANCE = 2e-4
"""Largest difference allowed, relative to the size of the values: rounding gives 1e-6 to 2e-5 (48 layers), a wrong mask 1e-2 and more."""
_GRADIENT_TOLERANCE = 1e-3
ENOUGH_TO_CHECK = 2
"""Rows from which the tier can be decided once and for all."""
_ROWS = 8
_TOKENS = 1024
"""At most so many rows and tokens are run for the check (always two rows, the longest among them where it fits)."""


@dataclass(frozen=True, slots=True)
class Tier:
    """The tier of a model on these rows, and the evidence."""

    name: TierName
    reason: str
    max_difference: float
    """Largest relative difference to the rows one by one, in the tier that was taken."""
    rows_checked: int
    position_offset: int = 0
    """Where position ids start (RoBERTa's kin count from the padding index)."""
    per_token: bool = False
    """Whether tokens are predicted, not rows."""

    def forward(self, model: nn.Module, dtype: torch.dtype = torch.float32) -> Forward:
        """The Forward for it."""
        kind = TokenForward if self.per_token else Forward
        return kind(model, tier=self.name, dtype=dtype, position_offset=self.position_offset)


class KnownTier:
    """The tier of one model for inference, decided once by the first rows that are enough to check; fewer decide for themselves."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._tier: Tier | None = None

    def of(self, examples: Examples) -> Tier:
        """The tier for these rows; ModelError where none agrees."""
        if self._tier is not None:
            return self._tier
        tier = find_tier(self._model, examples, gradients=False)
        if len(examples) >= ENOUGH_TO_CHECK:
            self._tier = tier
        return tier


def find_tier(model: nn.Module, examples: Examples, *, gradients: bool = True) -> Tier:
    """Run some rows one by one, packed and padded, in float32 without dropout; the fastest tier that agrees is taken.

    `gradients=False` compares the forward pass only (for inference). Weights, gradients, training mode and random state stay as
    they are. Raises ModelError where no tier agrees.
    """
    rows, per_token = _sample(examples), examples.learned is not None
    kind = TokenForward if per_token else Forward
    with _undisturbed(model):
        truth = _Observed.one_by_one(model, examples, rows, gradients=gradients)
        refusals: list[str] = []
        for name, offset in _candidates(model):
            try:
                seen = _Observed.together(kind(model, tier=name, position_offset=offset), examples, rows, gradients=gradients)
            except (NotPackable, TypeError, ValueError, IndexError, RuntimeError, AttributeError) as error:
                refusals.append(f"{name}: {first_line(error)[:200]}")
                continue
            difference = truth.difference(seen)
            if difference <= TOLERANCE and truth.gradient_difference(seen) <= _GRADIENT_TOLERANCE:
                return Tier(name, _reason(name, refusals), difference, len(rows), offset, per_token)
            refusals.append(f"{name}: differs by {max(difference, truth.gradient_difference(seen)):.1e}")
    raise ModelError(
        f"{type(whole_model(model)).__name__} answers differently when rows stand side by side ({'; '.join(refusals)})",
        fix="choose another base model: this one cannot be trained in batches",
    )


def _candidates(model: nn.Module) -> Iterator[tuple[TierName, int]]:
    yield "packed", 0
    offset = _position_offset(model)
    if offset:
        yield "packed", offset
    yield "padded", 0
    yield "equal_lengths", 0


def _position_offset(model: nn.Module) -> int:
    """Tables of positions with a padding row are counted from the row behind it."""
    for name, module in base_model(model).named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            return module.padding_idx + 1
    return 0


def _sample(examples: Examples) -> Indices:
    """Rows of all lengths: the shortest, the longest that fits, and quantiles between; the same ones every time."""
    known = np.flatnonzero(np.asarray(examples.lengths) > 0)
    order = known[np.argsort(np.asarray(examples.lengths)[known], kind="stable")]
    picks = order[np.unique(np.linspace(0, len(order) - 1, num=min(_ROWS, len(order))).astype(np.int64))]
    while len(picks) > 2 and examples.lengths[picks].sum() > _TOKENS:
        picks = picks[:-1] if examples.lengths[picks[-1]] > _TOKENS // 2 else picks[1:]
    return np.repeat(picks, 2) if len(picks) == 1 else picks


@dataclass(frozen=True)
class _Observed:
    """What a model said about some rows."""

    logits: torch.Tensor
    hidden: list[torch.Tensor]
    """Per row [length, H]"""
    gradients: dict[str, torch.Tensor]

    @classmethod
    def one_by_one(cls, model: nn.Module, examples: Examples, rows: Indices, *, gradients: bool) -> _Observed:
        plain = _plain(whole_model(model), base_model(model))
        return cls._of(model, plain, [assemble(examples, rows[i : i + 1]) for i in range(len(rows))], gradients=gradients)

    @classmethod
    def together(cls, forward: Forward, examples: Examples, rows: Indices, *, gradients: bool) -> _Observed:
        if forward.tier == "equal_lengths":
            # Each row beside a copy of itself: all that this tier ever does to a row.
            pairs = [assemble(examples, np.repeat(rows[i : i + 1], 2)) for i in range(len(rows))]
            with forward.ready():
                return cls._of(forward.model, forward, pairs, gradients=gradients, copies=2)
        with forward.ready():
            return cls._of(forward.model, forward, [assemble(examples, rows)], gradients=gradients)

    @classmethod
    def _of(
        cls, model: nn.Module, forward: Callable[[Micro], Answer], micros: list[Micro], *, gradients: bool, copies: int = 1
    ) -> _Observed:
        logits: list[torch.Tensor] = []
        hidden: list[torch.Tensor] = []
        with torch.set_grad_enabled(gradients):
            for micro in micros:
                answer = forward(micro)
                first = sum(map(len, logits))
                logits.append(answer.logits.detach()[: len(answer.logits) // copies])
                hidden += [answer.hidden[i, : int(micro.lengths[i])].detach().float() for i in range(0, len(micro.lengths), copies)]
                if gradients:
                    (_probe(answer, first, copies) / copies).backward()  # type: ignore[no-untyped-call]
        found = {name: p.grad for name, p in whole_model(model).named_parameters() if p.grad is not None}
        for p in model.parameters():
            p.grad = None
        return cls(torch.cat(logits), hidden, found)

    def difference(self, other: _Observed) -> float:
        """The larger of the relative differences of logits and hidden states; a size of logits is their spread, too."""
        worst = _relative(self.logits, other.logits)
        for mine, theirs in zip(self.hidden, other.hidden, strict=True):
            worst = max(worst, _relative(mine, theirs))
        return worst

    def gradient_difference(self, other: _Observed) -> float:
        """Norm of the difference of all gradients over their norm."""
        if self.gradients.keys() != other.gradients.keys():
            return float("inf")
        apart = sum(float((g - other.gradients[name]).double().square().sum()) for name, g in self.gradients.items())
        size = sum(float(g.double().square().sum()) for g in self.gradients.values())
        return float(np.sqrt(apart / size)) if size > 0 else 0.0


def _plain(model: Any, base: nn.Module) -> Callable[[Micro], Answer]:
    """The truth: one row through the model as transformers calls it, nothing of ours in between."""

    def forward(micro: Micro) -> Answer:
        seen: list[torch.Tensor] = []
        watch = base.register_forward_hook(lambda _module, _args, out: seen.append(out[0]))
        ids = micro.ids[None].to(next(model.parameters()).device)
        try:
            if micro.places is not None:
                return plain_answers(model, micro, lambda: seen[0])
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        finally:
            watch.remove()
        return Answer(logits.float(), seen[0], torch.ones_like(ids, dtype=torch.bool))

    return forward


def _probe(answer: Answer, first: int, copies: int) -> torch.Tensor:
    """A scalar that every logit moves, each answer and class by another weight; `first` answers came before these."""
    n, labels = answer.logits.shape
    row = first + torch.arange(n, device=answer.logits.device)[:, None] % (n // copies)
    weights = torch.cos((row * labels + torch.arange(labels, device=answer.logits.device)).float())
    return (answer.logits * weights).sum()


def _relative(truth: torch.Tensor, seen: torch.Tensor) -> float:
    if truth.shape != seen.shape or not bool(torch.isfinite(seen).all()):
        return float("inf")
    size = float(truth.float().square().mean().sqrt())
    return float((truth - seen).abs().max()) / max(size, 1e-12)


def _reason(name: TierName, refusals: list[str]) -> str:
    if name == "packed":
        return "rows without padding give the same as rows one by one"
    said = "; ".join(refusals)
    need = "padding between the rows is needed" if name == "padded" else "only rows of equal length may stand side by side"
    return f"{need} ({said})"


@contextmanager
def _undisturbed(model: nn.Module) -> Iterator[None]:
    """Eval mode, and everything as it was afterwards."""
    gradients: list[tuple[Any, Any]] = [(p, p.grad) for p in model.parameters()]
    with evaluating(model):
        for p, _ in gradients:
            p.grad = None
        try:
            yield
        finally:
            for p, gradient in gradients:
                p.grad = gradient
