"""Populations to draw test sets from, with the values that their scores have in truth. Used by `coverage` and tests/statistics.

Every `draw_…` returns a function rng -> (labels, predictions, clusters or None); every `…_population` the sums per row from which
goodfit.statistics.counted makes the population's score.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from goodfit.statistics import calibration, score
from goodfit.statistics.sample import sample_of

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator
Rows = tuple[Any, Any, Any]
"""labels, predictions, clusters (or None)."""
Draw = Callable[[Rng], Rows]


def cluster_sizes(rng: Rng, groups: int, size: int) -> npt.NDArray[np.int64]:
    """The cluster of each row: sizes 1 + geometric, `size` + 1 on average."""
    return np.repeat(np.arange(groups), 1 + rng.geometric(1 / size, size=groups))


def with_rate(rng: Rng, clusters: Any, rate: float, icc: float) -> Floats:
    """Chance of each row, beta-distributed over clusters with this intra-cluster correlation."""
    strength = (1 - icc) / icc
    return rng.beta(rate * strength, (1 - rate) * strength, size=clusters.max() + 1)[clusters]


def priors(classes: int, skew: float) -> Floats:
    """Share of each class: 1 / rank^skew."""
    raw = 1 / np.arange(1, classes + 1) ** skew
    return np.asarray(raw / raw.sum())


def classes_population(classes: int, accuracy: float, skew: float) -> Floats:
    """Sums [3K] per row of a population whose mistakes fall evenly on the other classes."""
    share = priors(classes, skew)
    wrong = share * (1 - accuracy)
    predicted = share * accuracy + (wrong.sum() - wrong) / (classes - 1)
    return np.concatenate([share, predicted, share * accuracy])


def draw_classes(classes: int, accuracy: float, skew: float, n: int, *, groups: int = 0, icc: float = 0.0) -> Draw:
    """Labels and predictions; `groups` clusters of n / groups rows on average that share an accuracy."""
    share = priors(classes, skew)

    def draw(rng: Rng) -> Rows:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        chance = accuracy if clusters is None else with_rate(rng, clusters, accuracy, icc)
        size = n if clusters is None else len(clusters)
        y = rng.choice(classes, size=size, p=share)
        other = (y + rng.integers(1, classes, size=size)) % classes
        return y, np.where(rng.random(size) < chance, y, other), clusters

    return draw


def draw_stratified(classes: int, accuracy: float, rows: int) -> Draw:
    """Labels and predictions of a stratified sample: exactly `rows` of each class."""

    def draw(rng: Rng) -> Rows:
        y = np.repeat(np.arange(classes), rows)
        other = (y + rng.integers(1, classes, size=len(y))) % classes
        return y, np.where(rng.random(len(y)) < accuracy, y, other), None

    return draw


def draw_one_class(share: float, found: float, false_alarms: float, n: int, *, groups: int = 0) -> Draw:
    """Flags of one class against the rest; with clusters, some find much less than others."""

    def draw(rng: Rng) -> Rows:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        size = n if clusters is None else len(clusters)
        chance = found if clusters is None else with_rate(rng, clusters, found, 0.2)
        y = rng.random(size) < share
        return y, np.where(y, rng.random(size) < chance, rng.random(size) < false_alarms), clusters

    return draw


def draw_labels(labels: int, n: int, share: float, found: float, false_alarms: float, *, groups: int = 0) -> Draw:
    """Multi-label flags with hard and easy rows (and hard and easy clusters)."""
    shares = share * np.linspace(0.5, 1.5, labels)

    def draw(rng: Rng) -> Rows:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        size = n if clusters is None else len(clusters)
        hard = 0.8 * rng.normal(size=size) if clusters is None else 0.8 * rng.normal(size=groups)[clusters]
        ease = special.ndtr((rng.normal(size=(size, labels)) + hard[:, None]) / np.sqrt(1.64))
        y = rng.random((size, labels)) < shares
        return y, np.where(y, ease < found, ease > 1 - false_alarms), clusters

    return draw


def labels_population(labels: int, share: float, found: float, false_alarms: float) -> Floats:
    """Sums [3L] per row of `draw_labels`."""
    shares = share * np.linspace(0.5, 1.5, labels)
    return np.concatenate([shares, shares * found + (1 - shares) * false_alarms, shares * found])


def draw_scores(share: float, auc: float, n: int, *, groups: int = 0, pull: float = 0.7) -> Draw:
    """Binormal scores of one class against the rest; with clusters a common shift of standard deviation `pull`."""
    gap = np.sqrt(2 * (1 + (pull**2 if groups else 0))) * stats.norm.ppf(auc)

    def draw(rng: Rng) -> Rows:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        size = n if clusters is None else len(clusters)
        y = rng.random(size) < share
        shift = 0.0 if clusters is None else pull * rng.normal(size=groups)[clusters]
        return y.astype(int), special.expit(rng.normal(size=size) + gap * y + shift), clusters

    return draw


def average_precision_truth(share: float, auc: float, spread: float = 1.0) -> float:
    """Population average precision of `draw_scores`, by numerical integration."""
    gap = np.sqrt(2) * stats.norm.ppf(auc)
    at = np.linspace(-9, 9 + gap, 200_001)
    caught, alarms = stats.norm.sf(at, gap), stats.norm.sf(at)
    precision = share * caught / np.maximum(share * caught + (1 - share) * alarms, 1e-300)
    return float(np.trapezoid(precision * stats.norm.pdf(at, gap), at))


def draw_probabilities(classes: int, n: int, sharpness: float, temperature: float, *, groups: int = 0) -> Draw:
    """Probabilities whose logits are the true ones divided by `temperature` (below 1: overconfident)."""

    def draw(rng: Rng) -> Rows:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        size = n if clusters is None else len(clusters)
        z = sharpness * rng.normal(size=(size, classes))
        if clusters is not None:
            z += 0.7 * sharpness * rng.normal(size=(groups, classes))[clusters]
        y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
        return y, special.softmax(z / temperature, axis=1), clusters

    return draw


def draw_pairs(r: float, n: int, *, groups: int = 0, pull: float = 0.7) -> Draw:
    """Two normal columns with correlation r (in the clusters' shifts too)."""

    def draw(rng: Rng) -> Rows:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        size = n if clusters is None else len(clusters)
        mixed = np.linalg.cholesky(np.array([[1, r], [r, 1]]))
        both = rng.normal(size=(size, 2)) @ mixed.T
        if clusters is not None:
            both += pull * (rng.normal(size=(groups, 2)) @ mixed.T)[clusters]
        return both[:, 0], both[:, 1], clusters

    return draw


def draw_values(shape: str, n: int, *, groups: int = 0) -> tuple[Draw, float]:
    """One value per row (`gamma`: skewed, `beta`: in 0..1, `normal`) and its mean; with clusters a common factor."""
    make: dict[str, tuple[Callable[[Rng, int], Floats], float]] = {
        "normal": (lambda rng, m: rng.normal(1, 1, size=m), 1.0),
        "gamma": (lambda rng, m: rng.gamma(0.5, 2, size=m), 1.0),
        "beta": (lambda rng, m: rng.beta(2, 0.5, size=m), 0.8),
        "nearly all right": (lambda rng, m: np.where(rng.random(m) < 0.9, 1.0, rng.beta(1, 1, size=m)), 0.95),
    }
    values, mean = make[shape]

    def draw(rng: Rng) -> Rows:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        size = n if clusters is None else len(clusters)
        x = values(rng, size)
        if clusters is not None:
            x = x * rng.beta(4, 2, size=groups)[clusters] / (2 / 3) if shape != "beta" else x * rng.beta(4, 2, size=groups)[clusters]
        return None, x, clusters

    return draw, mean * (2 / 3) if groups and shape == "beta" else mean


def two_classifiers(classes: int, n: int, *, accuracy: float = 0.8, groups: int = 0) -> Callable[[Rng], tuple[Any, Any, Any, Any]]:
    """Labels and two equally good classifiers that agree more often than chance (and share the hard clusters)."""

    def draw(rng: Rng) -> tuple[Any, Any, Any, Any]:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        size = n if clusters is None else len(clusters)
        y = rng.integers(0, classes, size=size)
        ease = rng.normal(size=size) + (0.5 * rng.normal(size=groups)[clusters] if groups else 0)
        bar = stats.norm.ppf(accuracy) * np.sqrt(2.25 if groups else 2)
        a, b = (np.where(ease + rng.normal(size=size) < bar, y, (y + rng.integers(1, classes, size=size)) % classes) for _ in range(2))
        return y, a, b, clusters

    return draw


def two_detectors(n: int) -> Callable[[Rng], tuple[Any, Any, Any, Any]]:
    """Flags of one class and two equally good detectors."""

    def draw(rng: Rng) -> tuple[Any, Any, Any, Any]:
        y = rng.random(n) < 0.3
        ease = rng.normal(size=n)
        a, b = ((ease + rng.normal(size=n)) / np.sqrt(2) + 1.8 * y > 1.0 for _ in range(2))
        return y, a, b, None

    return draw


def two_taggers(labels: int, n: int) -> Callable[[Rng], tuple[Any, Any, Any, Any]]:
    """Multi-label flags and two equally good taggers."""

    def draw(rng: Rng) -> tuple[Any, Any, Any, Any]:
        y = rng.random((n, labels)) < 0.2
        ease = rng.normal(size=(n, labels)) + 0.5 * rng.normal(size=(n, 1))
        a, b = ((ease + rng.normal(size=(n, labels))) / 1.5 + 2.2 * y > 1.3 for _ in range(2))
        return y, a, b, None

    return draw


def two_scorers(n: int, *, groups: int = 0) -> Callable[[Rng], tuple[Any, Any, Any, Any]]:
    """Binary labels and two equally good columns of probabilities (with clusters: shifts of their own)."""

    def draw(rng: Rng) -> tuple[Any, Any, Any, Any]:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        size = n if clusters is None else len(clusters)
        y = rng.random(size) < 0.4
        ease = rng.normal(size=size)
        columns = []
        for _ in range(2):
            shift = 0.0 if clusters is None else 0.5 * rng.normal(size=groups)[clusters]
            columns.append(special.expit(1.5 * (ease + rng.normal(size=size) + 1.6 * y - 0.8 + shift)))
        return y.astype(int), columns[0], columns[1], clusters

    return draw


def two_columns(n: int) -> Callable[[Rng], tuple[Any, Any, Any, Any]]:
    """A column and two equally correlated ones."""

    def draw(rng: Rng) -> tuple[Any, Any, Any, Any]:
        x = rng.normal(size=n)
        common = rng.normal(size=n)
        return x, x + common + rng.normal(size=n), x + common + rng.normal(size=n), None

    return draw


def by_simulation(kind: str, draw: Draw, draws: int = 20) -> float:
    """The population's value where no formula gives it: the mean over some large samples."""
    rng = np.random.default_rng(zlib.crc32(kind.encode()))
    return float(np.mean([score(kind, *draw(rng)[:2]).value or 0.0 for _ in range(draws)]))


def calibration_error_truth(draw: Draw, bins: int) -> float:
    """The calibration error over that many bins of equal mass, from a large sample."""
    labels, probabilities, _ = draw(np.random.default_rng(5))
    made = calibration.decisions(sample_of("probability", labels, probabilities))
    place = calibration.bin_of(made.confidence, bins)
    gap = np.bincount(place, weights=made.confidence - made.right) / np.bincount(place)
    return float(np.sqrt(np.mean(gap[place] ** 2)))
