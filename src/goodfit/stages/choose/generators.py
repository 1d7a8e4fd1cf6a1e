"""Several candidates that write: the same training answers in each model's own chat template, in bits per byte. Part of choose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.data.groups import shared
from goodfit.errors import DataError, MachineError, ModelError
from goodfit.score import Verdict
from goodfit.stages.choose.classifiers import MEASURING, by_rule
from goodfit.stages.choose.costs import costs_of
from goodfit.stages.choose.outcome import Asked, Facts, Outcome
from goodfit.stages.choose.resample import weights
from goodfit.stages.choose.writers import FEWEST, Told, common, read, sample
from goodfit.statistics import Question, compare, score
from goodfit.tasks.likelihood import Likelihood

STILL_IN = 0.05
"""Chance of being better than the first below which a candidate is out of the question."""


def compare_generators(asked: Asked) -> Outcome:
    """Reads the answers with every candidate; the lowest bits per byte is first."""
    told = sample(asked.splits, asked.recipe.seed, max(b.parameters for i in asked.usable if (b := asked.candidates[i].base) is not None))
    if len(told.ids) < FEWEST:
        return by_rule(asked, f"{len(told.ids)} training rows are too few to measure on; it takes {FEWEST}")
    asked, found, seconds = _read(asked, told)
    outcome = _compared(asked, told, found, seconds)
    mine = found.get(outcome.place)
    return outcome if mine is None else replace(outcome, costs=costs_of(told, mine, asked.splits.counts["train"]))


def _compared(asked: Asked, told: Told, found: dict[int, Likelihood], seconds: dict[int, float]) -> Outcome:
    if len(found) < 2:
        return by_rule(asked, "fewer than two of them could be loaded")
    kept = common(list(found.values()))
    if len(kept) < FEWEST:
        return by_rule(asked, f"only {len(kept)} training rows can be read whole by all of them")
    return _ranked(asked, told, found, seconds, kept)


def _read(asked: Asked, told: Told) -> tuple[Asked, dict[int, Likelihood], dict[int, float]]:
    found: dict[int, Likelihood] = {}
    seconds: dict[int, float] = {}
    screen, whole = asked.run.screen, len(told.ids) * len(asked.usable)
    for number, place in enumerate(asked.usable):
        base, begun = asked.candidates[place].base, number * len(told.ids)
        assert base is not None
        screen.progress(MEASURING, begun, whole, base.name)
        try:
            found[place], seconds[place] = read(
                base, told, asked.recipe, asked.run.base, lambda n, b=begun, t=base.name: screen.progress(MEASURING, b + n, whole, t)  # type: ignore[misc]
            )  # fmt: skip
        except (ModelError, MachineError, DataError) as error:
            asked = asked.refuse(place, error.message)
    return asked, found, seconds


def _ranked(asked: Asked, told: Told, found: dict[int, Likelihood], seconds: dict[int, float], kept: NDArray[np.int64]) -> Outcome:
    """The candidates by bits per byte of the rows that all can read."""
    places = list(found)
    sizes = np.max([found[place].bytes[kept] for place in places], axis=0).astype(np.float64)
    losses = {place: found[place].losses[kept] for place in places}
    clusters = told.clusters[kept]
    groups = shared(clusters)
    w = weights(clusters, asked.recipe.seed).astype(np.float64)
    draws = np.stack([(w @ losses[place]) / (w @ sizes) for place in places], axis=1)
    order = sorted(range(len(places)), key=lambda i: float(losses[places[i]].sum()))
    first, chance = order[0], np.bincount(draws.argmin(axis=1), minlength=len(places)) / len(draws)
    tied = [i for i in order if i == first or float((draws[:, i] < draws[:, first]).mean()) >= STILL_IN]
    facts = {}
    for i, place in enumerate(places):
        one = score("bits_per_byte", sizes, losses[place], clusters=groups).about(system=asked.label(place), split="train")
        facts[place] = Facts((one,), None, float(chance[i]), None, seconds[place])
    said = [_verdict(asked, places[first], places[i], sizes, losses, groups) for i in order[1:]]
    place = 0 if asked.named else places[first]
    reason = f"auto: the first of {len(places)} candidates, by bits per byte of {len(kept)} training rows"
    return Outcome(
        asked.candidates, place, "named in the recipe" if asked.named else reason, facts, tuple(said), tuple(places[i] for i in tied),
        places[first],
    )  # fmt: skip


def _verdict(asked: Asked, a: int, b: int, sizes: Any, losses: dict[int, Any], clusters: Any) -> Verdict:
    question = Question(f"{asked.label(a)} vs {asked.label(b)} on bits_per_byte before training")
    return compare("bits_per_byte", sizes, losses[a], losses[b], clusters=clusters, question=question)
