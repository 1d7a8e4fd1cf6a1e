"""Clouds of points with known wrong labels."""

from __future__ import annotations

import numpy as np

from goodfit.stages.audit.labels.opinion import Subject


def cloud(n: int = 400, classes: int = 3, *, apart: float = 2.0, seed: int = 0, d: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors [n, d] around one centre per class, and the classes [n]."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    points = apart * rng.normal(size=(classes, d))[labels] + rng.normal(size=(n, d))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), labels


def flipped(labels: np.ndarray, rate: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels with a share changed to any other class, and which."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(labels))[: round(rate * len(labels))]
    out = labels.copy()
    out[rows] = (labels[rows] + rng.integers(1, labels.max() + 1, size=len(rows))) % (labels.max() + 1)
    return out, out != labels


def subject(vectors: np.ndarray, labels: np.ndarray, seed: int = 0, groups: np.ndarray | None = None) -> Subject:
    """One class per row."""
    targets = np.eye(labels.max() + 1, dtype=np.float32)[labels]
    return Subject(vectors, targets, np.arange(len(labels)) if groups is None else groups, True, seed)
