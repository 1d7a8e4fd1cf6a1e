"""evaluate.on: folds: every row answered once, by a model and by baselines that did not learn from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from goodfit.files import read_json, read_jsonl
from goodfit.pipeline import start
from goodfit.stages.evaluate.folds import FoldRows
from goodfit.stages.split import Splits
from tests.made import project, rows

SPLIT = {"folds": 3, "by": "customer", "valid_size": 0.2}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("folds")
    recipe = project(folder, content=rows(180), split=SPLIT, evaluate={"baselines": ["majority", "tfidf"]}, fail_on="never")
    found = start(recipe, workspace=folder / "runs")
    assert found.error is None, found.error
    return found


def answers(run: Any) -> Any:
    return pq.read_table(run.path / "evaluate" / "predictions.parquet").to_pandas()


def test_every_row_is_answered_once_by_every_system(outcome: Any) -> None:
    assignment = pq.read_table(outcome.run.path / "split" / "assignment.parquet").to_pandas()
    told = answers(outcome.run)
    assert set(told["split"]) == {"folds"}
    assert set(told["system"]) == {"model", "majority", "tfidf"}
    for _, of_system in told.groupby("system"):
        assert sorted(of_system["row"]) == sorted(assignment["row"])


def test_scores_are_of_all_rows_and_know_of_the_folds(outcome: Any) -> None:
    found = read_json(outcome.run.path / "evaluate" / "scores.folds.json")
    assert (found["on"], found["n"]) == ("folds", 180)
    told = answers(outcome.run)
    own = told[told["system"] == "model"]
    accuracy = next(s for s in found["scores"] if s["name"] == "accuracy" and s["system"] == "model" and not s["label"])
    assert accuracy["value"] == pytest.approx((own["label"] == own["prediction"]).mean())
    assert accuracy["level"] == 0.95
    assert accuracy["method"].endswith("_folds")
    assert len(found["folds"]["of_each"]) == 3
    assert sum(one["rows"] for one in found["folds"]["of_each"]) == 180
    assert all(
        one["value"] is not None and one["rows_trained"] + one["rows_valid"] + one["rows"] == 180 for one in found["folds"]["of_each"]
    )
    assert [v["question"] for v in found["verdicts"]][0] == "model vs majority on macro_f1"
    assert found["systems"]["tfidf"]["folds"] == 3
    assert found["calibration"]["promises"]["why_not"].startswith("promises are those of the model that is kept")
    assert "split.folds" in found["robustness"]["why_not"]


def test_a_baseline_did_not_learn_from_the_rows_that_it_answers(tmp_path: Path) -> None:
    """Texts that occur once say nothing of each other: a system that had seen a row would answer it rightly."""
    rng = np.random.default_rng(0)
    content = [{"subject": f"x{i}", "body": f"y{i} z{i}", "queue": str(rng.choice(["a", "b"])), "customer": f"c{i}", "region": "n"}
               for i in range(160)]  # fmt: skip
    recipe = project(tmp_path, content=content, split=SPLIT, evaluate={"baselines": ["tfidf"]}, fail_on="never", audit=False,
                     train={"num_train_epochs": 1, "learning_rate": 0.001})  # fmt: skip
    found = start(recipe, workspace=tmp_path / "runs")
    told = answers(found.run)
    right = told[told["system"] == "tfidf"]
    assert (right["label"] == right["prediction"]).mean() < 0.65


def test_the_report_and_the_card_tell_it(outcome: Any) -> None:
    page = (outcome.run.path / "report.html").read_text()
    assert "each predicted by a model that had not seen it" in page
    card = (outcome.run.path / "README.md").read_text()
    assert "out-of-fold" in card


def test_a_fold_that_is_there_is_not_trained_again(outcome: Any, tmp_path: Path) -> None:
    folder = outcome.run.path / "train" / "folds"
    facts = [json.loads((folder / f"{fold}.json").read_text()) for fold in range(3)]
    assert len({one["key"] for one in facts}) == 3
    assert [one["rows_answered"] for one in facts] == read_json(outcome.run.path / "split" / "manifest.json")["folds"]


def test_rows_of_folds_are_those_of_both_sides(outcome: Any) -> None:
    splits = Splits.load(outcome.run)
    joined = FoldRows(splits)
    assert joined.counts["folds"] == 180
    ids = joined.row_ids("folds").to_pylist()
    assert ids == splits.row_ids("train").to_pylist() + splits.row_ids("valid").to_pylist()
    assert joined.table("folds", columns=("row",))["row"].to_pylist() == ids
    assert len(joined.clusters("folds")) == 180
    assert joined.axes == splits.axes


def test_findings_are_asked_of_all_of_them(outcome: Any) -> None:
    codes = {line["code"] for line in read_jsonl(outcome.run.path / "evaluate" / "findings.jsonl")}
    assert {"EVA001", "EVA004", "EVA005", "EVA020", "EVA021", "EVA022"} <= codes


def test_several_labels(tmp_path: Path) -> None:
    content = [row | {"queue": json.dumps([row["queue"], "urgent"] if i % 3 == 0 else [row["queue"]])} for i, row in enumerate(rows(150))]
    recipe = project(tmp_path, content=content, split=SPLIT, fail_on="never", evaluate={"baselines": ["majority"]},
                     task={"text": ["subject", "body"], "label": "queue", "multi_label": True})  # fmt: skip
    found = start(recipe, workspace=tmp_path / "runs")
    assert found.error is None, found.error
    scores = read_json(found.run.path / "evaluate" / "scores.json")
    assert scores["n"] == 150
    assert all(one["value"] is not None for one in scores["folds"]["of_each"])


def test_more_folds_than_a_side_has_groups(tmp_path: Path) -> None:
    """A fold may hold validation rows only."""
    recipe = project(tmp_path, content=rows(30), split={"folds": 10, "valid_size": 0.2}, fail_on="never",
                     evaluate={"baselines": ["majority"]}, train={"num_train_epochs": 1})  # fmt: skip
    found = start(recipe, workspace=tmp_path / "runs")
    assert found.error is None, found.error
    told = answers(found.run)
    assert len(told[told["system"] == "majority"]) == 30
