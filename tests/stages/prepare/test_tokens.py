"""Tokens that the recipe adds, along the whole path: learned, saved, and the same answers in plain transformers and PEFT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goodfit import start
from goodfit.errors import SettingsError
from goodfit.files import read_json, read_jsonl
from goodfit.models.load import load_trained
from goodfit.run import Run
from goodfit.settings import from_text
from goodfit.stages.prepare.shown import first_rows
from goodfit.tasks.foresee import foresee
from goodfit.tasks.writer import Writer
from tests import made

TRAIN = {"num_train_epochs": 2, "learning_rate": 0.01, "precision": "float32", "early_stopping": False, "samples": 1}
EVALUATE = {"baselines": ["base"], "rows": 6, "max_new_tokens": 6}
COLOUR = "<|colour|>"


def coloured(n: int = 100) -> list[dict[str, Any]]:
    out = made.chats(n)
    for row in out:
        row["messages"][0]["content"] = f"{COLOUR} {row['messages'][0]['content']}"
        row["messages"][1]["content"] = f"crimson {COLOUR}"
    return out


@pytest.fixture(scope="module", params=["full", "lora"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp(request.param)
    recipe = made.writing(
        folder, content=coloured(), prepare={"special_tokens": [COLOUR], "added_tokens": ["crimson"]}, train=TRAIN, evaluate=EVALUATE,
        peft={"method": request.param, "r": 4},
    )  # fmt: skip
    outcome = start(recipe, workspace=folder / "runs")
    assert outcome.status == "done", outcome.error
    return outcome.run


def test_added_tokens_are_single_tokens_of_the_rows(run: Run) -> None:
    row = first_rows(run, 1)[0]
    text = "".join(text for text, _ in row.pieces)
    assert f"crimson {COLOUR}" in text
    tokenizer = load_trained(run.path / "train" / "model").tokenizer
    for token in (COLOUR, "crimson"):
        assert row.ids.count(tokenizer.convert_tokens_to_ids(token)) == text.count(token)
    assert "'added': ['crimson']" in str(read_json(run.path / "prepare" / "manifest.json")["task"])


def test_the_saved_folder_answers_the_same_in_plain_transformers(run: Run) -> None:
    parity = read_json(run.path / "evaluate" / "parity.json")
    assert parity["failed"] is None
    assert parity["equal"], parity


def test_the_base_model_is_asked_with_the_same_tokens(run: Run) -> None:
    scores = read_json(run.path / "evaluate" / "scores.json")
    assert {score["system"] for score in scores["scores"]} >= {"model", "base"}


def test_it_writes_with_them(run: Run) -> None:
    writer = Writer.load(run.path / "train" / "model")
    asked = {"messages": coloured(1)[0]["messages"][:1]}
    (reply,) = writer.write([asked], max_new_tokens=6)
    assert reply.text is not None
    assert COLOUR not in reply.text


def finding(run: Run) -> dict[str, Any]:
    (found,) = [line for line in read_jsonl(run.path / "prepare" / "findings.jsonl") if line["code"] == "PRE008"]
    return dict(found)


def test_a_control_token_that_the_tokenizer_does_not_know_is_a_finding(tmp_path: Path) -> None:
    names = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    task = {"kind": "generation", "chat_template": "llama3"}
    loose = start(made.writing(tmp_path, task=task), workspace=tmp_path / "runs", until="prepare").run
    found = finding(loose)
    assert found["status"] == "open"
    assert found["severity"] == "warning"
    assert "<|start_header_id|>" in found["detail"]
    assert "chats.jsonl" in found["detail"]
    whole = start(made.writing(tmp_path, task=task, prepare={"special_tokens": names}), workspace=tmp_path / "runs", until="prepare").run
    assert finding(whole)["status"] == "passed"
    used = [read_json(run.path / "prepare" / "manifest.json")["tokens"]["used"] for run in (loose, whole)]
    assert used[1] < used[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("prepare: {special_tokens: [' ']}\ntask: {kind: generation}", "blank"),
        ("prepare: {special_tokens: [a, a]}\ntask: {kind: generation}", "twice"),
        ("prepare: {special_tokens: [a], added_tokens: [a]}\ntask: {kind: generation}", "among special_tokens and added_tokens"),
        ("prepare: {special_tokens: [a]}", "for generation"),
        ("prepare: {special_tokens: [a]}\ntask: {kind: generation}\ntrain: {freeze: embeddings}", "keeps its row as it is"),
        ("new_special_tokens_config: x", "prepare.special_tokens"),
        ("add_tokens: x", "prepare.added_tokens"),
    ],
)
def test_what_cannot_be_added_is_said_before_a_run(more: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        foresee(from_text(f"data: {{path: a.jsonl}}\n{more}").recipe)
