"""The events of a training on disk (`train/events.jsonl`), and the curves that are read from them.

Layer: monitor. The file only grows; a line that a crash cut short is left out; of two attempts that cover the same step the later
one counts (a resumed training repeats the steps after its checkpoint).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goodfit.files import append_jsonl, read_jsonl

Event = dict[str, Any]


class EventFile:
    """Appends events; one writer."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, event: Event) -> None:
        """One line, on disk before this returns."""
        append_jsonl(self.path, [event])

    def attempts(self) -> int:
        """Attempts begun so far."""
        return sum(e["event"] == "start" for e in read_jsonl(self.path))


@dataclass(frozen=True)
class Curves:
    """What a training did, step by step; each point is the last attempt's."""

    steps: list[Event] = field(default_factory=list)
    evals: dict[str, list[Event]] = field(default_factory=dict)
    """`valid` and `train_probe`, each ordered by step."""
    start: Event | None = None
    end: Event | None = None

    def latest(self, split: str) -> Event | None:
        """The newest evaluation of a split."""
        points = self.evals.get(split, [])
        return points[-1] if points else None


class Course:
    """Curves that grow event by event."""

    def __init__(self) -> None:
        self._steps: dict[int, Event] = {}
        self._evals: dict[str, dict[int, Event]] = {}
        self._start: Event | None = None
        self._end: Event | None = None

    def take(self, event: Event) -> None:
        """Learns from one event; what lies beyond the checkpoint of a resume no longer counts."""
        kind = event["event"]
        if kind == "start":
            self._start, self._end = event, None
            self._steps = {step: one for step, one in self._steps.items() if not one.get("nonfinite")}
        elif kind == "resumed":
            for points in (self._steps, *self._evals.values()):
                for step in [s for s in points if s > event["step"]]:
                    del points[step]
        elif kind == "step":
            self._steps[event["step"]] = event
        elif kind == "eval":
            self._evals.setdefault(event["split"], {})[event["step"]] = event
        elif kind == "end":
            self._end = event

    @property
    def curves(self) -> Curves:
        """What there is so far."""
        ordered = {split: [points[s] for s in sorted(points)] for split, points in self._evals.items()}
        return Curves([self._steps[s] for s in sorted(self._steps)], ordered, self._start, self._end)


def read_curves(path: Path) -> Curves:
    """The curves in an events file; empty where there is none."""
    course = Course()
    for event in read_jsonl(path):
        course.take(event)
    return course.curves


def primary_score(event: Event | None, name: str) -> float | None:
    """The value of one score in an evaluation event."""
    for score in (event or {}).get("scores", []):
        if score.get("name") == name and not score.get("label"):
            value = score.get("value")
            return None if value is None else float(value)
    return None
