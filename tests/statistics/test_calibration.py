"""Calibration error without bias, slope and intercept that say what is wrong, and the temperature that repairs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

from benchmarks import populations
from goodfit.statistics import level_for, reliability, score, temperature, widen
from goodfit.statistics.sample import sample_of


def drawn(t: float, n: int, *, classes: int = 4, seed: int = 0):
    labels, probabilities, _ = populations.draw_probabilities(classes, n, 2.0, t)(np.random.default_rng(seed))
    return labels, probabilities


def plain_ece(y: np.ndarray, p: np.ndarray, bins: int = 10) -> float:
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(sum(abs((confidence - right)[place == b].sum()) for b in range(bins)) / len(y))


def test_a_calibrated_model_is_called_calibrated_where_the_plain_error_says_six_points() -> None:
    plain, debiased, ends = [], [], []
    for seed in range(40):
        y, p = drawn(1.0, 200, seed=seed)
        made = score("ece", y, p)
        plain.append(plain_ece(y, p))
        debiased.append(made.value)
        ends.append(made.low)
    assert np.mean(plain) > 0.05
    assert 0.3 < np.mean(np.array(debiased) == 0) < 0.7  # the squared error lies about zero
    assert np.median(ends) == 0.0


@pytest.mark.parametrize(("t", "slope_below_one"), [(0.5, True), (2.0, False)])
def test_slope_and_intercept_tell_over_from_under_confidence(t: float, slope_below_one: bool) -> None:
    y, p = drawn(t, 3000, classes=2)
    slope, intercept = score("calibration_slope", y, p), score("calibration_intercept", y, p)
    assert (slope.high < 1) == slope_below_one
    assert (slope.low > 1) != slope_below_one
    assert (intercept.high < 0) == slope_below_one
    assert slope.low <= t <= slope.high


@pytest.mark.parametrize("t", [0.4, 1.0, 2.5])
def test_temperature_finds_the_one_that_was_applied(t: float) -> None:
    y, p = drawn(t, 20_000)
    found = temperature(np.log(p), y)
    assert found.value == pytest.approx(1 / t, rel=0.05)
    assert found.after <= found.before
    assert not found.at_bound
    assert score("log_loss", y, special.softmax(np.log(p) / found.value, axis=1)).value == pytest.approx(found.after, rel=1e-6)


def test_temperature_of_sigmoids() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, size=(5000, 3))
    y = rng.random(z.shape) < special.expit(z)
    assert temperature(3 * z, y).value == pytest.approx(3, rel=0.08)


def test_temperature_without_an_optimum_says_so() -> None:
    y = np.arange(50) % 3
    perfect = temperature(np.eye(3)[y], y)
    assert perfect.at_bound
    assert perfect.value == pytest.approx(0.05, rel=0.01)
    assert temperature(np.zeros((50, 3)), y).after == pytest.approx(np.log(3))
    huge = temperature(1e5 * np.eye(3)[(y + (np.arange(50) < 10)) % 3], y)
    assert np.isfinite(huge.after)
    with pytest.raises(ValueError, match="finite"):
        temperature(np.full((2, 2), np.nan), [0, 1])
    with pytest.raises(ValueError, match="labels"):
        temperature(np.zeros((2, 2)), [0])


def test_temperature_keeps_the_precision_of_its_input() -> None:
    y, p = drawn(0.5, 2000)
    z = np.log(p)
    assert temperature(z.astype(np.float32), y).value == pytest.approx(temperature(z, y).value, rel=1e-3)


def test_reliability_bins_hold_every_decision_once() -> None:
    y, p = drawn(0.5, 1000)
    bins = reliability(sample_of("probability", y, p))
    assert sum(b.n for b in bins) == 1000
    assert len(bins) == 10
    assert all(b.low <= b.confidence <= b.high for b in bins)
    assert all(b.right_low <= b.right <= b.right_high for b in bins)
    assert [b.confidence for b in bins] == sorted(b.confidence for b in bins)
    assert bins[-2].confidence > bins[-2].right_high
    assert len(reliability(sample_of("probability", y, p), bins=4)) == 4


def test_reliability_of_alike_confidences_is_one_bin() -> None:
    bins = reliability(sample_of("probability", np.arange(60) % 2, np.full(60, 0.9)))
    assert [(b.n, b.confidence) for b in bins] == [(60, pytest.approx(0.9))]


def test_reliability_of_labels_counts_decisions_and_keeps_rows_together() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((200, 3))
    y = rng.random((200, 3)) < p
    bins = reliability(sample_of("multilabel_probability", y, p))
    assert sum(b.n for b in bins) == 600
    assert all(b.right_low <= b.right <= b.right_high for b in bins)
    assert np.mean([b.right_low <= b.confidence <= b.right_high for b in bins]) > 0.6


def test_widened_intervals_are_close_to_those_made_again() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 800)
    p = np.where(rng.random(800) < 0.85, y, rng.integers(0, 3, 800))
    for kind in ("accuracy", "macro_f1", "mcc"):
        usual = score(kind, y, p)
        again, stretched = score(kind, y, p, level=level_for(10)), widen(usual, 10)
        assert stretched.level == pytest.approx(0.995)
        assert (stretched.low, stretched.high) == pytest.approx((again.low, again.high), abs=0.012)
        assert (stretched.high - stretched.low) / (usual.high - usual.low) == pytest.approx(1.43, abs=0.05)
        assert widen(usual, 1) == usual
    assert widen(score("roc_auc", [0] * 30, np.ones(30)), 5).value is None
    assert widen(score("accuracy", y, y), 5).high == 1.0


def test_without_mistakes_the_error_is_bounded_by_what_the_rows_can_show() -> None:
    """75 rows, every one right and said with 100%: 0.0 [0.0, 0.0] is more than such rows can show; Wilson's [95.1, 100] is not."""
    y = np.array([0] * 72 + [1] * 3)
    sure = np.eye(2)[y]
    for clusters in (None, np.arange(75) % 73):
        made = score("ece", y, sure, clusters=clusters)
        assert (made.value, made.low) == (0.0, 0.0)
        assert made.high == pytest.approx(score("accuracy", y, y, clusters=clusters).high - score("accuracy", y, y, clusters=clusters).low)
    shy = np.where(np.eye(2)[np.arange(900) % 2] > 0, 0.6, 0.4)
    found = score("ece", np.arange(900) % 2, shy)
    assert found.value == pytest.approx(0.4)
    assert 0.39 < found.low <= found.value <= found.high


@pytest.mark.parametrize("clusters", [None, np.arange(64) // 2])
def test_labels_that_are_all_right_do_not_prove_their_probabilities(clusters: Any) -> None:
    truth = np.random.default_rng(0).random((64, 3)) < 0.5
    found = score("ece", truth, np.where(truth, 0.9998, 0.0002), clusters=clusters)
    assert found.value is not None
    assert found.value < 0.001
    assert found.high is not None
    assert found.high > 0.02
