"""A data map: how a model learned each row.

Part of statistics; pure functions of arrays. The train stage makes the map (methods 1.6); that it does not better the audit's order of
suspects is in docs/log.md. The model's confidence at the end of its training says nothing, as a wrong label that was memorised looks
right by then: so the whole course counts (Pleiss et al. 2020; Swayamdipta et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DataMap:
    """How a model learned each of n rows; NaN for a row that it never saw."""

    confidence: npt.NDArray[np.float64]
    """[n]: mean probability of the given label over the times that the row was trained on."""
    variability: npt.NDArray[np.float64]
    """[n]: its standard deviation."""
    area: npt.NDArray[np.float64]
    """[n]: mean margin of the given label's score over the largest other (area under the margin)."""
    correct: npt.NDArray[np.float64]
    """[n]: share of the times at which the given label was the likeliest."""


def map_of_sums(sums: dict[str, npt.NDArray[np.float64] | Ints]) -> DataMap:
    """From sums over the times that a row was seen, [n] each: `seen`, `confidence`, `square` (of the confidence), `margin`, `right`."""
    seen = np.where(sums["seen"] > 0, sums["seen"], np.nan)
    confidence = sums["confidence"] / seen
    variance = np.maximum(sums["square"] / seen - confidence**2, 0.0)
    return DataMap(confidence, np.sqrt(variance), sums["margin"] / seen, sums["right"] / seen)


def regions(found: DataMap, *, share: float = 1 / 3) -> npt.NDArray[np.str_]:
    """[n]: `ambiguous` the third of largest variability, `hard` the third of least confidence of the rest, else `easy`.

    Hard rows hold the wrong labels; ambiguous ones are what a model learns most from: they are kept.
    """
    out = np.full(len(found.confidence), "easy", dtype="<U9")
    if not len(out):
        return out
    ambiguous = found.variability > np.quantile(found.variability, 1 - share)
    rest = ~ambiguous
    if rest.any():
        out[rest & (found.confidence <= np.quantile(found.confidence[rest], share))] = "hard"
    out[ambiguous] = "ambiguous"
    return out
