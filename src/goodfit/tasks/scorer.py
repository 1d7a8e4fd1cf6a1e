"""Scorer: how likely a text has a property, by a classifier that somebody else trained and the user names (toxicity, for one).

Part of tasks. A score is only as good as its scorer: whoever uses one says what is known of it (audit/checks/toxic.py does).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.engine.examples import Examples
from goodfit.engine.infer import in_order, infer
from goodfit.errors import ModelError, SettingsError
from goodfit.models.heads import TWO, ProblemType
from goodfit.models.identity import config_of
from goodfit.models.load import load
from goodfit.models.source import resolve
from goodfit.tasks.encoding import encode

MOST_TOKENS = 256
"""Tokens of a text that are read."""
BATCH = 256


@dataclass(frozen=True)
class Scorer:
    """A trained classifier, and which of its labels have the property."""

    name: str
    loaded: Any
    labels: tuple[str, ...]
    meant: NDArray[np.bool_]
    """[L]"""
    several: bool
    """A text may have several of its labels, each with a probability of its own."""

    @classmethod
    def load(cls, model: str, folder: Path, key: str, wanted: Sequence[str], usual: Sequence[str] = ()) -> Scorer:
        """The classifier at `model` (beside the recipe in `folder`, installed, or a hub id).

        `wanted`: the labels that have the property, as the recipe's `key` names them; where it names none, those with one of the `usual`
        words in their name. ModelError where it is no trained classifier, SettingsError where no label fits.
        """
        beside = folder / model
        found = resolve(beside if beside.exists() else model)
        config = config_of(found, TWO)
        labels = tuple(str(label) for _, label in sorted(config.id2label.items()))
        several = config.problem_type == "multi_label_classification"
        kind: ProblemType = "multi_label_classification" if several else "single_label_classification"
        if len(labels) < 2 and not several:
            raise ModelError(
                f"{model} is no classifier: its config.json names {len(labels)} labels", fix="name a model that classifies texts"
            )
        loaded = load(found, labels=labels, problem_type=kind)
        if loaded.fresh:
            raise ModelError(
                f"{model} has no trained head for its labels ({', '.join(labels[:5])})", fix="name a model that classifies texts"
            )
        return cls(model, loaded, labels, _meant(labels, key, wanted, usual), several)

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probability of the property of each text, [n]: of all its labels together, or of the likeliest where they are independent."""
        parts = [self._logits(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
        if not parts:
            return np.zeros(0)
        logits = np.concatenate(parts).astype(np.float64)
        if self.several:
            each: NDArray[np.float64] = (1 / (1 + np.exp(-logits)))[:, self.meant].max(axis=1)
            return each
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        together: NDArray[np.float64] = shares[:, self.meant].sum(axis=1) / shares.sum(axis=1)
        return together

    def _logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        most = min(MOST_TOKENS, self.loaded.identity.max_length or MOST_TOKENS)
        part = encode(list(texts), self.loaded.tokenizer, most)
        examples = Examples.from_arrays(part.input_ids, np.r_[0, np.cumsum(part.lengths)], np.zeros(len(texts), np.int64))
        return in_order(infer(self.loaded.model, examples), len(texts))


def _meant(labels: tuple[str, ...], key: str, wanted: Sequence[str], usual: Sequence[str]) -> NDArray[np.bool_]:
    """Which labels have the property, [L]."""
    there = f"there are {', '.join(map(repr, labels))}"
    if unknown := [name for name in wanted if name not in labels]:
        raise SettingsError(f"{key}: {unknown[0]!r} is no label of the model; {there}", fix=f"{key}: the labels that are meant")
    words = [name.lower() for name in labels]
    out = np.array([name in wanted if wanted else _has(word, usual) for name, word in zip(labels, words)])
    if not out.any():
        raise SettingsError(f"no label of the model says by its name that it is meant; {there}", fix=f"name them in {key}")
    return out


def _has(word: str, usual: Sequence[str]) -> bool:
    """A usual word stands in it, and nothing that says the opposite."""
    return any(part in word for part in usual) and not word.startswith(("non", "not", "no ", "no_", "no-"))
