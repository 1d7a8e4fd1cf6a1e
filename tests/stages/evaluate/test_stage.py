"""The stage in a run folder: files, the seal, the ledger, what a tiny model leaves behind."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.data.ids import test_fingerprint as fingerprint_of
from goodfit.errors import DataError, ModelError, SettingsError
from goodfit.files import read_json, read_jsonl, write_json
from goodfit.models.save import save
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.schemas import ScoredRows
from goodfit.stages.evaluate import Evaluation, evaluate
from goodfit.tasks import Classification, Decision, Saved
from tests import tiny
from tests.stages.evaluate.make import Splits

LABELS = ("billing/€", 'bug "x"', "10")


class Trained(SimpleNamespace):
    """What the Result of `train` offers."""

    folder: Path
    fingerprint: str = "b2:train"


def table(n: int, seed: int, *, multi_label: bool = False) -> dict[str, Any]:
    rng = random.Random(seed)
    y = [i % 3 for i in range(n)]
    texts = [
        " ".join(rng.choices([f"w{10 * k + j}" for j in range(8)], k=3) + rng.choices([f"w{j}" for j in range(40, 60)], k=4)) for k in y
    ]
    label = [[LABELS[k]] if k else [] for k in y] if multi_label else [LABELS[k] for k in y]
    return {"text": texts, "label": label, "group": [i // 2 for i in range(n)]}


def place(path: Path, *, multi_label: bool = False, test: int = 90, **section: Any) -> tuple[Recipe, Trained, Splits, Run]:
    """A run folder with a (random) tiny model, and divided rows."""
    content = {
        "train": table(240, 0, multi_label=multi_label),
        "valid": table(60, 1, multi_label=multi_label),
        "test": table(test, 2, multi_label=multi_label),
    }
    splits = Splits(content, multi_label=multi_label, key=None)
    splits.fingerprint = "b2:splits"  # type: ignore[attr-defined]
    run = Run.create(path / "runs", name="t", recipe_text="{}", recipe_hash="b2:0", base=path)
    rows = {name: [f"{name}{i:06d}" for i in range(len(columns["text"]))] for name, columns in content.items()}
    names = [(row, name) for name, listed in rows.items() for row in listed]
    pq.write_table(pa.table({"row": [r for r, _ in names], "split": [s for _, s in names]}), run.folder("split") / "assignment.parquet")
    run.record.test = {"fingerprint": fingerprint_of(rows["test"]), "models_scored": 0}
    model = tiny.model("bert", labels=3, multi_label=multi_label)
    model.config.id2label = dict(enumerate(LABELS))
    model.config.label2id = {name: i for i, name in enumerate(LABELS)}
    folder = run.folder("train") / "model"
    save(model, tiny.tokenizer(), folder)
    tiny.folder("bert", path / "base")
    write_json(run.folder("choose") / "candidates.json", {"base": {"path": str(path / "base")}})
    decision = (
        Decision(thresholds=(0.4, 0.5, 0.6))
        if multi_label
        else Decision(temperature=2.0, temperature_applied=True, fitted_on="valid", n=60)
    )
    Saved(Classification(LABELS, multi_label=multi_label, decision=decision), ("text",), 12).save(folder)
    recipe = Recipe.model_validate({"task": {"multi_label": multi_label}, "data": {"path": "x.csv"}, "evaluate": section})
    return recipe, Trained(folder=folder), splits, run


def go(made: tuple[Recipe, Trained, Splits, Run]) -> Evaluation:
    recipe, trained, splits, run = made
    return evaluate(recipe, trained, splits, run)


def scores(run: Run, name: str = "scores.json") -> dict[str, Any]:
    document = read_json(run.path / "evaluate" / name)
    ScoredRows.model_validate(document)
    return dict(document)


def test_test_rows_are_opened_once_and_everything_is_left(tmp_path: Path) -> None:
    made = place(tmp_path, gates={"accuracy": ">= 0.99"})
    run, found = made[3], go(made)
    assert (found.on, found.n, found.primary.name, found.primary.split) == ("test", 90, "macro_f1", "test")
    assert len(read_jsonl(run.workspace / "ledger.jsonl")) == 1
    document = scores(run)
    assert document == scores(run, "scores.test.json")
    assert list(document["systems"]) == ["model", "majority", "tfidf", "knn"]
    assert document["systems"]["knn"]["encoder"] == "base"
    assert document["systems"]["tfidf"]["rows"] == 240
    assert document["ledger"] == {"models_scored": 1, "level_corrected": 0.95, "state": "fresh"}
    assert document["calibration"]["temperature"] == 2.0
    assert found.primary.clusters == 45
    assert [v.question for v in found.verdicts] == [
        f"model vs {name} on {kind}" for name in ("majority", "tfidf", "knn") for kind in ("macro_f1", "accuracy")
    ]
    assert found.gates[0]["answer"] == "missed"
    again = Evaluation.load(run)
    assert (again.on, again.n, again.primary, again.verdicts, again.gates) == (
        found.on,
        found.n,
        found.primary,
        found.verdicts,
        found.gates,
    )
    codes = [line["code"] for line in read_jsonl(run.path / "evaluate" / "findings.jsonl")]
    assert codes == [f"EVA{i:03d}" for i in (1, 1, 1, *range(2, 11), 18, 19, 20, 21, 22, 23)]
    assert run.record.stages["evaluate"].findings["error"] >= 1  # random weights lose to tfidf


def test_the_file_of_predictions_gives_the_scores(tmp_path: Path) -> None:
    made = place(tmp_path)
    go(made)
    found = pq.read_table(made[3].path / "evaluate" / "predictions.parquet")
    assert found.column_names == ["row", "split", "system", "label", "prediction", *(f"p_{name}" for name in LABELS)]
    assert found.group_by(["split", "system"]).aggregate([([], "count_all")]).num_rows == 8
    assert found.num_rows == 4 * (60 + 90)
    mine = found.filter(
        np.asarray([s == "test" and k == "model" for s, k in zip(found["split"].to_pylist(), found["system"].to_pylist(), strict=True)])
    )
    p = np.stack([np.asarray(mine[f"p_{name}"]) for name in LABELS], 1)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
    assert mine["prediction"].to_pylist() == [LABELS[i] for i in p.argmax(1)]
    right = np.mean([a == b for a, b in zip(mine["prediction"].to_pylist(), mine["label"].to_pylist(), strict=True)])
    accuracy = next(s for s in scores(made[3])["scores"] if s["name"] == "accuracy" and s["system"] == "model")
    assert accuracy["value"] == pytest.approx(right)
    wrong = [line["row"] for line in read_jsonl(made[3].path / "evaluate" / "mistakes.jsonl")]
    assert len(wrong) == min(50, round(90 * (1 - right)))
    texts = dict(
        zip(
            made[2].table("test", key=object()).column("row").to_pylist(),
            made[2].table("test", key=object()).column("text").to_pylist(),
            strict=True,
        )
    )
    assert all(texts[line["row"]] == line["text"] for line in read_jsonl(made[3].path / "evaluate" / "mistakes.jsonl"))


def test_validation_leaves_the_seal_alone(tmp_path: Path) -> None:
    made = place(tmp_path, on="valid", baselines=["majority"])
    found = go(made)
    assert found.on == "valid"
    assert found.primary.selected
    assert not (made[3].workspace / "ledger.jsonl").exists()
    assert "test" not in made[2].opened
    document = scores(made[3], "scores.valid.json")
    assert "ledger" not in document
    predictions = pq.read_table(made[3].path / "evaluate" / "predictions.parquet")
    assert set(predictions["split"].to_pylist()) == {"valid"}


def test_multi_label(tmp_path: Path) -> None:
    made = place(tmp_path, multi_label=True)
    found = go(made)
    document = scores(made[3])
    assert document["calibration"]["thresholds"] == dict(zip(LABELS, (0.4, 0.5, 0.6), strict=True))
    assert found.primary.name == "macro_f1"
    predictions = pq.read_table(made[3].path / "evaluate" / "predictions.parquet")
    assert predictions.schema.field("prediction").type == pa.list_(pa.string())
    row = predictions.slice(0, 1).to_pylist()[0]
    given = [name for name, cut in zip(LABELS, (0.4, 0.5, 0.6), strict=True) if row[f"p_{name}"] >= cut]
    assert row["prediction"] == given
    tfidf = next(s for s in document["scores"] if s["name"] == "macro_f1" and s["system"] == "tfidf")
    assert tfidf["value"] > 0.8


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first, second = place(tmp_path / "a"), place(tmp_path / "b")
    go(first), go(second)
    one, two = scores(first[3]), scores(second[3])
    assert json.dumps(one | {"run": ""}) == json.dumps(two | {"run": ""})


def test_a_second_run_on_the_same_rows_is_counted(tmp_path: Path) -> None:
    go(place(tmp_path))
    second = place(tmp_path)
    go(second)
    document = scores(second[3])
    assert document["ledger"]["models_scored"] == 2
    tops = [s for s in document["scores"] if s["name"] == "macro_f1" and s["system"] == "model"]
    assert [s["level"] for s in tops] == [0.95, 0.975]


def test_no_rows_to_score(tmp_path: Path) -> None:
    recipe, trained, splits, run = place(tmp_path)
    splits._tables["test"] = splits._tables["test"].slice(0, 0)
    with pytest.raises(DataError, match="no test rows to score") as caught:
        evaluate(recipe, trained, splits, run)
    assert "evaluate.on: valid" in str(caught.value)
    assert not (run.workspace / "ledger.jsonl").exists()


def test_wrong_names_are_found_before_the_seal_is_broken(tmp_path: Path) -> None:
    for section in ({"baselines": ["tf-idf"]}, {"metrics": ["f_1"]}, {"gates": {"acuracy": ">= 0.5"}}):
        made = place(tmp_path, **section)
        with pytest.raises(SettingsError, match="evaluate"):
            go(made)
        assert not (made[3].workspace / "ledger.jsonl").exists()
        assert not (made[3].path / "evaluate" / "predictions.parquet").exists()


def test_a_model_without_its_task_is_refused(tmp_path: Path) -> None:
    made = place(tmp_path)
    facts = read_json(made[1].folder / "goodfit.json")
    del facts["task"]
    (made[1].folder / "goodfit.json").write_text(json.dumps(facts))
    with pytest.raises(ModelError, match="does not say what the task is"):
        go(made)


def test_a_failure_leaves_no_half_written_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = place(tmp_path)
    from goodfit.tasks.predictor import Predictor

    def broken(self: Predictor, texts: Any) -> Any:
        raise ModelError("the model's answer is not a number")

    monkeypatch.setattr(Predictor, "raw", broken)
    with pytest.raises(ModelError):
        go(made)
    folder = made[3].path / "evaluate"
    assert [path.name for path in folder.iterdir()] == []
    assert made[3].record.stages["evaluate"].state == "failed"
