"""What stands on top of a base model: a classifier with its labels, or the language model's own head.

Everything in models that differs between the two is here; which one a task needs, it says itself (`Task.head`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoModelForTokenClassification

ProblemType = Literal["single_label_classification", "multi_label_classification"]


@dataclass(frozen=True, slots=True)
class Classifier:
    """A fresh output layer for these labels, in this order."""

    labels: tuple[str, ...]
    problem_type: ProblemType = "single_label_classification"
    kind = "classifier"
    auto = AutoModelForSequenceClassification
    wanted = "classification head"
    advice = "choose an encoder (BERT, RoBERTa, ModernBERT …) or a decoder (Llama, Qwen, GPT-2 …)"

    @classmethod
    def of(cls, count: int) -> Classifier:
        """Some labels, where only their number matters."""
        return cls(tuple(map(str, range(count))))

    def settings(self) -> dict[str, Any]:
        """The configuration keys through which plain transformers knows the label names and the kind of problem."""
        by_number = dict(enumerate(self.labels))
        return {"id2label": by_number, "label2id": {name: i for i, name in by_number.items()}, "problem_type": self.problem_type}


@dataclass(frozen=True, slots=True)
class Language:
    """The head that the model was pre-trained with: logits for the next token."""

    kind = "language"
    auto = AutoModelForCausalLM
    wanted = "head for generating text"
    advice = "choose a decoder (Llama, Qwen, Gemma, Mistral, GPT-2 …)"

    def settings(self) -> dict[str, Any]:
        """Nothing: the configuration stays as it is."""
        return {}


@dataclass(frozen=True, slots=True)
class Tagger:
    """The head with which somebody else's model marks tokens (names of persons, for one)."""

    kind = "tagger"
    auto = AutoModelForTokenClassification
    wanted = "head that marks tokens"
    advice = "choose a model for named entities (…ForTokenClassification)"

    def settings(self) -> dict[str, Any]:
        """Nothing: its labels are its own."""
        return {}


Head = Classifier | Language | Tagger
TWO = Classifier.of(2)


def head_of(facts: dict[str, Any]) -> Head:
    """The head that a saved model's facts speak of."""
    if facts.get("head") == Language.kind:
        return Language()
    labels: Sequence[str] = facts["labels"]
    return Classifier(tuple(labels), facts["problem_type"])
