"""Sample: labels and predictions of the same rows, checked once; and what a measurement of it can be.

Part of statistics; the doors (`scoring`, `comparing`) build Samples, the families (`rates`, `counted`, `influence`,
`calibration`) measure them. What a kind needs decides the shapes:

    needs                      labels          predictions
    prediction                 int [n]         int [n]          classes as 0..K-1
    binary                     bool [n]        bool [n]         one class against the rest
    multilabel_prediction      bool [n, L]     bool [n, L]
    probability                int [n]         float [n, K], or float [n] = probability (or score) of class 1
    multilabel_probability     bool [n, L]     float [n, L]
    flags                      None            bool [n]         any yes/no per row
    values                     None            float [n]        any score or loss per row
    pair                       float [n]       float [n]
    ratio                      float [n]       float [n]        sizes (tokens, bytes; not negative), and what is summed over them
    sums                       None            float [n, D]     what each row adds to D sums
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Needs = Literal[
    "prediction", "binary", "multilabel_prediction", "probability", "multilabel_probability", "flags", "values", "pair", "ratio", "sums"
]  # fmt: skip


class Unscorable(Exception):
    """The number does not exist on these rows; the message is the reason a Score gives as `why_absent`."""


@dataclass(frozen=True)
class Sample:
    """Rows to be scored: `labels` and `predictions` as the kind needs them, `clusters` as 0..G-1 or None."""

    labels: Any
    predictions: Any
    clusters: Ints | None = None

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.predictions)

    @property
    def units(self) -> int:
        """Independent units: clusters where there are some, else rows."""
        return self.n if self.clusters is None else int(self.clusters.max()) + 1

    def column(self, j: int) -> Sample:
        """Class (or label) `j` against the rest: a `binary` Sample."""
        if self.labels.ndim == 2:
            return replace(self, labels=self.labels[:, j], predictions=self.predictions[:, j])
        return replace(self, labels=self.labels == j, predictions=self.predictions == j)


@dataclass(frozen=True)
class Estimate:
    """A number and its interval; `n` where it is not the rows of the sample; no interval where `method` begins with `none`."""

    value: float
    low: float | None
    high: float | None
    method: str
    resamples: int | None = None
    n: int | None = None


def joined(a: Estimate, b: Estimate, shared: float = 0.0) -> tuple[float, float] | None:
    """The interval of a - b from those of both (MOVER, Zou 2007); `shared`: their correlation. None where either has none."""
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return None
    difference = a.value - b.value
    down, up = (a.value - a.low, b.high - b.value), (a.high - a.value, b.value - b.low)
    below, above = (math.sqrt(max(x**2 + y**2 - 2 * shared * x * y, 0.0)) for x, y in (down, up))
    return difference - below, difference + above


@dataclass(frozen=True)
class Contrast:
    """a - b on the same rows: interval, p of no difference (None where no test exists), share of rows that differ (0/1 kinds)."""

    value: float
    low: float | None
    high: float | None
    p: float | None
    method: str
    resamples: int | None = None
    discordance: float | None = None


def sample_of(needs: Needs, labels: Any, predictions: Any, clusters: Any = None) -> Sample:
    """Check and convert; raises ValueError for what a caller did wrong, Unscorable for no rows."""
    predictions = _as_array(predictions, needs)
    known = _LABELS[needs]
    if known is None:
        labels = None
    else:
        labels = _convert(labels, known, f"labels ({needs})")
        if len(labels) != len(predictions):
            raise ValueError(f"{len(labels)} labels, {len(predictions)} predictions: they must be the same rows")
    _check_shapes(needs, labels, predictions)
    if len(predictions) == 0:
        raise Unscorable("no rows")
    return Sample(labels, predictions, _codes(clusters, len(predictions)))


_LABELS: dict[str, str | None] = {
    "prediction": "class", "binary": "flag", "multilabel_prediction": "flag", "probability": "class",
    "multilabel_probability": "flag", "flags": None, "values": None, "pair": "number", "ratio": "number", "sums": None,
}  # fmt: skip
_PREDICTIONS = {
    "prediction": "class", "binary": "flag", "multilabel_prediction": "flag", "probability": "number",
    "multilabel_probability": "number", "flags": "flag", "values": "number", "pair": "number", "ratio": "number", "sums": "number",
}  # fmt: skip


def _as_array(predictions: Any, needs: Needs) -> Any:
    return _convert(predictions, _PREDICTIONS[needs], f"predictions ({needs})")


def _convert(values: Any, to: str, what: str) -> Any:
    array = np.asarray(values)
    if to == "number":
        if not np.issubdtype(array.dtype, np.floating):
            array = array.astype(np.float64)
        if not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise ValueError(f"{what}: row {row} is not a finite number")
        return array
    if to == "flag":
        if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
            raise ValueError(f"{what}: only true and false (or 1 and 0) are possible")
        return array.astype(np.bool_)
    whole = array.astype(np.int64)
    if not (np.issubdtype(array.dtype, np.integer) or array.dtype == np.bool_) and not np.array_equal(whole, array):
        raise ValueError(f"{what}: classes are whole numbers 0..K-1")
    if whole.size and whole.min() < 0:
        raise ValueError(f"{what}: classes are counted from 0, found {whole.min()}")
    return whole


def _check_shapes(needs: Needs, labels: Any, predictions: Any) -> None:
    wide = 2 if needs in ("multilabel_prediction", "multilabel_probability", "sums") else 1
    if labels is not None and labels.ndim != wide:
        raise ValueError(f"labels have {labels.ndim} dimensions, {needs} has {wide}")
    if needs == "ratio" and labels.size and labels.min() < 0:
        raise ValueError(f"a size is {labels.min():g}: tokens and bytes are counted from 0")
    if needs == "probability":
        if predictions.ndim not in (1, 2):
            raise ValueError(f"probabilities have {predictions.ndim} dimensions, expected [n, K] or [n]")
        classes = predictions.shape[1] if predictions.ndim == 2 else 2
        if labels.size and labels.max() >= classes:
            raise ValueError(f"label {labels.max()} among probabilities of {classes} classes")
    elif predictions.ndim != wide or (labels is not None and labels.shape != predictions.shape):
        raise ValueError(f"predictions have shape {predictions.shape}, labels {getattr(labels, 'shape', None)}")


def _codes(clusters: Any, n: int) -> Ints | None:
    """Any names -> 0..G-1; None where every row is its own cluster."""
    if clusters is None:
        return None
    names = np.asarray(clusters)
    if len(names) != n:
        raise ValueError(f"{len(names)} clusters for {n} rows")
    _, codes = np.unique(names, return_inverse=True)
    codes = codes.astype(np.int64).reshape(-1)
    return None if codes.size and codes.max() + 1 == n else codes
