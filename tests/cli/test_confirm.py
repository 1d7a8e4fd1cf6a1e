"""`goodfit confirm`: a run chosen on validation is scored on test once, by a child that trains nothing; then it is not opened again."""

from __future__ import annotations

from pathlib import Path

from goodfit.files import read_json, read_jsonl
from goodfit.run import find, list_runs
from tests import made
from tests.cli.test_path import call

SHORT = {"num_train_epochs": 2, "learning_rate": 0.004, "precision": "float32"}


def test_once(tmp_path: Path) -> None:
    evaluate = {"on": "valid", "baselines": ["majority"], "robustness": False}
    made.project(tmp_path, train=SHORT, fail_on="never", audit=False, evaluate=evaluate)
    call(tmp_path, "run", "recipe.yaml", "--quiet")
    chosen = find(tmp_path / "runs", "last")
    assert not (tmp_path / "runs" / "ledger.jsonl").exists()
    code, document = call(tmp_path, "confirm", "last", "--quiet")
    assert document["error"] is None, document["error"]
    assert document["confirmed"] == {"run": chosen.id, "again": False}
    child = find(tmp_path / "runs", "last")
    assert child.record.parent == chosen.id
    assert child.record.stages["train"].reused_from == chosen.id
    scores = read_json(child.path / "evaluate" / "scores.json")
    assert (scores["on"], scores["ledger"]["models_scored"]) == ("test", 1)
    assert document["headline"]["split"] == "test"
    for reference in (chosen.id, child.id):
        code, again = call(tmp_path, "confirm", reference)
        assert again["confirmed"] == {"run": reference, "again": True}
        assert again["headline"] == document["headline"]
        assert code == (1 if again["exit_code"] else 0)
    assert [line["stage"] for line in read_jsonl(tmp_path / "runs" / "ledger.jsonl")] == ["evaluate", "assess"]
    assert len(list_runs(tmp_path / "runs")) == 2


def test_what_cannot_be_confirmed(tmp_path: Path) -> None:
    split = {"by": "customer", "test_size": 0.0, "valid_size": 0.3}
    evaluate = {"on": "valid", "baselines": ["majority"], "robustness": False}
    made.project(tmp_path, train=SHORT, fail_on="never", audit=False, split=split, evaluate=evaluate)
    call(tmp_path, "split", "recipe.yaml", "--quiet")
    code, document = call(tmp_path, "confirm", find(tmp_path / "runs", "last").id)
    assert code == 2
    assert "has no model to confirm" in document["error"]["message"]
    call(tmp_path, "run", "recipe.yaml", "--quiet")
    code, document = call(tmp_path, "confirm", "last")
    assert code == 2
    assert "has no test rows" in document["error"]["message"]
