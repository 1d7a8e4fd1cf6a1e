"""The last word of a search: the best trials and the default are trained again with fresh seeds, and one may replace the default.

Part of tune. The winner among the finalists is the best mean on the choosing rows; whether it beats the default is asked once, on the
judging rows, which chose nothing, with seeds and rows both taken as drawn. Anything but `better` leaves the default in place: the best of
many equal trials looks better by luck alone (by 1.8 standard deviations for 16; docs/why/search.md).
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.engine.events import Event
from goodfit.score import Verdict
from goodfit.stages.tune.answers import scored_by
from goodfit.stages.tune.record import REPEATED, SEARCHED, Line, line_of
from goodfit.stages.tune.search import Given, seconds_of_training
from goodfit.stages.tune.space import Point
from goodfit.stages.tune.trial import ANSWERS, Job, Result
from goodfit.stages.tune.words import gain_in_words, point_in_words, value_in_words
from goodfit.stages.tune.workers import work
from goodfit.statistics import Question
from goodfit.statistics.comparing import gain_of
from goodfit.statistics.seeds import compare_seeds

FEWEST_SEEDS = 2


@dataclass
class Found:
    """What the search came to."""

    point: Point = field(default_factory=dict)
    """Of the trial that is taken; empty: the default stays."""
    trial: int | None = None
    """The trial that was compared with the default."""
    verdict: Verdict | None = None
    sentence: str = ""
    cut: str = ""
    """What the budget left out."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        verdict = None if self.verdict is None else self.verdict.to_json()
        return {
            "taken": self.trial if self.point else None,
            "compared": self.trial,
            "sentence": self.sentence,
            "verdict": verdict,
            "cut": self.cut,
        }


@dataclass
class _Arm:
    """One point that is repeated."""

    number: int
    point: Point
    default: bool


def settle_it(given: Given, clusters: NDArray[np.int64]) -> Found:
    """Repeats finalists and default, and decides. `clusters` of the judging rows."""
    searched = given.book.of(SEARCHED)
    arms = [_Arm(0, {}, default=True), *_finalists(given, searched)]
    default = next((line for line in searched if line.default), None)
    if default is not None:
        arms[0].number = default.trial
    if len(arms) == 1:
        return Found(sentence=f"no trial but the default ran to its end ({_states(searched)}): the default stays")
    fits = _affordable(given, len(arms) - 1)
    arms, cut = arms[: 1 + fits], "" if fits == len(arms) - 1 else f"repeats of {len(arms) - 1 - fits} of {len(arms) - 1} finalists"
    if fits == 0:
        words = "no time was left to repeat any trial with fresh seeds: what looked best may be luck, and the default stays"
        return Found(sentence=words, cut="all repeats")
    seeds = [(given.ground.seed + k) % 2**63 for k in range(1, given.section.seeds + 1)]
    _repeat(given, arms, seeds)
    return _decide(given, arms, seeds, clusters, cut)


def _finalists(given: Given, searched: list[Line]) -> list[_Arm]:
    """The best trials that ran to their end, best first; beyond the first only those that looked no worse than the default."""
    sign = 1 if given.higher else -1
    done = [line for line in searched if line.state == "complete" and line.value is not None and not line.default]
    done.sort(key=lambda line: -sign * (line.value or 0.0))
    floor = next((sign * line.value for line in searched if line.default and line.value is not None), None)
    kept: list[Line] = []
    for line in done:
        behind = floor is not None and sign * (line.value or 0.0) < floor and kept
        if len(kept) < given.section.finalists and not behind and all(line.params != other.params for other in kept):
            kept.append(line)
    return [_Arm(line.trial, line.params, default=False) for line in kept]


def _states(lines: list[Line]) -> str:
    words = {"pruned": "stopped", "complete": "complete"}
    counts: dict[str, int] = {}
    for line in lines:
        counts[words.get(line.state, line.state)] = counts.get(words.get(line.state, line.state), 0) + 1
    return ", ".join(f"{n} {state}" for state, n in counts.items())


def _affordable(given: Given, finalists: int) -> int:
    """Finalists that the budget has time for, with all seeds; what is repeated already costs nothing more."""
    budget, whole = given.budget, seconds_of_training(given.book)
    if budget is None or whole is None:
        return finalists
    left = max(0.0, budget - given.book.seconds) + whole * len(given.book.of(REPEATED)) / given.parallel
    each = whole * given.section.seeds / given.parallel
    return min(finalists, max(0, int(left / each) - 1))


