"""The learning curve of a data set with its forecast, measured once for the check and for the page. Part of audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from goodfit.stages.audit.curve.forecast import MOST, Curve, Floats, Forecast, forecast
from goodfit.stages.audit.curve.measure import Probe, learning_curve

CURVE_ROWS, CURVE_CLUSTERS = 100, 25
"""Training rows, and clusters of them, that a curve takes."""
AHEAD = 6
"""Sizes beyond the last measured one that are drawn."""
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Learned:
    """What the probe reaches on ever more rows, and what it would reach on all and on twice as many."""

    metric: str
    """`macro_f1`; for several labels a row `micro_f1`."""
    curve: Curve
    classes: list[Curve | None]
    """Recall of each class that has rows enough."""
    ahead: Forecast
    """At `base` rows, at `more`, and at the sizes between the last measured one and `more`."""

    @property
    def base(self) -> int:
        """All training rows, or twice the largest measured size where there are more."""
        return int(self.ahead.targets[0])

    @property
    def more(self) -> int:
        """Twice as many."""
        return int(self.ahead.targets[1])

    def to_json(self) -> dict[str, Any]:
        """For profile.json: what was measured, and the forecast where there is one, by rising size."""
        noise = 2 * np.hypot(self.curve.noise, self.curve.level_noise)
        measured = _points(self.curve.sizes, self.curve.mean, self.curve.mean - noise, self.curve.mean + noise)
        found: dict[str, Any] = {"metric": self.metric, "answer": self.ahead.answer, "measured": measured, "forecast": []}
        if self.ahead.answer == "forecast":
            order = np.argsort(self.ahead.targets, kind="stable")
            ahead = self.ahead
            found["forecast"] = _points(ahead.targets[order], ahead.value[order], ahead.low[order], ahead.high[order])
            value, low, high = ahead.gain(1, 0)
            found["gain"] = {"from": self.base, "to": self.more, "value": round(value, 5), "low": round(low, 5), "high": round(high, 5)}
        return found


def _points(rows: Ints, value: Floats, low: Floats, high: Floats) -> list[dict[str, float]]:
    parts = (np.clip(part, 0, 1).round(4).tolist() for part in (value, low, high))
    return [{"rows": n, "value": v, "low": a, "high": b} for n, v, a, b in zip(rows.tolist(), *parts, strict=True)]


def learn(probe: Probe, n: int, *, seed: int, tell: Callable[[int, int], object] | None = None) -> Learned | str:
    """Measures the curve of the probe's rows, of which there are `n` in all, and looks ahead; or says why there is no curve."""
    if len(np.unique(probe.clusters)) < CURVE_CLUSTERS:
        return f"the training rows form fewer than {CURVE_CLUSTERS} clusters"
    several = probe.targets.ndim == 2
    measured = learning_curve(probe, micro_f1 if several else macro_f1, seed=seed, tell=tell)
    if measured is None:
        return "one cluster holds so many of the training rows that no fifth of them can be left out"
    curve, classes = measured
    ahead = forecast(curve, targets_of(curve, n), np.random.default_rng(seed))
    return Learned("micro_f1" if several else "macro_f1", curve, classes, ahead)


def targets_of(curve: Curve, n: int) -> Ints:
    """All rows, twice as many (as far as a forecast goes), and sizes on the way there."""
    largest = int(curve.sizes[-1])
    base = min(n, 2 * largest)
    more = min(2 * base, int(MOST * largest))
    between = np.geomspace(largest, more, AHEAD + 1)[1:-1] if more > largest else np.zeros(0)
    return np.concatenate([[base, more], np.round(between)]).astype(np.int64)


def macro_f1(targets: Any, said: Any) -> float:
    """Mean F1 of the classes that there are."""
    return float(f1_score(targets, said, average="macro", zero_division=0))


def micro_f1(targets: Any, said: Any) -> float:
    """F1 over all labels of all rows."""
    return float(f1_score(targets, said, average="micro", zero_division=0))
