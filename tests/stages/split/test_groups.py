"""Groups: connected components against a union-find, keys that do not depend on place, strata that protect rare labels."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from goodfit.stages.split.groups import LabelSets, codes_of, components, group_keys, in_order, label_sets, mix, strata


def first_of(texts: list[int]) -> np.ndarray:
    return np.array([texts.index(t) for t in texts], dtype=np.int64)


def union_find(texts: list[int], by: list[int]) -> list[int]:
    """The partition by hand: join rows one pair at a time."""
    group = list(range(len(texts)))
    for i in range(len(texts)):
        for j in range(i):
            if texts[i] == texts[j] or (by[i] == by[j] >= 0):
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    numbers = {g: k for k, g in enumerate(dict.fromkeys(group))}
    return [numbers[g] for g in group]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 5)), min_size=1, max_size=25))
@settings(max_examples=150, deadline=None)
def test_components_are_those_of_a_union_find(rows: list[tuple[int, int]]) -> None:
    texts, by = [t for t, _ in rows], [b for _, b in rows]
    assert components(first_of(texts), np.array(by)).tolist() == union_find(texts, by)


def test_without_by_a_group_is_a_text() -> None:
    assert components(np.array([0, 1, 0, 3, 1]), None).tolist() == [0, 1, 0, 2, 1]
    assert in_order(np.array([7, 7, 2, 9, 2])).tolist() == [0, 0, 1, 2, 1]


def test_codes_join_over_chunks_and_keep_missing_apart() -> None:
    codes, values = codes_of(pa.chunked_array([["a", None, "b"], ["b", "c", None, "a"]]))
    assert codes.tolist() == [0, -1, 1, 1, 2, -1, 0]
    assert values.to_pylist() == ["a", "b", "c"]


def test_label_sets_of_lists_count_a_name_once_and_leave_unknown_ones_out() -> None:
    chunks = pa.chunked_array([[["b", "a", "b"], []], [None, ["x", "c"]]], pa.list_(pa.string()))
    sets = label_sets(chunks, pa.array(["a", "b", "c"]))
    assert [sets.codes[a:b].tolist() for a, b in zip(sets.starts[:-1], sets.starts[1:])] == [[0, 1], [], [], [2]]
    taken = sets.take(np.array([3, 0, 1]))
    assert [taken.codes[a:b].tolist() for a, b in zip(taken.starts[:-1], taken.starts[1:])] == [[2], [0, 1], []]


def test_label_sets_of_strings() -> None:
    sets = label_sets(pa.chunked_array([["b", None], ["a", "x"]]), pa.array(["a", "b"]))
    assert sets.codes.tolist() == [1, 0]
    assert sets.rows.tolist() == [0, 2]


def test_a_row_of_several_labels_counts_under_the_rarest() -> None:
    # Labels 0 (4 rows), 1 (2 rows), 2 (1 row); the last row has none.
    sets = LabelSets(np.array([0, 0, 1, 0, 1, 0, 2]), np.array([0, 1, 3, 5, 7, 7]))
    assert strata(np.arange(5), sets, 3).tolist() == [0, 1, 1, 2, -1]


def test_a_group_counts_under_the_label_of_most_rows_and_at_a_tie_under_the_rarer() -> None:
    labels = np.array([0, 0, 1, 0, 1, 0, 0, 0])
    sets = LabelSets(labels, np.arange(9))
    groups = np.array([0, 0, 0, 1, 1, 2, 3, 4])
    assert strata(groups, sets, 2).tolist() == [0, 1, 0, 0, 0]


def test_keys_depend_on_content_and_seed_not_on_place() -> None:
    rng = np.random.default_rng(0)
    texts = rng.integers(1, 2**63, size=(40, 2)).astype(np.uint64)
    by = rng.integers(-1, 6, size=40)
    values = pa.array([f"customer {i}" for i in range(6)])
    groups = components(np.arange(40), by)
    keys = group_keys(groups, texts, by, values, 1)
    order = rng.permutation(40)
    moved = components(np.arange(40), by[order])
    again = group_keys(moved, texts[order], by[order], values, 1)
    assert {int(k) for k in keys} == {int(k) for k in again}
    assert all(keys[groups[order[i]]] == again[moved[i]] for i in range(40))
    assert not set(keys.tolist()) & set(group_keys(groups, texts, by, values, 2).tolist())


def test_a_key_survives_rows_added_to_its_customer() -> None:
    texts = np.random.default_rng(1).integers(1, 2**63, size=(8, 2)).astype(np.uint64)
    by = np.array([0, 0, 1, 1, 0, 1, 0, 1])
    values = pa.array(["a", "b"])
    small = group_keys(components(np.arange(4), by[:4]), texts[:4], by[:4], values, 3)
    large = group_keys(components(np.arange(8), by), texts, by, values, 3)
    assert small.tolist() == large.tolist()


def test_keys_are_uniform() -> None:
    texts = np.stack([np.arange(5000), np.arange(5000) * 3], axis=1).astype(np.uint64)
    keys = group_keys(np.arange(5000), texts, None, None, 5)
    assert stats.kstest(keys / 2.0**64, "uniform").pvalue > 0.001
    assert len(np.unique(mix(np.arange(100_000, dtype=np.uint64)))) == 100_000
