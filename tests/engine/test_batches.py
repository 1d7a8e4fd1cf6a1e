"""Batches: every row once an epoch, the same composition however memory cuts it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.engine.batches import Cutter, Order, assemble
from goodfit.engine.plan import Plan
from tests import tiny


def plan(**settings_: Any) -> Plan:
    return Plan(learning_rate=1e-3, **settings_)


LENGTHS = np.random.default_rng(0).integers(2, 40, size=103)


@pytest.mark.parametrize("batch", [{"train_batch_size": 10}, {"train_batch_size": None, "train_batch_tokens": 200}])
def test_every_row_comes_once_an_epoch_in_another_order_each_time(batch: dict[str, Any]) -> None:
    order = Order(LENGTHS, plan(num_train_epochs=3, **batch))
    epochs: list[list[int]] = [[], [], []]
    for step in range(order.steps_total):
        epochs[order.epoch_of(step)] += order.batch(step).tolist()
    assert all(sorted(rows) == list(range(103)) for rows in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    if "train_batch_tokens" in batch:
        assert all(LENGTHS[order.batch(s)].sum() <= 200 for s in range(order.steps_total))


def test_any_step_can_be_asked_for_without_the_others() -> None:
    first, second = Order(LENGTHS, plan()), Order(LENGTHS, plan())
    forward = [first.batch(s).tolist() for s in range(first.steps_total)]
    assert [second.batch(s).tolist() for s in reversed(range(second.steps_total))] == forward[::-1]
    assert Order(LENGTHS, plan(seed=1)).batch(0).tolist() != forward[0]


def test_parts_of_epochs_and_max_steps() -> None:
    per_epoch = Order(LENGTHS, plan(num_train_epochs=1)).steps_total
    assert per_epoch == 7
    assert Order(LENGTHS, plan(num_train_epochs=2.5)).steps_total == 18
    assert Order(LENGTHS, plan(num_train_epochs=0.1)).steps_total == 1
    for steps in (3, 16, 40):
        order = Order(LENGTHS, plan(max_steps=steps))
        assert (order.steps_total, order.ended_by) == (steps, "max_steps")
        assert len(order.batch(steps - 1)) > 0
    assert Order(LENGTHS, plan(num_train_epochs=2)).epochs_done(14) == 2.0
    assert Order(LENGTHS, plan(num_train_epochs=2)).epochs_done(10) == pytest.approx(1 + 3 / 7)


def test_evaluation_points_hit_every_end_of_an_epoch() -> None:
    order = Order(LENGTHS, plan(num_train_epochs=3))
    assert order.evaluation_points(1) == {7, 14, 21}
    assert order.evaluation_points(4) >= {7, 14, 21}
    assert len(order.evaluation_points(4)) == 12
    assert order.evaluation_points(100) == set(range(1, 22))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=40),
    st.integers(1, 200),
    st.one_of(st.none(), st.integers(1, 9)),
    st.booleans(),
    st.booleans(),
)
def test_cuts_hold_every_row_and_keep_their_limits(lengths: list[int], tokens: int, rows: int | None, padded: bool, equal: bool) -> None:
    sizes = np.array(lengths)
    cutter = Cutter(tokens, rows, padded=padded, equal_lengths=equal)
    parts = cutter.cut(np.arange(len(sizes)), sizes)
    assert sorted(int(i) for part in parts for i in part) == list(range(len(sizes)))
    worst = cutter.worst(sizes, None)
    for part in parts:
        held = sizes[part]
        cost = len(part) * held.max() if padded else held.sum()
        assert len(part) == 1 or cost <= tokens
        assert rows is None or len(part) <= rows
        assert not equal or len(set(held.tolist())) == 1
        if not equal:
            assert held.max() <= sizes[worst].max()
    heaviest = len(worst) * sizes[worst].max() if padded else sizes[worst].sum()
    assert len(worst) == 1 or heaviest <= tokens


def test_assembled_rows_are_sorted_and_keep_what_belongs_together() -> None:
    made = tiny.examples(20)
    micro = assemble(made, np.array([7, 3, 11, 0]))
    assert (np.diff(micro.lengths) >= 0).all()
    begin = 0
    for index, length, target in zip(micro.indices, micro.lengths, micro.target.tolist(), strict=True):
        assert micro.ids[begin : begin + length].tolist() == made.ids(int(index)).tolist()
        assert target == made.target[index]
        begin += int(length)


def test_a_block_gives_its_next_rows_to_every_epoch() -> None:
    draws = ((6, 3), (4, 8), (5, 5))
    order = Order(np.full(15, 7), plan(num_train_epochs=4, train_batch_size=4), draws)
    epochs = [np.concatenate([order.batch(step) for step in range(first, last)]) for first, last in zip(order.starts, order.starts[1:])]
    for rows in epochs:
        assert len(rows) == 16
        assert sorted(rows[(rows >= 6) & (rows < 10)].tolist()) == [6, 6, 7, 7, 8, 8, 9, 9]
        assert sorted(rows[rows >= 10].tolist()) == [10, 11, 12, 13, 14]
    halves = [rows[rows < 6] for rows in epochs]
    assert sorted(np.concatenate(halves[:2]).tolist()) == list(range(6))  # no row a second time before all came once
    assert sorted(np.concatenate(halves[2:]).tolist()) == list(range(6))
    again = Order(np.full(15, 7), plan(num_train_epochs=4, train_batch_size=4), draws)
    assert [again.batch(step).tolist() for step in (9, 2)] == [order.batch(step).tolist() for step in (9, 2)]


def test_token_batches_of_drawn_rows_hold_every_drawn_row_once() -> None:
    lengths = np.arange(1, 11)
    order = Order(lengths, plan(num_train_epochs=2, train_batch_size=None, train_batch_tokens=12), ((4, 2), (6, 9)))
    for first, last in zip(order.starts, order.starts[1:]):
        assert len(np.concatenate([order.batch(step) for step in range(first, last)])) == 11
