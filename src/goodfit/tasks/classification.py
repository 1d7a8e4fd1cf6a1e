"""Classification: one label per row (single-label), or any number of labels per row (multi-label).

The one place where the two differ. prepare takes `encode` and `encode_targets` from here, train `objective` and
`fit_decision`, evaluate and predict `probabilities` and `decide`.

Shapes: n rows, L labels. Single-label targets are class indices, int64 [n]; multi-label ones 0/1, float32 [n, L].
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.errors import DataError, SettingsError, nearest
from goodfit.models.heads import Classifier, ProblemType
from goodfit.tasks import decision as decisions
from goodfit.tasks.decision import Decision
from goodfit.tasks.encoding import Encoded, encode
from goodfit.tasks.objective import ClassificationObjective, best_by

UNKNOWN = -1
"""The target of a row whose label the model cannot give (`encode_targets(..., unknown="mark")`)."""
HEAVIEST = 20.0
"""`balanced` never gives a class more than this weight: one row must not steer a whole batch."""


@dataclass(frozen=True)
class Classification:
    """The labels, in the order of the model's outputs, and how its outputs become answers."""

    labels: tuple[str, ...]
    multi_label: bool = False
    decision: Decision = field(default_factory=Decision)

    kind = "classification"

    def __post_init__(self) -> None:
        """Programmers' errors: the vocabulary is checked, with its column, where the data are read."""
        assert len(set(self.labels)) == len(self.labels), "label names repeat"

    # -- the labels ---------------------------------------------------------------------------------------------------

    @staticmethod
    def vocabulary(counts: Mapping[str, int], declared: Sequence[str] | None = None) -> tuple[str, ...]:
        """The labels a model is made for: the declared ones in their order, else those of the training rows, sorted.

        `counts`: label -> rows of the **training** split that carry it. A label that stands in validation or test only is not
        in it: a model cannot learn what it was never shown, and the order of the outputs must not depend on rows that are
        sealed.
        """
        return tuple(declared) if declared is not None else tuple(sorted(label for label, n in counts.items() if n > 0))

    @property
    def n_labels(self) -> int:
        """L."""
        return len(self.labels)

    @property
    def id2label(self) -> dict[int, str]:
        """As in a transformers config."""
        return dict(enumerate(self.labels))

    @property
    def label2id(self) -> dict[str, int]:
        """As in a transformers config."""
        return {label: index for index, label in enumerate(self.labels)}

    @property
    def head(self) -> Classifier:
        """What stands on the base model."""
        return Classifier(self.labels, self.problem_type)

    @property
    def problem_type(self) -> ProblemType:
        """As in a transformers config: which loss plain transformers would take."""
        return "multi_label_classification" if self.multi_label else "single_label_classification"

    # -- rows -> tokens and targets -----------------------------------------------------------------------------------

    def encode(self, texts: Sequence[str], tokenizer: Any, max_length: int) -> Encoded:
        """Texts -> tokens, as plain transformers would make them; what is longer than `max_length` keeps its head."""
        return encode(texts, tokenizer, max_length)

    def encode_targets(self, values: Sequence[Any], *, unknown: str = "raise") -> NDArray[Any]:
        """Label values as the row store holds them (a name, or a list of names) -> int64 [n] or float32 [n, L].

        A name outside the vocabulary is a DataError with `unknown="raise"`; with `"mark"` the target of such a row is
        `UNKNOWN` (single-label), and the name is left out (multi-label: see `unknown_labels`).
        """
        index = self.label2id
        if self.multi_label:
            return self._encode_sets(values, index, unknown)
        out = np.fromiter((index.get(value, UNKNOWN) for value in values), dtype=np.int64, count=len(values))
        if unknown == "raise" and (out == UNKNOWN).any():
            raise self._unknown(values[int(np.argmax(out == UNKNOWN))])
        return out

    def _encode_sets(self, values: Sequence[Any], index: dict[str, int], unknown: str) -> NDArray[np.float32]:
        out = np.zeros((len(values), self.n_labels), dtype=np.float32)
        for row, names in enumerate(values):
            for name in names or ():
                column = index.get(name)
                if column is not None:
                    out[row, column] = 1.0
                elif unknown == "raise":
                    raise self._unknown(name)
        return out

    def _unknown(self, name: Any) -> DataError:
        near = nearest(str(name), self.labels)
        known = ", ".join(map(repr, self.labels[:10])) + (" …" if self.n_labels > 10 else "")
        fix = f"did you mean {near!r}? else add it to task.labels" if near else "correct the row, or add the label to task.labels"
        return DataError(f"the label {name!r} is not one of the {self.n_labels} labels of this task ({known})", fix=fix)

    def class_weights(
        self, setting: str | Mapping[str, float], counts: Sequence[int] | NDArray[Any], rows: int
    ) -> NDArray[np.float32] | None:
        """The recipe's `train.class_weights` -> float32 [L], or None for `none`.

        `counts` [L]: training rows per label, of `rows` in all. `balanced` is n / (L * count) for single-label (as in
        scikit-learn) and (n - count) / count, the weight of the positive rows, for multi-label; both at most HEAVIEST. Given
        by name, a label that is not named weighs 1; a name that is no label is a SettingsError.
        """
        if setting == "none":
            return None
        if isinstance(setting, str):
            per_label = np.maximum(np.asarray(counts, dtype=np.float64), 1.0)
            raw = np.maximum(rows - per_label, 1.0) / per_label if self.multi_label else rows / (self.n_labels * per_label)
            return np.minimum(raw, HEAVIEST).astype(np.float32)
        for name in setting:
            if name not in self.labels:
                near = nearest(name, self.labels)
                fix = f"did you mean {near!r}?" if near else f"the labels are {', '.join(self.labels[:20])}"
                raise SettingsError(f"train.class_weights names {name!r}, which is no label", fix=fix)
        return np.array([setting.get(label, 1.0) for label in self.labels], dtype=np.float32)

    # -- loss, probabilities, answers ---------------------------------------------------------------------------------

    def objective(
        self, class_weights: NDArray[np.float32] | None = None, label_smoothing: float = 0.0, best: str = "auto"
    ) -> ClassificationObjective:
        """The loss and the streaming scores that `engine.fit` takes; `best` is the score that decides which step is kept."""
        primary = best_by(best, multi_label=self.multi_label)
        return ClassificationObjective(self.n_labels, self.multi_label, class_weights, label_smoothing, primary)

    def probabilities(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        """Logits [n, L] -> probabilities [n, L]: softmax, or a sigmoid per label, at the decision's temperature."""
        return decisions.probabilities(logits, self.multi_label, self.decision)

    def decide(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """Probabilities [n, L] -> class index int64 [n], or bool [n, L] by the decision's thresholds."""
        return decisions.decide(probabilities, self.multi_label, self.decision)

    def names(self, predictions: NDArray[Any]) -> list[Any]:
        """What `decide` gave, as label names: a list of names, or a list of lists of names."""
        if not self.multi_label:
            return [self.labels[index] for index in predictions.tolist()]
        return [[self.labels[i] for i in np.flatnonzero(row)] for row in np.asarray(predictions, dtype=bool)]

    def certainty(self, probabilities: NDArray[Any], predictions: NDArray[Any]) -> NDArray[np.float64]:
        """How probable each answer is, by the model [n]: of the class given; multi-label: of its least certain yes or no."""
        return decisions.certainty(probabilities, predictions, self.multi_label)

    def untempered(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities [n, L] without the temperature: what the promises look at."""
        return decisions.untempered(probabilities, self.multi_label, self.decision)

    def fit_decision(
        self, logits: NDArray[Any], targets: NDArray[Any], *, clusters: NDArray[np.int64] | None = None, seed: int = 0
    ) -> Decision:
        """What is chosen on **validation** once the weights are final: temperature, and thresholds for multi-label.

        The train stage calls it at its end and keeps it in goodfit.json (`Saved`); evaluate and predict only read it.
        """
        return decisions.fit_decision(logits, targets, self.multi_label, clusters=clusters, seed=seed)

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `from_json` reads back."""
        return {
            "kind": self.kind, "labels": list(self.labels), "multi_label": self.multi_label, "decision": self.decision.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Classification:
        """KeyError, TypeError or ValueError where it is not whole."""
        return cls(tuple(map(str, values["labels"])), bool(values["multi_label"]), Decision.from_json(values["decision"]))

    def with_decision(self, decision: Decision) -> Classification:
        """The same labels with another decision."""
        return dataclasses.replace(self, decision=decision)
