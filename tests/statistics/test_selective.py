"""Withheld answers: levels by rank, the exact bound, a promise that holds in 95 of 100 cases; areas by brute force over ties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from goodfit.statistics.selective import ALL, Level, area_of, area_under, levels_of, most_wrong, promised, risk_curve, weighted_area


def test_levels_cover_what_is_above_them() -> None:
    rng = np.random.default_rng(0)
    confidence = np.round(rng.random(997), 2)  # many ties
    right = rng.random(997) < confidence
    found = levels_of(confidence, right)
    for level in found:
        above = confidence > level.threshold
        assert (above.sum(), (~right[above]).sum()) == (level.covered, level.errors)
    assert [level.covered for level in found] == sorted({level.covered for level in found})
    assert found[-1] == Level(ALL, 997, int((~right).sum()))
    assert levels_of(np.full(10, 0.5), np.ones(10, bool)) == [Level(ALL, 10, 0)]
    assert levels_of(np.zeros(0), np.zeros(0, bool)) == []


def test_the_bound_is_exact() -> None:
    assert stats.binom.cdf(3, 100, most_wrong(3, 100)) == pytest.approx(0.05)
    assert most_wrong(5, 5) == 1.0


def draw(n: int, rng: np.random.Generator, slope: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confidence = rng.beta(4, 1.5, n)
    chance = confidence**slope
    return confidence, rng.random(n) < chance, chance


@pytest.mark.parametrize(("n", "risk", "slope"), [(300, 0.1, 1.0), (1000, 0.05, 0.5), (200, 0.2, 1.0), (500, 0.1, 0.4)])
def test_the_promise_holds(n: int, risk: float, slope: float) -> None:
    rng = np.random.default_rng(n)
    grid, _, chance = draw(400_000, rng, slope)
    order = np.argsort(-grid)
    below, true = grid[order], np.cumsum(1 - chance[order]) / np.arange(1, len(grid) + 1)
    broken, given, tries = 0, 0, 400
    for _ in range(tries):
        confidence, right, _ = draw(n, rng, slope)
        level = promised(levels_of(confidence, right), risk)
        if level is None:
            continue
        given += 1
        covered = int(np.searchsorted(-below, -level.threshold, side="left"))
        broken += covered > 0 and true[covered - 1] > risk
    assert given > 0
    assert broken <= 0.05 * tries + 2 * np.sqrt(0.05 * 0.95 * tries)


def test_nothing_is_promised_where_nothing_can_be() -> None:
    right = np.ones(20, bool)
    assert promised(levels_of(np.linspace(0, 1, 20), right), 0.01) is None  # 20 rows show no 1%
    assert promised(levels_of(np.linspace(0, 1, 20), right), 0.2) == Level(ALL, 20, 0)
    assert promised([], 0.1) is None
    assert promised(levels_of(np.linspace(0, 1, 400), np.zeros(400, bool)), 0.1) is None


def test_areas_over_all_orders_of_ties() -> None:
    confidence, right = np.array([0.9, 0.5, 0.5, 0.5, 0.1]), np.array([True, False, True, True, False])
    every = []
    for order in itertools.permutations([1, 2, 3]):
        wrong = np.cumsum(~right[[0, *order, 4]])
        every.append(np.mean(wrong / np.arange(1, 6)))
    assert area_of(confidence, right) == pytest.approx(np.mean(every))
    own, excess = area_under(confidence, right)
    assert own > excess > 0
    assert area_under(right.astype(float), right)[1] == pytest.approx(0)
    share, risk = risk_curve(confidence, right)
    assert (share[-1], risk[-1]) == (1, 0.4)


def test_counted_several_times_is_nearly_repeated() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(3000)
    right, weight = rng.random(3000) < confidence, rng.poisson(1, 3000)
    order = np.argsort(-confidence)
    assert weighted_area(~right[order], np.ones(3000, np.int64)) == pytest.approx(area_of(confidence, right))
    repeated = area_of(np.repeat(confidence, weight), np.repeat(right, weight))
    assert weighted_area(~right[order], weight[order]) == pytest.approx(repeated, abs=2e-3)
    assert weighted_area(~right[order], np.zeros(3000, np.int64)) == 0
