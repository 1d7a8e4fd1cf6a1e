"""Fit: it learns, it equals a loop written by hand, and one seed gives one result."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch

from goodfit.engine.checkpoint import Checkpoints
from goodfit.engine.events import Action
from goodfit.engine.examples import Examples
from goodfit.engine.fit import Fitted, fit
from goodfit.engine.plan import Plan
from goodfit.errors import DataError, ModelError
from goodfit.models.freeze import freeze
from tests import tiny

TRAIN = tiny.examples(90, rule=True)
VALID = tiny.examples(30, seed=1, rule=True)


def plan(**settings: Any) -> Plan:
    return Plan(**{"learning_rate": 3e-3, "num_train_epochs": 2, "precision": "float32", "logging_steps": 1} | settings)


def train(model: Any, the_plan: Plan, *, valid: Examples | None = VALID, **settings: Any) -> tuple[Fitted, list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    made = fit(model, {"train": TRAIN, "valid": valid}, the_plan, objective=tiny.Classify(), on_event=events.append, **settings)
    return made, events


def losses(events: list[dict[str, Any]]) -> list[float]:
    return [e["loss"] for e in events if e["event"] == "step"]


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def same(mine: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    """Equal up to rounding. The bias of keys has no gradient but rounding (softmax ignores it), and Adam makes steps of any gradient."""
    for name, value in theirs.items():
        if not name.endswith(("key.bias", "key_proj.bias")):
            torch.testing.assert_close(mine[name], value, rtol=1e-3, atol=5e-5, msg=lambda m, name=name: f"{name}: {m}")


def by_hand(model: Any, the_plan: Plan) -> list[float]:
    """A padded loop as anybody would write it: transformers' loss, torch's AdamW, clip, linear schedule."""
    model.train()
    decayed = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": the_plan.weight_decay}, {"params": vectors, "weight_decay": 0.0}], lr=the_plan.learning_rate
    )
    size = the_plan.train_batch_size or 0
    per_epoch = math.ceil(len(TRAIN) / size)
    total = int(per_epoch * the_plan.num_train_epochs)
    seen = []
    for step in range(total):
        order = np.random.default_rng([the_plan.seed, step // per_epoch]).permutation(len(TRAIN))
        rows = order[step % per_epoch * size : (step % per_epoch + 1) * size]
        longest = int(TRAIN.lengths[rows].max())
        ids, mask = torch.zeros(len(rows), longest, dtype=torch.long), torch.zeros(len(rows), longest, dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : TRAIN.lengths[row]] = torch.from_numpy(TRAIN.ids(int(row)).astype(np.int64))
            mask[i, : TRAIN.lengths[row]] = 1
        loss = model(input_ids=ids, attention_mask=mask, labels=torch.from_numpy(TRAIN.target[rows])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), the_plan.max_grad_norm)
        for group in optimiser.param_groups:
            group["lr"] = the_plan.learning_rate * the_plan.rate_factor(step, total)
        optimiser.step()
        optimiser.zero_grad()
        seen.append(float(loss.detach()))
    return seen


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta-v2", "llama"])
def test_it_equals_a_loop_written_by_hand(family: str) -> None:
    the_plan = plan(dropout=0.0, train_batch_size=16, batch_tokens=60)
    mine, hand = tiny.model(family, dropout=0.0), tiny.model(family, dropout=0.0)
    expected = by_hand(hand, the_plan)
    made, events = train(mine, the_plan, valid=None)
    assert losses(events) == pytest.approx(expected, rel=1e-4)
    assert made.tier.name == ("padded" if family == "deberta-v2" else "packed")
    same(weights(mine), weights(hand))


def test_it_learns_and_ends_with_the_best_weights() -> None:
    made, events = train(tiny.model("bert"), plan(num_train_epochs=5))
    assert made.best_score == 1.0
    assert made.reason.startswith("accuracy 1.0000 on validation at step")
    kinds = [e["event"] for e in events]
    assert kinds[0] == "start"
    assert kinds[-1] == "end"
    assert events[-1]["status"] == "done"
    assert events[-1]["best_step"] == made.best_step
    assert not made.model.training
    assert all("time" in e and e["attempt"] == 1 for e in events)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_the_same_seed_gives_the_same_bits(family: str) -> None:
    runs = [train(tiny.model(family), plan(num_train_epochs=1)) for _ in range(2)]
    first, second = (weights(made.model) for made, _ in runs)
    assert all(torch.equal(first[k], second[k]) for k in first)
    other, _ = train(tiny.model(family), plan(num_train_epochs=1, seed=1))
    assert any(not torch.equal(first[k], v) for k, v in weights(other.model).items())


@pytest.mark.parametrize("cut", [{"batch_tokens": 40}, {"batch_rows": 3}, {"batch_tokens": 1}])
def test_accumulated_equals_the_whole_batch(cut: dict[str, int]) -> None:
    whole, _ = train(tiny.model("bert"), plan(dropout=0.0, train_batch_size=32, batch_tokens=100_000))
    pieces, _ = train(tiny.model("bert"), plan(dropout=0.0, train_batch_size=32, **cut))
    same(weights(pieces.model), weights(whole.model))


def test_weights_count_as_in_the_formula() -> None:
    """Doubling every weight changes nothing; a row of weight 0 might as well not be there (batch of all rows, no dropout)."""
    settings = {"dropout": 0.0, "num_train_epochs": 3, "train_batch_size": 90}
    base, _ = train(tiny.model("bert"), plan(**settings), valid=None)
    doubled = TRAIN.with_weight(np.full(len(TRAIN), 2.0))
    again = fit(tiny.model("bert"), {"train": doubled, "valid": None}, plan(**settings), objective=tiny.Classify())
    same(weights(again.model), weights(base.model))
    muted = np.ones(len(TRAIN))
    muted[40:] = 0.0
    few = fit(tiny.model("bert"), {"train": TRAIN.with_weight(muted), "valid": None}, plan(**settings), objective=tiny.Classify())
    alone = fit(tiny.model("bert"), {"train": TRAIN.subset(range(40)), "valid": None}, plan(**settings), objective=tiny.Classify())
    same(weights(few.model), weights(alone.model))


@pytest.mark.parametrize("what", ["embeddings", 1, "body"])
def test_frozen_weights_do_not_change(what: Any) -> None:
    model = tiny.model("bert")
    freeze(model, what)
    before = weights(model)
    train(model, plan(num_train_epochs=1))
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name]) == (not p.requires_grad), name
    assert model.bert.embeddings.word_embeddings.weight.grad is None


def test_everything_frozen_is_an_error() -> None:
    model = tiny.model("bert")
    for p in model.parameters():
        p.requires_grad_(False)
    with pytest.raises(ModelError, match="nothing to train"):
        train(model, plan())


def test_the_head_has_its_own_rate() -> None:
    model = tiny.model("bert")
    before = weights(model)
    train(model, plan(learning_rate=0.0, head_learning_rate=1e-2, max_steps=2))
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"classifier.weight", "classifier.bias"}


def test_multi_label_learns() -> None:
    data = {"train": tiny.examples(90, multi_label=True, rule=True), "valid": tiny.examples(30, seed=1, multi_label=True, rule=True)}
    made = fit(tiny.model("bert", multi_label=True), data, plan(num_train_epochs=6), objective=tiny.Classify())
    assert made.best_score is not None
    assert made.best_score > 0.95


def test_bfloat16_runs_and_learns_with_float32_weights() -> None:
    made, events = train(tiny.model("bert"), plan(precision="bfloat16", num_train_epochs=5))
    assert (made.dtype, events[0]["dtype"]) == ("bfloat16", "bfloat16")
    assert made.best_score == 1.0
    assert all(p.dtype == torch.float32 for p in made.model.parameters())


def test_auto_precision_says_why() -> None:
    made, events = train(tiny.model("bert"), plan(precision="auto", max_steps=1))
    assert made.dtype in ("bfloat16", "float32")
    assert "times" in events[0]["dtype_reason"]


def test_early_stopping_stops_and_keeps_the_best() -> None:
    model = tiny.model("bert")
    made, events = train(model, plan(learning_rate=0.0, num_train_epochs=50, eval_steps=2))
    total = made.steps_total
    assert made.stopped_by == "early_stopping"
    assert made.best_step == 2
    assert 0.2 * total <= made.last_step <= 0.2 * total + 4
    patient, _ = train(tiny.model("bert"), plan(learning_rate=0.0, num_train_epochs=50, eval_steps=2, early_stopping_patience=5))
    assert patient.last_step == 2 + 2 * 5
    never, _ = train(tiny.model("bert"), plan(learning_rate=0.0, num_train_epochs=5, eval_steps=2, early_stopping=False))
    assert never.stopped_by == "epochs"


def test_the_best_weights_come_back_when_the_last_are_worse() -> None:
    """The rate is so high that the model breaks down after a good start."""
    kept: dict[int, dict[str, torch.Tensor]] = {}
    model = tiny.model("bert")

    def listen(event: dict[str, Any]) -> None:
        if event["event"] == "eval" and event["split"] == "valid":
            kept[event["step"]] = weights(model)

    settings = plan(learning_rate=2e-3, num_train_epochs=6, eval_steps=3, lr_scheduler_type="constant", early_stopping=False)
    broken = tiny.Classify("accuracy")
    broken.higher_is_better = False  # the worst accuracy is "best": surely not the last one
    made = fit(model, {"train": TRAIN, "valid": VALID}, settings, objective=broken, on_event=listen)
    assert made.best_step < made.last_step
    assert made.margin is not None
    assert made.margin > 0
    assert all(torch.equal(kept[made.best_step][k], v) for k, v in weights(model).items())


def test_without_validation_rows_the_last_step_is_kept() -> None:
    made, events = train(tiny.model("bert"), plan(), valid=None)
    assert made.best_step == made.last_step == made.steps_total
    assert made.best_score is None
    assert "no validation rows" in made.reason
    assert {e["split"] for e in events if e["event"] == "eval"} == {"train_probe"}


def test_no_training_rows_and_rows_without_tokens_are_errors_of_the_data() -> None:
    with pytest.raises(DataError, match="no training rows"):
        fit(tiny.model("bert"), {"train": TRAIN.subset([]), "valid": None}, plan(), objective=tiny.Classify())
    empty = Examples.from_arrays([2, 3], [0, 2, 2], [0, 1], row=["full", "hollow"])
    with pytest.raises(DataError, match="hollow"):
        fit(tiny.model("bert"), {"train": empty, "valid": None}, plan(), objective=tiny.Classify())


def test_one_training_row_is_enough_to_run() -> None:
    made = fit(tiny.model("llama"), {"train": TRAIN.subset([0]), "valid": VALID.subset([0])}, plan(), objective=tiny.Classify())
    assert made.last_step == 2


def test_batches_by_tokens() -> None:
    made, events = train(tiny.model("bert"), plan(train_batch_size=None, train_batch_tokens=120))
    assert made.best_score is not None
    assert all(e["n"] > 0 for e in events if e["event"] == "step")
    assert made.tokens == 2 * TRAIN.tokens


def test_step_lines_add_up() -> None:
    _, events = train(tiny.model("bert"), plan(logging_steps=4))
    steps = [e for e in events if e["event"] == "step"]
    assert sum(e["n"] for e in steps) == 2 * len(TRAIN)
    assert steps[-1]["tokens"] == 2 * TRAIN.tokens
    assert all(e["grad_norm"] > 0 and 0 < e["update_ratio"] < 1 and e["memory_bytes"] > 1e7 for e in steps)
    assert all(e["seconds"] > 0 and 0 <= e["data_wait_share"] <= 1 for e in steps)


def test_actions_are_obeyed(tmp_path: Any) -> None:
    asked = {4: Action.lower_rate, 6: Action.restore_best, 8: Action.stop}
    events: list[dict[str, Any]] = []

    def listen(event: dict[str, Any]) -> Action | None:
        events.append(event)
        return asked.get(event["step"]) if event["event"] == "step" else None

    made = fit(
        tiny.model("bert"), {"train": TRAIN, "valid": VALID}, plan(eval_steps=3), objective=tiny.Classify(), on_event=listen,
        checkpoints=Checkpoints(tmp_path / "checkpoints"),
    )  # fmt: skip
    assert [e["action"] for e in events if e["event"] == "action"] == ["lower_rate", "restore_best", "stop"]
    assert (made.stopped_by, made.last_step) == ("action", 8)
    rates = {e["step"]: e["learning_rate"] for e in events if e["event"] == "step"}
    assert rates[5] == pytest.approx(0.5 * plan().learning_rate * plan().rate_factor(4, made.steps_total))


def test_the_state_of_the_process_is_left_alone() -> None:
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    model = tiny.model("bert", dropout=0.25)
    train(model, plan(dropout=0.0, max_steps=2, threads=1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)} == {0.25}


def test_evaluation_costs_at_most_its_share() -> None:
    from goodfit.engine.batches import Order
    from goodfit.engine.evaluation import points, splits_of

    for n_valid in (5, 30, 90):
        data = {"train": TRAIN, "valid": tiny.examples(n_valid, seed=2)}
        the_plan = plan(num_train_epochs=3)
        order, splits = Order(TRAIN.lengths, the_plan), splits_of(data, the_plan)
        found = points(order, the_plan, TRAIN, splits)
        assert order.steps_total in found
        cost = len(found) * sum(s.tokens for s in splits.values()) / 3
        assert len(found) == 3 or cost <= 0.2 * 3 * TRAIN.tokens
        assert len(splits["train_probe"]) == 90


def test_a_large_validation_set_is_looked_at_in_part_and_a_short_training_often() -> None:
    from goodfit.engine.batches import Order
    from goodfit.engine.evaluation import points, splits_of

    train_rows, the_plan = tiny.examples(60_000, seed=1), plan(num_train_epochs=1, train_batch_size=100)
    splits = splits_of({"train": train_rows, "valid": tiny.examples(12_000, seed=2)}, the_plan)
    assert {name: len(split) for name, split in splits.items()} == {"valid": 10_000, "train_probe": 500}
    again = splits_of({"train": train_rows, "valid": tiny.examples(12_000, seed=2)}, the_plan)
    assert all(np.array_equal(splits[name].row_ids(np.arange(500)), again[name].row_ids(np.arange(500))) for name in splits)
    few = splits_of({"train": train_rows, "valid": tiny.examples(200, seed=2)}, the_plan)
    assert len(few["train_probe"]) == 200  # as many as of validation
    order = Order(train_rows.lengths, the_plan)
    assert len(points(order, the_plan, train_rows, few)) == 12


def test_copies_of_a_model_do_not_share_anything() -> None:
    model = tiny.model("bert")
    twin = copy.deepcopy(model)
    before = weights(twin)
    train(model, plan(max_steps=1))
    assert all(torch.equal(before[k], v) for k, v in weights(twin).items())
