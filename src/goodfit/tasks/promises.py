"""Promises: what the validation rows allow to promise of answers to come. Kept with the model; `predict` and evaluate hold to it.

Part of tasks. Two of them: which answers to withhold so that at most so many of the others are wrong (statistics/selective.py), and sets
of labels that hold the true one so often (statistics/conformal.py). Both look at the probabilities without the temperature, which is fitted
on the same rows: then nothing that they use was fitted on validation, and all of its rows calibrate. Only the penalty of RAPS is chosen,
on a quarter of the rows that then does not calibrate. (The training step that was kept was chosen on validation too: one choice among a
few steps.) Of clustered rows (a customer's, near-duplicates) one each is taken, by chance.

Shapes: n rows, L labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.statistics.conformal import labels_found, lac, per_class, quantile, raps
from goodfit.statistics.selective import Level, levels_of, promised

ALPHAS = (0.01, 0.02, 0.05, 0.10, 0.20)
"""Shares of rows whose set may lack the true label."""
FEW_CLASSES = 10
"""Classes up to which the smallest sets are taken; beyond RAPS."""
FEWEST_ROWS = 50
"""Validation rows below which nothing is promised."""
TUNED = 0.25
PENALTIES, FREE = (0.001, 0.01, 0.05, 0.2), (1, 2, 5)
TUNED_AT = 0.10
LAC, RAPS, PER_CLASS, FOUND = "lac", "raps", "lac_per_class", "labels_found"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Promises:
    """What is kept with the model."""

    method: str
    """Of the sets: `lac`, `raps`, `lac_per_class`; several labels a row: `labels_found`."""
    n: int
    """Rows that calibrate the sets."""
    quantiles: Mapping[str, tuple[float, ...]]
    """Share missed (`0.1`) -> the most strange score of a set, one or one per label; of `labels_found` the threshold."""
    levels: tuple[Level, ...]
    """For withholding answers."""
    reason: str
    """How it was made, in words."""
    penalty: float = 0.0
    free: int = 1

    def to_json(self) -> dict[str, Any]:
        """A plain dict; infinity is null."""
        told = {key: [None if math.isinf(q) else q for q in values] for key, values in self.quantiles.items()}
        return {
            "method": self.method, "n": self.n, "quantiles": told, "levels": [[x.threshold, x.covered, x.errors] for x in self.levels],
            "reason": self.reason, "penalty": self.penalty, "free": self.free,
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Promises:
        """What `to_json` gave; KeyError, TypeError or ValueError where it is not whole."""
        quantiles = {key: tuple(math.inf if q is None else float(q) for q in of) for key, of in values["quantiles"].items()}
        levels = tuple(Level(float(t), int(covered), int(errors)) for t, covered, errors in values["levels"])
        return cls(
            str(values["method"]), int(values["n"]), quantiles, levels, str(values["reason"]), float(values["penalty"]), int(values["free"])
        )  # fmt: skip

    def above(self, risk: float) -> Level | None:
        """The level above which answers are given so that at most `risk` (0-1) of them are wrong; None where that cannot be promised."""
        return promised(list(self.levels), risk)

    def alpha_of(self, coverage: float) -> str | None:
        """The key of the share missed that a coverage (0-1) allows; None where nothing so strict was calibrated."""
        fitting = [alpha for alpha in ALPHAS if alpha <= 1 - coverage + 1e-9]
        return f"{max(fitting):g}" if fitting else None

    def sets(self, probabilities: NDArray[Any], alpha: str) -> NDArray[np.bool_]:
        """The labels of each row's set [n, L], from probabilities without the temperature; the likeliest label is always in it."""
        p, q = np.asarray(probabilities, dtype=np.float64), np.array(self.quantiles[alpha])
        if self.method == FOUND:
            return np.asarray(p >= q[0])
        inside = self.strangeness(p) <= q
        inside[np.arange(len(p)), p.argmax(axis=1)] = True
        return np.asarray(inside)

    def strangeness(self, probabilities: Floats) -> Floats:
        """How strange each label would be [n, L]."""
        return raps(probabilities, self.penalty, self.free) if self.method == RAPS else lac(probabilities)


