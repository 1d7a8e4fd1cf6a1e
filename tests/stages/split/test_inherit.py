"""Changed data: no row id changes side, new rows join their kin, what is tied to two sides goes."""

from __future__ import annotations

import collections
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goodfit.data.normalise import normalise_text
from goodfit.errors import DataError
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.split import Splits, split
from goodfit.stages.split.cut import TEST, TRAIN, UNDECIDED, VALID
from goodfit.stages.split.inherit import extend
from goodfit.stages.split.leaks import find_leaks
from tests.stages.split.make import everything, rows, sides, split_rows


def kept(before: Splits, after: Splits) -> int:
    """Rows in both, all of them on their old side."""
    old, new = sides(before), sides(after)
    common = old.keys() & new.keys()
    moved = [row for row in common if old[row] != new[row]]
    assert not moved
    return len(common)


@pytest.mark.parametrize("recipe", [{}, {"split": {"by": "customer"}}, {"split": {"duplicates": "drop"}}], ids=["plain", "by", "drop"])
def test_drop_five_percent_add_twenty_no_id_changes_side(tmp_path: Path, recipe: dict[str, Any]) -> None:
    content = rows(1000, customers=150)
    before, parent = split_rows(tmp_path, content, recipe)
    rng = np.random.default_rng(5)
    changed = [row for row in content if rng.random() > 0.05] + rows(200, seed=99, customers=250)
    order = rng.permutation(len(changed))
    after, child = split_rows(tmp_path, [changed[i] for i in order], recipe, parent=parent)
    manifest = after.manifest()
    assert kept(before, after) == manifest["inherited"]["rows"] > 930
    assert manifest["inherited"]["from"] == parent.id
    assert after.counts["test"] / sum(after.counts.values()) == pytest.approx(0.15, abs=0.04)
    # And once more, on top of that.
    further = [changed[i] for i in order[:1100]] + rows(100, seed=77, customers=250)
    last, _ = split_rows(tmp_path, further, recipe, parent=child)
    assert kept(after, last) > 1000


def test_a_fresh_split_of_the_same_data_equals_the_parents(tmp_path: Path) -> None:
    content = rows(300)
    before, parent = split_rows(tmp_path, content)
    _, child = split_rows(tmp_path, content + rows(60, seed=4), parent=parent)
    after, grandchild = split_rows(tmp_path, content + rows(60, seed=4), parent=child)
    assert grandchild.record.stages["split"].state == "reused"
    assert kept(before, after) == 300
    relabelled = [row | {"label": "bug" if i % 7 == 0 else row["label"]} for i, row in enumerate(content)]
    assert kept(before, split_rows(tmp_path, relabelled, parent=parent)[0]) == 300
    deduplicated, run = split_rows(tmp_path, content, {"split": {"duplicates": "drop"}}, parent=parent)
    assert run.record.stages["split"].state == "done"
    assert kept(before, deduplicated) == 300


def test_a_child_outlives_its_parent(tmp_path: Path) -> None:
    _, parent = split_rows(tmp_path, rows(200))
    recipe = {"data": {"path": "data.jsonl"}, "task": {"text": "text", "label": "label"}}
    before, child = split_rows(tmp_path, rows(200) + rows(40, seed=3), recipe, parent=parent)
    shutil.rmtree(parent.path)
    again = split(Recipe.model_validate({"fail_on": "never"} | recipe), Run.open(child.path))
    assert sides(again) == sides(before)


def test_another_rule_is_a_new_division(tmp_path: Path) -> None:
    content = rows(300)
    before, parent = split_rows(tmp_path, content)
    after, _ = split_rows(tmp_path, content, {"seed": 7}, parent=parent)
    assert after.manifest()["inherited"] is None
    assert sides(before) != sides(after)


def test_new_rows_join_the_side_of_their_text_and_their_customer(tmp_path: Path) -> None:
    content = rows(300, customers=60)
    recipe = {"split": {"by": "customer"}, "groups": {"c": {"column": "customer"}}}
    before, parent = split_rows(tmp_path, content, recipe)
    side_of = {row["group.c"]: row["split"] for row in everything(before, parent)}
    one = {name: next(c for c, s in side_of.items() if s == name) for name in ("train", "test")}
    text_of = {name: next(row["text"] for row in content if row["customer"] == who) for name, who in one.items()}
    new = [
        {"text": "brand new words alpha", "label": "bug", "customer": one["test"]},  # joins by customer
        {"text": text_of["train"].upper() + "!", "label": "bug", "customer": None},  # joins by text
        {"text": text_of["train"] + " .", "label": "bug", "customer": one["test"]},  # tied to both: goes
    ]
    after, child = split_rows(tmp_path, content + new, recipe, parent=parent)
    assert kept(before, after) == 300
    assert after.manifest()["dropped"] == {"leak": 1}
    found = {row["at"]: row["split"] for row in everything(after, child)}
    assert found["data.jsonl:301"] == "test"
    assert found["data.jsonl:302"] == "train"
    assert "data.jsonl:303" not in found


