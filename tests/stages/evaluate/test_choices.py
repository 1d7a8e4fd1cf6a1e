"""Choice accuracy along the whole path, beside an independent computation in plain transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
import transformers as tf

from goodfit import start
from goodfit.errors import DataError, SettingsError
from goodfit.files import read_json
from goodfit.run import Run
from goodfit.settings import from_text
from goodfit.tasks.foresee import foresee
from tests import made

TRAIN = {"num_train_epochs": 2, "learning_rate": 0.005, "precision": "float32", "early_stopping": False, "samples": 0}
ANSWERS = ["rr", "bb", "gg", "ww", "a longer one"]


def chosen(n: int = 120) -> list[dict[str, Any]]:
    rows = made.chats(n)
    return [{**row, "options": ANSWERS if i % 4 else ["none", "of them"]} for i, row in enumerate(rows)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("choices")
    recipe = made.writing(
        folder, content=chosen(), task={"kind": "generation", "choices": "options"}, train=TRAIN,
        evaluate={"max_new_tokens": 4, "metrics": ["choice_accuracy", "choice_accuracy_norm", "choice_accuracy_token", "chrf"]},
    )  # fmt: skip
    outcome = start(recipe, workspace=folder / "runs")
    assert outcome.status == "done", outcome.error
    return outcome.run


def test_scores_and_verdicts_of_every_system(run: Run) -> None:
    document = read_json(run.path / "evaluate" / "scores.json")
    assert document["primary"] == "choice_accuracy"
    of = {(score["system"], score["name"]): score for score in document["scores"]}
    for system in ("model", "base", "few_shot", "retrieval"):
        assert of[system, "choice_accuracy"]["n"] == document["generation"]["choices"]["rows"]
        assert of[system, "choice_accuracy"]["low"] is not None
    assert document["generation"]["choices"]["left_out"] == document["written"] - document["generation"]["choices"]["rows"] > 0
    asked = {verdict["question"] for verdict in document["verdicts"]}
    assert {"model vs base on choice_accuracy", "model vs retrieval on choice_accuracy"} <= asked


def test_the_accuracy_is_that_of_plain_transformers(run: Run) -> None:
    document = read_json(run.path / "evaluate" / "scores.json")
    folder = run.path / "train" / "model"
    tokenizer, model = tf.AutoTokenizer.from_pretrained(folder), tf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    rows = {json.dumps(row["messages"][:1]): row for row in chosen()}
    assigned = [line for line in _test_prompts(run) if json.dumps(line) in rows]
    right = {"choice_accuracy": 0, "choice_accuracy_norm": 0, "choice_accuracy_token": 0}
    n = 0
    for messages in assigned:
        row = rows[json.dumps(messages)]
        answer = row["messages"][1]["content"]
        if answer not in row["options"]:
            continue
        n += 1
        costs = [_cost(model, tokenizer, messages, choice) for choice in row["options"]]
        for name, size in zip(right, ([1] * len(costs), [len(c) for c in row["options"]], [tokens for _, tokens in costs]), strict=True):
            best = min(range(len(costs)), key=lambda i, size=size: costs[i][0] / size[i])  # type: ignore[misc]
            right[name] += row["options"][best] == answer
    of = {score["name"]: score for score in document["scores"] if score["system"] == "model"}
    assert n == of["choice_accuracy"]["n"] > 5
    assert {name: of[name]["value"] for name in right} == {name: pytest.approx(count / n) for name, count in right.items()}


def _test_prompts(run: Run) -> list[list[dict[str, str]]]:
    lines = [json.loads(line) for line in (run.base / "chats.jsonl").read_text().splitlines()]
    split = pq.read_table(run.path / "split" / "assignment.parquet").to_pylist()
    places = [int(row["at"].rpartition(":")[2]) for row in split if row["split"] == "test"]
    return [lines[place - 1]["messages"][:1] for place in places]


def _cost(model: Any, tokenizer: Any, messages: list[dict[str, str]], choice: str) -> tuple[float, int]:
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    answer = [*tokenizer(choice, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    with torch.inference_mode():
        logits = model(torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    return -float(logits.gather(1, torch.tensor(answer)[:, None]).sum()), len(answer)


def test_what_choices_need_is_said_before_a_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="possible answers"):
        foresee(from_text("data: {path: a.jsonl}\ntask: {kind: generation}\nevaluate: {metrics: [choice_accuracy]}").recipe)
    with pytest.raises(SettingsError, match=r"task\.choices is for generation"):
        from_text("data: {path: a.jsonl}\ntask: {choices: options}")
    recipe = made.writing(tmp_path, content=chosen(30), task={"kind": "generation", "choices": "option"})
    outcome = start(recipe, workspace=tmp_path / "runs", until="split")
    assert isinstance(outcome.error, DataError)
    assert "'option' not found" in outcome.error.message
