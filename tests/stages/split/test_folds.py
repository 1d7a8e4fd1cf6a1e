"""split.folds: whole groups to a fold, labels and sides spread evenly, no test rows; what cannot be done is refused with the way out."""

from __future__ import annotations

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
