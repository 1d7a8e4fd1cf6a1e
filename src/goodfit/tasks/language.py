"""What the engine asks of a language model: the loss of each learned token, and scores that are gathered while batches stream by.

Part of tasks. Losses are natural-log cross-entropies, summed in float32 whatever the model computes in; the loss of a batch is the
weighted mean over its learned tokens, however it is cut (not the mean of means: transformers#34191).

Shapes: k learned tokens, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from goodfit.engine.objective import Target
from goodfit.score import Score

LOSS, HIT = 0, 1
"""Columns of what is observed of a token: its loss, and 1 where it was the likeliest."""


@dataclass(frozen=True)
class LanguageObjective:
    """Cross-entropy of the learned tokens."""

    primary: str = "loss"

    @property
    def higher_is_better(self) -> bool:
        """The direction of `primary`."""
        return self.primary != "loss"

    def loss(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """The weighted sum over the tokens, a float32 scalar."""
        return (F.cross_entropy(logits, target, reduction="none") * weight).sum()

    def observe(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """[k, 2]: loss and hit of every token."""
        hits = (logits.argmax(dim=-1) == target).float()
        return torch.stack([F.cross_entropy(logits, target, reduction="none"), hits], dim=1)

    def facts(self, observed: torch.Tensor, target: Target) -> NDArray[np.float32]:
        """[k, 3]: loss and hit of every token; no margin (0)."""
        return np.pad(observed.float().numpy(), ((0, 0), (0, 1)))

    def weight_total(self, target: Target, weight: NDArray[np.float32]) -> float:
        """Learned tokens of the rows, each with its row's weight."""
        return float((np.asarray(target, dtype=np.float64) * np.asarray(weight, dtype=np.float64)).sum())

    def accumulator(self) -> TokenAccumulator:
        """A fresh, empty accumulator."""
        return TokenAccumulator()


class TokenAccumulator:
    """Loss and accuracy of the next token, perplexity; three numbers in memory."""

    def __init__(self) -> None:
        self._sums, self._n = np.zeros(2), 0

    def add(self, observed: torch.Tensor, target: NDArray[Any]) -> None:
        """Take one batch: [k, 2] and the k tokens."""
        self._sums += observed.double().sum(dim=0).numpy()
        self._n += len(target)

    def answers(self) -> None:
        """A vocabulary is too large to count."""

    def scores(self) -> list[dict[str, Any]]:
        """token_accuracy and perplexity; without an interval, which needs rows, not tokens (evaluate has them)."""
        n = self._n
        if not n:
            return [Score(name=name, n=0, why_absent="no learned token").to_json() for name in ("token_accuracy", "perplexity")]
        accuracy, perplexity = float(self._sums[HIT] / n), float(np.exp(min(self._sums[LOSS] / n, 700.0)))
        return [
            Score(name="token_accuracy", value=accuracy, n=n, method="counted").to_json(),
            Score(name="perplexity", value=perplexity, n=n, unit="ratio", higher_is_better=False, method="counted").to_json(),
        ]
