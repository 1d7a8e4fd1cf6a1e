"""Populations of written texts to draw test sets from, with the values that their scores have in truth. Used by `coverage` and tests.

A population is a finite one: some thousand rows (or clusters of rows), drawn with replacement, so that its truth is a plain sum. Only the
share of distinct n-grams has no such truth: it depends on how many texts there are, and is simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.populations import Draw, Floats, Rng, Rows, cluster_sizes, with_rate
from goodfit.statistics.written import chrf
from goodfit.tasks.writing.overlap import chrf_counts, distinct_counts

Ints = npt.NDArray[np.int64]
Pair = Callable[[Rng], tuple[Any, Any, Any, Any]]
UNITS = 2_500
SIZE = 5
"""Rows of a cluster, on average 1 + SIZE."""


@dataclass(frozen=True)
class Pool:
    """All rows of a population: `sizes` [N] or None, what two equally good systems made of them, and the unit of each row in order."""

    sizes: Floats | None
    first: Floats
    second: Floats
    unit: Ints
    clustered: bool

    def rows(self, rng: Rng, units: int) -> tuple[Ints, Ints]:
        """Places of the rows of that many units, drawn with replacement, and their clusters."""
        starts = np.searchsorted(self.unit, np.arange(int(self.unit.max()) + 2))
        drawn = rng.integers(0, len(starts) - 1, size=units)
        places = [np.arange(starts[u], starts[u + 1]) for u in drawn]
        return np.concatenate(places), np.repeat(np.arange(units), [len(p) for p in places])

    def draw(self, units: int) -> Draw:
        """Rows of the first system."""

        def draw(rng: Rng) -> Rows:
            at, clusters = self.rows(rng, units)
            return None if self.sizes is None else self.sizes[at], self.first[at], clusters if self.clustered else None

        return draw

    def two(self, units: int) -> Pair:
        """Both systems, with names given by a coin for each unit: equally good in truth."""

        def draw(rng: Rng) -> tuple[Any, Any, Any, Any]:
            at, clusters = self.rows(rng, units)
            heads = (rng.random(units) < 0.5)[clusters]
            heads = heads[:, None] if self.first.ndim == 2 else heads
            a, b = np.where(heads, self.first[at], self.second[at]), np.where(heads, self.second[at], self.first[at])
            return None if self.sizes is None else self.sizes[at], a, b, clusters if self.clustered else None

        return draw


def _units(rng: Rng, clustered: bool) -> Ints:
    return cluster_sizes(rng, UNITS // 3, SIZE) if clustered else np.arange(UNITS)


@cache
def answers(quality: float, *, clustered: bool = False) -> Pool:
    """chrF counts of answers that keep each word of their reference with a chance of their own, on average `quality`."""
    rng = np.random.default_rng(int(1000 * quality) + clustered)
    unit = _units(rng, clustered)
    letters = np.array(list("etaoinshrdlucmwf"))
    vocabulary = ["".join(rng.choice(letters, size=k)) for k in rng.integers(1, 10, size=2_000)]
    rate = with_rate(rng, np.arange(len(unit)), quality, 0.3) if not clustered else with_rate(rng, unit, quality, 0.3)
    wanted = [rng.zipf(1.3, size=k) % 2_000 for k in 1 + rng.geometric(0.08, size=len(unit))]
    said = [[np.where(rng.random(len(w)) < p, w, rng.zipf(1.3, size=len(w)) % 2_000) for w, p in zip(wanted, rate)] for _ in range(2)]
    text = [[" ".join(vocabulary[i] for i in row) for row in rows] for rows in (wanted, *said)]
    return Pool(None, chrf_counts(text[1], text[0]), chrf_counts(text[2], text[0]), unit, clustered)


def answers_truth(quality: float, *, clustered: bool = False) -> float:
    """The chrF of all of them."""
    return float(chrf(answers(quality, clustered=clustered).first.sum(axis=0)))


@cache
def documents(spread: float, *, clustered: bool = False) -> Pool:
    """Tokens (log-normal with this spread) and summed losses: hard and easy documents, short ones harder on average."""
    rng = np.random.default_rng(int(1000 * spread) + clustered)
    unit = np.repeat(np.arange(6_000), rng.geometric(1 / 6, size=6_000)) if clustered else np.arange(20_000)
    tokens = np.ceil(rng.lognormal(4, spread, size=len(unit)))
    hard = rng.gamma(4, 0.25, size=int(unit.max()) + 1)[unit]
    nats = [tokens * (0.5 + hard + tokens**-0.5) * rng.gamma(8, 1 / 8, size=len(unit)) for _ in range(2)]
    return Pool(tokens, nats[0], nats[1], unit, clustered)


def documents_truth(spread: float, *, clustered: bool = False) -> float:
    """Nats per token of all of them."""
    pool = documents(spread, clustered=clustered)
    assert pool.sizes is not None
    return float(pool.first.sum() / pool.sizes.sum())


def _texts(rng: Rng, topic: Ints, rows: int) -> list[Ints]:
    """Word numbers of texts: half from all words, half from the hundred of the row's topic."""
    made = []
    for k, own in zip(3 + rng.geometric(0.08, size=rows), topic):
        common = rng.zipf(1.4, size=k) % 5_000
        made.append(np.where(rng.random(k) < 0.5, common, 5_000 + 100 * own + rng.integers(0, 100, size=k)))
    return made


def texts(order: int, n: int, *, groups: int = 0) -> Draw:
    """What texts add to the share of distinct n-grams; clusters share a topic."""
    pair = two_writers(order, n, groups=groups)

    def draw(rng: Rng) -> Rows:
        _, first, _, clusters = pair(rng, both=False)  # type: ignore[call-arg]
        return None, first, clusters

    return draw


def two_writers(order: int, n: int, *, groups: int = 0) -> Pair:
    """The same of two equally varied systems that answer the same rows."""

    def draw(rng: Rng, *, both: bool = True) -> tuple[Any, Any, Any, Any]:
        clusters = cluster_sizes(rng, groups, n // groups - 1) if groups else None
        rows = n if clusters is None else len(clusters)
        topic = rng.integers(0, 300, size=groups or n)[clusters if clusters is not None else slice(None)]
        made = [distinct_counts(_texts(rng, topic, rows), order, clusters) for _ in range(2 if both else 1)]
        return None, made[0], made[-1], clusters

    return draw


@cache
def texts_truth(order: int, n: int, *, groups: int = 0, draws: int = 1_500) -> float:
    """The mean share of distinct n-grams of as many texts."""
    rng, draw = np.random.default_rng([order, n, groups]), texts(order, n, groups=groups)
    made = [draw(rng)[1] for _ in range(draws)]
    return float(np.mean([rows[:, 1:].sum() / rows[:, 0].sum() for rows in made]))
