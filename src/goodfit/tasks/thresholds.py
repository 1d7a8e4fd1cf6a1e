"""Thresholds: from which probability on a label is given, chosen for macro-F1, careful where a label has few rows.

Part of tasks, used by decision.py (on validation) and by the tfidf baseline (on inner folds). Three candidates are compared by
cross-fitting, the simplest first: 0.5 for every label; one common threshold; one per label, drawn towards the common one by
k / (k + 20) for k positive rows, and equal to it below 10.

Shapes: n rows, L labels, G places on the grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GRID: Floats = np.linspace(-6.0, 6.0, 121)
"""Logits: probabilities from 0.0025 to 0.9975, 0.5 among them."""
FEWEST = 10
"""Positive rows below which a label takes the common threshold."""
SHRINK = 20.0
"""Positive rows at which a label's own best threshold and the common one count the same."""
WORTH = 0.002
"""Macro-F1 that a less simple candidate must gain, out of fold."""
FOLDS = 5
FEWEST_ROWS = 50
"""Rows below which every threshold stays at 0.5."""


def choose_thresholds(
    logits: Floats, targets: NDArray[np.bool_], *, clusters: NDArray[np.int64] | None, rng: np.random.Generator
) -> tuple[Floats, str]:
    """Logits [n, L] and truth [n, L] -> the threshold of each label as a logit [L], and how it was chosen, in words."""
    n, labels = logits.shape
    if n < FEWEST_ROWS or not targets.any():
        return np.zeros(labels), f"0.5 for each label: {n} rows are too few to choose another"
    ways = {"0.5 for each label": _half, "one threshold for all labels": _common, "one threshold per label": _per_label}
    fold = _folds(n, clusters, rng)
    best, best_score = "", -np.inf
    for name, way in ways.items():
        answers = np.zeros_like(targets)
        for k in range(FOLDS):
            inside, outside = fold != k, fold == k
            answers[outside] = logits[outside] >= way(logits[inside], targets[inside])
        score = _macro_f1(answers, targets)
        if score > best_score + WORTH:
            best, best_score = name, score
    return ways[best](logits, targets), f"{best} (macro-F1 {best_score:.3f} out of fold on {n} rows)"


def _half(logits: Floats, targets: NDArray[np.bool_]) -> Floats:
    return np.zeros(logits.shape[1])


def _common(logits: Floats, targets: NDArray[np.bool_]) -> Floats:
    places = np.searchsorted(GRID, logits, side="right")
    return np.full(logits.shape[1], GRID[common_place(places, targets)])


def common_place(places: NDArray[Any], targets: NDArray[np.bool_]) -> int:
    """Where on the grid the best common threshold lies: `places` [n, L] counts the grid's values at or below each logit.

    A logit is at or above `GRID[g]` where its place is above g. The place of 0.5 where no label has a row.
    """
    seen = targets.any(axis=0)
    if not seen.any():
        return len(GRID) // 2
    return _middle_of_best(_f1_table(places, targets)[seen].mean(axis=0))


def _per_label(logits: Floats, targets: NDArray[np.bool_]) -> Floats:
    table = _f1_table(np.searchsorted(GRID, logits, side="right"), targets)
    out = _common(logits, targets)
    for label, positives in enumerate(targets.sum(axis=0).tolist()):
        if positives >= FEWEST:
            own = positives / (positives + SHRINK)
            out[label] = own * GRID[_middle_of_best(table[label])] + (1 - own) * out[label]
    return out


def _f1_table(places: NDArray[Any], targets: NDArray[np.bool_]) -> Floats:
    """The F1 of each label at each threshold of the grid [L, G]; 0 where a label has neither rows nor answers."""
    labels, size = places.shape[1], len(GRID) + 1
    bins = places.astype(np.int64) + np.arange(labels) * size
    given = np.bincount(bins.ravel(), minlength=labels * size).reshape(labels, -1)
    right = np.bincount(bins[targets], minlength=labels * size).reshape(labels, -1)
    above = np.cumsum(given[:, ::-1], axis=1)[:, ::-1][:, 1:]  # rows at or above each place
    hits = np.cumsum(right[:, ::-1], axis=1)[:, ::-1][:, 1:]
    return np.asarray(2 * hits / np.maximum(above + targets.sum(axis=0)[:, None], 1))


def _middle_of_best(f1: Floats) -> int:
    """The middle of the places that share the best value: the edges of a plateau are where chance put them."""
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return int(best[len(best) // 2])


def _macro_f1(answers: NDArray[np.bool_], targets: NDArray[np.bool_]) -> float:
    """Over the labels that have rows."""
    seen = targets.any(axis=0)
    hits = (answers & targets).sum(axis=0)[seen]
    return float((2 * hits / np.maximum((answers.sum(axis=0) + targets.sum(axis=0))[seen], 1)).mean())


def _folds(n: int, clusters: NDArray[np.int64] | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """A fold for each row [n]; rows of one cluster share theirs."""
    names = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    of_cluster = rng.permutation(int(names.max()) + 1) % FOLDS
    return np.asarray(of_cluster[names])
