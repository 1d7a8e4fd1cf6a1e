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
        (Facts(rows=3000, parameters=149_000_000, causal=False, lora=False, model_type="modernbert"), (8e-5, 8e-4)),
        (Facts(rows=3000, parameters=395_000_000, causal=False, lora=False, model_type="modernbert"), (5e-5, 5e-4)),
        (Facts(rows=3000, parameters=135_000_000, causal=True, lora=True, writes=True), (1e-3, 1e-3)),
        (Facts(rows=3000, parameters=3_000_000_000, causal=True, lora=True, writes=True), (3e-4, 3e-4)),
        (Facts(rows=9000, parameters=3_000_000_000, causal=True, lora=True, writes=True), (1e-3, 1e-3)),
        (Facts(rows=9000, parameters=30_000_000_000, causal=True, lora=True, writes=True), (3e-4, 3e-4)),
        (Facts(rows=9000, parameters=3_000_000_000, causal=True, lora=False, writes=True), (2e-5, 2e-5)),
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


@pytest.mark.parametrize(
    ("rows", "tokens", "batch"), [(900, 100.0, 16), (4000, 100.0, 32), (5000, 100.0, 32), (50_000, 100.0, 128), (50_000, 900.0, 32)]
)
def test_a_step_of_a_model_that_writes_counts_tokens_where_rows_are_many(rows: int, tokens: float, batch: int) -> None:
    facts = Facts(rows=rows, parameters=135_000_000, causal=True, lora=True, writes=True, tokens_per_row=tokens)
    assert settle(Train(), Peft(method="lora"), facts, seed=1).plan.train_batch_size == batch


def test_decay_and_warm_up_by_method_and_task() -> None:
    whole = settle(Train(), Peft(), SMALL, seed=1).plan
    assert (whole.weight_decay, whole.warmup_steps, whole.lr_scheduler_type) == (0.01, 0.06, "linear")
    writes = Facts(rows=3000, parameters=135_000_000, causal=True, lora=True, writes=True)
    adapter = settle(Train(), Peft(method="lora"), writes, seed=1)
    assert (adapter.plan.weight_decay, adapter.plan.warmup_steps) == (0.0, 0.03)
    assert adapter.reasons["peft.r"] != GIVEN


def test_plain_defaults_have_their_reasons_too_and_given_ones_say_so() -> None:
    reasons = settle(Train(adam_beta2=0.98), Peft(), SMALL, seed=1).reasons
    assert reasons["train.adam_beta2"] == GIVEN
    assert reasons["train.adam_epsilon"] != GIVEN
    assert "peft.r" not in reasons
