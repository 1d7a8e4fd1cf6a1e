"""Systems that the user brings to a classification: files, earlier runs, folders of classifiers; what is wrong with them is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.errors import DataError, GoodfitError, ModelError, SettingsError
from goodfit.files import read_jsonl
from goodfit.stages.evaluate.answering import NOT_ONE, spread
from goodfit.tasks.foresee import foresee
from tests import made, tiny
from tests.stages.evaluate.test_stage import LABELS, go, place, scores


def answers(n: int = 90, *, right: float = 0.9, names: tuple[str, ...] = LABELS, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [names[i % 3] if rng.random() < right else names[(i + 1) % 3] for i in range(n)]


def file_of(path: Path, told: list[Any], **more: Any) -> str:
    made.lines(
        path / "told.jsonl", [{"row": f"test{i:06d}", "prediction": one} | {k: v[i] for k, v in more.items()} for i, one in enumerate(told)]
    )
    return "told.jsonl"


def value(document: dict[str, Any], name: str, system: str) -> Any:
    return next(s for s in document["scores"] if s["name"] == name and s["system"] == system)


def test_a_file_is_a_system_like_any(tmp_path: Path) -> None:
    told = answers()
    found = place(tmp_path, predictions={"api": file_of(tmp_path, told)}, baselines=["majority"])
    go(found)
    document = scores(found[3])
    assert list(document["systems"]) == ["model", "majority", "api"]
    assert document["systems"]["api"] | {"no_label": 0, "kind": "file", "probabilities": False} == document["systems"]["api"]
    right = np.mean([one == LABELS[i % 3] for i, one in enumerate(told)])
    assert value(document, "accuracy", "api")["value"] == pytest.approx(right)
    assert value(document, "log_loss", "api")["why_absent"] == "no probabilities were given"
    asked = [v for v in document["verdicts"] if "model vs api" in v["question"]]
    assert [v["answer"] for v in asked] == ["worse", "worse"]
    assert {v["family"] for v in document["verdicts"]} == {"baselines"}
    table = pq.read_table(found[3].path / "evaluate" / "predictions.parquet")
    mine = [line for line in table.to_pylist() if line["system"] == "api"]
    assert [line["prediction"] for line in mine] == told
    assert {line["split"] for line in mine} == {"test"}
    assert mine[0][f"p_{LABELS[0]}"] is None


def test_probabilities_are_taken_where_every_label_has_them(tmp_path: Path) -> None:
    told = answers()
    p = {f"p_{name}": [0.8 if one == name else 0.1 for one in told] for name in LABELS}
    found = place(tmp_path, predictions={"api": file_of(tmp_path, told, **p)}, baselines=["majority"])
    go(found)
    assert value(scores(found[3]), "log_loss", "api")["value"] == pytest.approx(
        np.mean([-np.log(0.8 if one == LABELS[i % 3] else 0.1) for i, one in enumerate(told)]), rel=1e-5
    )
    (tmp_path / "b").mkdir()
    bad = place(tmp_path / "b", predictions={"api": file_of(tmp_path / "b", told, **(p | {f"p_{LABELS[1]}": [1.5] * 90}))})
    with pytest.raises(DataError, match="is no probability"):
        go(bad)


def test_texts_match_too_and_a_text_that_is_missing_leaves_the_file_out(tmp_path: Path) -> None:
    found = place(tmp_path, predictions={"api": "t.csv"}, baselines=["majority"])
    texts = found[2].table("test", key=object())["text"].to_pylist()
    made.table(tmp_path / "t.csv", [{"text": f" {t} ", "prediction": LABELS[i % 3]} for i, t in enumerate(texts)])
    go(found)
    assert value(scores(found[3]), "accuracy", "api")["value"] == 1
    short = place(tmp_path / "s", predictions={"api": "t.csv"}, baselines=["majority"])
    made.table(tmp_path / "s" / "t.csv", [{"text": t, "prediction": LABELS[i % 3]} for i, t in enumerate(texts[:-2])])
    go(short)
    document = scores(short[3])
    assert "api" not in document["systems"]
    assert "2 rows of those scored have no answer" in document["left_out"]["api"]
    [said] = [line for line in read_jsonl(short[3].path / "evaluate" / "findings.jsonl") if line["code"] == "EVA019"]
    assert (said["status"], said["severity"]) == ("open", "note")


def test_names_are_matched_up_to_spelling_and_what_is_no_label_is_a_mistake(tmp_path: Path) -> None:
    told = answers(right=1.0)
    told[0], told[1], told[2] = "Billing €", "I think it is a bug", ""
    found = place(tmp_path, predictions={"api": file_of(tmp_path, told)}, baselines=["majority"])
    go(found)
    document = scores(found[3])
    facts = document["systems"]["api"]
    assert facts["spelled_otherwise"] == {"Billing €": LABELS[0]}
    assert facts["no_label"] == 2
    assert value(document, "accuracy", "api")["value"] == pytest.approx(88 / 90)
    table = pq.read_table(found[3].path / "evaluate" / "predictions.parquet").to_pylist()
    assert [line["prediction"] for line in table if line["system"] == "api"][:3] == [LABELS[0], None, None]


def test_no_label_is_spread_over_the_wrong_ones() -> None:
    told, truth = np.full(300, NOT_ONE), np.arange(300) % 3
    out = spread(told, truth, 3)
    assert (out != truth).all()
    assert np.bincount(out).tolist() == [100, 100, 100]
    strange = spread(np.array([NOT_ONE, NOT_ONE]), np.array([3, 4]), 3)
    assert ((strange >= 0) & (strange < 3)).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"row": f"test{i:06d}", "prediction": "yes"} for i in range(90)], "90 of its 90 predictions are no label of this task, 'yes'"),
        ([{"row": f"test{i:06d}", "label": LABELS[0]} for i in range(90)], "it has no column 'prediction'"),
        ([{"id": i, "prediction": LABELS[0]} for i in range(90)], "nothing says which row a line answers"),
        ([{"row": f"test{i:06d}", "prediction": LABELS[0]} for i in range(80)], "10 of the 90 rows asked have no answer"),
    ],
)
def test_a_file_that_cannot_serve_is_refused_while_the_rows_are_sealed(tmp_path: Path, content: list[Any], message: str) -> None:
    made.lines(tmp_path / "bad.jsonl", content)
    found = place(tmp_path, predictions={"api": "bad.jsonl"}, baselines=["majority"])
    with pytest.raises(DataError, match=message):
        go(found)
    assert not (found[3].workspace / "ledger.jsonl").exists()


def test_names_of_our_own_and_files_that_are_not_there(tmp_path: Path) -> None:
    for name, path, error in (("tfidf", "x.csv", SettingsError), ("model", "x.csv", SettingsError), ("api", "none.csv", DataError)):
        recipe, *_ = place(tmp_path / name, predictions={name: path})
        with pytest.raises(error, match="evaluate.predictions"):
            foresee(recipe, tmp_path)


def test_several_labels_in_a_cell(tmp_path: Path) -> None:
    told = [json.dumps([LABELS[i % 3]]) if i % 3 else "[]" for i in range(90)]
    made.table(tmp_path / "told.csv", [{"row": f"test{i:06d}", "prediction": one} for i, one in enumerate(told)])
    found = place(tmp_path, multi_label=True, predictions={"people": "told.csv"}, baselines=["majority"])
    go(found)
    assert value(scores(found[3]), "subset_accuracy", "people")["value"] == 1


def test_an_earlier_run_and_its_model_folder(tmp_path: Path) -> None:
    first = place(tmp_path / "a", baselines=["majority"])
    go(first)
    second = place(tmp_path / "b", baselines=["majority"], predictions={"earlier": str(first[3].path), "model_of_it": str(first[1].folder)})
    go(second)
    document = scores(second[3])
    assert [document["systems"][name]["kind"] for name in ("earlier", "model_of_it")] == ["run", "folder"]
    mine = value(document, "macro_f1", "model")["value"]
    assert value(document, "macro_f1", "earlier")["value"] == value(document, "macro_f1", "model_of_it")["value"] == mine
    (first[3].path / "evaluate" / "predictions.parquet").unlink()
    third = place(tmp_path / "c", baselines=["majority"], predictions={"earlier": str(first[3].path)})
    go(third)  # it answers itself: its test rows are these
    assert scores(third[3])["systems"]["earlier"]["kind"] == "folder"
    table = pq.read_table(first[3].path / "split" / "assignment.parquet")
    moved = pa.table({"row": table["row"], "split": ["train"] * table.num_rows})
    pq.write_table(moved, first[3].path / "split" / "assignment.parquet")
    with pytest.raises(DataError, match="was trained on 90 rows of those that are scored"):
        go(place(tmp_path / "d", predictions={"earlier": str(first[3].path)}))


def test_a_classifier_of_another_maker(tmp_path: Path) -> None:
    model = tiny.model("bert", labels=4)
    model.config.id2label = {0: "BUG x", 1: "10", 2: "other", 3: LABELS[0]}
    model.config.label2id = {name: i for i, name in model.config.id2label.items()}
    model.save_pretrained(tmp_path / "theirs")
    tiny.tokenizer().save_pretrained(tmp_path / "theirs")
    found = place(tmp_path, baselines=["majority"], predictions={"theirs": "theirs"})
    go(found)
    document = scores(found[3])
    assert document["systems"]["theirs"] == {"kind": "folder", "path": "theirs", "labels_lacking": 0}
    table = pq.read_table(found[3].path / "evaluate" / "predictions.parquet").to_pylist()
    assert {line["prediction"] for line in table if line["system"] == "theirs"} <= {*LABELS, None}
    model.config.id2label = dict(enumerate("pqrs"))
    model.config.label2id = {name: i for i, name in model.config.id2label.items()}
    model.save_pretrained(tmp_path / "theirs")
    with pytest.raises(ModelError, match="gives none of the labels of this task, but 'p'"):
        go(place(tmp_path / "x", predictions={"theirs": str(tmp_path / "theirs")}))
    with pytest.raises(GoodfitError):
        go(place(tmp_path / "y", predictions={"theirs": str(tmp_path)}))
