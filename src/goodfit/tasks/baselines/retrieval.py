"""retrieval: the answer of the training row whose input is nearest. What a look-up can do, without any model.

Part of tasks.baselines. Nearness is the cosine of TF-IDF features of words and character n-grams (features.py), the same that the
classification baseline uses. Training rows are streamed past, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from goodfit.tasks.baselines.features import LONGEST_TEXT, VOCABULARY_CHARACTERS, TfidfFeatures

FEATURES = 200_000
BATCH = 512
"""Training rows whose cosines with all questions are in memory at once."""


class Nearest:
    """Answers some questions with what stood beside the most similar input; the first of equally similar ones."""

    def __init__(self, questions: Sequence[str], sample: Sequence[str]) -> None:
        """The questions [n]; words and their weights are learned from `sample`, some of the training inputs."""
        self._features = TfidfFeatures(FEATURES, min_df=1).fit(_within(sample))
        self._asked = self._unit(questions)
        self._best = np.full(len(questions), -1.0)
        self._answers = [""] * len(questions)

    def see(self, inputs: Sequence[str], answers: Sequence[str]) -> Nearest:
        """Streams training rows past; may be called again with more of them."""
        for start in range(0, len(inputs), BATCH):
            cosines = (self._asked @ self._unit(inputs[start : start + BATCH]).T).toarray()
            nearest = cosines.argmax(axis=1)
            for question in np.flatnonzero(cosines.max(axis=1) > self._best).tolist():
                self._best[question] = cosines[question, nearest[question]]
                self._answers[question] = answers[start + int(nearest[question])]
        return self

    def answers(self) -> list[str]:
        """The answers of the nearest rows seen so far [n]."""
        return list(self._answers)

    def _unit(self, texts: Sequence[str]) -> Any:
        """Features whose rows have length 1 (each part has, so that their sum of squares is the number of parts)."""
        found = self._features.transform([text[:LONGEST_TEXT] for text in texts])
        norms = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
        return found.multiply(1.0 / np.maximum(norms, 1e-12)[:, None]).tocsr()


def _within(texts: Sequence[str]) -> list[str]:
    """The first texts, as far as the vocabulary is learned from them."""
    out, seen = [], 0
    for text in texts:
        out.append(text[:LONGEST_TEXT])
        seen += len(out[-1])
        if seen > VOCABULARY_CHARACTERS:
            break
    return out
