"""The whole path in its breadth: families, adapters, multi-label in both shapes, given splits, several sources, weights, freezing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from goodfit.files import read_json
from goodfit.run import find
from tests import made
from tests.cli.test_path import call

SHORT = {"max_steps": 6, "eval_steps": 6, "learning_rate": 0.003, "precision": "float32"}


def walk(folder: Path, **changes: Any) -> dict[str, Any]:
    recipe = made.project(folder, **({"train": SHORT, "evaluate": {"baselines": ["majority"]}, "fail_on": "never"} | changes))
    code, document = call(folder, "run", str(recipe))
    assert (code, document["status"]) == (0, "done"), document["error"]
    return document


@pytest.mark.parametrize(
    ("family", "tier"), [("roberta", "packed"), ("distilbert", "packed"), ("deberta-v2", "padded"), ("llama", "packed"), ("gpt2", "packed")]
)
def test_families_walk_the_path(tmp_path: Path, family: str, tier: str) -> None:
    walk(tmp_path, family=family)
    run = find(tmp_path / "runs", "last")
    assert read_json(run.path / "train" / "best.json")["tier"] == tier
    code, answer = call(tmp_path, "predict", "last", "w1\nw2 w3")
    assert code == 0
    assert set(answer["predictions"][0]["probabilities"]) == set(made.LABELS)


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_an_adapter_loads_in_plain_peft(tmp_path: Path, family: str) -> None:
    import torch
    from peft import AutoPeftModelForSequenceClassification
    from transformers import AutoTokenizer

    walk(tmp_path, family=family, peft={"method": "lora", "r": 4})
    run = find(tmp_path / "runs", "last")
    folder = run.path / "train" / "model"
    assert run.record.model is not None
    assert run.record.model["kind"] == "peft"
    assert (folder / "adapter_config.json").is_file()
    plain = AutoPeftModelForSequenceClassification.from_pretrained(folder, num_labels=3).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(["w1\nw2 w3"], return_tensors="pt")
    with torch.inference_mode():
        theirs = plain(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).logits.softmax(-1)[0].tolist()
    ours = call(tmp_path, "predict", "last", "w1\nw2 w3")[1]["predictions"][0]["probabilities"]
    labels = sorted(made.LABELS)
    assert [ours[label] for label in labels] == pytest.approx(theirs, abs=1e-5)


def multi_rows(n: int = 240) -> list[dict[str, Any]]:
    out = []
    for i, row in enumerate(made.rows(n)):
        second = made.LABELS[(i + 1) % 3] if i % 2 else None
        out.append(
            {
                "text": f"{row['subject']} {row['body']}" + (f" w{10 * ((i + 1) % 3)}" if second else ""),
                "labels": sorted({row["queue"]} | ({second} if second else set())),
            }
        )
    return out


@pytest.mark.parametrize("shape", ["cell", "columns"])
def test_several_labels_in_one_cell_or_one_column_each(tmp_path: Path, shape: str) -> None:
    listed = multi_rows()
    if shape == "cell":
        content, label = [{"text": r["text"], "tags": "|".join(r["labels"])} for r in listed], "tags"
    else:
        content = [{"text": r["text"]} | {name: int(name in r["labels"]) for name in made.LABELS} for r in listed]
        label = list(made.LABELS)  # type: ignore[assignment]
    task = {"text": "text", "label": label, "multi_label": True}
    document = walk(
        tmp_path,
        content=content,
        task=task,
        groups={},
        split={"test_size": 0.25, "valid_size": 0.2},
        evaluate={"baselines": ["majority", "tfidf"]},
    )
    run = find(tmp_path / "runs", "last")
    scores = read_json(run.path / "evaluate" / "scores.json")
    assert sorted(scores["labels"]) == sorted(made.LABELS)
    assert {s["name"] for s in scores["scores"]} >= {"macro_f1", "micro_f1"}
    assert document["headline"]["n"] >= 50
    predictions = pq.read_table(run.path / "evaluate" / "predictions.parquet")
    assert isinstance(predictions["label"][0].as_py(), list)
    assert set(read_json(run.path / "train" / "model" / "goodfit.json")["task"]["decision"])  # thresholds and temperature
    code, answer = call(tmp_path, "predict", "last", "w1 w2 w11 w12")
    assert code == 0
    assert set(answer["predictions"][0]["labels"]) <= set(made.LABELS)


def test_given_splits_keep_their_rows_and_leaks_are_said(tmp_path: Path) -> None:
    parts = {"train": made.rows(150, seed=1), "valid": made.rows(60, seed=2), "test": made.rows(60, seed=3)}
    parts["test"][:3] = parts["train"][:3]
    tmp_path.mkdir(exist_ok=True)
    for name, content in parts.items():
        made.table(tmp_path / f"{name}.csv", content)
    walk(tmp_path, data={name: f"{name}.csv" for name in parts}, split={})
    run = find(tmp_path / "runs", "last")
    assert read_json(run.path / "split" / "manifest.json")["splits"] == {"train": 150, "valid": 60, "test": 60}
    assert any(f.kind == "leakage" and f.status == "open" and f.n_rows >= 3 for f in run.findings())
    assignment = pq.read_table(run.path / "split" / "assignment.parquet").to_pylist()
    assert all(r["at"].split(".csv")[0] == r["split"] for r in assignment)


def test_several_sources_with_weights(tmp_path: Path) -> None:
    tmp_path.mkdir(exist_ok=True)
    made.table(tmp_path / "a.csv", made.rows(120, seed=1))
    (tmp_path / "b.jsonl").write_text("\n".join(json.dumps(r) for r in made.rows(120, seed=2)))
    walk(tmp_path, data={"sources": [{"path": "a.csv", "weight": 2.0}, {"path": "b.jsonl"}]}, split={})
    manifest = read_json(find(tmp_path / "runs", "last").path / "split" / "manifest.json")
    assert manifest["used"] == 240


@pytest.mark.parametrize("train", [{"freeze": "body"}, {"freeze": 1}, {"class_weights": "balanced"}, {"class_weights": {"bug": 3.0}}, {"label_smoothing_factor": 0.1},
                                   {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 3}, {"lr_scheduler_type": "cosine", "warmup_steps": 2}])  # fmt: skip
def test_what_can_be_set_about_the_training(tmp_path: Path, train: dict[str, Any]) -> None:
    walk(tmp_path, train=SHORT | train)


def test_evaluating_on_validation_leaves_the_test_set_sealed(tmp_path: Path) -> None:
    document = walk(tmp_path, evaluate={"on": "valid", "baselines": ["majority"]})
    assert document["headline"]["split"] == "valid"
    assert document["headline"]["selected"] is True
    assert not (tmp_path / "runs" / "ledger.jsonl").exists()


def test_texts_in_order_of_time(tmp_path: Path) -> None:
    content = [r | {"day": f"2026-{1 + i // 28:02d}-{1 + i % 28:02d}"} for i, r in enumerate(made.rows(240))]
    walk(tmp_path, content=content, split={"time": "day", "test_size": 0.25, "valid_size": 0.2})
    rows = pq.read_table(find(tmp_path / "runs", "last").path / "split" / "assignment.parquet").to_pylist()
    lines = {side: [int(r["at"].rsplit(":", 1)[1]) for r in rows if r["split"] == side] for side in ("train", "valid", "test")}
    assert max(lines["train"]) < min(lines["valid"])
    assert max(lines["valid"]) < min(lines["test"])


def test_texts_with_several_labels_pass_every_check_of_the_data(tmp_path: Path) -> None:
    content: list[dict[str, Any]] = [
        {"text": r["text"]} | {name: int(name in r["labels"]) for name in made.LABELS} for r in multi_rows(120)
    ]
    content += [
        content[0] | {"bug": 1 - content[0]["bug"]},
        content[1],
        {"text": "", "billing": 1, "bug": 0, "sales": 0},
        {"text": "w1 w9 w44", "billing": "", "bug": "", "sales": ""},
    ]
    recipe = made.project(
        tmp_path,
        content=content,
        task={"text": "text", "label": list(made.LABELS), "multi_label": True},
        groups={},
        split={},
        fail_on="never",
    )
    code, document = call(tmp_path, "audit", str(recipe))
    assert (code, document["status"]) == (0, "partial"), document["error"]
    kinds = {f.kind for f in find(tmp_path / "runs", "last").findings() if f.status == "open"}
    assert {"conflicting_labels", "duplicates"} <= kinds
