"""One training of a search: a point of the space, a seed, and what the model says to the rows that judge. Part of tune.

It trains as the train stage would, but keeps no checkpoint: a trial that was cut is done again. `run` may be called in a process of its
own. Its best step and its score come from the choosing half of validation; the judging half is answered once, at its end, where asked for.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goodfit.engine.batches import Order
from goodfit.engine.evaluation import points, splits_of
from goodfit.engine.events import Action, Event
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.fitted import Fitted
from goodfit.engine.plan import Plan
from goodfit.errors import Diverged, GoodfitError, Interrupted
from goodfit.files import append_jsonl
from goodfit.recipe import Peft, Train
from goodfit.run import EVENTS
from goodfit.stages.tune.answers import answers_of
from goodfit.stages.tune.defaults import Facts, Settled, settle
from goodfit.stages.tune.halving import SHARES, Rungs
from goodfit.stages.tune.space import METHOD, Point
from goodfit.tasks.beginning import Beginning

if TYPE_CHECKING:
    from goodfit.stages.prepare import Tokens

Indices = NDArray[np.int64]
ANSWERS = "answers.npy"
LATE = 1.5
"""A first look so many times later than the first rung is too late."""


@dataclass(frozen=True)
class Ground:
    """What all trainings of a search have in common. It travels to other processes."""

    train: Train
    peft: Peft
    facts: Facts
    start: Beginning
    tokens: Tokens
    choosing: Indices
    """Validation rows by which steps and trials are chosen: places in their Examples."""
    judging: Indices
    """Validation rows that the last word is said on."""
    seed: int

    def sections(self, point: Point) -> tuple[Train, Peft]:
        """The sections with a point's values."""
        changed: dict[str, dict[str, Any]] = {"train": self.train.model_dump(), "peft": self.peft.model_dump()}
        for key, value in point.items():
            section, name = key.split(".", 1)
            changed[section][name] = value
        return Train.model_validate(changed["train"]), Peft.model_validate(changed["peft"])

    def settled(self, point: Point, seed: int | None = None) -> Settled:
        """The plan of a point."""
        train, peft = self.sections(point)
        facts = dataclasses.replace(self.facts, lora=point.get(METHOD, self.peft.method) == "lora")
        return settle(train, peft, facts, seed=self.seed if seed is None else seed)

    def rows(self, chosen: Indices) -> Examples:
        """Some validation rows."""
        return self.tokens.examples("valid").subset(chosen)


@dataclass(frozen=True)
class Job:
    """One training to be done."""

    number: int
    point: Point
    """With what is implied."""
    seed: int
    folder: Path
    rungs: Rungs | None = None
    """Where it is compared with the trials before it; None: it is never stopped."""
    judged: bool = False
    """Whether it answers the judging rows."""
    threads: int | None = None


@dataclass(frozen=True)
class Result:
    """What came of it; plain values, so that it travels."""

    number: int
    state: str
    """`complete`, `pruned`, `diverged` or `failed`."""
    seconds: float
    value: float | None = None
    """The deciding score at the best step, on the choosing rows."""
    loss: float | None = None
    scores: list[dict[str, Any]] = field(default_factory=list)
    """Everything scored at the best step."""
    pruned_at: int | None = None
    """The step at which it was stopped."""
    steps: int = 0
    """Optimiser steps done."""
    rows: int = 0
    """Training rows seen: what it cost."""
    best_step: int | None = None
    reason: str = ""
    user_error: bool = False
    """It failed for what the user gave."""


class _Watch:
    """Every event onto the disk; at a rung the comparison with the others."""

    def __init__(self, job: Job, batch: int, tell: Any) -> None:
        self.job, self.batch, self.tell = job, batch, tell
        self.pruned_at: int | None = None
        self.steps = 0

    def __call__(self, event: Event) -> Action | None:
        append_jsonl(self.job.folder / EVENTS, [event])
        self.steps = max(self.steps, int(event["step"]))
        self.tell(event)
        looked = event["event"] == "eval" and event["split"] == "valid" and event["loss"] is not None
        if looked and self.job.rungs is not None and self.job.rungs.behind(event["step"] * self.batch, event["loss"]):
            self.pruned_at = event["step"]
            return Action.stop
        return None


def run(ground: Ground, job: Job, tell: Any = lambda event: None) -> Result:
    """Do the training. Interrupted goes through; what goes wrong with this point alone is the Result's state.

    `tell` gets every event.
    """
    begin = time.monotonic()
    settled = ground.settled(job.point, job.seed)
    train, peft = ground.sections(job.point)
    plan = dataclasses.replace(settled.plan, save_seconds=1e9, save_steps=None, threads=job.threads)
    (job.folder / EVENTS).unlink(missing_ok=True)
    watch = _Watch(job, plan.train_batch_size or 1, tell)

    def ended(state: str, **facts: Any) -> Result:
        seconds = round(time.monotonic() - begin, 3)
        return Result(job.number, state, seconds, steps=watch.steps, rows=watch.steps * watch.batch, **facts)

    try:
        loaded = ground.start.model(train, peft, lora_dropout=settled.lora_dropout, seed=job.seed)
        rows = {"train": ground.tokens.examples("train"), "valid": ground.rows(ground.choosing)}
        plan = _looking(plan, rows, job.rungs)
        fitted = fit(loaded.model, rows, plan, objective=ground.start.objective(train), on_event=watch)
        if watch.pruned_at is not None:
            return ended("pruned", loss=fitted.best_loss, pruned_at=watch.pruned_at)
        if job.judged:
            sides = ground.rows(ground.choosing), ground.rows(ground.judging)
            found = answers_of(fitted.model, *sides, ground.start.task, fitted.primary)
            np.save(job.folder / ANSWERS, found, allow_pickle=False)
        return ended("complete", **_best(fitted))
    except Interrupted:
        raise
    except Diverged as error:
        return ended("diverged", reason=error.message)
    except GoodfitError as error:
        return ended("failed", reason=error.message, user_error=error.exit_code == 2)


def _looking(plan: Plan, rows: dict[str, Examples], rungs: Rungs | None) -> Plan:
    """The plan with looks that do not come long after the first rung: a trial that is stopped late saves nothing."""
    if rungs is None or plan.eval_steps is not None:
        return plan
    first = SHARES[0] * rungs.rows / (plan.train_batch_size or 1)
    order = Order(np.asarray(rows["train"].lengths), plan, rows["train"].draws)
    if min(points(order, plan, rows["train"], splits_of(rows, plan))) <= LATE * first:
        return plan
    return dataclasses.replace(plan, eval_steps=max(1, math.ceil(first)))


def _best(fitted: Fitted) -> dict[str, Any]:
    at_best = next((entry for entry in fitted.history if entry["step"] == fitted.best_step), {})
    scores = (at_best.get("valid") or {}).get("scores", [])
    return {
        "value": fitted.best_score, "loss": fitted.best_loss, "best_step": fitted.best_step,
        "scores": json.loads(json.dumps([s for s in scores if not s.get("label")])),
    }  # fmt: skip
