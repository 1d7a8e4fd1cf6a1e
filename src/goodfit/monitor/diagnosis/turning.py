"""Has validation turned? A paired test that is not fooled by having picked the lowest point.

Part of monitor's diagnosis (methods 7). The rows are cut in two halves by group; one half says where the loss was lowest, the other
measures how much higher the last two looks are there; then the other way round. On flat curves patience rules fire every second time, the
plain paired test of the last point against the lowest in one of ten; this one in one of twenty, as it promises. Shapes: T looks, n rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
CRITICAL = float(stats.norm.ppf(0.96))
"""One-sided. Both halves of a flat curve sometimes choose the same look, and the tail is heavier than the normal one: 4% is kept as 5%."""
LEAST_LOOKS = 4
LEAST_ROWS = 20


@dataclass(frozen=True)
class Turn:
    """How much the last two looks differ from the lowest point of the loss, measured on rows that did not choose that point."""

    z: float
    """Of the rise of the loss; above CRITICAL it is no accident (one-sided, 5%)."""
    place: int
    """The look of the lowest loss on all rows."""
    rise: float
    low: float
    high: float
    """Rise of the mean loss in nats, with its 95% interval."""
    right: float
    right_low: float
    right_high: float
    """Change of the share right since the same point."""

    @property
    def significant(self) -> bool:
        """The loss has risen."""
        return self.z > CRITICAL


def turn_of(loss: Floats, right: Floats, groups: npt.NDArray[np.int64] | None, *, seed: int = 0) -> Turn | None:
    """The test on losses and rights [T, n]; None where there are too few looks or rows."""
    looks, n = loss.shape
    if looks < LEAST_LOOKS or n < LEAST_ROWS:
        return None
    units = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    count = int(units.max()) + 1
    if count < LEAST_ROWS:
        return None
    side = (np.random.default_rng(seed).permutation(count) % 2)[units]
    parts = [_one_side(loss, right, units, side == half) for half in (0, 1)]
    z = sum(part[0] for part in parts) / math.sqrt(2)
    (_, first, first_error, gain, gain_error), (_, second, second_error, more, more_error) = parts
    rise, error = (first + second) / 2, math.hypot(first_error, second_error) / 2
    change, spread = (gain + more) / 2, math.hypot(gain_error, more_error) / 2
    wide = 1.96 * error, 1.96 * spread
    return Turn(z, int(loss.mean(axis=1).argmin()), rise, rise - wide[0], rise + wide[0], change, change - wide[1], change + wide[1])


def _one_side(
    loss: Floats, right: Floats, units: npt.NDArray[np.int64], chooses: npt.NDArray[np.bool_]
) -> tuple[float, float, float, float, float]:
    """z, rise and its error, change of the share right and its error, on the rows that did not choose."""
    lowest, last = int(loss[:, chooses].mean(axis=1).argmin()), len(loss) - 1
    if lowest >= last - 1:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    measured = ~chooses
    rise, error = _mean_of_units(loss[-2:, measured].mean(axis=0) - loss[lowest, measured], units[measured])
    gain, spread = _mean_of_units(right[-2:, measured].mean(axis=0) - right[lowest, measured], units[measured])
    return (rise / error if error > 0 else 0.0), rise, error, gain, spread


def _mean_of_units(values: Floats, units: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Mean over rows, and its standard error with groups as the units."""
    mean = float(values.mean())
    pulls = np.bincount(units, weights=values - mean)
    sizes = np.bincount(units)
    held = pulls[sizes > 0]
    many = len(held)
    return mean, math.sqrt(float((held**2).sum()) * many / max(1, many - 1)) / len(values)
