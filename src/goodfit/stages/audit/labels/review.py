"""How many labels are wrong, once people have looked at some: the only estimate of it that Goodfit gives.

Part of audit's labels. Reviews are drawn by strata of suspicion (ranking.STRATA) in the shares of ALLOCATION; the estimate weighs each
stratum by its size, whatever was drawn from it. Interval: Wilson on the effective number of rows, as clustered shares have it; each
stratum's variance from (k + 1/4) / (n + 1/2), so that a stratum without a wrong label among a few still counts for what it may hide, and
nothing for rows that were all looked at. Chosen by simulation: docs/why/label-noise.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.score import Score
from goodfit.statistics.proportions import wilson

ALLOCATION = (0.15, 0.15, 0.25, 0.45)
"""Shares of a review that are drawn from each stratum: many from the rest, as what nobody suspects weighs most."""
SMOOTH = 0.25
WRONG, RIGHT = ("relabel", "drop"), ("keep",)
"""What a decision says of the label; `mask` says nothing of it."""
LEAST = 20
"""Rows that must have been reviewed."""
NAME = "label_noise"
_NOT_BY_CHANCE = 3.3
"""Standard errors from the middle of its stratum at which the rows reviewed there were not drawn by chance (once in a thousand)."""


class Decided(Protocol):
    """One line of decisions.jsonl."""

    @property
    def row(self) -> str:
        """The row's id."""

    @property
    def action(self) -> str:
        """keep | relabel | drop | mask."""


def noise_rate(decisions: Iterable[Decided], suspects: pa.Table, *, level: float = 0.95) -> Score:
    """Share of the rows of `suspects` (audit/suspects.parquet, most suspicious first) whose label is wrong, from people's decisions.

    The last decision on a row counts. Rows reviewed from the top without a gap are a stratum of their own, looked at whole; within the
    others the reviewed rows must look drawn by chance. Without an estimate (`why_absent`) where a stratum has none, or they do not.
    """
    said = {d.row: d.action in WRONG for d in decisions if d.action in (*WRONG, *RIGHT)}
    rows = suspects["row"].to_pylist()
    wrong = np.array([said.get(row, False) for row in rows], dtype=bool)
    seen = np.array([row in said for row in rows], dtype=bool)
    stratum = np.asarray(suspects["stratum"].to_numpy(), dtype=np.int64) + 1
    top = len(rows) if seen.all() else int(np.argmin(seen))
    stratum[:top] = 0
    reason = _why_not(seen, stratum)
    if reason:
        return Score(name=NAME, n=int(seen.sum()), why_absent=reason, higher_is_better=False, split="train")
    value, low, high = stratified(wrong, seen, stratum, level)
    return Score(
        name=NAME, value=value, low=low, high=high, level=level, n=int(seen.sum()), method="wilson_stratified",
        higher_is_better=False, split="train",
    )  # fmt: skip


def stratified(
    wrong: npt.NDArray[np.bool_], seen: npt.NDArray[np.bool_], stratum: npt.NDArray[np.int64], level: float
) -> tuple[float, float, float]:
    """Estimate and interval of the share that is wrong among N rows, `wrong` known where `seen`; each [N]."""
    size = np.bincount(stratum).astype(np.float64)
    n = np.bincount(stratum, weights=seen)
    k = np.bincount(stratum, weights=wrong & seen)
    held = size > 0
    size, n, k = size[held], n[held], k[held]
    weight = size / size.sum()
    value = float((weight * k / n).sum())
    smooth = (k + SMOOTH) / (n + 2 * SMOOTH)
    variance = float((weight**2 * smooth * (1 - smooth) / n * (1 - n / size)).sum())
    if variance <= 0:  # every row was looked at
        return value, value, value
    centre = float((weight * smooth).sum())
    rows = centre * (1 - centre) / variance
    low, high = wilson(value * rows, rows, level)
    return value, max(low, float(k.sum() / size.sum())), min(high, 1 - float((n - k).sum() / size.sum()))


def _why_not(seen: npt.NDArray[np.bool_], stratum: npt.NDArray[np.int64]) -> str:
    """Why there is no estimate; empty where there is one."""
    if seen.sum() < min(LEAST, len(seen)):
        return f"{int(seen.sum())} rows were reviewed; it takes {LEAST}"
    for one in np.unique(stratum[stratum > 0]):
        inside = np.flatnonzero(stratum == one)
        reviewed = np.flatnonzero(seen[inside])
        if not len(reviewed):
            return "only suspicious rows were reviewed; of those that nobody suspects some must be drawn too"
        size, n = len(inside), len(reviewed)
        error = math.sqrt((size + 1) * (size - n) / (12 * n))
        if error and abs(reviewed.mean() - (size - 1) / 2) > _NOT_BY_CHANCE * error:
            return "the reviewed rows were not drawn by chance within their stratum of suspicion"
    return ""
