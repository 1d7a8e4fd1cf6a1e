"""Predictor: a trained model, its tokenizer and its task as one thing that answers texts.

Part of tasks; evaluate scores with it, `goodfit.predict` answers with it, so that what was scored is what is given out.

Shapes: n texts, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from goodfit.engine.examples import Examples
from goodfit.engine.infer import BATCH_TOKENS, in_order, infer
from goodfit.engine.tier import KnownTier
from goodfit.errors import ModelError, first_line
from goodfit.models.load import load_trained
from goodfit.tasks.classification import Classification
from goodfit.tasks.encoding import Encoded
from goodfit.tasks.saved import Saved


class Raw(NamedTuple):
    """What the model says of some texts, before any decision."""

    logits: NDArray[np.float32]
    """[n, L]"""
    encoded: Encoded


class Predictor:
    """Answers texts in float32, so that a row's answer does not depend on the rows beside it (beyond rounding)."""

    def __init__(self, model: Any, tokenizer: Any, saved: Saved[Classification], *, batch_tokens: int = BATCH_TOKENS) -> None:
        self.model, self.tokenizer, self.saved, self.batch_tokens = model, tokenizer, saved, batch_tokens
        self._tier = KnownTier(model)

    @classmethod
    def load(cls, folder: Path, *, device: str | None = None) -> Predictor:
        """The model that the train stage saved (whole or adapter); ModelError where the folder does not hold one."""
        saved = Saved.load(folder)
        if not isinstance(saved.task, Classification):
            raise ModelError(f"{folder} holds a model for {saved.task.kind}, which gives no classes", fix="goodfit chat, or a classifier")
        loaded = load_trained(folder)
        if loaded.labels != saved.task.labels:
            raise ModelError(f"{folder}: config.json and goodfit.json name different labels", fix="train the model again")
        return cls(on_device(loaded.model, device), loaded.tokenizer, saved)

    @property
    def task(self) -> Classification:
        """Labels and decision."""
        return self.saved.task

    def raw(self, texts: Sequence[str]) -> Raw:
        """Logits of a batch of texts (a few thousand at a time), and how they were tokenised."""
        encoded = self.task.encode(texts, self.tokenizer, self.saved.max_length)
        if not len(texts):
            return Raw(np.zeros((0, self.task.n_labels), np.float32), encoded)
        offsets = np.concatenate([[0], np.cumsum(encoded.lengths)])
        examples = Examples.from_arrays(encoded.input_ids, offsets, np.zeros(len(texts), np.int64))
        batches = infer(self.model, examples, tier=self._tier.of(examples), batch_tokens=self.batch_tokens)
        logits = in_order(batches, len(texts))
        if not np.isfinite(logits).all():
            row = int(np.argmin(np.isfinite(logits).all(axis=1)))
            raise ModelError(f"the model's answer to text {row + 1} of a batch is not a number", fix="its weights are damaged: train again")
        return Raw(logits, encoded)

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """[n, L], at the decision's temperature."""
        return self.task.probabilities(self.raw(texts).logits)


def on_device(model: Any, device: str | None) -> Any:
    """The model where it was asked to be; on the CPU by default."""
    if device is None:
        return model
    try:
        return model.to(torch.device(device))
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"the device {device!r} cannot be used ({first_line(error)})", fix="leave device out to use the CPU") from error
