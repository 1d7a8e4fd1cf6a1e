"""The search: the default first, then trial after trial, each told to the study; stopped by number or by time, gone on where it was cut.

Part of tune. Chooses on the choosing half of validation only. The repeats that settle whether anything was found are `finals.py`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace

from optuna.trial import TrialState

from goodfit.engine.events import Event
from goodfit.errors import GoodfitError, MachineError, UserError
from goodfit.recipe import Tune
from goodfit.recipe.tune import seconds_of
from goodfit.run import Screen
from goodfit.stages.tune.halving import Rungs
from goodfit.stages.tune.record import SEARCHED, Book, Line, line_of
from goodfit.stages.tune.space import SCHEDULE, Point, Space
from goodfit.stages.tune.study import Asked, Searcher, mend, open_study, sampler_for
from goodfit.stages.tune.trial import Ground, Job, Result
from goodfit.stages.tune.words import point_in_words, value_in_words
from goodfit.stages.tune.workers import cores, work


@dataclass
class Given:
    """Everything that a search is given."""

    section: Tune
    ground: Ground
    space: Space
    book: Book
    name: str
    """Of the study."""
    owner: str
    """The run."""
    primary: str
    higher: bool
    screen: Screen
    known: list[tuple[Point, float]]
    """Points of earlier runs, with what they reached (more is better)."""

    @property
    def budget(self) -> float | None:
        """Seconds for all of it."""
        return None if self.section.budget is None else seconds_of(self.section.budget)

    @property
    def parallel(self) -> int:
        """Trials at the same time: not more than there are cores."""
        return min(self.section.parallel, cores())

    @property
    def threads(self) -> int | None:
        """Of one trial."""
        return None if self.parallel == 1 else max(1, cores() // self.parallel)

    @property
    def training_rows(self) -> float:
        """Rows that the default's training sees."""
        ground = self.ground
        plan = ground.settled({}).plan
        epoch = ground.tokens.examples("train").epoch_rows
        return float(plan.max_steps * (plan.train_batch_size or 1)) if plan.max_steps else epoch * plan.num_train_epochs


def search(given: Given) -> list[Line]:
    """All trials of the search; what was done before is not done again. The lines of its phase, the default's first.

    Raises what the default's own training raises where that is the user's or the machine's doing; Interrupted where it was cut.
    """
    mend(given.book.folder)
    study = open_study(given.section.storage, given.book.folder, given.name)
    searcher = Searcher(study, given.space, given.ground.peft, owner=given.owner, seed=given.ground.seed)
    run = _Search(given, searcher)
    run.settle_told()
    work(given.ground, run.next, run.done, parallel=given.parallel, tell=run.tell)
    return sorted(given.book.of(SEARCHED), key=lambda line: (not line.default, line.trial))


class _Search:
    """One attempt at a search."""

    def __init__(self, given: Given, searcher: Searcher) -> None:
        self.given, self.searcher, self.book = given, searcher, given.book
        self.section = given.section
        self.again: list[Asked] = []
        self.begun: dict[int, Asked] = {}
        self.steps: dict[int, int] = {}
        """Of each trial begun here, in which it sees as many rows as the default's training."""
        self.sampler = sampler_for(self.section.sampler, self.section.trials, len(given.known))
        self.rungs = given.space.comparable and self.section.pruner != "none"
        self.rows = given.training_rows

    def settle_told(self) -> None:
        """Trials whose line stands and that the study has not heard of are told; those begun and not finished are done again."""
        written = {line.trial: line for line in self.book.of(SEARCHED)}
        for asked in self.searcher.interrupted():
            line = written.get(asked.number)
            if line is None:
                self.again.append(asked)
            else:
                self._tell_study(line)
        self.searcher.add_default()

    def next(self) -> Job | None:
        """The next trial, or None where there are enough, or no time is left."""
        if self.again:
            return self._job(self.again.pop(0))
        known = self.searcher.trials(TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        if len(known) >= self.section.trials or (known and not self._time_left()):
            return None
        if known:
            self.searcher.add_known(self.given.known)
        return self._job(self.searcher.ask(self.sampler, self.section.trials))

    def _job(self, asked: Asked) -> Job:
        given, point = self.given, asked.point
        self.begun[asked.number] = asked
        whole = {} if asked.default else given.space.whole(point)
        plan, rungs = given.ground.settled(whole).plan, None
        batch = plan.train_batch_size or 1
        self.steps[asked.number] = max(1, round(self.rows / batch))
        if self.rungs and not (asked.default and SCHEDULE in given.space.implied):
            warmup = float(plan.warmup(self.steps[asked.number]) * batch)
            rungs = Rungs(self.section.storage, self.book.folder, given.name, asked.trial_id, self.rows, warmup, stops=not asked.default)
        return Job(asked.number, whole, given.ground.seed, self.book.place(asked.number), rungs, threads=given.threads)

    def _time_left(self) -> bool:
        """Whether one more trial leaves time for the repeats."""
        budget, whole = self.given.budget, seconds_of_training(self.book)
        if budget is None or whole is None:
            return True
        repeats = 2 * self.section.seeds * whole / self.given.parallel
        return self.book.seconds + whole + repeats <= budget

    def done(self, job: Job, result: Result) -> None:
        """Note a trial, tell the study and the screen."""
        default = self.begun[job.number].default
        _refuse_hopeless(result, default=default)
        params = self.given.space.default if default else job.point
        line = replace(line_of(job, result, phase=SEARCHED, default=default), params=params)
        self.book.add(line)
        self._tell_study(line)
        self.given.screen.say(f"  {self._said(line)}")

    def _tell_study(self, line: Line) -> None:
        value = None if line.value is None or line.state != "complete" else line.value * (1 if self.given.higher else -1)
        self.searcher.tell(line.trial, value, failed=line.state == "failed")

    def tell(self, job: Job, event: Event) -> None:
        """An event of the trial under way."""
        if event["event"] == "step" and event.get("loss") is not None:
            count = len(self.book.of(SEARCHED)) + 1
            self.given.screen.progress(f"trial {count} of {self.section.trials}", min(1.0, event["step"] / self.steps[job.number]), 1.0)

    def _said(self, line: Line) -> str:
        done = len(self.book.of(SEARCHED))
        what = "the default" if line.default else point_in_words({k: v for k, v in line.params.items() if k in self.given.space.tried})
        how = {
            "pruned": f"behind the others, stopped at step {line.pruned_at}", "diverged": "diverged", "failed": f"failed: {line.reason}",
        }.get(line.state) or value_in_words(self.given.primary, line.value)  # fmt: skip
        return f"{done} of {self.section.trials} · trial {line.trial} ({what}): {how}, {line.seconds:.0f} s"


def seconds_of_training(book: Book) -> float | None:
    """Of a training that ran to its end, in the middle; None before there is one."""
    whole = [line.seconds for line in book.lines if line.state == "complete"]
    return statistics.median(whole) if whole else None


def _refuse_hopeless(result: Result, *, default: bool) -> None:
    """What makes the default's own training impossible would end the train stage too: it is said now."""
    if default and result.state == "failed":
        kind: Callable[..., GoodfitError] = UserError if result.user_error else MachineError
        raise kind(f"the training with the default numbers failed: {result.reason}", fix="see log.txt; nothing was searched")
