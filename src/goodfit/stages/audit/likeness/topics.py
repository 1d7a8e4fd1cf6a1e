"""Topics: clusters of texts with names and sizes, how stable they are, and how many different texts there are in effect.

Part of audit (methods 3). Spherical k-means on unit vectors, k from the number of rows; clusters whose centres nearly agree are one.
A partition is enough for sizes, coverage and slices; density clustering leaves a fifth to a half of short texts out. Shapes: n texts, d
dimensions, k clusters.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from goodfit.stages.audit.likeness.words import distinctive, word_counts
from goodfit.tasks.embeddings import unit

FEWEST, MOST = 8, 150
"""Clusters."""
SAME = 0.95
"""Cosine of two centres from which they are one cluster."""
STABLE = 0.5
"""Adjusted Rand index of two halves' clusters below which names are to be taken as rough."""
LEAST_ROWS = 50
Vectors = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Topic:
    """One cluster."""

    rows: int
    words: tuple[str, ...]
    """Those it has more often than the rest, surest first; may be empty."""
    nearest: tuple[int, ...]
    """Places of the texts nearest to its centre."""


@dataclass(frozen=True)
class Topics:
    """The clusters of n texts, largest first. Names and agreement are computed when they are asked for."""

    texts: Sequence[str]
    vectors: Vectors
    member: Ints
    """[n] place of each text's cluster."""
    centres: Vectors
    """[k, d], of length 1."""
    asked: int
    """Clusters that were looked for, before those that nearly agree became one."""
    seed: int

    def __len__(self) -> int:
        return len(self.centres)

    @cached_property
    def topics(self) -> tuple[Topic, ...]:
        """Each cluster with its words."""
        return _described(self.texts, self.vectors, self.member, self.centres)

    @cached_property
    def agreement(self) -> float:
        """Adjusted Rand index of the clusters of two halves, each assigned to all texts: 1 stable, 0 chance."""
        return _agreement(self.vectors, self.asked, self.seed)

    @property
    def stable(self) -> bool:
        """Whether the clusters would come again."""
        return self.agreement >= STABLE

    def name(self, k: int) -> str:
        """`card, lost, stolen`, or `cluster 3` where no word tells it apart."""
        return ", ".join(self.topics[k].words[:3]) or f"cluster {k + 1}"

    def of(self, vectors: Vectors) -> Ints:
        """The cluster of other texts."""
        out: Ints = np.argmax(vectors @ self.centres.T, axis=1).astype(np.int64)
        return out


def topics_of(texts: Sequence[str], vectors: Vectors, *, seed: int, rows_each: int | None = None) -> Topics | None:
    """The clusters; None below LEAST_ROWS texts. `rows_each`: so many texts in one on average, where fine ones are wanted."""
    n = len(texts)
    if n < LEAST_ROWS:
        return None
    k = int(np.clip(round(np.sqrt(n) / 4 if rows_each is None else n / rows_each), FEWEST, MOST))
    centres = _merged(_centres(vectors, k, seed))
    member = np.argmax(vectors @ centres.T, axis=1)
    sizes = np.bincount(member, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    centres = centres[order]
    member = np.argmax(vectors @ centres.T, axis=1).astype(np.int64)
    return Topics(texts, vectors, member, centres, k, seed)


def effective_number(vectors: Vectors) -> float:
    """Vendi score (Friedman & Dieng 2023) with the cosine: how many wholly different texts would be as diverse as these.

    exp of the entropy of the eigenvalues of X'X / n; it says something beside that of equally many other texts only.
    """
    values = np.linalg.eigvalsh(vectors.T.astype(np.float64) @ vectors / max(1, len(vectors)))
    shares = values[values > 1e-12] / values[values > 1e-12].sum() if (values > 1e-12).any() else np.ones(1)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _centres(vectors: Vectors, k: int, seed: int) -> Vectors:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different texts than clusters
        found = MiniBatchKMeans(min(k, len(vectors)), n_init=3, random_state=seed, batch_size=2048).fit(vectors).cluster_centers_
    return unit(found)


def _merged(centres: Vectors) -> Vectors:
    """Centres that nearly agree as one, which keeps the first's place."""
    kept: list[int] = []
    for i in range(len(centres)):
        if not kept or (centres[kept] @ centres[i]).max() <= SAME:
            kept.append(i)
    return centres[kept]


def _agreement(vectors: Vectors, k: int, seed: int) -> float:
    order = np.random.default_rng([seed, 0xA1]).permutation(len(vectors))
    halves = [np.argmax(vectors @ _centres(vectors[half], k, seed).T, axis=1) for half in np.array_split(order, 2)]
    return float(adjusted_rand_score(*halves))


def _described(texts: Sequence[str], vectors: Vectors, member: Ints, centres: Vectors) -> tuple[Topic, ...]:
    counts, words = word_counts(texts)
    total = np.asarray(counts.sum(axis=0)).reshape(-1).astype(float) if words else np.zeros(0)
    out = []
    for k in range(len(centres)):
        here = np.flatnonzero(member == k)
        inside = np.asarray(counts[here].sum(axis=0)).reshape(-1).astype(float) if words else np.zeros(0)
        near = here[np.argsort(-(vectors[here] @ centres[k]), kind="stable")[:3]]
        out.append(Topic(len(here), tuple(distinctive(inside, total - inside, words)), tuple(near.tolist())))
    return tuple(out)
