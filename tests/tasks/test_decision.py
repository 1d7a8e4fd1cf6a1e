"""Temperature and thresholds: chosen on validation, applied only where they help."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from goodfit.tasks import Classification, Decision
from goodfit.tasks.decision import fit_decision, log_losses
from goodfit.tasks.thresholds import GRID, choose_thresholds, common_place


def draw(n: int, sharpness: float, seed: int = 0, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from softmax(z); the logits given out are `sharpness` times too sharp."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, (n, classes))
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    y = (p.cumsum(1) > rng.random((n, 1))).argmax(1)
    return z * sharpness, y


def test_log_losses_equal_sklearn() -> None:
    z, y = draw(200, 1.0)
    p = Classification(("a", "b", "c")).probabilities(z)
    assert log_losses(z, y, multi_label=False).mean() == pytest.approx(log_loss(y, p))
    t = (np.random.default_rng(1).random((50, 3)) < 0.5).astype(float)
    q = 1 / (1 + np.exp(-z[:50]))
    by_hand = -(t * np.log(q) + (1 - t) * np.log(1 - q)).mean(1)
    np.testing.assert_allclose(log_losses(z[:50], t, multi_label=True), by_hand)


def test_an_overconfident_model_is_cooled() -> None:
    z, y = draw(1_000, 3.0)
    found = fit_decision(z, y, multi_label=False)
    assert found.temperature == pytest.approx(3.0, rel=0.15)
    assert found.temperature_applied
    assert (found.fitted_on, found.n, found.thresholds) == ("valid", 1_000, None)
    assert "applied: it lowers the log-loss" in found.reason


def test_a_calibrated_model_is_left_alone() -> None:
    applied = [fit_decision(*draw(300, 1.0, seed=seed), multi_label=False).temperature_applied for seed in range(40)]
    assert sum(applied) <= 3


def test_too_few_rows_change_nothing() -> None:
    z, y = draw(40, 3.0)
    assert fit_decision(z, y, multi_label=False) == Decision(n=40, reason="temperature not fitted: 40 validation rows are fewer than 50")
    assert fit_decision(np.zeros((0, 3)), np.zeros(0, np.int64), multi_label=False).temperature == 1.0


def test_unknown_targets_are_left_out() -> None:
    z, y = draw(400, 2.0)
    marked = np.concatenate([y, [-1] * 100])
    more = np.concatenate([z, np.full((100, 3), 50.0)])
    assert fit_decision(more, marked, multi_label=False).n == 400


def test_clusters_of_equal_rows_are_not_evidence() -> None:
    z, y = draw(60, 1.35, seed=5)
    alone = fit_decision(z, y, multi_label=False)
    copied = fit_decision(np.repeat(z, 40, 0), np.repeat(y, 40), multi_label=False, clusters=np.repeat(np.arange(60), 40))
    assert not alone.temperature_applied
    assert not copied.temperature_applied
    assert fit_decision(np.repeat(z, 40, 0), np.repeat(y, 40), multi_label=False).temperature_applied  # what would go wrong without


def test_a_perfect_model_stays_finite() -> None:
    y = np.arange(300) % 3
    z = np.eye(3)[y] * 40.0
    found = fit_decision(z, y, multi_label=False)
    assert np.isfinite(found.temperature)
    assert found.temperature > 0


def test_thresholds_find_what_half_misses() -> None:
    """A model that is sure of nothing (all probabilities under one half) still ranks well."""
    rng = np.random.default_rng(0)
    truth = rng.random((600, 4)) < [0.3, 0.2, 0.1, 0.05]
    z = rng.normal(0, 1, truth.shape) + 3.0 * truth - 4.0
    cuts, how = choose_thresholds(z, truth, clusters=None, rng=rng)
    assert f1_score(truth, z >= cuts, average="macro") > 0.7 > 0.45 > f1_score(truth, z >= 0, average="macro", zero_division=0)
    assert "one threshold" in how


def test_thresholds_are_careful() -> None:
    rng = np.random.default_rng(0)
    z, truth = rng.normal(0, 1, (30, 2)), rng.random((30, 2)) < 0.5
    cuts, how = choose_thresholds(z, truth, clusters=None, rng=rng)
    assert cuts.tolist() == [0.0, 0.0]
    assert "too few" in how
    nothing = np.zeros((200, 2), dtype=bool)
    assert choose_thresholds(rng.normal(0, 1, (200, 2)), nothing, clusters=None, rng=rng)[0].tolist() == [0.0, 0.0]
    # A label with 3 positive rows takes the common threshold, whatever its own best would be.
    truth = np.zeros((400, 3), dtype=bool)
    truth[:200, 0] = truth[100:300, 1] = truth[:3, 2] = True
    z = np.where(truth, 2.0, -2.0) + rng.normal(0, 1, truth.shape) - 2.0
    z[:3, 2] = 5.5
    cuts, _ = choose_thresholds(z, truth, clusters=None, rng=rng)
    assert cuts[2] == GRID[common_place(np.searchsorted(GRID, z, side="right"), truth)] or (cuts == cuts[0]).all()


def test_common_place_is_the_best_of_the_grid() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random((300, 3)) < 0.25
    z = rng.normal(0, 1, truth.shape) + 2 * truth - 1.5
    scores = [f1_score(truth, z >= cut, average="macro", zero_division=0) for cut in GRID]
    assert scores[common_place(np.searchsorted(GRID, z, side="right"), truth)] == pytest.approx(max(scores))


def test_multi_label_decision_round_trip() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((500, 3)) < 0.2
    z = rng.normal(0, 1, truth.shape) + 3 * truth - 3.5
    task = Classification(("a", "b", "c"), multi_label=True)
    decision = task.fit_decision(z, truth.astype(np.float32))
    assert decision.thresholds is not None
    assert all(0 < t < 1 for t in decision.thresholds)
    assert Decision.from_json(decision.to_json()) == decision
    answers = task.with_decision(decision).decide(task.with_decision(decision).probabilities(z))
    assert f1_score(truth, answers, average="macro") > f1_score(truth, z >= 0, average="macro", zero_division=0) + 0.1
