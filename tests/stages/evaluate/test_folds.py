"""evaluate.on: folds: every row answered once, by a model and by baselines that did not learn from it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from goodfit.files import read_json, read_jsonl
from goodfit.improve.compare import compare
from goodfit.pipeline import start
from goodfit.run import Run
from goodfit.schemas import MODELS
from goodfit.settings import read
from goodfit.stages.choose import Choice
from goodfit.stages.evaluate.folds import FoldRows
from goodfit.stages.prepare import Tokens
from goodfit.stages.split import Splits
from goodfit.stages.train import folds as training
from goodfit.stages.train.folds import Ground, train_folds
from goodfit.stages.tune import Tuned
from tests.made import project, rows

SPLIT = {"folds": 4, "by": "customer", "valid_size": 0.2}


N = 480


def with_a_weak_slice() -> list[dict[str, str]]:
    """Labels of rows that hold `w59` are drawn by chance: nothing tells them."""
    rng = np.random.default_rng(0)
    made = rows(N)
    for row in made:
        if "w59" in row["body"].split():
            row["queue"] = str(rng.choice(["billing", "bug", "sales"]))
    return made


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("folds")
    recipe = project(
        folder, content=with_a_weak_slice(), split=SPLIT, evaluate={"baselines": ["majority", "tfidf", "knn"]}, fail_on="never"
    )
    found = start(recipe, workspace=folder / "runs")
    assert found.error is None, found.error
    return found


def answers(run: Any) -> dict[str, dict[str, tuple[Any, Any]]]:
    """System -> row -> (label, prediction); every row once."""
    out: dict[str, dict[str, tuple[Any, Any]]] = {}
    for line in pq.read_table(run.path / "evaluate" / "predictions.parquet").to_pylist():
        assert line["split"] == "folds"
        assert line["row"] not in out.setdefault(line["system"], {})
        out[line["system"]][line["row"]] = (line["label"], line["prediction"])
    return out


def right(told: dict[str, tuple[Any, Any]]) -> float:
    return float(np.mean([label == prediction for label, prediction in told.values()]))


def test_every_row_is_answered_once_by_every_system(outcome: Any) -> None:
    rows_used = set(pq.read_table(outcome.run.path / "split" / "assignment.parquet")["row"].to_pylist())
    told = answers(outcome.run)
    assert set(told) == {"model", "majority", "tfidf", "knn"}
    assert all(set(of_system) == rows_used for of_system in told.values())


def test_scores_are_of_all_rows_and_know_of_the_folds(outcome: Any) -> None:
    found = read_json(outcome.run.path / "evaluate" / "scores.folds.json")
    assert (found["on"], found["n"]) == ("folds", N)
    own = answers(outcome.run)["model"]
    accuracy = next(s for s in found["scores"] if s["name"] == "accuracy" and s["system"] == "model" and not s["label"])
    assert accuracy["value"] == pytest.approx(right(own))
    assert accuracy["level"] == 0.95
    assert accuracy["method"].endswith("_folds")
    assert len(found["folds"]["of_each"]) == 4
    assert sum(one["rows"] for one in found["folds"]["of_each"]) == N
    assert all(one["value"] is not None and one["rows_trained"] + one["rows_valid"] + one["rows"] == N for one in found["folds"]["of_each"])
    assert [v["question"] for v in found["verdicts"]][0] == "model vs majority on macro_f1"
    assert found["systems"]["tfidf"]["fitted"].startswith("4 times")
    assert found["calibration"]["promises"]["why_not"].startswith("promises are those of the model that is kept")
    assert "split.folds" in found["robustness"]["why_not"]


@pytest.mark.parametrize("system", ["model", "tfidf", "knn"])
def test_nobody_learned_from_the_rows_that_it_answers(unique: Any, system: str) -> None:
    """Labels drawn by chance say nothing of each other: who had seen a row would answer it rightly, others at random."""
    mine = answers(unique.run)[system]
    assert len(mine) == 100
    assert 0.3 < right(mine) < 0.7


def test_the_kept_model_had_learned_them(unique: Any) -> None:
    """So that the test before could fail: the kept model knows its training rows by heart."""
    best = [e for e in read_jsonl(unique.run.path / "train" / "events.jsonl") if e["event"] == "eval" and e["split"] == "train_probe"]
    assert max(score["value"] for e in best for score in e["scores"] if score["name"] == "accuracy") > 0.85


@pytest.fixture(scope="module")
def unique(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Each text is a pair of words of its own, each label drawn by chance; trained until it is known by heart.

    In some draws a label is much commoner outside a fold than inside it: neighbours hit 30% then (seed 0). In this one about half.
    """
    folder, rng = tmp_path_factory.mktemp("unique"), np.random.default_rng(5)
    pairs = rng.permutation([(i, j) for i in range(60) for j in range(i)])[:100]
    content = [{"subject": f"w{i}", "body": f"w{j}", "queue": str(rng.choice(["a", "b"])), "customer": f"c{k}", "region": "n"}
               for k, (i, j) in enumerate(pairs.tolist())]  # fmt: skip
    recipe = project(folder, content=content, split=SPLIT | {"folds": 2, "valid_size": 0}, evaluate={"baselines": ["tfidf", "knn"]},
                     fail_on="never", audit=False, train={"num_train_epochs": 60, "learning_rate": 0.006, "precision": "float32"})  # fmt: skip
    found = start(recipe, workspace=folder / "runs")
    assert found.error is None, found.error
    return found


