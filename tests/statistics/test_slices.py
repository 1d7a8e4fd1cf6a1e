"""Step-down max-T: z as written out, exact levels under the null whatever the overlap, planted slices found, clusters as units."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from goodfit.statistics.slices import distinct, jaccard, shrunken, stand_out, units_of


def overlapping(n: int, slices: int, rng: np.random.Generator) -> np.ndarray:
    """Nested and crossing subsets of 3 to 40% of the rows."""
    base = rng.random((n, slices // 3)) < rng.uniform(0.05, 0.4, slices // 3)
    pairs = [base[:, i] & base[:, j] for i, j in itertools.islice(itertools.combinations(range(base.shape[1]), 2), 2 * slices)]
    kept = [pair for pair in pairs if pair.sum() >= 20][: slices - base.shape[1]]
    return np.concatenate([base, np.stack(kept, axis=1)], axis=1) if kept else base


def test_z_is_what_exchanging_gives() -> None:
    rng = np.random.default_rng(0)
    member, strata = rng.random((400, 12)) < 0.2, rng.integers(0, 4, 400)
    losses = (rng.random(400) < 0.1 + 0.1 * strata).astype(float)
    found = stand_out(units_of(losses, member, strata, None), draws=200)
    for s in range(12):
        sums = []
        for _ in range(4000):
            shuffled = losses.copy()
            for c in range(4):
                at = np.flatnonzero(strata == c)
                shuffled[at] = rng.permutation(shuffled[at])
            sums.append(shuffled[member[:, s]].sum())
            if len(sums) == 800 and s:
                break
        assert found.z[s] == pytest.approx((losses[member[:, s]].sum() - np.mean(sums)) / np.std(sums), abs=0.35)


def test_step_down_p_equal_those_by_brute_force() -> None:
    """On so few rows that all exchanges can be written down, p comes near the exact one, and later candidates never have less."""
    losses = np.array([1, 1, 1, 0, 0, 0, 0, 0], float)
    member = np.array([[1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0, 1, 0]], bool).T
    found = stand_out(units_of(losses, member, None, None), draws=20_000)
    mean, deviation = 3 * 3 / 8, np.sqrt(losses.var(ddof=1) * 3 * (1 - 3 / 8))
    every = np.array([[1.0 * (i in chosen) for i in range(8)] for chosen in itertools.combinations(range(8), 3)])
    z = (every @ member - mean) / deviation
    order = np.argsort(-found.z, kind="stable")
    exact = [(z[:, order[j:]].max(axis=1) >= found.z[order[j]] - 1e-9).mean() for j in range(3)]
    np.testing.assert_allclose(found.p[order], np.maximum.accumulate(exact), atol=0.015)
    np.testing.assert_allclose(found.alone, [(z[:, s] >= found.z[s] - 1e-9).mean() for s in range(3)], atol=0.015)


def test_whole_strata_all_rows_and_none_are_never_called() -> None:
    strata = np.repeat([0, 1], 50)
    losses = np.r_[np.ones(50), np.zeros(50)]
    member = np.stack([strata == 0, np.ones(100, bool), np.zeros(100, bool)], axis=1)
    found = stand_out(units_of(losses, member, strata, None))
    assert found.z.tolist() == [0, 0, 0]
    assert found.p.tolist() == [1, 1, 1]
    empty = stand_out(units_of(losses, np.zeros((100, 0), bool), strata, None))
    assert len(empty.p) == 0


@pytest.mark.parametrize("clustered", [False, True])
def test_shuffled_data_alarm_at_their_level(clustered: bool) -> None:
    rng = np.random.default_rng(3)
    alarms, tries = 0, 200
    for _ in range(tries):
        strata = rng.integers(0, 3, 300)
        member = overlapping(300, 60, rng)
        clusters = None
        losses = (rng.random(300) < 0.1 + 0.15 * strata).astype(float)
        if clustered:  # 100 clusters of three rows that fail together and lie in the same slices
            clusters = np.arange(300) // 3
            losses, member, strata = losses[clusters * 3], member[clusters * 3], strata[clusters * 3]
        found = stand_out(units_of(losses, member, strata, clusters), draws=300, seed=int(rng.integers(1 << 30)))
        alarms += bool((found.p <= 0.05).any())
    assert alarms <= 0.05 * tries + 2 * np.sqrt(0.05 * 0.95 * tries)


def test_a_planted_slice_is_found_once() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for seed in range(20):
        member = overlapping(1000, 200, rng)
        planted = rng.random(1000) < 0.07
        member = np.concatenate([member, planted[:, None], (planted & (rng.random(1000) < 0.9))[:, None]], axis=1)
        losses = (rng.random(1000) < np.where(planted, 0.45, 0.15)).astype(float)
        units = units_of(losses, member, None, None)
        found = stand_out(units, seed=seed)
        chosen = distinct(units, found, np.flatnonzero(found.p <= 0.05).tolist(), 10)
        hits += any(jaccard(member[:, s], planted) > 0.5 for s in chosen)
        assert sum(jaccard(member[:, s], planted) > 0.5 for s in chosen) <= 1
    assert hits >= 18


def test_shrinking_draws_to_zero_by_the_noise() -> None:
    rng = np.random.default_rng(0)
    error = np.full(400, 0.05)
    noise = shrunken(rng.normal(0, 0.05, 400), error)
    assert np.abs(noise).max() < 0.06
    real = rng.normal(0, 0.2, 400)
    kept = shrunken(real + rng.normal(0, 0.05, 400), error)
    assert np.mean((kept - real) ** 2) < np.mean(rng.normal(0, 0.05, 400) ** 2)
    assert len(shrunken(np.zeros(0), np.zeros(0))) == 0
