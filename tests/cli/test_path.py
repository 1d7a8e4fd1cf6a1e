"""The whole path through the command line, on a tiny model: files, JSON, exit codes, resume and reuse."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from goodfit.cli import main
from goodfit.files import read_json, read_jsonl
from goodfit.run import find, list_runs
from goodfit.schemas import FILES, MODELS
from tests import made

Verb = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one finished run; tests read it, and make children of it."""
    folder = tmp_path_factory.mktemp("project")
    recipe = made.project(folder)
    code, document = call(folder, "run", str(recipe))
    assert code == 0, document
    return folder


def call(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """One verb with --json."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        out = CliRunner().invoke(main, [*words, "--json"])
    finally:
        os.chdir(before)
    assert out.exception is None or isinstance(out.exception, SystemExit), out.exception
    return out.exit_code, json.loads(out.stdout)


def test_the_document_of_a_run(done: Path) -> None:
    run = find(done / "runs", "last")
    code, document = call(done, "run", "recipe.yaml")  # nothing to do: the same answer again
    assert code == 0
    assert document["run"] == {"id": run.id, "path": f"runs/{run.id}", "parent": None, "resumed": True}
    assert document["status"] == "done"
    assert [s["name"] for s in document["stages"]] == [
        "split",
        "audit",
        "choose",
        "prepare",
        "tune",
        "train",
        "evaluate",
        "assess",
        "report",
    ]
    assert document["headline"]["name"] == "macro_f1"
    assert document["headline"]["low"] < document["headline"]["value"] < document["headline"]["high"]
    assert {v["question"].split(" on ")[0] for v in document["verdicts"]} >= {"model vs tfidf", "model vs majority"}
    assert set(document["files"]) == {"report", "report_json", "model", "card", "data_card", "log"}
    assert all((run.path / path).exists() for path in document["files"].values())
    assert len(list_runs(done / "runs")) == 1 or run.record.parent is None


def test_every_file_validates_against_its_schema(done: Path) -> None:
    run = find(done / "runs", "last")
    seen = 0
    for name, schema in FILES.items():
        path = run.path / name
        if not path.exists():
            continue
        seen += 1
        for document in read_jsonl(path) if path.suffix == ".jsonl" else [read_json(path)]:
            MODELS[schema].model_validate(document)
    assert seen >= 10
    written = {str(p.relative_to(run.path)) for p in [*run.path.glob("*.json"), *run.path.glob("*/*.json"), *run.path.glob("*/*.jsonl")]}
    assert {name for name in written if not name.endswith("/findings.jsonl")} <= {*FILES, "report.json"}
    for path in run.path.glob("*/findings.jsonl"):
        for line in read_jsonl(path):
            MODELS["finding"].model_validate(line)
    for line in read_jsonl(done / "runs" / "ledger.jsonl"):
        MODELS["ledger"].model_validate(line)


def test_rows_are_accounted_for_and_the_test_set_was_opened_once(done: Path) -> None:
    run = find(done / "runs", "last")
    assignment = pq.read_table(run.path / "split" / "assignment.parquet")
    assert assignment.column_names == ["row", "split", "fold", "group", "stratum", "at"]
    manifest = read_json(run.path / "split" / "manifest.json")
    assert manifest["read"] == 240 == manifest["used"] + sum(manifest["dropped"].values())
    assert sum(manifest["groups"]["region"]["n"].values()) > 0
    opened = [line for line in read_jsonl(done / "runs" / "ledger.jsonl") if line["run"] == run.id]
    assert [line["stage"] for line in opened] == ["evaluate", "assess"]
    assert len({line["model"] for line in opened}) == 1
    predictions = pq.read_table(run.path / "evaluate" / "predictions.parquet")
    assert {"row", "split", "system", "label", "prediction", "p_billing"} <= set(predictions.column_names)
    assert set(predictions["system"].to_pylist()) >= {"model", "majority", "tfidf"}


def test_the_saved_model_answers_alike_in_plain_transformers(done: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    run = find(done / "runs", "last")
    folder = run.path / "train" / "model"
    plain, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    texts = ["w1\nw2 w3", "w11\nw12 w13 w44 w45", "w21\nw22"]
    with torch.inference_mode():
        theirs = plain(**tokenizer(texts, return_tensors="pt", padding=True)).logits.softmax(-1)
    code, document = call(done, "predict", "last", *texts)
    assert code == 0
    for row, prediction in zip(theirs, document["predictions"], strict=True):
        for index, p in enumerate(row.tolist()):
            assert prediction["probabilities"][plain.config.id2label[index]] == pytest.approx(p, abs=1e-5)
    assert set(plain.config.id2label.values()) == set(made.LABELS)


def test_resolved_yaml_says_what_auto_became(done: Path) -> None:
    import yaml

    resolved = yaml.safe_load((find(done / "runs", "last").path / "resolved.yaml").read_text())
    assert isinstance(resolved["prepare"]["max_length"], int)
    assert isinstance(resolved["train"]["per_device_train_batch_size"], int)
    assert resolved["train"]["learning_rate"] == 0.004
    plan = read_json(find(done / "runs", "last").path / "tune" / "plan.json")
    assert plan["reasons"]["train.learning_rate"] == "given in the recipe"


def test_best_json_says_which_step_and_why(done: Path) -> None:
    best = read_json(find(done / "runs", "last").path / "train" / "best.json")
    assert best["score"]["selected"] is True
    assert str(best["step"]) in best["reason"]
    assert best["tier"] == "packed"


def test_a_changed_recipe_reuses_what_it_does_not_touch(done: Path) -> None:
    parent = find(done / "runs", "last")
    code, document = call(done, "run", "recipe.yaml", "train.num_train_epochs=9")
    assert code == 0
    states = {s["name"]: s["state"] for s in document["stages"]}
    assert states["split"] == states["audit"] == states["prepare"] == "reused"
    assert states["train"] == "done"
    assert document["run"]["parent"] == parent.id
    code, compared = call(done, "compare", parent.id, document["run"]["id"])
    assert code == 0
    assert compared["verdicts"][0]["answer"] in {"better", "worse", "cannot_tell", "no_difference"}
    assert compared["differs"]["train.num_train_epochs"] == [10.0, 9.0]


def test_looking_verbs(done: Path) -> None:
    code, listed = call(done, "list")
    assert code == 0
    assert listed["runs"][0]["headline"]["name"] == "macro_f1"
    run = listed["runs"][0]["id"]
    code, shown = call(done, "show", run)
    assert (code, shown["run"]["status"]) == (0, "done")
    code, staged = call(done, "show", run, "split")
    assert staged["stage"]["state"] == "done"
    assignment = pq.read_table(done / "runs" / run / "split" / "assignment.parquet").to_pylist()
    hidden = next(r for r in assignment if r["split"] == "test")
    code, row = call(done, "show", run, "--row", hidden["row"])
    assert row["row"]["text"] == "sealed"
    assert row["row"]["at"] == hidden["at"]
    seen = next(r for r in assignment if r["split"] == "train")
    assert "w" in call(done, "show", run, "--row", seen["row"])[1]["row"]["text"]
    assert call(done, "show", run, "--row", "0000")[0] == 2
    code, doctor = call(done, "doctor")
    assert doctor["versions"]["torch"]
    assert call(done, "explain", "PRE001")[1]["page"].startswith("# PRE001")
    assert "did you mean PRE001" in call(done, "explain", "PPRE001")[1]["error"]["fix"]


def test_stage_verbs_stop_where_they_are_asked_to(tmp_path: Path) -> None:
    recipe = made.project(tmp_path)
    code, document = call(tmp_path, "prepare", str(recipe))
    assert (code, document["status"]) == (0, "partial")
    assert [s["name"] for s in document["stages"]][-1] == "prepare"
    code, document = call(tmp_path, "tune", "last")
    assert document["run"]["resumed"] is True
    assert [s["name"] for s in document["stages"]][-1] == "tune"
    assert len(list_runs(tmp_path / "runs")) == 1


def test_a_gate_decides_the_exit_code(tmp_path: Path) -> None:
    recipe = made.project(tmp_path, evaluate={"gates": {"accuracy": ">= 0.999"}, "baselines": []}, train={"max_steps": 2})
    code, document = call(tmp_path, "run", str(recipe))
    assert (code, document["gates"][0]["answer"]) == (1, "missed")
    assert document["status"] == "done"


def test_predict_a_file(done: Path, tmp_path: Path) -> None:
    code, answer = call(done, "predict", "last", "--file", "tickets.csv", "--out", str(tmp_path / "out.parquet"))
    assert code == 0, answer
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.num_rows == 240 == answer["rows"]
    assert out.column_names[:5] == ["subject", "body", "queue", "customer", "region"]
    assert {"row", "prediction", "p_billing", "p_bug", "p_sales"} <= set(out.column_names)
    assert out["subject"].to_pylist() == [row["subject"] for row in made.rows()]
    code, answer = call(done, "predict", "last", "--file", "tickets.csv", "--out", str(tmp_path / "out.parquet"))
    assert (code, answer["error"]["message"]) == (2, f"{tmp_path / 'out.parquet'} is there already")
    assert call(done, "predict", "last", "--file", "tickets.csv", "--out", str(tmp_path / "out.parquet"), "--force")[0] == 0
    code, answer = call(done, "predict", "last", "--file", "tickets.csv")
    assert code == 2
    assert "--out" in answer["error"]["message"] + answer["error"]["fix"]


def test_texts_from_standard_input(done: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "goodfit", "predict", "last", "-", "--json"], cwd=done, input="w1 w2\n\nw21 w22\n", capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    found = json.loads(said.stdout)["predictions"]
    assert [p["reason"] for p in found] == [None, "empty text", None]


@pytest.mark.parametrize("when", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_resumes(tmp_path: Path, when: signal.Signals) -> None:
    recipe = made.project(
        tmp_path, train={"num_train_epochs": 60, "learning_rate": 0.001, "precision": "float32", "early_stopping": False, "eval_steps": 20}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "goodfit", "run", str(recipe), "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    events = None
    for _ in range(3000):
        time.sleep(0.1)
        found = list((tmp_path / "runs").glob("*/train/events.jsonl")) if (tmp_path / "runs").exists() else []
        if found and '"eval"' in found[0].read_text():
            events = found[0]
        if events is not None or process.poll() is not None:
            break
    assert events is not None, process.communicate(timeout=10)
    process.send_signal(when)
    out, err = process.communicate(timeout=60)
    document = json.loads(out)
    assert process.returncode == 128 + when, err
    assert document["status"] == "interrupted"
    assert document["error"]["fix"] == "the same command resumes it"
    assert "Traceback" not in err
    run = list_runs(tmp_path / "runs")[0]
    assert run.record.status == "interrupted"
    (tmp_path / "recipe.yaml").touch()
    code, document = call(tmp_path, "run", "recipe.yaml", "-q")
    assert (code, document["status"], document["run"]["id"]) == (0, "done", run.id)
    kinds = [e["event"] for e in read_jsonl(events)]
    assert kinds.count("start") == 2
    assert "resumed" in kinds


def test_audit_false_is_skipped_and_said(tmp_path: Path) -> None:
    recipe = made.project(tmp_path, audit=False)
    code, document = call(tmp_path, "audit", str(recipe))
    assert (code, document["status"]) == (0, "partial")
    assert {s["name"]: s["state"] for s in document["stages"]}["audit"] == "skipped"
    record = list_runs(tmp_path / "runs")[0].record
    assert record.stages["audit"].reason == "audit: false"


def test_a_stage_is_shown_with_what_it_settled(done: Path) -> None:
    def said(*words: str) -> str:
        return subprocess.run([sys.executable, "-m", "goodfit", *words], cwd=done, capture_output=True, text=True, check=False).stdout

    plan = said("show", "last", "tune")
    assert "train.learning_rate" in plan
    assert "given in the recipe" in plan
    assert "kept: step" in said("show", "last", "train")
    assert call(done, "show", "last", "trian")[1]["error"]["fix"] == "did you mean train?"
    assert call(done, "show", "lst")[1]["error"]["fix"].startswith("did you mean last?")


def test_columns_that_the_user_names_need_no_guess(tmp_path: Path) -> None:
    made.project(tmp_path)
    code, document = call(tmp_path, "audit", "tickets.csv", "task.text=[body]", "task.label=region", "choose.model_name_or_path=model")
    assert code in (0, 1), document["error"]
    assert read_json(find(tmp_path / "runs", "last").path / "audit" / "profile.json")["labels"].keys() == {"n", "s"}


def test_a_page_is_written_again_without_any_work(done: Path, tmp_path: Path) -> None:
    shutil.copytree(done / "runs", tmp_path / "runs")
    run = find(tmp_path / "runs", "last")
    before = (run.path / "run.json").read_bytes()
    for file in ("report.html", "report.json", "README.md"):
        (run.path / file).unlink()
    code, document = call(tmp_path, "report", "last")
    assert (code, document["status"]) == (0, "done")
    assert (run.path / "report.html").stat().st_size > 10_000
    assert (run.path / "README.md").exists()
    assert (run.path / "run.json").read_bytes() == before


def test_a_page_of_an_unfinished_run_trains_nothing(tmp_path: Path) -> None:
    recipe = made.project(tmp_path)
    assert call(tmp_path, "audit", str(recipe))[0] == 0
    code, document = call(tmp_path, "report", "last")
    assert (code, document["status"]) == (0, "partial")
    assert {s["name"]: s["state"] for s in document["stages"]}.get("train", "pending") == "pending"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("task.text=[subjct]", "column 'subjct' not found"),
        ("split.by=custmer", "column 'custmer' not found"),
        ("evaluate.metrics=[f1]", "f1"),
        ("choose.model_name_or_path=no/such", "no/such"),
        ("data.path=nothing.csv", "nothing.csv"),
        ("train.metric_for_best_model=acc", "acc"),
    ],
)
def test_a_mistake_in_the_recipe_leaves_no_run_behind(tmp_path: Path, override: str, said: str) -> None:
    recipe = made.project(tmp_path)
    code, document = call(tmp_path, "run", str(recipe), override)
    assert code == 2
    assert said in document["error"]["message"]
    assert list_runs(tmp_path / "runs") == []


def test_the_same_model_on_another_page_is_not_a_second_model(done: Path, tmp_path: Path) -> None:
    shutil.copytree(done / "runs", tmp_path / "runs")
    for file in ("tickets.csv", "recipe.yaml"):
        shutil.copy(done / file, tmp_path / file)
    if (done / "model").is_dir():
        shutil.copytree(done / "model", tmp_path / "model")
    run = find(tmp_path / "runs", "last")
    scored = read_json(run.path / "evaluate" / "scores.json")["ledger"]["models_scored"]
    code, document = call(tmp_path, "run", "last", "report.show_text=none")
    child = find(tmp_path / "runs", "last")
    assert code == 0, document["error"]
    assert child.record.parent == run.id
    assert child.record.stages["train"].state == "reused"
    assert read_json(child.path / "evaluate" / "scores.json")["ledger"]["models_scored"] == scored


def test_a_run_that_writes_ends_in_its_own_words(tmp_path: Path) -> None:
    """Plain texts: bits per byte is no percentage; a model that answers is one to talk to."""
    lines = [{"text": f"line {i} of the plain text number {i % 7}"} for i in range(300)]
    made.writing(tmp_path / "texts", content=lines, template=False, train={"max_steps": 4, "precision": "float32"}, fail_on="never")
    out = CliRunner().invoke(main, ["run", str(tmp_path / "texts" / "recipe.yaml"), "--workspace", str(tmp_path / "runs")])
    assert out.exit_code == 0, out.output
    assert re.search(r"^bits_per_byte \d+\.\d{3} \[", out.output, re.MULTILINE), out.output[-600:]
    assert "next   goodfit chat " in out.output
