"""The numbers that the diagnoses are made of, each from the evidence alone. Part of monitor's diagnosis.

Training losses are taken between looks, not between the lines of the events: lines are written by the clock, looks by counts, and a
diagnosis must not depend on how fast the machine is. The pace of a training is measured in units of its rate: under a schedule that falls
to zero every curve flattens, whether or not it has arrived.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodfit.monitor.diagnosis import thresholds as at
from goodfit.monitor.diagnosis.evidence import Evidence, Planned, Seen
from goodfit.monitor.events import Event

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stretches:
    """Between one look and the next: arrays [T]."""

    loss: Floats
    """Mean training loss."""
    largest: Floats
    """The largest loss of a step."""
    clipped: Floats
    """Share of the steps whose gradient was clipped."""
    ratio: Floats
    """Update over weights, at the look."""
    norm: Floats
    """Gradient norm, at the look."""
    first: float | None
    """Loss of the first step: that of the untrained model."""


def stretches(events: list[Event], steps: npt.NDArray[np.int64]) -> Stretches:
    """Of the step lines, between looks after `steps`; NaN where a stretch has none."""
    lines = [e for e in events if e.get("loss") is not None]
    place = np.searchsorted(steps, [e["step"] for e in lines])
    columns: dict[str, list[float]] = {name: [] for name in ("loss", "largest", "clipped", "ratio", "norm")}
    for look in range(len(steps)):
        part = [e for e, at in zip(lines, place, strict=True) if at == look]
        columns["loss"].append(_weighted(part, "loss", "n"))
        columns["largest"].append(max((float(e.get("loss_max") or e["loss"]) for e in part), default=math.nan))
        columns["clipped"].append(_weighted(part, "clipped_share", "n"))
        columns["ratio"].append(_last(part, "update_ratio"))
        columns["norm"].append(_last(part, "grad_norm"))
    first = float(lines[0]["loss"]) if lines and lines[0]["step"] == 1 else None
    loss, largest, clipped, ratio, norm = (np.array(values, dtype=np.float64) for values in columns.values())
    return Stretches(loss, largest, clipped, ratio, norm, first)


def _weighted(part: list[Event], name: str, weight: str) -> float:
    total = sum(e.get(weight, 1) for e in part)
    return sum(float(e.get(name) or 0.0) * e.get(weight, 1) for e in part) / total if total else math.nan


def _last(part: list[Event], name: str) -> float:
    found = [e[name] for e in part if e.get(name) is not None]
    return float(found[-1]) if found else math.nan


def progress(plan: Planned, steps: npt.NDArray[np.int64]) -> Floats:
    """The sum of the rates up to each step, as a share of the plan's whole sum [T]."""
    if not len(plan.rates) or plan.rates.sum() <= 0:
        return steps / max(1, plan.steps_total)
    sums = np.cumsum(plan.rates) / plan.rates.sum()
    return np.asarray(sums[np.clip(steps, 1, len(sums)) - 1], dtype=np.float64)


@dataclass(frozen=True)
class Falling:
    """What another third of the training's rate would still bring, by what the last two thirds brought."""

    before: float
    last: float
    """Fall of the mean loss over the middle and over the last third."""
    error: float
    """Standard error of the last, rows paired."""
    ahead: float
    """Forecast for the next: a geometric decay."""

    @property
    def z(self) -> float:
        """Of the fall over the last third."""
        return self.last / self.error if self.error > 0 else 0.0


def falling(seen: Seen, plan: Planned) -> Falling | None:
    """Of a split's loss; None with fewer than three looks."""
    if seen.looks < 3:
        return None
    done = progress(plan, seen.steps)
    done = done / done[-1]
    a, b = (int(np.abs(done - at).argmin()) for at in (1 / 3, 2 / 3))
    end = seen.looks - 1
    a, b = min(a, end - 2), min(max(b, a + 1), end - 1)
    before = float(seen.loss[a].mean() - seen.loss[b].mean())
    each = seen.loss[b] - seen.loss[end]
    last, error = float(each.mean()), float(each.std(ddof=1) / math.sqrt(max(2, seen.n)))
    width = (done[end] - done[b]) / max(done[b] - done[a], 1e-9)
    keeps = min(1.0, max(0.0, last / (before * width))) if before > 0 else 1.0
    return Falling(before, last, error, last * keeps / max((done[end] - done[b]) * 3, 1e-9))


def brief(evidence: Evidence) -> bool:
    """Over before the warm-up of a usual training would be. One that was planned longer and stopped, as validation no longer got better, is
    not: what it had to show it has shown.
    """
    split = evidence.valid or evidence.probe
    if split is None or not split.looks:
        return False
    stopped = (evidence.curves.end or {}).get("stopped_by") == "early_stopping"
    return bool((evidence.plan.steps_total if stopped else split.steps[-1]) < at.FEW_STEPS)
