"""The base model under a linear probe: what it told of these rows before anything was fine-tuned. Part of assess.

Linear discriminant analysis on features of the frozen base model (hidden states averaged over tokens and layers), fitted on training rows,
answers the same rows. A gap that stands there too was there before; one that does not was added, or let through,
by fine-tuning. Shapes: n rows, H hidden size, L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from goodfit.engine.examples import Examples
from goodfit.engine.layers import layer_means
from goodfit.errors import MachineError, ModelError
from goodfit.models.load import load
from goodfit.tasks import Classification
from goodfit.tasks.encoding import encode

PROBE = "base_probe"
MOST = 4000
"""Training rows, drawn by chance."""
LONGEST = 256
"""Tokens of a row."""
Tell = Callable[[str, float, float | None], None]


class BaseProbe:
    """A fitted probe."""

    def __init__(self, base: str, task: Classification, seed: int, tell: Tell) -> None:
        """Raises ModelError where the base model cannot be loaded or run."""
        self._loaded = load(base, labels=("a", "b"), seed=seed)
        self._task, self._tell = task, tell
        limit = self._loaded.identity.max_length
        self._longest = min(LONGEST, limit or LONGEST)
        self._heads: list[Any] = []

    def features(self, texts: Sequence[str], what: str) -> npt.NDArray[np.float32]:
        """[n, H]"""
        if not len(texts):
            return np.zeros((0, 1), np.float32)
        tokens = encode(list(texts), self._loaded.tokenizer, self._longest)
        offsets = np.concatenate([[0], np.cumsum(tokens.lengths)])
        examples = Examples.from_arrays(tokens.input_ids, offsets, np.arange(len(texts)) % 2)
        return layer_means(self._loaded.model, examples, on_done=lambda done: self._tell(what, done, len(texts)))

    def fit(self, texts: Sequence[str], target: npt.NDArray[Any]) -> None:
        """On training rows: codes [n], or 0/1 [n, L]."""
        found = self.features(texts, "reading training rows with the base model")
        for column in np.asarray(target).T if self._task.multi_label else [np.asarray(target)]:
            kinds = np.unique(column)
            self._heads.append(float(kinds[0]) if len(kinds) < 2 else _head().fit(found, column))

    def answer(self, texts: Sequence[str], what: str = "asking the base model") -> npt.NDArray[np.float32]:
        """[n, L] probabilities."""
        found = self.features(texts, what)
        out = np.zeros((len(texts), self._task.n_labels), np.float32)
        if not len(texts):
            return out
        if self._task.multi_label:
            for k, head in enumerate(self._heads):
                out[:, k] = head if isinstance(head, float) else head.predict_proba(found)[:, 1]
            return out
        head = self._heads[0]
        if isinstance(head, float):
            out[:, int(head)] = 1.0
            return out
        out[:, head.classes_.astype(int)] = head.predict_proba(found)
        return out


def _head() -> Any:
    """Discriminant analysis, its covariance shrunk by Ledoit and Wolf's rule: nothing to choose, and fast with many classes."""
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


def base_probe(base: str, task: Classification, training: tuple[Sequence[str], Any], seed: int, tell: Tell) -> BaseProbe | str:
    """The fitted probe, or why there is none. `training`: texts and targets of rows whose label the model has."""
    texts, target = training
    if not len(texts):
        return "there are no training rows"
    some = np.sort(np.random.default_rng([seed, 0xBA5E]).permutation(len(texts))[:MOST])
    try:
        probe = BaseProbe(base, task, seed, tell)
        probe.fit([texts[i] for i in some], np.asarray(target)[some])
    except (ModelError, MachineError) as error:
        return f"the base model could not be asked: {error.message}"
    return probe
