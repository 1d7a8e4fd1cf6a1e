"""What a person sees while a run works: a line per stage, a live bar, and during training loss and score on train and validation.

Layer: monitor. `Live` draws on a terminal with rich; `Lines` writes plain lines for logs and pipes (at most one every few
seconds). Both write to stderr, so that stdout stays free for results and `--json`.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from goodfit.monitor.events import primary_score
from goodfit.monitor.words import amount, duration, percent

Event = dict[str, Any]
MARKS = {"running": "…", "done": "✓", "reused": "↺", "skipped": "–", "failed": "✗", "pending": "·"}
SCORE_NAMES = ("accuracy", "subset_accuracy", "micro_f1", "macro_f1")


@dataclass
class Training:
    """The state of a training as its events tell it, and one line that says it."""

    start: Event = field(default_factory=dict)
    step: Event = field(default_factory=dict)
    evals: dict[str, Event] = field(default_factory=dict)
    best_step: int | None = None
    spent: float = 0.0
    """Seconds of training in this attempt, and the steps they were for: the rate behind the remaining time."""
    first_step: int = 0

    def take(self, event: Event) -> None:
        """Learns from one event."""
        kind = event["event"]
        if kind == "start":
            self.start, self.first_step, self.spent = event, event["step"], 0.0
            self.step, self.evals, self.best_step = {}, {}, None  # of another training on this screen
        elif kind == "resumed":
            self.first_step = event["step"]
        elif kind == "step" and event.get("loss") is not None:
            self.step = event
            self.spent += event.get("seconds", 0.0)
        elif kind == "eval":
            self.evals[event["split"]] = event
            self.spent += event.get("seconds", 0.0)
            if event["split"] == "valid" and event.get("best"):
                self.best_step = event["step"]

    @property
    def total(self) -> int:
        """Planned steps."""
        return int(self.start.get("steps_total", 0))

    @property
    def done(self) -> int:
        """Steps done."""
        return int(self.step.get("step", self.first_step))

    def remaining(self) -> float | None:
        """Seconds left at the rate so far (evaluations included); None before the first step."""
        made = self.done - self.first_step
        return None if made <= 0 else self.spent / made * (self.total - self.done)

    def line(self) -> str:
        """`loss 0.62 → valid 0.71 · accuracy 78.1% → valid 74.2% · 5.5 k tokens/s`."""
        probe, valid = self.evals.get("train_probe"), self.evals.get("valid")
        train_loss = (probe or self.step).get("loss")
        parts = [f"loss {_number(train_loss)} train, {_number((valid or {}).get('loss'))} valid"]
        for name in SCORE_NAMES:
            if valid is not None and primary_score(valid, name) is not None:
                parts.append(f"{name} {percent(primary_score(probe, name))} train, {percent(primary_score(valid, name))} valid")
                break
        if self.step:
            parts.append(f"{amount(self.step.get('tokens_per_second', 0.0))} tokens/s")
        return " · ".join(parts)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


class Lines:
    """Plain lines on stderr, for logs: stages, and progress every `every` seconds."""

    def __init__(self, *, every: float = 10.0, stream: Any = None) -> None:
        self.every = every
        self._stream = stream or sys.stderr
        self._last = 0.0
        self._training = Training()

    def stage(self, name: str, state: str, seconds: float, note: str = "") -> None:
        """`✓ split 1.9 s`."""
        self._last = time.monotonic()
        took = f" {duration(seconds)}" if state in ("done", "failed") else ""
        self._print(f"{MARKS.get(state, '·')} {name}{took}{f' ({note})' if note else ''}")

    def progress(self, what: str, done: float, total: float | None, note: str = "") -> None:
        """`  reading 40% (…)`, at most once every few seconds."""
        if time.monotonic() - self._last < self.every:
            return
        self._last = time.monotonic()
        share = f" {100 * done / total:.0f}%" if total else f" {amount(done)}"
        self._print(f"  {what}{share}{f' · {note}' if note else ''}")

    def event(self, event: Event) -> None:
        """A training line, at most once every few seconds; evaluations always."""
        self._training.take(event)
        kind = event["event"]
        if kind == "warning":
            self.say(f"  {event.get('message', '')}")
        if kind == "end":
            self.say(stopped_early(event))
        due = kind == "step" and time.monotonic() - self._last >= self.every
        if due or (kind == "eval" and event["split"] == "train_probe"):
            self._last = time.monotonic()
            t = self._training
            self._print(f"  step {t.done}/{t.total} · {t.line()} · {duration(t.remaining())} left")

    def say(self, text: str) -> None:
        """A sentence."""
        if text:
            self._print(text)

    def close(self) -> None:
        """Nothing to tidy."""

    def _print(self, text: str) -> None:
        """A reader that has gone away (`| head`) is no reason to stop."""
        try:
            print(text, file=self._stream, flush=True)
        except BrokenPipeError:
            self._stream = io.StringIO()


class Live:
    """A terminal screen: finished stages stay as lines above, what is going on moves below."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        columns = (TextColumn("  {task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[said]}"))
        self._bar = Progress(*columns, console=self.console)
        self._note = Text("")
        self._moving: RichLive | None = None
        self._task: TaskID | None = None
        self._began = 0.0
        self._what = ""
        self._training = Training()

    def stage(self, name: str, state: str, seconds: float, note: str = "") -> None:
        """Shows or replaces the moving line."""
        self._clear()
        if state == "running":
            return
        style = {"done": "green", "reused": "cyan", "failed": "red"}.get(state, "dim")
        line = Text(f"{MARKS.get(state, '·')} ", style=style)
        line.append(f"{name:<9}", style="bold")
        line.append(f" {duration(seconds)}" if state in ("done", "failed") else f" {state}", style="dim")
        line.append(f"  {note}" if note else "", style="dim")
        self.console.print(line)

    def progress(self, what: str, done: float, total: float | None, note: str = "") -> None:
        """Moves the bar, with the time that is left."""
        if what != self._what:
            self._clear()
            self._what, self._began = what, time.monotonic()
        spent = time.monotonic() - self._began
        left = duration(spent / done * (total - done)) + " left" if total and done else ""
        said = " · ".join(part for part in (f"{100 * done / total:.0f}%" if total else amount(done), left, note) if part)
        self._move(what, done, total, said)

    def event(self, event: Event) -> None:
        """Moves the training line: rate, remaining time, loss and score on train and validation side by side."""
        t = self._training
        t.take(event)
        if event["event"] == "warning":
            self.say(f"  ! {event.get('message', '')}")
        if event["event"] == "end":
            self.say(stopped_early(event))
        if event["event"] in ("step", "eval", "start"):
            self._move("train", t.done, t.total or None, f"{t.done}/{t.total} · {duration(t.remaining())} left", t.line())

    def say(self, text: str) -> None:
        """A sentence above the moving line."""
        if text:
            self.console.print(Text(text))

    def close(self) -> None:
        """Leaves the terminal as it was."""
        self._clear()

    def _move(self, what: str, done: float, total: float | None, said: str, below: str = "") -> None:
        """The bar with what is said beside it; `below` gets a line of its own."""
        self._note.plain = f"  {below}" if below else ""
        if self._task is None:
            self._task = self._bar.add_task(escape(what), total=total, said=said)
        self._bar.update(self._task, completed=done, total=total, said=said, description=escape(what))
        if self._moving is None:
            self._moving = RichLive(Group(self._bar, self._note), console=self.console, transient=True, refresh_per_second=4)
            self._moving.start()

    def _clear(self) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        if self._moving is not None:
            self._moving.stop()
            self._moving = None
        self._what = ""


def stopped_early(event: Event) -> str:
    """A sentence where the training ended before its plan; empty where it did not."""
    if event.get("stopped_by") != "early_stopping":
        return ""
    return f"  stopped at step {event['step']:,}: validation has not improved since step {event.get('best_step', 0):,}, which is kept"


@contextmanager
def screen_for(*, quiet: bool) -> Iterator[Lines | Live | None]:
    """A live screen on a terminal, plain lines elsewhere, none where the user asked for quiet; closed however the work ends."""
    screen = None if quiet else Live() if sys.stderr.isatty() else Lines()
    try:
        yield screen
    finally:
        if screen is not None:
            screen.close()