def fit_promises(
    raw: Floats, targets: NDArray[Any], right: NDArray[np.bool_], confidence: Floats, *, clusters: NDArray[np.int64] | None, seed: int
) -> Promises | None:
    """From validation rows; None below FEWEST_ROWS.

    `raw`: probabilities without temperature [n, L]; `targets` int64 [n] (-1: a label that the model cannot give) or float32 [n, L];
    `right` and `confidence` [n]: whether the decision is right, and how sure it is.
    """
    rng = np.random.default_rng([seed, 13])
    rows = _one_each(len(raw), clusters, rng)
    if len(rows) < FEWEST_ROWS:
        return None
    levels = tuple(levels_of(confidence[rows], right[rows]))
    one_each = "" if len(rows) == len(raw) else f", one of each of {len(rows):,} clusters"
    if targets.ndim == 2:
        quantiles = {f"{alpha:g}": (labels_found(raw[rows], targets[rows] > 0.5, alpha),) for alpha in ALPHAS}
        return Promises(FOUND, len(rows), quantiles, levels, f"calibrated on {len(rows):,} validation rows{one_each}")
    return _classes(raw[rows], np.asarray(targets)[rows], levels, one_each, rng)


def _classes(p: Floats, y: NDArray[np.int64], levels: tuple[Level, ...], one_each: str, rng: np.random.Generator) -> Promises:
    n, labels = p.shape
    counts = np.bincount(y[y >= 0], minlength=labels)
    if counts.min() >= 2 / TUNED_AT and (y >= 0).all():
        true = _of_truth(lac(p), y)
        quantiles = {f"{alpha:g}": tuple(per_class(true, y, labels, alpha).tolist()) for alpha in ALPHAS}
        said = f"calibrated class by class on {n:,} validation rows{one_each} (each class has at least {counts.min()})"
        return Promises(PER_CLASS, n, quantiles, levels, said)
    if labels <= FEW_CLASSES:
        return Promises(LAC, n, _quantiles(lac(p), y), levels, f"calibrated on {n:,} validation rows{one_each}")
    shuffled = rng.permutation(n)
    tuning, rest = shuffled[: int(TUNED * n)], shuffled[int(TUNED * n) :]
    penalty, free = _smallest(p[tuning], y[tuning])
    said = f"calibrated on {len(rest):,} validation rows{one_each}, the penalty chosen on {len(tuning):,} others"
    return Promises(RAPS, len(rest), _quantiles(raps(p[rest], penalty, free), y[rest]), levels, said, penalty, free)


def _quantiles(scores: Floats, y: NDArray[np.int64]) -> dict[str, tuple[float, ...]]:
    true = _of_truth(scores, y)
    return {f"{alpha:g}": (quantile(true, alpha),) for alpha in ALPHAS}


def _of_truth(scores: Floats, y: NDArray[np.int64]) -> Floats:
    """The score of the true label [n]; infinite where the model does not have it."""
    out = np.full(len(y), np.inf)
    known = y >= 0
    out[known] = scores[np.flatnonzero(known), y[known]]
    return out


def _smallest(p: Floats, y: NDArray[np.int64]) -> tuple[float, int]:
    """The penalty and the free ranks with the smallest sets at nine of ten, on rows of their own."""

    def size(way: tuple[float, int]) -> float:
        scores = raps(p, *way)
        return float((scores <= quantile(_of_truth(scores, y), TUNED_AT)).sum(axis=1).mean())

    return min(((penalty, free) for penalty in PENALTIES for free in FREE), key=size)


def _one_each(n: int, clusters: NDArray[np.int64] | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of the rows, or of one row of each cluster, drawn by chance."""
    order = rng.permutation(n)
    if clusters is None:
        return np.arange(n)
    _, first = np.unique(np.asarray(clusters)[order], return_index=True)
    return np.sort(order[first])