def test_the_report_and_the_card_tell_it(outcome: Any) -> None:
    page = (outcome.run.path / "report.html").read_text()
    assert "each predicted by a model that had not seen it" in page
    card = (outcome.run.path / "README.md").read_text()
    assert "out-of-fold" in card


def test_a_fold_that_is_there_is_not_trained_again(outcome: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = outcome.run.path / "train" / "folds"
    facts = [json.loads((folder / f"{fold}.json").read_text()) for fold in range(4)]
    assert all(MODELS["fold"].model_validate(one) for one in facts)
    assert [one["rows_answered"] for one in facts] == read_json(outcome.run.path / "split" / "manifest.json")["folds"]
    assert len({one["seed"] for one in facts}) == 4
    trained: list[int] = []
    monkeypatch.setattr(training, "_train", lambda ground, places, fold: trained.append(fold) or {})
    again = ground_of(outcome.run)
    train_folds(again)
    assert trained == []
    kept = (folder / "2.json").read_text()
    (folder / "2.json").unlink()
    train_folds(again)
    assert trained == [2]
    (folder / "2.json").write_text(kept)
    train_folds(dataclasses.replace(again, plan=dataclasses.replace(again.plan, lora_dropout=0.5)))
    assert trained == [2, 0, 1, 2, 3]
    for fold, one in enumerate(facts):
        (folder / f"{fold}.json").write_text(json.dumps(one))


def ground_of(run: Any) -> Ground:
    """What the train stage had."""
    recipe = read(run.path / "recipe.yaml", run.record.overrides).recipe
    choice, plan, tokens = Choice.load(run), Tuned.load(run), Tokens.load(run)
    examples = {side: tokens.examples(side) for side in ("train", "valid")}  # type: ignore[arg-type]
    return Ground(recipe, choice, plan, tokens.task, examples, run)  # type: ignore[arg-type]


def test_rows_of_folds_are_those_of_both_sides(outcome: Any) -> None:
    splits = Splits.load(outcome.run)
    joined = FoldRows(splits)
    assert joined.counts["folds"] == N
    ids = joined.row_ids("folds").to_pylist()
    assert ids == splits.row_ids("train").to_pylist() + splits.row_ids("valid").to_pylist()
    assert joined.table("folds", columns=("row",))["row"].to_pylist() == ids
    assert len(joined.clusters("folds")) == N
    assert joined.axes == splits.axes


def test_findings_are_asked_of_all_of_them(outcome: Any) -> None:
    found = {line["code"]: line for line in read_jsonl(outcome.run.path / "evaluate" / "findings.jsonl")}
    assert {"EVA001", "EVA004", "EVA005", "EVA010", "EVA020", "EVA021", "EVA022"} <= set(found)
    assert found["EVA021"]["status"] == "not_applicable"
    assert found["EVA010"]["status"] == "passed"


def test_weak_slices_are_found_on_one_half_and_confirmed_on_the_other(outcome: Any) -> None:
    scores = read_json(outcome.run.path / "evaluate" / "scores.json")
    assert scores["slices_searched"]["why_not"] is None
    [worst, *_] = scores["slices"]
    assert "w59" in worst["where"]
    assert (worst["found_on"], worst["confirmed_on"], worst["state"]) == ("folds", "folds", "confirmed")
    assert worst["n"] + worst["n_found"] <= sum("w59" in f"{row['subject']} {row['body']}".split() for row in with_a_weak_slice())


def test_rows_that_are_cut_are_told(tmp_path: Path) -> None:
    recipe = project(tmp_path, content=rows(120), split=SPLIT, fail_on="never", evaluate={"baselines": ["majority"]},
                     prepare={"max_length": 6}, train={"num_train_epochs": 1})  # fmt: skip
    found = start(recipe, workspace=tmp_path / "runs")
    [cut] = [line for line in read_jsonl(found.run.path / "evaluate" / "findings.jsonl") if line["code"] == "EVA010"]
    assert cut["status"] == "open"
    assert cut["n_rows"] > 60


def test_a_child_is_compared_on_the_same_folds(outcome: Any) -> None:
    run = outcome.run
    found = compare([run, run_like(run)])
    assert all(verdict["difference"]["method"].endswith("_folds") for verdict in found["verdicts"])
    assert all(
        "cannot tell: the difference is 0" in verdict["text"] or verdict["difference"]["value"] == 0 for verdict in found["verdicts"]
    )


def run_like(run: Any) -> Any:
    """Another run with the same answers."""
    other = run.workspace / f"{run.id}-twin"
    if not other.exists():
        shutil.copytree(run.path, other)
        record = json.loads((other / "run.json").read_text())
        (other / "run.json").write_text(json.dumps(record | {"id": other.name}))
    return Run.open(other)


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
    assert len(answers(found.run)["majority"]) == 30
