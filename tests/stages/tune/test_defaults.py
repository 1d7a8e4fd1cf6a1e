"""What `auto` becomes: by size, by data, by task; what the recipe gives stays."""

from __future__ import annotations

import pytest

from goodfit.recipe import Peft, Train
from goodfit.stages.tune.defaults import GIVEN, Facts, settle

SMALL = Facts(rows=3000, parameters=22_000_000, causal=False, lora=False)


def rates(facts: Facts) -> tuple[float, float | None]:
    plan = settle(Train(), Peft(method="lora" if facts.lora else "full"), facts, seed=1).plan
    return plan.learning_rate, plan.head_learning_rate


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (SMALL, (1e-4, 1e-3)),
        (Facts(rows=3000, parameters=22_000_000, causal=False, lora=False, multi_label=True), (1e-4, 1e-2)),
        (Facts(rows=3000, parameters=110_000_000, causal=False, lora=False), (3e-5, 3e-4)),
        (Facts(rows=3000, parameters=110_000_000, causal=False, lora=False, multi_label=True), (3e-5, 3e-3)),
        (Facts(rows=3000, parameters=22_000_000, causal=False, lora=True), (5e-4, 5e-4)),
        (Facts(rows=3000, parameters=22_000_000, causal=False, lora=True, multi_label=True), (5e-4, 1e-2)),
        (Facts(rows=3000, parameters=1_000_000_000, causal=True, lora=False), (2e-5, 2e-4)),
    ],
)
def test_rates(facts: Facts, wanted: tuple[float, float]) -> None:
    assert rates(facts) == pytest.approx(wanted)


@pytest.mark.parametrize(("rows", "batch", "epochs"), [(100, 8, 20), (800, 16, 20), (5000, 32, 7), (1_000_000, 32, 3)])
def test_small_data_get_small_batches_and_enough_steps(rows: int, batch: int, epochs: int) -> None:
    plan = settle(Train(), Peft(), Facts(rows=rows, parameters=22_000_000, causal=False, lora=False), seed=1).plan
    assert (plan.train_batch_size, plan.num_train_epochs) == (batch, epochs)


def test_what_is_given_stays_and_every_number_has_a_reason() -> None:
    settled = settle(Train(learning_rate=3e-5, num_train_epochs=2), Peft(), SMALL, seed=1)
    assert (settled.plan.learning_rate, settled.plan.num_train_epochs) == (3e-5, 2)
    assert settled.reasons["train.learning_rate"] == GIVEN
    assert "train.learning_rate" not in settled.resolved
    assert all(settled.reasons.values())
    assert settled.plan.head_learning_rate == pytest.approx(3e-4)
