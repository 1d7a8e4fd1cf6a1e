"""Suites as files: what they mean, and what is said of those that are not what they should be."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.errors import DataError, GoodfitError
from goodfit.recipe import Recipe
from goodfit.stages.assess.plan import foresee_assessment, matchers_of
from goodfit.stages.assess.population import Population
from goodfit.stages.assess.suites import suite_rows

LABELS = ("hate", "none")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


ROWS = [
    {
        "case": f"I met {who} {i}.",
        "gold": "hateful" if i % 3 == 0 else "fine",
        "target": who,
        "function": "f1" if i % 2 else "f2",
        "template": f"t{i % 5}",
    }
    for i, who in enumerate(["women", "men", "Muslims"] * 40)
]


def recipe(task: dict[str, Any] | None = None, **changes: Any) -> Recipe:
    suite = {
        "path": "cases.csv", "text": "case", "label": "gold", "labels": {"hateful": "hate", "fine": "none"},
        "groups": {"target": {"column": "target"}}, "by": "template", "function": "function",
    } | changes  # fmt: skip
    return Recipe.model_validate({
        "task": {"text": "text", "label": "label"} | (task or {}), "data": {"path": "d.csv"}, "groups": {"gender": {"terms": "gender-en"}},
        "assess": {"suites": {"cases": suite}},
    })  # fmt: skip


def read(folder: Path, made: Recipe, labels: tuple[str, ...] = LABELS) -> Population:
    assert made.assess is not False
    return suite_rows(made.assess.suites["cases"], "cases", made, (folder, labels, matchers_of(made, folder)))


def test_a_suite_has_texts_labels_groups_clusters_and_functions(tmp_path: Path) -> None:
    write(tmp_path / "cases.csv", ROWS)
    rows = read(tmp_path, recipe())
    assert len(rows) == 120
    assert rows.labels == LABELS
    assert rows.truth[:4].tolist() == [0, 1, 1, 0]
    assert [axis.title for axis in rows.axes] == ["gender", "gender (any)", "target"]
    assert rows.clusters is not None
    assert len(np.unique(rows.clusters)) == 5
    assert rows.functions is not None
    assert set(rows.functions) == {"f1", "f2"}
    assert rows.rows[0].as_py().endswith(":2")


def test_labels_of_the_same_name_need_no_entry(tmp_path: Path) -> None:
    write(tmp_path / "cases.csv", [row | {"gold": "hate"} for row in ROWS])
    assert read(tmp_path, recipe(labels={})).truth.tolist() == [0] * 120


def test_rows_without_a_text_or_a_label_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "cases.csv", [ROWS[0] | {"case": ""}, ROWS[1] | {"gold": ""}, *ROWS[2:]])
    assert len(read(tmp_path, recipe())) == 118


def test_several_labels_a_cell(tmp_path: Path) -> None:
    write(tmp_path / "cases.csv", [row | {"gold": "hateful|fine" if i % 2 else "fine"} for i, row in enumerate(ROWS)])
    rows = read(tmp_path, recipe({"multi_label": True, "label_separator": "|"}))
    assert rows.multi_label
    assert rows.truth.tolist()[:2] == [[False, True], [True, True]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": {"hateful": "hat", "fine": "none"}}, ["'hat' is no label", "hate"]),
        ({"labels": {"hateful": "hate"}}, ["'fine'", "no label of the task", "labels: {fine:"]),
        ({"text": "cse"}, ["cse", "case"]),
        ({"label": "gld"}, ["gld", "gold"]),
        ({"groups": {"target": {"column": "tagret"}}}, ["tagret", "target"]),
        ({"by": "nowhere"}, ["nowhere"]),
        ({"path": "cses.csv"}, ["cses.csv"]),
        ({"groups": {"x": {"terms": "gender-xx"}}}, ["gender-xx"]),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    write(tmp_path / "cases.csv", ROWS)
    with pytest.raises(GoodfitError) as caught:
        read(tmp_path, recipe(**changes))
    told = f"{caught.value} {caught.value.fix}"
    for word in words:
        assert word in told


@pytest.mark.parametrize(
    "changes", [{"text": "cse"}, {"path": "cses.csv"}, {"groups": {"x": {"terms": "gender-xx"}}}, {"function": "nope"}]
)
def test_most_of_it_is_said_before_anything_is_trained(tmp_path: Path, changes: dict[str, Any]) -> None:
    write(tmp_path / "cases.csv", ROWS)
    foresee_assessment(recipe(), tmp_path)
    with pytest.raises(GoodfitError):
        foresee_assessment(recipe(**changes), tmp_path)


def test_an_empty_suite_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "cases.csv", [ROWS[0] | {"case": ""}])
    with pytest.raises(DataError, match="no rows"):
        read(tmp_path, recipe())
