"""Intervals of out-of-fold scores: as wide as Nadeau and Bengio's factor says, within bounds, and p with them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from goodfit.statistics import Question, adjust, compare, score
from goodfit.statistics.folds import as_folds, factor, level_of, p_of, worth
from goodfit.statistics.scoring import score_of


@pytest.mark.parametrize("k", [2, 5, 10, 20])
def test_the_factor_is_that_of_the_corrected_variance(k: int) -> None:
    n_test, n_train = 1 / k, 1 - 1 / k
    assert factor(k) == pytest.approx(math.sqrt((1 / k + n_test / n_train) / (1 / k)))
    quantile = stats.norm.ppf(0.5 + level_of(0.95, k) / 2)
    assert quantile == pytest.approx(factor(k) * stats.norm.ppf(0.975))


def test_no_folds_change_nothing() -> None:
    made = score("accuracy", np.zeros(50, int), np.r_[np.zeros(40, int), np.ones(10, int)])
    assert level_of(0.95, None) == 0.95
    assert as_folds(made, None) is made
    assert score_of("accuracy", np.zeros(50, int), np.r_[np.zeros(40, int), np.ones(10, int)]) == made
    assert worth(100, None) == 100


def test_a_share_is_wider_and_stays_a_share() -> None:
    truth = np.zeros(400, int)
    told = np.r_[np.zeros(320, int), np.ones(80, int)]
    plain, folded = score("accuracy", truth, told), score_of("accuracy", truth, told, folds=5)
    assert plain.low is not None and plain.high is not None and folded.low is not None and folded.high is not None
    assert (folded.high - folded.low) / (plain.high - plain.low) == pytest.approx(1.5, abs=0.03)
    assert (folded.level, folded.value) == (0.95, plain.value)
    assert str(folded.method).endswith("_folds")
    sure = score_of("accuracy", truth, truth, folds=5)
    assert sure.high == 1.0


def test_a_comparison_and_its_p_agree() -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        truth = rng.integers(2, size=200)
        a, b = (np.where(rng.random(200) < share, truth, 1 - truth) for share in (0.85, 0.74))
        verdict = compare("accuracy", truth, a, b, question=Question("a vs b", folds=5))
        assert verdict.p is not None and verdict.difference is not None and verdict.difference.low is not None
        assert (verdict.answer == "better") == (verdict.difference.low > 0)
        assert (verdict.p < 0.05) == (verdict.answer == "better")
        seen.add(verdict.answer)
    assert seen == {"better", "cannot_tell"}


def test_a_large_difference_stays_one_after_correction() -> None:
    """A p of resamples is no smaller than one in so many: scaled, it would not survive Holm."""
    rng = np.random.default_rng(1)
    truth = rng.integers(3, size=400)
    a, b = np.where(rng.random(400) < 0.9, truth, (truth + 1) % 3), np.where(rng.random(400) < 0.5, truth, (truth + 1) % 3)
    clusters = np.arange(400) // 2
    verdict = compare("macro_f1", truth, a, b, clusters=clusters, question=Question(folds=5))
    assert verdict.p is not None and verdict.p < 1e-6
    assert [one.answer for one in adjust([verdict] * 10, "baselines")] == ["better"] * 10


def test_rows_to_settle_a_difference_are_so_many_times_as_many() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(2, size=300)
    a, b = (np.where(rng.random(300) < share, truth, 1 - truth) for share in (0.80, 0.76))
    plain, folded = (compare("accuracy", truth, a, b, question=Question(folds=k)) for k in (None, 5))
    assert plain.answer == folded.answer == "cannot_tell"
    assert plain.rows_needed is not None and folded.rows_needed is not None
    assert folded.rows_needed / plain.rows_needed == pytest.approx(factor(5) ** 2, rel=0.01)
    assert worth(folded.rows_needed, 5) == pytest.approx(plain.rows_needed, abs=1)


@pytest.mark.parametrize(("low", "high", "p"), [(0.0, 0.2, 0.05), (-0.1, 0.3, 0.327), (0.05, 0.15, 0.0000886)])
def test_p_is_where_zero_lies(low: float, high: float, p: float) -> None:
    assert p_of(0.1, low, high, 0.95) == pytest.approx(p, rel=0.01)
    assert p_of(-0.1, -high, -low, 0.95) == pytest.approx(p, rel=0.01)
    assert p_of(0.0, low - 0.1, high, 0.95) == 1.0