def _repeat(given: Given, arms: list[_Arm], seeds: list[int]) -> None:
    """Trains every arm with every seed, seed by seed; what stands in the book is not done again."""
    written = {(line.trial, line.seed) for line in given.book.of(REPEATED)}
    todo = [(arm, seed) for seed in seeds for arm in arms if (arm.number, seed) not in written]
    total, default = len(todo), {arm.number: arm.default for arm in arms}
    place = {(arm.number, seed): number for number, (arm, seed) in enumerate(todo, 1)}
    queue = iter(todo)

    def job() -> Job | None:
        arm, seed = next(queue, (None, 0))
        if arm is None:
            return None
        return Job(arm.number, arm.point, seed, given.book.place(arm.number, seed), judged=True, threads=given.threads)

    def done(job: Job, result: Result) -> None:
        given.book.add(line_of(job, result, phase=REPEATED, default=default[job.number]))
        what = "the default" if default[job.number] else f"trial {job.number}"
        how = value_in_words(given.primary, result.value) if result.state == "complete" else result.state
        given.screen.say(f"  repeat: {what}, seed {job.seed}: {how}, {result.seconds:.0f} s")

    def tell(job: Job, event: Event) -> None:
        if event["event"] == "step":
            number = place[job.number, job.seed]
            given.screen.progress(f"repeat {number} of {total}", number - 1, total)

    work(given.ground, job, done, parallel=given.parallel, tell=tell)


def _decide(given: Given, arms: list[_Arm], seeds: list[int], clusters: NDArray[np.int64], cut: str) -> Found:
    """The best finalist by its mean, against the default."""
    lines = {(line.trial, line.seed): line for line in given.book.of(REPEATED)}
    sign = 1 if given.higher else -1

    def mean(arm: _Arm) -> float | None:
        """Over the seeds; None where one went wrong: a recipe that fails at times is not taken."""
        values = [lines[arm.number, seed].value for seed in seeds if lines[arm.number, seed].state == "complete"]
        return sign * statistics.fmean(v for v in values if v is not None) if len(values) == len(seeds) else None

    able = [(found, arm) for arm in arms[1:] if (found := mean(arm)) is not None]
    if not able:
        return Found(sentence="every finalist failed with one of the fresh seeds: the default stays", cut=cut)
    best = max(able, key=lambda pair: pair[0])[1]
    if mean(arms[0]) is None:
        words = f"the default failed with a fresh seed, and trial {best.number} with none: it is taken ({point_in_words(best.point)})"
        return Found(best.point, best.number, None, words, cut)
    scored = scored_by(given.primary, given.ground.rows(given.ground.judging), given.ground.start.task)
    others = [arm for _, arm in able if arm is not best]
    a, b, *rest = ([np.load(given.book.place(arm.number, seed) / ANSWERS) for seed in seeds] for arm in (best, arms[0], *others))
    question = Question(f"trial {best.number} vs the default on {given.primary}", seed=given.ground.seed % 2**32)
    verdict = compare_seeds(scored, a, b, clusters, question, rest)
    taken = verdict.answer == "better"
    return Found(best.point if taken else {}, best.number, verdict, _sentence(best, verdict, len(seeds)), cut)


def _sentence(best: _Arm, verdict: Verdict, seeds: int) -> str:
    """The honest sentence."""
    if verdict.difference is None or verdict.difference.value is None:
        return f"trial {best.number} and the default: {verdict.text}; the default stays"
    score = verdict.difference.name.removesuffix("_difference")
    gain = gain_in_words(verdict.difference)
    rows = f"{seeds} seeds each, {verdict.difference.n:,} validation rows that chose nothing"
    if verdict.answer == "better":
        return f"trial {best.number} is better than the default by {gain} of {score} ({rows}): it is taken ({point_in_words(best.point)})"
    if gain_of(verdict.difference)[0] <= 0:
        return f"no trial beats the default: the best differs by {gain} of {score} ({rows}), the default stays"
    return f"best over default by {gain} of {score} ({rows}): not worth keeping, the default stays"
