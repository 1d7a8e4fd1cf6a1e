"""The plan: its schedule equals transformers' where that one is defined, and its fingerprint hears what matters."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from transformers import get_scheduler
from transformers.optimization import get_wsd_schedule

from goodfit.engine.plan import Plan

TOTAL = 50


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant", "constant_with_warmup"])
@pytest.mark.parametrize("warmup", [0, 7, 0.1])
def test_rates_are_those_of_transformers_one_step_on_in_the_warm_up(kind: str, warmup: float) -> None:
    plan = Plan(learning_rate=1.0, lr_scheduler_type=kind, warmup_steps=warmup)  # type: ignore[arg-type]
    steps = plan.warmup(TOTAL)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = get_scheduler(kind, optimiser, num_warmup_steps=steps, num_training_steps=TOTAL)
    for step in range(TOTAL):
        expected = theirs.get_last_lr()[0]
        if kind != "constant" and step < steps:
            expected += 1 / steps  # theirs spends its first step at a rate of 0
        assert plan.rate_factor(step, TOTAL) == pytest.approx(expected, abs=1e-9)
        optimiser.step()
        theirs.step()


@pytest.mark.parametrize("warmup", [0, 7])
@pytest.mark.parametrize("decay", [0.2, 15])
def test_a_constant_rate_with_a_final_fall_is_that_of_transformers(warmup: int, decay: float) -> None:
    plan = Plan(learning_rate=1.0, lr_scheduler_type="warmup_stable_decay", warmup_steps=warmup, decay_steps=decay)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    fall = round(decay * TOTAL) if decay < 1 else int(decay)
    theirs = get_wsd_schedule(optimiser, warmup, fall, num_training_steps=TOTAL, decay_type="linear")
    for step in range(TOTAL):
        if step >= warmup:
            assert plan.rate_factor(step, TOTAL) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
        optimiser.step()
        theirs.step()


def test_a_fall_longer_than_the_training_begins_after_the_warm_up() -> None:
    plan = Plan(learning_rate=1.0, lr_scheduler_type="warmup_stable_decay", warmup_steps=10, decay_steps=500)
    rates = [plan.rate_factor(step, TOTAL) for step in range(TOTAL)]
    assert max(rates) == 1.0
    assert rates[10] == 1.0
    assert all(b < a for a, b in zip(rates[10:-1], rates[11:], strict=True))


def test_warm_up_is_a_share_below_one_and_steps_from_one_on() -> None:
    assert Plan(learning_rate=1, warmup_steps=0.06).warmup(100) == 6
    assert Plan(learning_rate=1, warmup_steps=0.06).warmup(10) == 1
    assert Plan(learning_rate=1, warmup_steps=30).warmup(100) == 30
    assert Plan(learning_rate=1, warmup_steps=300).warmup(100) == 100


def test_the_fingerprint_hears_what_decides_the_weights_and_nothing_else() -> None:
    plan = Plan(learning_rate=1e-4)
    assert dataclasses.replace(plan, logging_steps=3, save_seconds=1.0, threads=2).fingerprint() == plan.fingerprint()
    assert dataclasses.replace(plan, weight_decay=0.1).fingerprint() != plan.fingerprint()


def test_a_plan_without_a_batch_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        Plan(learning_rate=1e-4, train_batch_size=None)
    with pytest.raises(AssertionError):
        Plan(learning_rate=1e-4, train_batch_size=8, train_batch_tokens=8)
