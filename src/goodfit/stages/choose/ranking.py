"""Which candidate is likely to be best once it is fine-tuned, how sure that is, and why not the others. Part of choose.

The four measures are brought to points of macro-F1 and averaged; a larger model gets credit that features do not show. What such a
forecast missed in our own benchmark (leave one data set out) is added to every draw, so that the chance of being best is honest.

Shapes: M candidates, B draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goodfit.data.groups import shared
from goodfit.score import Verdict
from goodfit.stages.choose.measure import MEASURES, Measured
from goodfit.stages.choose.rows import Rows
from goodfit.statistics import Question, compare

Floats = NDArray[np.float64]
PER_DOUBLING = 0.02
"""Macro-F1 that a model gains with every doubling of the weights beside its embeddings, beyond what its features tell."""
MOST_DOUBLINGS = 6.0
"""Above the smallest candidate; more is not credited."""
MISSED = 0.04
"""Standard deviation of the forecast's error, in macro-F1."""
UNFINISHED = 0.03
"""The same for a race: what an eighth of a training does not tell of the whole."""
STILL_IN = 0.1
"""Chance of being better than the leader below which a candidate is out of the question."""


@dataclass(frozen=True)
class Ranking:
    """M candidates, best first."""

    order: tuple[int, ...]
    """Places in the list that was given."""
    fit: Floats
    """[M] forecast in macro-F1 relative to the mean of the candidates, in the order given."""
    low: Floats
    high: Floats
    """[M] 95% interval of it."""
    best: Floats
    """[M] chance of being the best."""
    beats_leader: Floats
    """[M] chance of being better than the leader."""

    @property
    def leader(self) -> int:
        """Place of the first."""
        return self.order[0]

    @property
    def tied(self) -> tuple[int, ...]:
        """Places of those that may well be better than the leader, the leader first."""
        return tuple(i for i in self.order if i == self.leader or self.beats_leader[i] >= STILL_IN)


def forecast(values: Sequence[Floats], center: Sequence[Floats], body: Floats) -> Floats:
    """[..., M] the forecast from the values [..., M] of the four measures, scaled as `center` [M] says; `body` [M] weights of each model.

    Measures in other units (H-score, LogME) get the spread that the two classifiers show.
    """
    spread = float(np.sqrt(np.mean([np.var(center[k]) for k in (0, 1)])))
    parts = []
    for k, value in enumerate(values):
        scale = float(np.std(center[k]))
        parts.append((value - np.mean(center[k])) * (spread / scale if scale > 1e-9 else 0.0))
    doublings = np.minimum(np.log2(body / body.min()), MOST_DOUBLINGS)
    return np.asarray(np.mean(parts, axis=0) + PER_DOUBLING * (doublings - doublings.mean()))


def rank(found: Sequence[Measured], body: Sequence[int], seed: int) -> Ranking:
    """Ranks what was measured on the same rows."""
    center = [np.array([one.value[name] for one in found]) for name in MEASURES]
    weights = np.maximum(np.asarray(body, dtype=np.float64), 1.0)
    draws = forecast([np.stack([centred(one, name) for one in found], axis=1) for name in MEASURES], center, weights)
    draws = draws + np.random.default_rng([seed, 23]).normal(0.0, MISSED, size=draws.shape)
    fit = forecast(center, center, weights)
    order = tuple(int(i) for i in np.argsort(-fit, kind="stable"))
    first = draws.argmax(axis=1)
    ahead = (draws > draws[:, [order[0]]]).mean(axis=0)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return Ranking(order, fit, low, high, np.bincount(first, minlength=len(fit)) / len(draws), ahead)


@dataclass(frozen=True)
class Finish:
    """R runners after a race."""

    order: tuple[int, ...]
    """Among the runners, best first."""
    chance: Floats
    """[R] of being the best of them."""
    tied: tuple[int, ...]
    """Those that may well be better than the first, the first itself first."""


def after_race(forecasts: Floats, raced: Floats, draws: Floats, seed: int) -> Finish:
    """Forecasts [R] and what the race showed [R], each as sure as it is; `draws` [B, R]: the race on resampled rows.

    A race that few rows judge says little, and moves the forecast little: the two are averaged by their precision.
    """
    before, shown = forecasts - forecasts.mean(), raced - raced.mean()
    varied = draws - draws.mean(axis=1, keepdims=True)
    noise = float(np.mean(np.var(varied, axis=0))) + UNFINISHED**2
    weight = MISSED**2 / (MISSED**2 + noise)
    value = (1 - weight) * before + weight * shown
    rng = np.random.default_rng([seed, 29])
    spread = (1 - weight) * rng.normal(0.0, MISSED, draws.shape) + weight * rng.normal(0.0, UNFINISHED, draws.shape)
    both = value + weight * (varied - varied.mean(axis=0)) + spread
    order = tuple(int(i) for i in np.argsort(-value, kind="stable"))
    ahead = (both > both[:, [order[0]]]).mean(axis=0)
    chance = np.bincount(both.argmax(axis=1), minlength=len(value)) / len(both)
    return Finish(order, chance, tuple(i for i in order if i == order[0] or ahead[i] >= STILL_IN))


def centred(one: Measured, name: str) -> Floats:
    """The draws of a measure around its value: rows that stand twice flatter H-score and LogME, of some models more than of others."""
    return np.asarray(one.draws[name] - one.draws[name].mean() + one.value[name])


def verdicts(names: Sequence[str], found: Sequence[Measured], rows: Rows, first: int, others: Sequence[int]) -> list[Verdict]:
    """The first against each of the others, by what the probes say of the same rows."""
    truth = rows.targets if rows.multi_label else rows.targets.argmax(axis=1)
    clusters = shared(rows.clusters)
    out = []
    for i in others:
        question = Question(f"{names[first]} vs {names[i]} on macro_f1 of a linear probe", level=0.95)
        said = (found[first].said["probe"], found[i].said["probe"])
        out.append(compare("macro_f1", truth, *said, clusters=clusters, question=question))
    return out
