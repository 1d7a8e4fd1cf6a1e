"""`goodfit evaluate RUN --against FILE`: a child run scores the same model beside another system; the test rows judge one model."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from goodfit.files import read_json
from goodfit.run import find, list_runs
from tests import made
from tests.cli.test_path import call


def test_against_a_file_a_run_and_nothing(tmp_path: Path) -> None:
    made.project(tmp_path, train={"num_train_epochs": 2, "learning_rate": 0.004, "precision": "float32"}, fail_on="never", audit=False)
    code, _ = call(tmp_path, "run", "recipe.yaml", "--quiet")
    first = find(tmp_path / "runs", "last")
    assert code == 0
    answers = pq.read_table(first.path / "evaluate" / "predictions.parquet").to_pylist()
    told = [
        {"row": line["row"], "prediction": line["label"].upper()}
        for line in answers
        if (line["split"], line["system"]) == ("test", "model")
    ]
    made.table(tmp_path / "gpt 4.csv", told)
    code, document = call(tmp_path, "evaluate", "last", "--against", "gpt 4.csv", "--against", f"earlier={first.path}", "--quiet")
    assert document["error"] is None, document["error"]
    second = find(tmp_path / "runs", "last")
    assert second.record.parent == first.id
    assert second.record.stages["train"].reused_from == first.id
    scores = read_json(second.path / "evaluate" / "scores.json")
    assert {"gpt_4", "earlier"} <= set(scores["systems"])
    assert scores["ledger"]["models_scored"] == 1  # the same weights, looked at again
    right = next(s for s in scores["scores"] if s["system"] == "gpt_4" and s["name"] == "accuracy")
    assert right["value"] == 1
    assert {v["question"] for v in document["verdicts"]} >= {"model vs gpt_4 on macro_f1", "model vs earlier on macro_f1"}
    code, document = call(tmp_path, "evaluate", "last", "--against", "none.csv")
    assert code == 2
    assert "there is no none.csv" in document["error"]["message"]
    assert len(list_runs(tmp_path / "runs")) == 2
