"""Every event of a training: onto the disk and the screen, to whoever watches, and to the diagnosis, which may answer. Part of train.

A diagnosis made while it trains is told once, as a warning among the events (so `goodfit watch` and the report have it too). Where the
recipe names an answer to it (`train.act`), the engine is told: each kind is answered once, but `lower_rate` up to MOST times, so that a
training cannot go round in circles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from goodfit.engine.events import Action, Event, Warned
from goodfit.engine.looks import Looks
from goodfit.files import read_jsonl
from goodfit.monitor.diagnosis.verdicts import Sign
from goodfit.monitor.events import Course, Curves, EventFile
from goodfit.run import Run
from goodfit.stages.train.diagnosed import Gathered

MOST = 3
"""Times that the rate is lowered for one reason."""
SHARE = 0.01
"""Of the time, at most, that diagnoses take while the model trains."""


class Listener:
    """What `fit` calls after each event."""

    def __init__(self, run: Run, file: EventFile, gathered: Gathered, looks: Looks, act: Mapping[str, str]) -> None:
        self.run, self.file, self.gathered, self.looks, self.act = run, file, gathered, looks, act
        self.watch: list[Callable[[Event], object]] = []
        """Called with every event too."""
        self._course = Course()
        self._told: dict[str, int] = {}
        self._lower_first = False
        self._cost, self._at = 0.0, 0.0
        for event in read_jsonl(file.path):
            self._course.take(event)
            if event["event"] == "warning" and event.get("code"):
                self._told[event["kind"]] = self._told.get(event["kind"], 0) + 1

    @property
    def curves(self) -> Curves:
        """Of all attempts."""
        return self._course.curves

    def __call__(self, event: Event) -> Action | None:
        """What the engine says; the answer is what it is to do."""
        self._hear(event)
        if event["event"] == "start" and self._lower_first:
            self._lower_first = False
            return Action.lower_rate
        if event["event"] == "eval" and event["split"] == "train_probe" and time.monotonic() - self._at >= self._cost / SHARE:
            return self._judged(int(event["attempt"]), int(event["step"]))
        return None

    def tries_again(self) -> bool:
        """After a training that diverged: whether the recipe wants another try, at a lower rate; the next attempt begins with it."""
        if self.act.get("diverged") != Action.lower_rate or self._told.get("diverged", 0) >= MOST:
            return False
        tries = self._told["diverged"] = self._told.get("diverged", 0) + 1
        self._lower_first = True
        last = self.curves.end or {"attempt": 1, "step": 0}
        sign = Sign(
            "TRN001", "diverged", True, "error", f"not a finite number: again from the newest checkpoint at a lower rate (try {tries})"
        )
        self._say(sign, int(last["attempt"]), int(last["step"]))
        return True

    def _hear(self, event: Event) -> None:
        self._course.take(event)
        self.file.add(event)
        self.run.screen.event(event)
        for listener in self.watch:
            listener(event)
        if event["event"] in ("start", "warning", "end"):
            self.run.log(f"train: {event}")

    def _judged(self, attempt: int, step: int) -> Action | None:
        """The diagnosis so far; told where it is new, answered where the recipe says how."""
        begin = time.monotonic()
        cause = self.gathered.diagnosis(self.curves, self.looks, ended=False).cause
        self._at = time.monotonic()
        self._cost = self._at - begin
        if cause is None:
            return None
        answer = self.act.get(cause.kind)
        times = self._told.get(cause.kind, 0)
        if times and (answer != Action.lower_rate or times >= MOST):
            return None
        self._told[cause.kind] = times + 1
        self._say(cause, attempt, step)
        return Action(answer) if answer is not None else None

    def _say(self, sign: Sign, attempt: int, step: int) -> None:
        said = Warned(attempt=attempt, step=step, kind=sign.kind, message=f"{sign.code} {sign.title}").as_event()
        self._hear(said | {"code": sign.code})
