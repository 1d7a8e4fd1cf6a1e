"""The part of report.json that tells of a search for better numbers. Part of the report stage, under `schema`."""

from __future__ import annotations

from typing import Any

from goodfit.stages.report.record import Record, WrittenScore


class TriedKey(Record):
    """A key of the recipe and what was tried for it: a range, or choices."""

    key: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: list[str] = []


class TrialFacts(Record):
    """One trial."""

    trial: int
    state: str
    default: bool = False
    taken: bool = False
    value: float | None = None
    """The deciding score on the choosing rows; none where the trial did not end."""
    params: dict[str, Any] = {}


class TuningFacts(Record):
    """A search: what was tried, and what came of it."""

    sentence: str
    metric: str
    higher_is_better: bool = True
    seconds: float | None = None
    choosing: int | None = None
    judging: int | None = None
    keys: list[TriedKey] = []
    trials: list[TrialFacts] = []
    states: dict[str, int] = {}
    repeats: int = 0
    importance: list[WrittenScore] = []
    """The share of the scores' variance that a key explains; empty with `why_no_importance`."""
    why_no_importance: str = ""
