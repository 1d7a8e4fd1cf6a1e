"""Several candidates for a classifier: measured on the same training rows, ranked, raced where that is not enough. Part of choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from goodfit.data.groups import shared
from goodfit.errors import MachineError, ModelError
from goodfit.models.identity import Identity
from goodfit.score import Score, Verdict
from goodfit.stages.choose.measure import STEP_ROWS, Measured, measure
from goodfit.stages.choose.outcome import Asked, Facts, Outcome
from goodfit.stages.choose.race import FEWEST_JUDGED, RUNNERS, Track, affordable, body_of, run_one, steps_of, track
from goodfit.stages.choose.ranking import Finish, Ranking, after_race, centred, rank, verdicts
from goodfit.stages.choose.resample import DRAWS, as_bools, macro_f1, weights
from goodfit.stages.choose.rows import MOST, Rows, sample
from goodfit.statistics import Question, compare, score
from goodfit.tasks import task_of

WORK = 2e13
"""Operations that the features of one candidate may take; the largest decides how many rows all of them are measured on."""
TOKENS_PER_ROW = 64
"""Guessed, for the number of rows."""
MEASURING = "measuring candidates"
LEAST = 400
"""Rows that are measured on at least, where there are as many: a candidate too large for them is refused."""


@dataclass(frozen=True)
class Field:
    """Candidates that were measured on the same rows."""

    places: tuple[int, ...]
    """Among the candidates of the run."""
    bases: tuple[Identity, ...]
    labels: tuple[str, ...]
    """What people read."""
    found: tuple[Measured, ...]
    rows: Rows
    ranking: Ranking


def compare_classifiers(asked: Asked) -> Outcome:
    """Measures, ranks and, if need be, races; by the rule that is said where the rows are too few."""
    asked = _small_enough(asked)
    rows = sample(asked.splits, asked.recipe.seed, most=_most(asked))
    why_not = rows.enough()
    if why_not is not None:
        return by_rule(asked, why_not)
    asked, field = _measured(asked, rows)
    if field is None:
        return by_rule(asked, "fewer than two of them could be loaded")
    facts = {place: _facts(field, i) for i, place in enumerate(field.places)}
    first, tied = field.ranking.leader, field.ranking.tied
    raced, notes = _raced(asked, field)
    judged: list[Verdict] = []
    if raced is not None:
        first, tied, finished, judged = raced
        facts |= _with_race(facts, finished)
    said = [*verdicts(field.labels, field.found, rows, first, [i for i in field.ranking.order if i != first]), *judged]
    place = 0 if asked.named else field.places[first]
    how = f"measured on {len(rows):,} training rows{' and raced' if raced else ''}"
    reason = "named in the recipe" if asked.named else f"auto: the first of {len(field.places)} candidates, {how}"
    return Outcome(
        asked.candidates, place, reason, facts, tuple(said), tuple(field.places[i] for i in tied), field.places[first], tuple(notes)
    )


def by_rule(asked: Asked, why: str) -> Outcome:
    """Not enough to measure on: the largest is taken, and that is said."""
    usable = asked.usable
    place = 0 if asked.named else usable[0]
    rule = f"the largest of {len(usable)} candidates; nothing was measured: {why}"
    return Outcome(asked.candidates, place, "named in the recipe" if asked.named else f"auto: {rule}", notes=(f"not measured: {why}",))


def _small_enough(asked: Asked) -> Asked:
    """Refuses those whose features would take too long even on few rows."""
    for place in asked.usable:
        base = asked.candidates[place].base
        assert base is not None
        operations = 2.0 * body_of(base) * TOKENS_PER_ROW * LEAST
        if operations > 3 * WORK and not (asked.named and place == 0):
            asked = asked.refuse(place, "it is too large to be measured on a processor; name it as model_name_or_path to use it")
    return asked


def _most(asked: Asked) -> int:
    """Rows: as many as the largest candidate may be shown."""
    largest = max(body_of(base) for i in asked.usable if (base := asked.candidates[i].base) is not None)
    return int(np.clip(WORK / (2.0 * largest * TOKENS_PER_ROW), LEAST, MOST))


def _measured(asked: Asked, rows: Rows) -> tuple[Asked, Field | None]:
    """Every candidate on the rows, largest first; one that cannot be loaded is refused, and the others go on."""
    places: list[int] = []
    found: list[Measured] = []
    todo = asked.usable
    whole = sum(_weight(asked, place) for place in todo) * len(rows)
    done, screen = 0.0, asked.run.screen
    for place in todo:
        base, weight = asked.candidates[place].base, _weight(asked, place)
        assert base is not None
        screen.progress(MEASURING, done, whole, base.name)
        begun, name = done, base.name
        try:
            one = measure(
                base, rows, asked.recipe.seed,
                lambda n, w=weight, b=begun, t=name: screen.progress(MEASURING, b + w * n, whole, t),  # type: ignore[misc]
            )  # fmt: skip
        except (ModelError, MachineError) as error:
            asked = asked.refuse(place, error.message)
            continue
        finally:
            done += weight * len(rows)
        places.append(place)
        found.append(one)
    if len(places) < 2:
        return asked, None
    bases = tuple(base for place in places if (base := asked.candidates[place].base) is not None)
    ranking = rank(found, [body_of(base) for base in bases], asked.recipe.seed)
    return asked, Field(tuple(places), bases, tuple(map(asked.label, places)), tuple(found), rows, ranking)


def _weight(asked: Asked, place: int) -> float:
    base = asked.candidates[place].base
    return float(base.parameters) if base is not None else 0.0


def _facts(field: Field, i: int) -> Facts:
    """The scores of one candidate and what it costs."""
    one, rows, ranking = field.found[i], field.rows, field.ranking
    name = field.labels[i]
    truth = rows.targets if rows.multi_label else rows.targets.argmax(axis=1)
    clusters = shared(rows.clusters)
    scores = [
        score("macro_f1", truth, one.said[system], clusters=clusters).about(system=f"{name}: {words}", split="train")
        for system, words in (("probe", "linear probe"), ("neighbours", "nearest neighbours"))
    ]
    for measure_ in ("h_score", "log_me"):
        low, high = np.quantile(centred(one, measure_), [0.025, 0.975])
        value = one.value[measure_]
        scores.append(Score(
            name=measure_, value=value, low=min(float(low), value), high=max(float(high), value), n=len(rows), split="train", system=name,
            unit="ratio" if measure_ == "h_score" else "nats", method="row_bootstrap", resamples=DRAWS,
        ))  # fmt: skip
    scores.append(Score(
        name="forecast", value=float(ranking.fit[i]), low=float(ranking.low[i]), high=float(ranking.high[i]), n=len(rows), system=name,
        split="train", method="row_bootstrap and what such forecasts missed", resamples=DRAWS,
    ))  # fmt: skip
    steps = rows.of / STEP_ROWS
    return Facts(tuple(scores), one.reading, float(ranking.best[i]), one.step * steps, one.seconds)


Raced = tuple[int, tuple[int, ...], dict[int, tuple[Score, float]], list[Verdict]]
"""The first, those tied with it (both among the measured), place -> score in the race and chance of being the best runner, verdicts."""


def _raced(asked: Asked, field: Field) -> tuple[Raced | None, list[str]]:
    """The race of those that are tied, if there is one; and what is said where there is none."""
    wanted, tied = asked.recipe.choose.race, field.ranking.tied[:RUNNERS]
    if wanted is False or (wanted == "auto" and len(tied) < 2):
        return None, []
    runners = tied if len(tied) > 1 else field.ranking.order[:RUNNERS]
    steps = steps_of(asked.splits.counts["train"])
    if wanted == "auto" and not affordable([field.found[i].step for i in runners], steps):
        return None, [f"a race of {len(runners)} candidates over {steps} steps might tell them apart: choose.race=true"]
    given = track(asked.splits, task_of(asked.recipe.task, asked.splits.labels), asked.recipe.seed, asked.recipe.peft)
    if len(given.judged) < FEWEST_JUDGED:
        return None, [f"{len(given.judged)} rows are too few to judge a race"]
    return _judged(asked, field, runners, given), []


def _judged(asked: Asked, field: Field, runners: Sequence[int], given: Track) -> Raced:
    """Runs it: the first, those still tied with it, each runner's score, and the paired verdicts."""
    said = {i: run_one(field.bases[i], given, asked.run.screen)[0] for i in runners}
    truth = given.task.encode_targets(given.truth, unknown="mark")
    truth = truth > 0.5 if given.task.multi_label else truth
    clusters = shared(given.clusters)
    scores = {
        i: score("macro_f1", truth, answer, clusters=clusters).about(system=f"{field.labels[i]}: raced", split=given.split, selected=True)
        for i, answer in said.items()
    }
    finish = _finish(field, runners, given, [as_bools(said[i], len(given.task.labels)) for i in runners])
    first, found = runners[finish.order[0]], []
    for i in (runners[place] for place in finish.order[1:]):
        question = Question(f"{field.labels[first]} vs {field.labels[i]} on macro_f1 after {given.steps} steps")
        found.append(compare("macro_f1", truth, said[first], said[i], clusters=clusters, question=question))
    finished = {field.places[i]: (scores[i], float(chance)) for i, chance in zip(runners, finish.chance, strict=True)}
    return first, tuple(runners[i] for i in finish.tied), finished, found


def _with_race(facts: dict[int, Facts], finished: dict[int, tuple[Score, float]]) -> dict[int, Facts]:
    """The runners' facts after the race: what chance they had together is divided anew among them."""
    together = sum(facts[place].chance or 0.0 for place in finished)
    return {
        place: replace(facts[place], scores=(*facts[place].scores, one), chance=together * chance)
        for place, (one, chance) in finished.items()
    }


def _finish(field: Field, runners: Sequence[int], given: Track, answers: Sequence[NDArray[np.bool_]]) -> Finish:
    """What the race adds to the forecast."""
    truth = as_bools(given.task.encode_targets(given.truth, unknown="mark"), len(given.task.labels)) > 0
    one, w = np.ones((1, len(truth)), dtype=np.float32), weights(given.clusters, given.seed)
    raced = np.array([float(macro_f1(truth, answer, one)[0]) for answer in answers])
    draws = np.stack([macro_f1(truth, answer, w) for answer in answers], axis=1)
    return after_race(field.ranking.fit[list(runners)], raced, draws, given.seed)
