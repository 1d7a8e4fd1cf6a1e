"""split.folds: whole groups to a fold, labels and sides spread evenly, no test rows; what cannot be done is refused with the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from goodfit.errors import DataError, SettingsError
from goodfit.files import read_json
from goodfit.settings import parse
from goodfit.stages.split.folds import folds_of
from tests.made import rows
from tests.stages.split.make import run_split, write


def project(folder: Path, n: int = 200, **split: Any) -> dict[str, Any]:
    write(folder / "rows.jsonl", [{"text": f"{row['subject']} {row['body']} {i}", "label": row["queue"], "customer": row["customer"]}
                                  for i, row in enumerate(rows(n))])  # fmt: skip
    return {"data": {"path": "rows.jsonl"}, "split": {"folds": 5, "by": "customer", **split}, "evaluate": {}}


def test_every_row_has_a_fold_and_groups_stay_whole(tmp_path: Path) -> None:
    splits, run = run_split(tmp_path, project(tmp_path))
    table = pq.read_table(run.path / "split" / "assignment.parquet")
    fold, group, stratum, side = (np.array(table[name].to_pylist()) for name in ("fold", "group", "stratum", "split"))
    assert set(side) == {"train", "valid"}
    assert set(fold.tolist()) == set(range(5))
    assert all(len(set(fold[group == one])) == 1 for one in np.unique(group))
    counts = np.bincount(fold)
    assert counts.max() - counts.min() <= 4
    assert read_json(run.path / "split" / "manifest.json")["folds"] == counts.tolist()
    assert splits.counts["test"] == 0
    for label in np.unique(stratum):
        of_label = np.bincount(fold[stratum == label], minlength=5)
        assert of_label.max() - of_label.min() <= 4, label


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    document, found = project(tmp_path), []
    lines = (tmp_path / "rows.jsonl").read_text().splitlines(keepends=True)
    for name, order in (("a", lines), ("b", lines[::-1])):
        (tmp_path / "rows.jsonl").write_text("".join(order))
        _, run = run_split(tmp_path, document, workspace=name)
        table = pq.read_table(run.path / "split" / "assignment.parquet", columns=["row", "fold"])
        found.append(dict(zip(table["row"].to_pylist(), table["fold"].to_pylist(), strict=True)))
    assert found[0] == found[1]


def test_large_groups_are_spread() -> None:
    sizes = [40, 30, 20, 10] + [1] * 100
    groups = np.repeat(np.arange(len(sizes)), sizes)
    fold = folds_of(groups, np.zeros(len(sizes), np.int64), np.arange(len(sizes)).astype(np.uint64), 4)
    assert np.bincount(fold).tolist() == [50, 50, 50, 50]


def test_what_has_a_fold_keeps_it() -> None:
    rng = np.random.default_rng(0)
    groups, under = np.arange(200), rng.integers(3, size=200)
    keys = rng.integers(2**63, size=200, dtype=np.uint64)
    before = folds_of(groups, under, keys, 5)
    changed = under.copy()
    changed[7] = (changed[7] + 1) % 3
    assert (folds_of(groups, changed, keys, 5) != before).sum() > 1
    assert (folds_of(groups, changed, keys, 5, before) == before).all()
    more = np.r_[before, np.full(25, -1)]
    after = folds_of(np.arange(225), np.r_[under, rng.integers(3, size=25)], np.r_[keys, keys[:25] + np.uint64(1)], 5, more)
    assert (after[:200] == before).all()
    assert np.ptp(np.bincount(after)) <= 3


def test_a_decision_about_a_row_moves_no_other(tmp_path: Path) -> None:
    document, found = project(tmp_path), []
    document["data"]["decisions"] = "decisions.jsonl"
    _, first = run_split(tmp_path, project(tmp_path), workspace="before")
    before = pq.read_table(first.path / "split" / "assignment.parquet").to_pylist()
    rows_changed = [row["row"] for row in before[:3]]
    lines = [{"row": rows_changed[0], "action": "relabel", "value": "sales", "by": "a person", "reason": "", "time": "2026-11-30T10:00:00Z"},
             {"row": rows_changed[1], "action": "drop", "value": None, "by": "a person", "reason": "", "time": "2026-11-30T10:00:00Z"}]  # fmt: skip
    (tmp_path / "decisions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    _, second = run_split(tmp_path, document, workspace="after")
    found = {row["row"]: row["fold"] for row in pq.read_table(second.path / "split" / "assignment.parquet").to_pylist()}
    assert rows_changed[1] not in found
    assert all(found[row["row"]] == row["fold"] for row in before if row["row"] in found)
    assert len(found) == len(before) - 1


def test_fewer_groups_than_folds() -> None:
    with pytest.raises(DataError, match="3 groups that must stay together .* too few for 5 folds"):
        folds_of(np.array([0, 1, 2, 2]), np.zeros(3, np.int64), np.arange(3).astype(np.uint64), 5)


RECIPE = "data: {{path: x.csv}}\ntask: {{text: t, label: l}}\nsplit: {{{split}}}\nevaluate: {{{evaluate}}}\n{more}"


def recipe(split: str, evaluate: str = "", more: str = "") -> Any:
    return parse(RECIPE.format(split=split, evaluate=evaluate, more=more), file="recipe.yaml")


def test_the_recipe_scores_folds_and_keeps_no_test_rows() -> None:
    made = recipe("folds: 5")
    assert (made.split.test_size, made.evaluate.on) == (0.0, "folds")
    assert recipe("folds: 5", "on: valid").evaluate.on == "valid"


@pytest.mark.parametrize(
    ("split", "evaluate", "more", "said"),
    [
        ("folds: 5, test_size: 0.2", "", "", "leave test_size out"),
        ("folds: 5, time: when", "", "", "leave out folds or time"),
        ("folds: 5", "on: test", "", "split.folds keeps no test rows back"),
        ("", "on: folds", "", "needs split.folds"),
        ("folds: 1", "", "", "folds"),
        ("folds: 5", "", "prepare: {suspects: leave_out}", "every row must be in a fold"),
    ],
)
def test_what_cannot_be_combined(split: str, evaluate: str, more: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        recipe(split, evaluate, more)
    assert said in str(caught.value)


def test_not_for_models_that_write() -> None:
    with pytest.raises(SettingsError, match="split.folds is for classification"):
        parse("data: {path: x.jsonl}\ntask: {kind: generation, text: t}\nsplit: {folds: 5}\n", file="recipe.yaml")
