"""Range test and noise scale: what they read off is what was put in, and a model that breaks is seen to break."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from goodfit.engine import measure
from goodfit.engine.measure import _scale_of, noise_scale, range_test, read_off
from goodfit.engine.plan import Plan
from tests import tiny

RATES = [1e-7 * 10 ** (6 * k / 99) for k in range(100)]


def curve(*, falls_at: float, breaks_at: float | None, seed: int = 0) -> list[float]:
    """A loss that falls around one rate and rises from another on."""
    rng = np.random.default_rng(seed)
    out = []
    for rate in RATES:
        loss = 1.0 - 0.6 / (1 + math.exp(-3 * (math.log10(rate / falls_at)) * 2))
        if breaks_at is not None and rate > breaks_at:
            loss += 2.0 * math.log10(rate / breaks_at)
        out.append(loss + rng.normal(0, 0.03))
    return out


def test_the_steepest_fall_and_the_break_are_where_they_were_put() -> None:
    found = read_off(RATES, curve(falls_at=1e-4, breaks_at=1e-2))
    assert found.steepest is not None
    assert 3e-5 < found.steepest < 1e-3
    assert found.diverged_at is not None
    assert 1e-2 < found.diverged_at < 8e-2
    assert found.suggestion == min(found.steepest, found.diverged_at / 10)


def test_a_flat_loss_breaks_nowhere() -> None:
    rng = np.random.default_rng(1)
    found = read_off(RATES, (1.1 + rng.normal(0, 0.1, 100)).tolist())
    assert found.diverged_at is None


def test_a_loss_that_is_no_number_is_a_break() -> None:
    assert read_off(RATES, [1.0] * 60, broken=True).diverged_at == RATES[60]


def test_a_real_model_falls_and_breaks() -> None:
    model = tiny.model("bert", dropout=0.0)
    train = tiny.examples(120, rule=True)
    plan = Plan(learning_rate=1e-4, head_learning_rate=1e-3, train_batch_size=12, precision="float32")
    found = range_test(model, train, plan, tiny.Classify(), span=(1e-6, 10.0))
    assert found.steepest is not None
    assert 1e-5 < found.steepest < 1.0
    assert found.diverged_at is not None
    assert found.diverged_at > found.steepest
    assert min(found.smoothed) < 0.8 * found.losses[0]


@pytest.mark.parametrize("scale", [20.0, 200.0])
def test_the_noise_scale_is_that_of_the_gradients(scale: float) -> None:
    """Gradients of one row: a direction of length 1, and noise of variance `scale` spread over 500 dimensions."""
    inside, values = 0, []
    for seed in range(40):
        rng, direction, norms = np.random.default_rng(seed), np.zeros(500), []
        direction[0] = 1.0
        for _ in range(12):
            pieces = direction + rng.normal(0, math.sqrt(scale / 500 / 16), (16, 500))
            norms.append(((pieces**2).sum(axis=1).mean(), (pieces.mean(axis=0) ** 2).sum()))
        found = _scale_of(np.array(norms), 16, 256)
        assert found.scale is not None
        assert found.low is not None
        assert found.high is not None
        values.append(found.scale)
        inside += found.low <= scale <= found.high
    assert np.median(values) == pytest.approx(scale, rel=0.1)
    assert inside >= 34, inside


def test_noise_that_drowns_the_direction_gives_no_number() -> None:
    rng = np.random.default_rng(0)
    norms = [((p**2).sum(axis=1).mean(), (p.mean(axis=0) ** 2).sum()) for p in (rng.normal(0, 1, (16, 500)) for _ in range(12))]
    found = _scale_of(np.array(norms), 16, 256)
    assert found.scale is None
    assert found.why_absent


def test_a_real_model_has_a_noise_scale_or_says_why_not() -> None:
    train = tiny.examples(200, rule=True)
    plan = Plan(learning_rate=1e-3, train_batch_size=8, precision="float32", num_train_epochs=5)
    found = noise_scale(tiny.model("bert", dropout=0.0), train, plan, tiny.Classify())
    assert (found.scale is None) == (found.why_absent is not None)
    assert (found.points, found.rows_small, found.rows_large) == (12, 8, 96)
    few = noise_scale(tiny.model("bert"), tiny.examples(20), plan, tiny.Classify())
    assert few.scale is None
    assert "too few" in (few.why_absent or "")


def test_the_random_state_of_the_process_does_not_decide() -> None:
    train = tiny.examples(60, rule=True)
    plan = Plan(learning_rate=1e-3, train_batch_size=8, precision="float32")
    torch.manual_seed(1)
    one = range_test(tiny.model("bert"), train, plan, tiny.Classify(), steps=30)
    torch.manual_seed(2)
    two = range_test(tiny.model("bert"), train, plan, tiny.Classify(), steps=30)
    assert one.losses == two.losses
    assert measure.STEPS == 100
