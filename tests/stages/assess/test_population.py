"""Axes: who is inside, who is compared, and which members are left out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from goodfit.stages.assess.population import ANY, MEMBERS, PAIRS, asked_axes, by_column, by_terms, crossed


def test_a_column_has_its_members_largest_first_and_missing_values_belong_to_nothing() -> None:
    axis = by_column("region", pa.chunked_array([["n", "s", None], ["s", "s", "n", "e"]]), "where")
    assert axis.members == ("s", "n", "e")
    assert axis.inside[:, 0].tolist() == [False, True, False, True, True, False, False]
    assert axis.known.tolist() == [True, True, False, True, True, True, True]
    assert axis.source == "column:where"


def test_members_of_equal_size_stand_in_the_order_of_the_alphabet() -> None:
    assert by_column("x", pa.array(["b", "a", "c", "a", "b", "c"]), "x").members == ("a", "b", "c")


def test_a_column_of_numbers_and_one_that_is_empty() -> None:
    assert by_column("x", pa.array([None, None], pa.string()), "x").members == ()
    assert not by_column("x", pa.array([None, None], pa.string()), "x").known.any()


def test_beyond_so_many_members_the_smallest_are_left_out_by_name() -> None:
    values = [f"m{k:02d}" for k in range(MEMBERS + 3) for _ in range(2 if k < MEMBERS else 1)]
    axis = by_column("x", pa.array(values), "x")
    assert len(axis.members) == MEMBERS
    assert axis.left_out == tuple(f"m{k:02d}" for k in range(MEMBERS, MEMBERS + 3))
    assert axis.known.all(), "rows of members that are left out are compared with, too"


def test_terms_compare_mentions_with_mentions_and_all_of_them_with_none() -> None:
    named = np.array([[True, False], [False, True], [True, True], [False, False]])
    members, whole = by_terms("gender", ["women", "men"], named, "gender-en")
    assert members.known.tolist() == [True, True, True, False]
    assert np.array_equal(members.inside, named)
    assert whole.members == (ANY,)
    assert whole.of_any
    assert whole.title == "gender (any)"
    assert whole.inside[:, 0].tolist() == [True, True, True, False]
    assert whole.known.all()


def test_an_intersection_takes_every_pair_among_rows_of_which_both_are_known() -> None:
    a = by_column("a", pa.array(["x", "x", "y", None]), "a")
    b = by_column("b", pa.array(["1", "2", "1", "1"]), "b")
    both = crossed(a, b)
    assert both.name == "a x b"
    assert both.members == ("x x 1", "x x 2", "y x 1", "y x 2")
    assert both.inside.sum(axis=0).tolist() == [1, 1, 1, 0]
    assert both.known.tolist() == [True, True, True, False]


def test_an_intersection_of_many_keeps_the_largest_pairs() -> None:
    a = by_column("a", pa.array([f"a{i % 12}" for i in range(600)]), "a")
    b = by_column("b", pa.array([f"b{i % 7}" for i in range(600)]), "b")
    both = crossed(a, b)
    assert len(both.members) == PAIRS
    assert len(both.left_out) == 12 * 7 - PAIRS


@pytest.mark.parametrize(
    ("by", "names", "missing"),
    [
        ((), ["a", "b", "g", "g (any)"], []),
        (("b",), ["b"], []),
        (("g",), ["g", "g (any)"], []),
        (("a x b", "nowhere", "a x nowhere"), ["a x b"], ["nowhere", "a x nowhere"]),
        (("a x g",), ["a x g"], []),
    ],
)
def test_which_axes_are_asked_of(by: tuple[str, ...], names: list[str], missing: list[str]) -> None:
    a, b = by_column("a", pa.array(["x", "y"]), "a"), by_column("b", pa.array(["1", "2"]), "b")
    found, absent = asked_axes([a, b, *by_terms("g", ["w", "m"], np.eye(2, dtype=bool), "g")], by)
    assert [axis.title for axis in found] == names
    assert absent == missing
