"""What a training adds to the suspicion: labels that the model learned late, or not at all (data map, area under the margin).

Part of audit's labels; pure functions of arrays, for the data map that `train` leaves (methods 1.6). The model's confidence at the end of
its training says nothing, as a wrong label that was memorised looks right by then: so the whole course counts (Pleiss et al. 2020;
Swayamdipta et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]
Region = Literal["easy", "hard", "ambiguous"]


@dataclass(frozen=True)
class DataMap:
    """How a model learned each of n rows."""

    confidence: npt.NDArray[np.float64]
    """[n]: mean probability of the given class over the epochs."""
    variability: npt.NDArray[np.float64]
    """[n]: its standard deviation."""
    area: npt.NDArray[np.float64]
    """[n]: mean margin of the given class's score over the largest other, over the epochs."""


def data_map(given: Floats, margins: Floats) -> DataMap:
    """From the probability of the given class, and its score less the largest other, both [epochs, n]."""
    probability, margin = np.asarray(given, dtype=np.float64), np.asarray(margins, dtype=np.float64)
    return DataMap(probability.mean(axis=0), probability.std(axis=0), margin.mean(axis=0))


def within_class(values: Floats, labels: Ints) -> npt.NDArray[np.float64]:
    """The rank of every value among the rows of its class, [n] in [0, 1]; 0.5 in a class of one row."""
    out = np.full(len(values), 0.5)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 1:
            out[rows] = (stats.rankdata(values[rows]) - 1) / (len(rows) - 1)
    return out


def joined(score: Floats, area: Floats, labels: Ints) -> npt.NDArray[np.float64]:
    """Suspicion of n rows from what held-out models say (`score`, the larger the worse) and the area under the margin: mean rank in class.

    Rows that the training did not see (`area` NaN) keep the rank of their score.
    """
    first = within_class(score, labels)
    seen = np.isfinite(area)
    out = first.copy()
    out[seen] = (first[seen] + within_class(-np.asarray(area)[seen], labels[seen])) / 2
    return out


def regions(found: DataMap, *, share: float = 1 / 3) -> npt.NDArray[np.str_]:
    """[n]: `ambiguous` the third of largest variability, `hard` the third of least confidence of the rest, else `easy`.

    Hard rows hold the wrong labels; ambiguous ones are what a model learns most from: they are kept.
    """
    out = np.full(len(found.confidence), "easy", dtype="<U9")
    ambiguous = found.variability > np.quantile(found.variability, 1 - share)
    rest = ~ambiguous
    if rest.any():
        out[rest & (found.confidence <= np.quantile(found.confidence[rest], share))] = "hard"
    out[ambiguous] = "ambiguous"
    return out