def test_a_known_row_that_a_changed_file_ties_to_test_leaves_training(tmp_path: Path) -> None:
    content = rows(300, customers=60)
    recipe = {"split": {"by": "customer"}, "groups": {"c": {"column": "customer"}}}
    before, parent = split_rows(tmp_path, content, recipe)
    found = everything(before, parent)
    train, test = (next(row for row in found if row["split"] == name) for name in ("train", "test"))
    line = int(train["at"].split(":")[1])
    content[line - 1] = content[line - 1] | {"customer": test["group.c"]}
    after, _ = split_rows(tmp_path, content, recipe, parent=parent)
    assert kept(before, after) == 299
    assert after.manifest()["dropped"] == {"leak": 1}


def test_by_time_new_rows_go_to_the_side_of_their_time(tmp_path: Path) -> None:
    content = [row | {"when": 1000 + i} for i, row in enumerate(rows(200))]
    recipe = {"split": {"time": "when"}}
    before, parent = split_rows(tmp_path, content, recipe)
    new = [row | {"when": when} for row, when in zip(rows(3, seed=8), (5, 1155, 9999))]
    after, child = split_rows(tmp_path, content + new, recipe, parent=parent)
    assert kept(before, after) == 200
    found = {row["at"]: row["split"] for row in everything(after, child)}
    assert [found[f"data.jsonl:{line}"] for line in (201, 202, 203)] == ["train", "valid", "test"]


def test_a_chain_of_new_rows_between_two_sides_is_broken_once() -> None:
    """train - A - B - test, tied by text, customer, text: one link goes, the other stays."""
    same = np.array([0, 1, 0, 1])
    by = np.array([0, 1, 2, 2])
    start = np.array([TRAIN, TEST, UNDECIDED, UNDECIDED], dtype=np.int8)
    joined, dropped = extend(start, same, by, np.ones(4, bool))
    assert dropped.sum() == 1
    assert not find_leaks(np.where(dropped, np.int8(UNDECIDED), joined), same, by).any.any()


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 7), st.sampled_from([TRAIN, VALID, TEST, UNDECIDED])), min_size=1, max_size=40)
)
@settings(max_examples=300, deadline=None)
def test_extend_keeps_known_sides_and_leaves_no_leak(cells: list[tuple[int, int, int]]) -> None:
    texts = [t for t, _, _ in cells]
    same, by = np.array([texts.index(t) for t in texts]), np.array([b for _, b, _ in cells])
    start = np.array([s for _, _, s in cells], dtype=np.int8)
    joined, dropped = extend(start, same, by, np.ones(len(cells), bool))
    known = (start != UNDECIDED) & ~dropped
    assert (joined[known] == start[known]).all()
    assert not (dropped & (start == TEST)).any()
    final = np.where(dropped, np.int8(UNDECIDED), joined)
    assert not find_leaks(final, same, by).any.any()
    sided: dict[Any, set[int]] = collections.defaultdict(set)
    for i in np.flatnonzero(~dropped):
        for token in (("t", same[i]), ("b", by[i])):
            if token[1] >= 0:
                sided[token].add(int(final[i]))
    # Whoever shares a text or a customer with a decided row is decided.
    assert all(len(found) == 1 for found in sided.values())


WORDS = st.sampled_from([f"word {i}" for i in range(40)])


@given(st.lists(st.tuples(WORDS, st.integers(0, 15)), min_size=5, max_size=60), st.integers(0, 2**30), st.booleans())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_of_any_data_keeps_every_side_and_leaks_nothing(
    tmp_path_factory: pytest.TempPathFactory, extra: list[tuple[str, int]], seed: int, by: bool
) -> None:
    folder = tmp_path_factory.mktemp("change")
    recipe = {"split": {"by": "customer" if by else None}, "groups": {"c": {"column": "customer"}}}
    rng = np.random.default_rng(seed)
    added = [{"text": text, "label": "bug", "customer": f"c{who}"} for text, who in extra]
    content = rows(60, seed=1, customers=25) + [row for row in added if rng.random() < 0.5]
    try:
        before, parent = split_rows(folder, content, recipe)
    except DataError:
        return
    changed = [row for row in content if rng.random() > 0.1] + [row | {"customer": f"c{rng.integers(15)}"} for row in added]
    after, child = split_rows(folder, changed, recipe, parent=parent)
    kept(before, after)
    where = collections.defaultdict(set)
    for row in everything(after, child):
        where["text", normalise_text(row["text"])].add(row["split"])
        if by:
            where["by", row["group.c"]].add(row["split"])
    assert all(len(names) == 1 for names in where.values())
