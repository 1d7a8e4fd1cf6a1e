"""A fresh test set: taken from rows that no earlier run had, the old one released; nothing else moves; asked for where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodfit.errors import DataError, SettingsError
from goodfit.recipe import Recipe
from tests.stages.split.make import rows, run_split, sides, write

DATA = {"data": {"path": "data.jsonl"}}
FRESH = DATA | {"split": {"fresh_test": True}}


def test_new_rows_are_the_test_rows_and_old_ones_are_learned(tmp_path: Path) -> None:
    write(tmp_path / "data.jsonl", rows(400))
    before, parent = run_split(tmp_path, DATA)
    write(tmp_path / "data.jsonl", rows(400) + rows(150, seed=1))
    after, child = run_split(tmp_path, FRESH, parent=parent)
    old, new = sides(before), sides(after)
    test = {row for row, side in new.items() if side == "test"}
    assert not test & set(old)
    assert len(test) == pytest.approx(0.15 * 550, abs=6)
    for row, side in old.items():
        assert new[row] == ("train" if side == "test" else side)
    assert child.record.test["fingerprint"] != parent.record.test["fingerprint"]  # type: ignore[index]
    again, third = run_split(tmp_path, DATA, parent=child)  # without the key: as the child has it
    assert sides(again) == new
    assert third.record.test["fingerprint"] == child.record.test["fingerprint"]  # type: ignore[index]


def test_few_new_rows_all_but_some_are_test(tmp_path: Path) -> None:
    write(tmp_path / "data.jsonl", rows(400))
    _, parent = run_split(tmp_path, DATA)
    write(tmp_path / "data.jsonl", rows(400) + rows(40, seed=1))
    after, _ = run_split(tmp_path, FRESH, parent=parent)
    assert 30 <= after.counts["test"] <= 38


@pytest.mark.parametrize("new", [0, 12])
def test_rows_are_asked_for_where_there_are_none(tmp_path: Path, new: int) -> None:
    write(tmp_path / "data.jsonl", rows(400))
    _, parent = run_split(tmp_path, DATA)
    write(tmp_path / "data.jsonl", rows(400) + rows(new, seed=1))
    with pytest.raises(DataError, match="that no earlier run has used") as caught:
        run_split(tmp_path, FRESH, parent=parent)
    assert "add about 6" in str(caught.value)
    assert "within" in str(caught.value)


def test_customers_stay_together(tmp_path: Path) -> None:
    by = {"by": "customer"}
    write(tmp_path / "data.jsonl", rows(400, customers=60))
    _, parent = run_split(tmp_path, DATA | {"split": by})
    more = [row | {"customer": f"n{i // 3}"} for i, row in enumerate(rows(150, seed=1))]
    write(tmp_path / "data.jsonl", rows(400, customers=60) + more + [row | {"customer": "c1"} for row in rows(5, seed=2)])
    after, _ = run_split(tmp_path, DATA | {"split": by | {"fresh_test": True}}, parent=parent)
    assert after.counts["test"] > 60
    groups = {name: set(after.clusters(name).tolist()) for name in ("train", "valid", "test")}  # type: ignore[arg-type]
    assert not groups["test"] & (groups["train"] | groups["valid"])


def test_without_an_earlier_run_or_with_time(tmp_path: Path) -> None:
    write(tmp_path / "data.jsonl", rows(100))
    with pytest.raises(SettingsError, match="there is no earlier run"):
        run_split(tmp_path, FRESH)
    for split in ({"fresh_test": True, "time": "t"}, {"fresh_test": True, "test_size": 0.0}):
        with pytest.raises(ValueError, match="fresh_test"):
            Recipe.model_validate(DATA | {"split": split})
