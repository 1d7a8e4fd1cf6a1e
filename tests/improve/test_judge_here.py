"""Judges of this machine, and the command: a tiny model's choices against plain transformers', what is said and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from goodfit.cli import main
from goodfit.files import read_json, read_jsonl, write_json
from goodfit.improve.judge import Question
from goodfit.improve.judge.local import LocalJudge
from goodfit.improve.review import Book
from goodfit.run import Run
from goodfit.tasks.masks import prompt_ids
from tests import reviewing, tiny
from tests.improve.judging import AB, people, said, server


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book.open(reviewing.run(tmp_path, reviewing.samples(60)), items=40)


# -- a model of this machine -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", [True, False])
def test_a_local_model_gives_the_chances_that_plain_transformers_gives(tmp_path: Path, template: bool) -> None:
    judge = LocalJudge.load(tiny.writer(tmp_path / "model", template=template))
    assert judge.chat is template
    question = Question("x <|im_end|> y: A, B or C?", AB)
    (chances,) = judge.ask([question])
    assert isinstance(chances, dict)
    assert sum(chances.values()) == pytest.approx(1.0)
    told = judge._told(question.text, "A")
    task, tokenizer, model = judge.reader.task, judge.tokenizer, judge.reader.model
    end = tokenizer.eos_token_id
    asked = {"messages": told["messages"][:1]} if template else {"prompt": told["prompt"]}
    prompt = prompt_ids(asked, tokenizer, task.template)
    assert prompt.count(end) == (1 if template else 0)  # the answer's own text ends nothing
    odds = []
    for option in AB:
        answer = [*tokenizer(option if template else f" {option}", add_special_tokens=False)["input_ids"], end]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
        odds.append(sum(float(logits[len(prompt) - 1 + i, token]) for i, token in enumerate(answer)))
    expected = torch.tensor(odds).softmax(0).tolist()
    assert list(chances.values()) == pytest.approx(expected, rel=1e-3)


def test_a_question_that_does_not_fit_has_no_answer(tmp_path: Path) -> None:
    judge = LocalJudge.load(tiny.writer(tmp_path / "model"))
    short, long = judge.ask([Question("A, B or C?", AB), Question("x" * 300, AB)])
    assert isinstance(short, dict)
    assert long == "the question is longer than the 256 tokens that the model reads"


# -- the command -------------------------------------------------------------------------------------------------------


def judge(run: Run, *words: str) -> Result:
    return CliRunner().invoke(main, ["judge", run.id, "-w", str(run.workspace), *words])


def test_the_command_asks_a_server_only_after_a_yes(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    people(book)
    monkeypatch.setenv("SOME_KEY", "k-9")
    with server(said("A")) as (url, asked):
        words = ["--model", "org/big", "--base-url", url, "--key-env", "SOME_KEY"]
        refused = judge(book.run, *words)
        assert refused.exit_code == 2
        assert "80 questions about 40 items" in refused.stderr
        assert "are sent to http://127.0.0.1" in refused.stderr
        assert asked == []
        out = judge(book.run, *words, "--yes", "--json")
    assert out.exit_code == 0, out.stderr
    document = json.loads(out.stdout)
    assert (document["asked"], document["answered"], document["unread"]) == (80, 40, 0)
    assert document["judge"]["name"] == "big"
    assert not document["judge"]["trusted"]
    assert len(asked) == 80
    assert {entry["key"] for entry in asked} == {"Bearer k-9"}
    assert not any("model" in entry["body"]["messages"][0]["content"].split("The request:")[1] for entry in asked)
    everything = "".join(path.read_text() for path in book.folder.rglob("*") if path.is_file())
    assert "k-9" not in everything + out.stdout + out.stderr
    shown = CliRunner().invoke(main, ["review", book.run.id, "-w", str(book.run.workspace), "--results"])
    assert "withheld" in shown.stdout
    assert "judge big: it agrees with people no more than chance" in shown.stdout


def test_the_command_with_a_local_model(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path, reviewing.samples(8))
    model = tiny.writer(tmp_path / "tinyjudge", max_position_embeddings=4096)
    settings = model / "tokenizer_config.json"
    write_json(settings, read_json(settings) | {"model_max_length": 4096})
    missing = judge(run, "--model", str(model))
    assert missing.exit_code == 2
    assert f"goodfit review {run.id}" in missing.stderr
    Book.open(run)
    out = judge(run, "--model", str(model))
    assert out.exit_code == 0, out.stderr
    assert "tinyjudge: 8 items judged" in out.stdout
    assert "not enough human judgements" in out.stdout
    (line, *_) = read_jsonl(run.path / "review" / "judges" / "tinyjudge.jsonl")
    assert line["judge"]["content"].startswith("b2:")
    assert line["prefer"] in ("model", "base", "tie")


@pytest.mark.parametrize(
    ("words", "what"),
    [(["--model", "x", "--key-env", "Y"], "--base-url"), (["--model", "x", "--base-url", "http://127.0.0.1:9/v1", "--key-env", "UNSET_9"], "UNSET_9"),
     (["--model", "x", "--base-url", "nonsense"], "no address"), (["--model", "./nothing-here"], "fix:"), ([], "--model")],
)  # fmt: skip
def test_what_the_command_refuses(book: Book, words: list[str], what: str) -> None:
    out = judge(book.run, *words)
    assert out.exit_code == 2, out.output
    assert what in out.stderr
    assert "Traceback" not in out.output
