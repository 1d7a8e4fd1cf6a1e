"""Cutting: right proportions, every class in train, no empty split, large groups, time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.errors import DataError
from goodfit.stages.split.cut import TEST, TRAIN, VALID, Groups, Shares, divide, fill

USUAL = Shares(test=0.15, valid=0.15)


def groups(strata: list[int] | np.ndarray, sizes: list[int] | np.ndarray | None = None, *, seed: int = 0, times: object = None) -> Groups:
    """Groups of one label each."""
    strata = np.asarray(strata)
    pairs = np.stack([np.arange(len(strata)), strata], axis=1)
    return Groups(
        sizes=np.ones(len(strata), np.int64) if sizes is None else np.asarray(sizes), strata=strata,
        keys=np.random.default_rng(seed).integers(0, 2**63, len(strata)).astype(np.uint64) * 2, pairs=pairs,
        times=None if times is None else np.asarray(times, dtype=np.int64),
    )  # fmt: skip


def rows_of(sides: np.ndarray, made: Groups) -> list[int]:
    return [int(made.sizes[sides == side].sum()) for side in (TRAIN, VALID, TEST)]


@pytest.mark.parametrize(("n", "wanted"), [(1000, [700, 150, 150]), (100, [70, 15, 15]), (20, [14, 3, 3]), (10, [6, 2, 2])])
def test_rows_of_their_own_give_exact_shares(n: int, wanted: list[int]) -> None:
    made = groups(np.zeros(n, int))
    assert rows_of(divide(made, USUAL), made) == wanted


def test_shares_are_right_overall_and_in_every_class() -> None:
    rng = np.random.default_rng(3)
    strata = rng.choice(77, size=9000, p=rng.dirichlet(np.ones(77) * 3))
    made = groups(strata)
    sides = divide(made, USUAL)
    assert rows_of(sides, made) == pytest.approx([6300, 1350, 1350], abs=1)
    for label in range(77):
        size = int((strata == label).sum())
        for side in (VALID, TEST):
            assert abs(int((sides[strata == label] == side).sum()) - 0.15 * size) <= 1.01


def test_many_small_classes_still_fill_validation_and_test() -> None:
    made = groups(np.repeat(np.arange(60), 3))
    sides = divide(made, USUAL)
    assert rows_of(sides, made) == pytest.approx([126, 27, 27], abs=1)
    assert all((sides[made.strata == label] == TRAIN).any() for label in range(60))


def test_a_class_of_one_row_is_for_training() -> None:
    made = groups([0] * 40 + [1])
    assert divide(made, USUAL)[-1] == TRAIN
    made = groups([0] * 40 + [1, 1])
    assert (divide(made, USUAL)[-2:] == TRAIN).any()


def test_a_group_larger_than_a_share_goes_to_train_and_the_others_fill_the_shares() -> None:
    for seed in range(20):
        made = groups([0] * 61, [40] + [1] * 60, seed=seed)
        sides = divide(made, USUAL)
        assert sides[0] == TRAIN
        assert rows_of(sides, made) == [70, 15, 15]


def test_what_one_label_leaves_over_is_carried_to_the_next() -> None:
    """Fifty labels of one customer each: by itself none of them could give anything to test."""
    strata = np.arange(50)
    pairs = np.concatenate([np.stack([np.arange(50), (strata + k) % 50], 1) for k in (0, 7, 19, 31)])  # each label in four groups
    made = groups(strata, [20] * 50)
    made = Groups(made.sizes, made.strata, made.keys, pairs)
    assert rows_of(divide(made, USUAL), made) == pytest.approx([700, 150, 150], abs=30)


def test_few_large_groups_leave_no_split_empty() -> None:
    made = groups([0, 0, 0], [100, 90, 80])
    assert sorted(divide(made, USUAL).tolist()) == [TRAIN, VALID, TEST]
    with pytest.raises(DataError, match="2 groups that must stay together"):
        divide(groups([0, 0], [5, 5]), USUAL)
    assert sorted(divide(groups([0, 1], [5, 5]), Shares(test=0.2, valid=0)).tolist()) == [TRAIN, TEST]


def test_no_share_asked_for_means_all_rows_train() -> None:
    assert (divide(groups([0, 1, 1]), Shares(test=0, valid=0)) == TRAIN).all()


def test_the_result_does_not_depend_on_the_order_of_groups() -> None:
    rng = np.random.default_rng(7)
    made = groups(rng.integers(0, 5, 300), rng.integers(1, 9, 300))
    order = rng.permutation(300)
    moved = Groups(made.sizes[order], made.strata[order], made.keys[order], np.stack([np.arange(300), made.strata[order]], 1))
    assert divide(moved, USUAL).tolist() == divide(made, USUAL)[order].tolist()


def test_membership_is_by_chance() -> None:
    """Over seeds every group is in test about as often as its share says."""
    hits = np.zeros(60)
    for seed in range(400):
        hits += divide(groups([0] * 30 + [1] * 30, seed=seed), USUAL) == TEST
    assert abs(hits.sum() / 400 - 9) < 0.01
    assert (np.abs(hits / 400 - 0.15) < 0.075).all()  # 4 standard errors


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 30)), min_size=3, max_size=120),
    st.floats(0.02, 0.45), st.floats(0.02, 0.45), st.integers(0, 5),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_whatever_the_groups_no_split_is_empty_and_train_has_every_class_it_can(
    made_of: list[tuple[int, int]], test: float, valid: float, seed: int
) -> None:
    made = groups([s for s, _ in made_of], [n for _, n in made_of], seed=seed)
    sides = divide(made, Shares(test=test, valid=valid))
    assert set(sides.tolist()) == {TRAIN, VALID, TEST}
    for label in set(made.strata.tolist()):
        of_label = made.strata == label
        if of_label.sum() >= 3:
            assert (sides[of_label] == TRAIN).any()


@given(st.lists(st.integers(1, 9), max_size=40), st.floats(-3, 60))
@settings(max_examples=200, deadline=None)
def test_fill_stops_within_half_a_group(sizes: list[int], quota: float) -> None:
    taken = fill(np.array(sizes, dtype=np.int64), quota)
    got = int(np.array(sizes)[taken].sum()) if sizes else 0
    assert got <= max(0, quota) + max(sizes, default=0) / 2
    left = [n for n, t in zip(sizes, taken) if not t]
    assert not left or got + min(left) / 2 > quota or got >= quota or quota <= 0


# -- by time ------------------------------------------------------------------------------------------------------------


def test_by_time_train_is_the_oldest_and_test_the_newest() -> None:
    times = np.random.default_rng(0).permutation(200)
    made = groups([0] * 200, times=times)
    sides = divide(made, USUAL)
    assert rows_of(sides, made) == [140, 30, 30]
    assert times[sides == TRAIN].max() < times[sides == VALID].min() < times[sides == VALID].max() < times[sides == TEST].min()


def test_equal_times_are_not_parted() -> None:
    times = np.repeat(np.arange(10), 10)
    made = groups([0] * 100, times=times)
    sides = divide(made, USUAL)
    assert all(len(set(sides[times == t].tolist())) == 1 for t in range(10))
    assert rows_of(sides, made) in ([70, 10, 20], [70, 20, 10])


def test_few_times_leave_no_split_empty() -> None:
    assert divide(groups([0] * 90, times=[0] * 88 + [1, 2]), USUAL)[-2:].tolist() == [VALID, TEST]
    assert rows_of(divide(made := groups([0] * 90, times=[0, 1] + [2] * 88), USUAL), made) == [1, 1, 88]
    with pytest.raises(DataError, match="2 different times"):
        divide(groups([0] * 90, times=[0] * 45 + [1] * 45), USUAL)


@given(st.lists(st.integers(0, 12), min_size=4, max_size=80), st.floats(0.02, 0.45), st.floats(0.02, 0.45))
@settings(max_examples=150, deadline=None)
def test_by_time_holds_for_any_times(times: list[int], test: float, valid: float) -> None:
    if len(set(times)) < 3:
        return
    sides = divide(groups([0] * len(times), times=times), Shares(test=test, valid=valid))
    moments = np.array(times)
    assert moments[sides == TRAIN].max() < moments[sides == VALID].min()
    assert moments[sides == VALID].max() < moments[sides == TEST].min()


# -- new groups on top of a split ---------------------------------------------------------------------------------------


def test_few_new_groups_go_to_every_side_in_the_right_proportion() -> None:
    got = np.zeros(3)
    for seed in range(1500):
        got[divide(groups([0], seed=seed), USUAL, learned=np.array([0]))[0]] += 1
    assert abs(got[TEST] / 1500 - 0.15) < 0.04
    assert abs(got[VALID] / 1500 - 0.13) < 0.04


def test_a_new_class_reaches_train() -> None:
    for seed in range(50):
        sides = divide(groups([0] * 5 + [1], seed=seed), Shares(test=0.45, valid=0.45), learned=np.array([0]))
        assert sides[-1] == TRAIN
