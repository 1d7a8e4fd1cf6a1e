"""A run as another process sees it: which stage, how far, the curves as text, what was diagnosed. For `goodfit watch`.

Layer: monitor. Reads run.json and train/events.jsonl while they grow, and writes nothing. A writer that has died is noticed by its process,
which the lock names: a run is not waited for that nobody works on.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from goodfit.errors import RunError
from goodfit.monitor.events import Course, Curves, Event, primary_score
from goodfit.monitor.screen import SCORE_NAMES, Training
from goodfit.monitor.words import amount, duration, metric, percent, visible
from goodfit.run import EVENTS, LOCK, Run

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 44
GOING = ("running",)
"""Status of a run that may still change."""


class Tail:
    """The lines that a growing JSONL file has gained since the last look; half a line waits for its rest."""

    def __init__(self, path: Path) -> None:
        self._path, self._place, self._rest = path, 0, b""

    def new(self) -> list[dict[str, Any]]:
        """What came; from the start again where the file was begun anew."""
        try:
            size = self._path.stat().st_size
        except OSError:
            return []
        if size < self._place:
            self._place, self._rest = 0, b""
        with self._path.open("rb") as handle:
            handle.seek(self._place)
            data = handle.read()
        self._place += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [value for line in lines if isinstance(value := _read(line), dict)]


def _read(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


class Watched:
    """One run, looked at again and again."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._tail, self._course, self._training = Tail(run.path / "train" / EVENTS), Course(), Training()
        self.told: dict[str, Event] = {}
        """Kind -> the newest warning of a diagnosis."""

    def look(self) -> list[Event]:
        """Reads what is new; returns the new events of the training."""
        with contextlib.suppress(RunError):  # it was taken away: what is known stays
            self.run = Run.open(self.run.path)
        events = [event for event in self._tail.new() if isinstance(event.get("event"), str) and isinstance(event.get("step"), int)]
        for event in events:
            self._course.take(event)
            self._training.take(event)
            if event["event"] == "warning" and event.get("code"):
                self.told[str(event["kind"])] = event
        return events

    @property
    def curves(self) -> Curves:
        """Of the training so far."""
        return self._course.curves

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.run.record.status not in GOING or self.abandoned

    @property
    def abandoned(self) -> bool:
        """The run says that it is going on, but the process that wrote it is gone."""
        if self.run.record.status not in GOING:
            return False
        try:
            owner = (self.run.path / f"{LOCK}.owner").read_text(encoding="utf-8")
        except OSError:
            return True
        found = re.match(r"process (\d+) on (.*)", owner)
        if found is None or found[2].strip() != platform.node():
            return False
        return not _alive(int(found[1]))

    @property
    def stage(self) -> str | None:
        """The stage that is being done, or the last that was."""
        stages = self.run.record.stages
        going = [name for name, record in stages.items() if record.state == "running"]
        return going[0] if going else (list(stages)[-1] if stages else None)

    def diagnoses(self) -> list[dict[str, Any]]:
        """What the training suffers from: its findings once it is over, before that what was told while it trained."""
        try:
            found = [f for f in self.run.findings("train") if f.status == "open"]
        except (ValueError, OSError):
            found = []
        if found:
            return [{"code": f.code, "kind": f.kind, "severity": f.severity, "text": f.title, "step": f.step} for f in found]
        return [
            {"code": e["code"], "kind": e["kind"], "severity": None, "text": _message(e), "step": e["step"]} for e in self.told.values()
        ]

    def to_json(self) -> dict[str, Any]:
        """The state now."""
        training, curves = self._training, self.curves
        return {
            "run": {"id": self.run.id, "path": str(self.run.path), "status": self.run.record.status, "abandoned": self.abandoned},
            "stage": self.stage,
            "training": None if curves.start is None else {
                "step": training.done, "steps_total": training.total, "epoch": training.step.get("epoch"),
                "remaining_seconds": training.remaining() if curves.end is None else 0.0, "best_step": training.best_step,
                "tokens_per_second": training.step.get("tokens_per_second"), "learning_rate": training.step.get("learning_rate"),
                "loss": {"train": training.step.get("loss")} | {split: (curves.latest(split) or {}).get("loss") for split in curves.evals},
                "scores": {split: (curves.latest(split) or {}).get("scores", []) for split in curves.evals},
                "ended": None if curves.end is None else {key: curves.end.get(key) for key in ("status", "stopped_by", "best_step")},
            },
            "diagnoses": self.diagnoses(),
        }  # fmt: skip

    def lines(self) -> list[str]:
        """The state as a person reads it."""
        record, curves = self.run.record, self.curves
        state = "nobody works on it any more: the same command resumes it" if self.abandoned else record.status
        out = [f"{self.run.id} · {state}{f' · {self.stage}' if self.stage else ''}"]
        if curves.start is None:
            return out
        training = self._training
        left = "" if curves.end is not None else f" · {duration(training.remaining())} left"
        speed = f" · {amount(training.step['tokens_per_second'])} tokens/s" if training.step.get("tokens_per_second") else ""
        out.append(f"  step {training.done:,} of {training.total:,} {_bar(training.done, training.total)}{left}{speed}")
        out += [f"  {name:<25}{spark(values)}  {said}" for name, values, said in self._series() if values]
        if training.best_step is not None:
            out.append(f"  best so far: step {training.best_step:,}")
        out += [f"  ! {one['code']} {visible(one['text'], 160)}" for one in self.diagnoses()[:3]]
        return out

    def _series(self) -> list[tuple[str, list[float], str]]:
        """Name, values, and the newest value in words of each curve."""
        curves = self.curves
        batches = [float(e["loss"]) for e in curves.steps if e.get("loss") is not None]
        out = [("loss, batches", batches, _number(batches))]
        for split, name in (("train_probe", "training rows"), ("valid", "validation")):
            losses = [float(e["loss"]) for e in curves.evals.get(split, []) if e.get("loss") is not None]
            out.append((f"loss, {name}", losses, _number(losses)))
        for score in SCORE_NAMES:
            for split, name in (("train_probe", "training rows"), ("valid", "validation")):
                values = [v for e in curves.evals.get(split, []) if (v := primary_score(e, score)) is not None]
                out.append((f"{metric(score)}, {name}", values, percent(values[-1]) if values else ""))
            if out[-1][1]:
                break
        return out


def spark(values: Sequence[float], width: int = WIDTH) -> str:
    """A curve as one line of blocks, low to high; of more values than fit the mean of each stretch."""
    held = [v for v in values if v == v and abs(v) != float("inf")]
    if not held:
        return ""
    size = -(-len(held) // width)
    means = [sum(part) / len(part) for part in (held[i : i + size] for i in range(0, len(held), size))]
    low, high = min(means), max(means)
    if high - low <= 0:
        return BARS[3] * len(means)
    return "".join(BARS[min(len(BARS) - 1, int((v - low) / (high - low) * len(BARS)))] for v in means)


def _bar(done: int, total: int, width: int = 24) -> str:
    full = 0 if total <= 0 else min(width, round(width * done / total))
    return "█" * full + "░" * (width - full)


def _number(values: Sequence[float]) -> str:
    return f"{values[-1]:.3f}" if values else ""


def _message(event: Event) -> str:
    return str(event.get("message", "")).removeprefix(f"{event['code']} ")


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OSError):
        return True
    return True
