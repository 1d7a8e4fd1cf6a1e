"""Several sources with weights, and a mix of general rows: what an epoch draws, what is left out, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goodfit import start
from goodfit.errors import DataError, SettingsError
from goodfit.files import read_json
from goodfit.run import Run
from goodfit.settings import from_text
from goodfit.stages.prepare.language import Facts
from goodfit.stages.prepare.stage import Tokens
from goodfit.stages.prepare.told import table_of
from goodfit.tasks.foresee import foresee
from tests import made

GENERAL = [{"prompt": f"general {i}", "completion": "yes"} for i in range(200)]
SHORT = {"num_train_epochs": 2, "learning_rate": 0.005, "precision": "float32", "early_stopping": False, "samples": 0}


def prepared(folder: Path, until: str = "prepare", **changes: Any) -> tuple[Run, dict[str, Any]]:
    outcome = start(made.writing(folder, **changes), workspace=folder / "runs", until=until)
    assert outcome.exit_code == 0, outcome.error
    return outcome.run, read_json(outcome.run.path / "prepare" / "manifest.json")


def test_weights_say_how_much_an_epoch_draws_of_each_source(tmp_path: Path) -> None:
    made.lines(tmp_path / "a.jsonl", made.chats(100))
    made.lines(tmp_path / "b.jsonl", made.chats(60, seed=1))
    made.lines(tmp_path / "c.jsonl", [{"instruction": f"say {i}", "input": "", "output": "ok"} for i in range(40)])
    sources = [{"path": "a.jsonl"}, {"path": "b.jsonl", "weight": 0.5}, {"path": "c.jsonl", "weight": 2}]
    run, manifest = prepared(tmp_path, data={"sources": sources})
    told = {source["source"]: source for source in manifest["sources"]}
    assert list(told) == ["a.jsonl", "b.jsonl", "c.jsonl"]
    for name, weight in (("a.jsonl", 1), ("b.jsonl", 0.5), ("c.jsonl", 2)):
        assert told[name]["per_epoch"] == round(weight * told[name]["examples"])
        assert told[name]["rows"] == told[name]["examples"] > 0
        assert 0 < told[name]["learned"] < told[name]["tokens"]
    assert sum(source["tokens"] for source in told.values()) < manifest["tokens"]["used"]  # validation rows too
    assert sum(source["of_epoch"] for source in told.values()) == pytest.approx(1)
    train = Tokens.load(run).examples("train")
    assert train.epoch_rows == sum(source["per_epoch"] for source in told.values()) != len(train)
    assert set(train.weight.tolist()) == {1.0}  # drawn more often, not weighed in the loss
    lines = table_of({"train": Facts(), "valid": Facts()}, manifest["sources"], max_length=64)
    assert any("b.jsonl" in line and "(weight 0.5)" in line for line in lines)


def test_sources_without_weights_are_all_taken_once(tmp_path: Path) -> None:
    made.lines(tmp_path / "a.jsonl", made.chats(60))
    made.lines(tmp_path / "b.jsonl", made.chats(60, seed=1))
    run, _ = prepared(tmp_path, data={"sources": [{"path": "a.jsonl"}, {"path": "b.jsonl"}]})
    train = Tokens.load(run).examples("train")
    assert train.draws == ()
    assert train.epoch_rows == len(train)


def test_a_mix_is_trained_on_and_never_judged_by(tmp_path: Path) -> None:
    made.lines(tmp_path / "general.jsonl", GENERAL)
    run, manifest = prepared(tmp_path, until="train", prepare={"mix": {"path": "general.jsonl", "share": 0.25}}, train=SHORT)
    own, mix = manifest["sources"]
    assert mix["mix"]
    assert mix["source"] == "general.jsonl"
    assert mix["per_epoch"] == round(own["per_epoch"] / 3)
    assert mix["of_epoch"] == pytest.approx(0.25, abs=0.01)
    assert manifest["mix"]["read"] == manifest["mix"]["used"] + sum(manifest["mix"]["dropped"].values())
    tokens = Tokens.load(run)
    assert not any(row.startswith("mix.") for row in tokens.examples("valid").row_ids(range(tokens.rows["valid"])))
    train = tokens.examples("train")
    assert sum(row.startswith("mix.") for row in train.row_ids(range(len(train)))) == mix["examples"]
    split = read_json(run.path / "split" / "manifest.json")
    assert sum(split["splits"].values()) == split["used"] == 120  # the mix is no part of the data
    assert read_json(run.path / "tune" / "plan.json")["plan"]["train_batch_size"] >= 1
    assert run.record.stages["train"].state == "done"


def test_rows_of_a_mix_that_ask_what_a_held_out_row_asks_are_left_out(tmp_path: Path) -> None:
    """In whatever form and spelling they ask it; what is asked in training may come again."""
    chats = made.chats(120)
    asked = [row["messages"][0]["content"] for row in chats]
    as_prompts = [{"prompt": f"  {text.upper()} ", "completion": "no"} for text in asked]
    made.lines(tmp_path / "general.jsonl", [*as_prompts, *GENERAL[:50]])
    run, manifest = prepared(tmp_path, content=chats, prepare={"mix": {"path": "general.jsonl", "share": 0.5}})
    counts = read_json(run.path / "split" / "manifest.json")["splits"]
    assert manifest["mix"]["dropped"] == {"asked_in_validation_or_test": counts["valid"] + counts["test"]}
    assert manifest["mix"]["used"] == counts["train"] + 50


def test_more_general_rows_than_a_training_can_need_are_not_tokenised(tmp_path: Path) -> None:
    made.lines(tmp_path / "general.jsonl", GENERAL)
    _, manifest = prepared(tmp_path, prepare={"mix": {"path": "general.jsonl", "share": 0.05}})
    wanted = manifest["sources"][1]["per_epoch"]
    assert manifest["mix"]["used"] == 10 * wanted == manifest["sources"][1]["examples"]
    assert manifest["mix"]["dropped"] == {"not_needed": 200 - 10 * wanted}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([{"prompt": "a", "completion": ""}, {"prompt": " ", "completion": "b"}], "no row of prepare.mix can be used"),
        ([{"chosen": "a", "rejected": "b"}], "preference pairs"),
        ([*GENERAL[:3], {"prompt": 7, "completion": "a"}], "prompt"),
    ],
)
def test_a_mix_that_cannot_be_learned_from_is_refused(tmp_path: Path, rows: list[dict[str, Any]], why: str) -> None:
    made.lines(tmp_path / "general.jsonl", rows)
    outcome = start(made.writing(tmp_path, prepare={"mix": {"path": "general.jsonl"}}), workspace=tmp_path / "runs", until="prepare")
    assert outcome.exit_code == 2
    assert why in str(outcome.error)
    assert "general.jsonl" in str(outcome.error)


def test_what_a_mix_asks_for_is_foreseen(tmp_path: Path) -> None:
    text = "data: {path: a.csv}\nprepare: {mix: {path: no.jsonl}}\n"
    with pytest.raises(SettingsError, match="for generation"):
        foresee(from_text(text).recipe, tmp_path)
    with pytest.raises(DataError, match=r"there is no no\.jsonl"):
        foresee(from_text(text + "task: {kind: generation}").recipe, tmp_path)
    for word in ("interleave_probs", "dataset_mixer"):
        with pytest.raises(SettingsError, match=r"data\.sources"):
            from_text(text + f"{word}: 1")


def test_a_changed_mix_is_prepared_anew(tmp_path: Path) -> None:
    made.lines(tmp_path / "general.jsonl", GENERAL)
    first, _ = prepared(tmp_path, prepare={"mix": {"path": "general.jsonl", "share": 0.25}})
    made.lines(tmp_path / "general.jsonl", [{"prompt": "other", "completion": "rows"}, *GENERAL])
    second, _ = prepared(tmp_path, prepare={"mix": {"path": "general.jsonl", "share": 0.25}})
    assert first.record.stages["prepare"].inputs != second.record.stages["prepare"].inputs


def test_report_json_tells_the_sources(tmp_path: Path) -> None:
    made.lines(tmp_path / "general.jsonl", GENERAL)
    changes: dict[str, Any] = {"prepare": {"mix": {"path": "general.jsonl", "share": 0.25}}, "train": {**SHORT, "num_train_epochs": 1}}
    outcome = start(
        made.writing(tmp_path, evaluate={"baselines": [], "rows": 5, "max_new_tokens": 4}, **changes), workspace=tmp_path / "runs"
    )
    told = read_json(outcome.run.path / "report.json")["data"]
    assert [source["source"] for source in told["sources"]] == ["chats.jsonl", "general.jsonl"]
    assert told["mix"]["share"] == 0.25
