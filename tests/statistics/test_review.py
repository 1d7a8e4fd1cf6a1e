"""Preferences, agreement and stopping: published values, an independent fit, and simulated raters whose preference is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from benchmarks import review_statistics as bench
from goodfit.statistics import (
    Judgements,
    agreement,
    bradley_terry,
    decisive_needed,
    judgements_needed,
    krippendorff,
    preferred,
    sequence,
    win_share,
)


def judged(outcomes: list[float], **more: object) -> Judgements:
    n = len(outcomes)
    return Judgements.of(["a", "b"], [0] * n, [1] * n, outcomes, prompts=more.pop("prompts", list(range(n))), **more)


@pytest.mark.parametrize(("metric", "alpha", "ratings"), bench.PUBLISHED)
def test_alpha_reproduces_krippendorffs_examples(metric: str, alpha: float, ratings: list[list[float]]) -> None:
    assert round(krippendorff(ratings, metric), 3) == alpha
    found = agreement(ratings, metric).alpha
    assert found.value == pytest.approx(krippendorff(ratings, metric))
    assert found.low is not None
    assert found.low <= found.value <= found.high


def test_alpha_is_low_under_imbalance_though_nearly_all_agree() -> None:
    ratings = np.ones((2, 100))
    ratings[0, :3] = 2
    ratings[1, 97:] = 2
    found = agreement(ratings)
    assert found.raw.value == pytest.approx(0.94)
    assert found.alpha.value < 0
    assert "same value" in agreement(np.ones((2, 20))).alpha.why_absent
    assert agreement(np.ones((1, 20))).raw.why_absent == "no unit was rated twice"
    assert agreement([[1, 2, 3], [1, 2, 2]]).alpha.low is None


def test_bradley_terry_agrees_with_a_general_optimiser() -> None:
    drawn = bench.raters(np.random.default_rng(3), 300, strengths=(0.6, 0.1, -0.7))
    fit = bradley_terry(drawn)

    def loss(x: np.ndarray) -> float:
        lift = x[drawn.first] - x[drawn.second] + x[3]
        total = 0.0
        for d, outcome in zip(lift, drawn.outcome, strict=True):
            parts = [math.exp(d / 2), math.exp(-d / 2), math.exp(x[4])]
            total -= math.log(parts[{1.0: 0, 0.0: 1, 0.5: 2}[outcome]] / sum(parts))
        return total + 0.005 * float(x @ x)

    best = optimize.minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-7}).x
    assert fit.strengths == pytest.approx(best[:3] - best[:3].mean(), abs=1e-4)
    assert (fit.position, fit.tie) == pytest.approx((best[3], best[4]), abs=1e-4)


def test_two_systems_by_both_ways_and_from_both_sides() -> None:
    drawn = bench.raters(np.random.default_rng(4), 400, spread=0.0)
    plain, mirrored, modelled = win_share(drawn, "s0", "s1"), win_share(drawn, "s1", "s0"), bradley_terry(drawn).win_share("s0", "s1")
    assert plain.value == pytest.approx(1 - mirrored.value)
    assert plain.low == pytest.approx(1 - mirrored.high)
    assert modelled.value == pytest.approx(plain.value, abs=0.02)
    assert modelled.high - modelled.low == pytest.approx(plain.high - plain.low, rel=0.1)


def test_a_system_that_always_wins_stays_finite() -> None:
    fit = bradley_terry(judged([1.0] * 40))
    score = fit.win_share("a", "b")
    assert 0.9 < score.value < 1
    assert win_share(judged([1.0] * 40), "a", "b").low > 0.9
    assert preferred(judged([1.0] * 40), "a", "b").answer == "better"
    assert preferred(judged([0.0] * 40), "a", "b").answer == "worse"
    assert preferred(judged([0.5] * 40), "a", "b").answer == "cannot_tell"


def test_prompts_are_the_unit() -> None:
    """Ten reviewers who say the same of each prompt are no more than one."""
    rng = np.random.default_rng(5)
    once = rng.integers(0, 2, size=60).astype(float)
    many = judged(list(np.repeat(once, 10)), prompts=np.repeat(np.arange(60), 10))
    one, ten = win_share(judged(list(once)), "a", "b"), win_share(many, "a", "b")
    assert ten.value == pytest.approx(one.value)
    assert ten.high - ten.low == pytest.approx(one.high - one.low, rel=0.02)
    assert preferred(judged([1.0] * 25), "a", "b").text == "cannot tell: 25 prompts judged, a verdict takes at least 30"


def test_weights_undo_the_drawing() -> None:
    values = [1.0] * 60 + [0.0] * 20
    assert win_share(judged(values), "a", "b").value == pytest.approx(0.75)
    assert win_share(judged(values, weights=[1.0] * 60 + [3.0] * 20), "a", "b").value == pytest.approx(0.5)
    assert bradley_terry(judged(values, weights=[1.0] * 60 + [3.0] * 20)).win_share("a", "b").value == pytest.approx(0.5, abs=0.06)


def test_a_covariate_takes_up_what_length_explains() -> None:
    rng = np.random.default_rng(6)
    longer = rng.normal(size=600)
    won = (rng.random(600) < 1 / (1 + np.exp(-1.5 * longer))).astype(float)
    fit = bradley_terry(judged(list(won)), covariate=longer)
    assert fit.slope_effect("length").low > 1
    assert fit.slope == pytest.approx(1.5, abs=0.4)


def test_judgements_needed() -> None:
    assert [decisive_needed(p) for p in (0.6, 0.55, 0.65)] == [194, 783, 85]
    assert decisive_needed(0.5) is None
    assert judgements_needed(np.array([1, 1, 1, 0, 0] * 10 + [0.5] * 50, dtype=float)) == 388
    assert judgements_needed(np.array([0.5, 0.5])) is None


def test_what_callers_do_wrong() -> None:
    with pytest.raises(ValueError, match="an outcome is"):
        judged([0.7])
    with pytest.raises(ValueError, match="two different systems"):
        Judgements.of(["a", "b"], [0], [0], [1.0], prompts=[0])
    with pytest.raises(ValueError, match="weight"):
        judged([1.0], weights=[0.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        sequence([2.0])


def test_a_sequence_decides_and_its_confidence_sequence_holds_the_mean() -> None:
    rng = np.random.default_rng(7)
    values = (rng.random(400) < 0.7).astype(float)
    state = sequence(values)
    assert state.decided
    assert state.decided_at < 200
    assert state.low < 0.7 < state.high
    assert state.low > 0.5
    assert not sequence(values[: state.decided_at - 1]).decided
    assert sequence([]).evidence == 1.0
    assert (sequence([]).low, sequence([]).high) == (0.0, 1.0)
    assert sequence(values, weights=np.full(400, 0.5), mean_weight=0.5).mean == pytest.approx(state.mean)


def test_evidence_is_worth_one_on_average_when_systems_are_equal() -> None:
    """The expectation of E under the claim is 1: enumerated exactly over all sequences of 10 judgements."""
    total = sum(sequence([(code >> i) & 1 for i in range(10)]).evidence for code in range(1024))
    assert total / 1024 == pytest.approx(1.0, abs=1e-9)


# --- simulated raters; full length in benchmarks/results/2-review-statistics.json ---------------------------------------------------


@pytest.mark.parametrize("about", list(bench.cells()))
def test_intervals_hold_the_truth(about: str) -> None:
    make, truth = bench.cells()[about]
    assert 0.91 <= bench.coverage(make, truth(np.random.default_rng(1)), 300) <= 0.985


@pytest.mark.parametrize("about", list(bench.FALSE))
def test_equal_systems_are_seldom_told_apart(about: str) -> None:
    assert bench.rate(bench.FALSE[about], 200) <= 0.08


def test_ordinary_intervals_err_when_one_peeks() -> None:
    assert bench.rate(lambda rng: bench.naive_peeking(rng, 300), 300) > 0.15
