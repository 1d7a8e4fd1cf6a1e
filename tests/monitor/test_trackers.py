"""Other tools get the curves: each by its own words, none leaves the machine by itself, and a tool that fails ends no training."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from goodfit import start
from goodfit.errors import MissingExtra, SettingsError
from goodfit.monitor.trackers import MADE, Trackers, flat, require_trackers, trackers_for, values_of
from tests import made

STEP = {"event": "step", "step": 3, "loss": 0.5, "learning_rate": 1e-4, "grad_norm": None, "epoch": 0.1, "time": "…"}
LOOK = {
    "event": "eval", "step": 4, "split": "valid", "loss": 0.7,
    "scores": [{"name": "macro_f1", "value": 0.8}, {"name": "f1", "label": "a", "value": 0.1}, {"name": "accuracy", "why_absent": "no rows"}],
}  # fmt: skip


class Calls(list[Any]):
    """What a tool was asked for."""

    def named(self, name: str, answer: Any = None) -> Any:
        def call(*words: Any, **settings: Any) -> Any:
            self.append((name, words, settings))
            return answer

        return call


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Stand-ins for the four packages, with the names that ours call."""
    seen = Calls()

    def module(name: str, **names: Any) -> None:
        made_up = ModuleType(name)
        made_up.__dict__.update(names)
        made_up.__spec__ = SimpleNamespace(name=name)  # type: ignore[assignment]
        monkeypatch.setitem(sys.modules, name, made_up)

    writer = SimpleNamespace(add_event=seen.named("add_event"), flush=seen.named("flush"), close=seen.named("close"))
    summary = SimpleNamespace(Value=lambda **value: value)

    class Summary:
        Value = staticmethod(summary.Value)

        def __init__(self, value: Any) -> None:
            self.value = value

    module("tensorboard")
    module("tensorboard.compat.proto.event_pb2", Event=lambda **event: event)
    module("tensorboard.compat.proto.summary_pb2", Summary=Summary)
    module("tensorboard.summary.writer.event_file_writer", EventFileWriter=seen.named("writer", writer))
    module(
        "mlflow",
        **{name: seen.named(name) for name in ("set_tracking_uri", "set_experiment", "start_run", "log_params", "log_metrics", "end_run")},
    )
    module("wandb", init=seen.named("init", SimpleNamespace(log=seen.named("log"), finish=seen.named("finish"))))
    module("trackio", init=seen.named("init"), log=seen.named("log"), finish=seen.named("finish"))
    for name in ("WANDB_MODE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return seen


def test_numbers_and_their_names() -> None:
    assert values_of(STEP) == {"train/loss": 0.5, "train/learning_rate": 1e-4, "train/epoch": 0.1}
    assert values_of(LOOK) == {"valid/loss": 0.7, "valid/macro_f1": 0.8}
    assert values_of({"event": "checkpoint", "step": 1}) == {}
    assert flat({"a": {"b": 1, "c": {"d": 2}}}) == {"a.b": 1, "a.c.d": 2}


@pytest.mark.parametrize("name", sorted(MADE))
def test_each_tool_gets_step_and_look_and_an_end(name: str, calls: Calls, tmp_path: Path) -> None:
    trackers = trackers_for([name], "run-1", {"train": {"rate": 1e-4}}, tmp_path, print)
    trackers(STEP)
    trackers(LOOK)
    trackers.close()
    asked = [call[0] for call in calls]
    told = {
        "tensorboard": ("add_event", "close"),
        "mlflow": ("log_metrics", "end_run"),
        "wandb": ("log", "finish"),
        "trackio": ("log", "finish"),
    }
    many, last = told[name]
    assert asked.count(many) == 2
    assert asked[-1] == last
    trackers(STEP)
    assert [call[0] for call in calls] == asked, "nothing comes after the end"


def test_nothing_leaves_the_machine_by_itself(calls: Calls, tmp_path: Path) -> None:
    trackers_for(["wandb", "mlflow"], "run-1", {}, tmp_path, print)
    by_name = {name: settings for name, _, settings in calls}
    assert by_name["init"]["mode"] == "offline"
    uri = next(words for name, words, _ in calls if name == "set_tracking_uri")[0]
    assert uri == (tmp_path / "mlruns").resolve().as_uri()


def test_a_tool_that_fails_is_told_once_and_left_out() -> None:
    said: list[str] = []
    good = Calls()

    def fail(*words: Any) -> None:
        raise OSError("disk")

    trackers = Trackers({"bad": SimpleNamespace(log=fail, close=fail), "good": SimpleNamespace(log=good.named("log"), close=good.named("close"))}, said.append)  # fmt: skip
    trackers(STEP)
    trackers(STEP)
    trackers.close()
    assert len(said) == 1
    assert "bad failed" in said[0]
    assert [name for name, *_ in good] == ["log", "log", "close"]


def test_one_that_is_not_installed_is_named_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None)
    with pytest.raises(MissingExtra, match=r"goodfit\[wandb\]"):
        require_trackers(["wandb"])
    monkeypatch.undo()
    if __import__("importlib.util").util.find_spec("trackio") is None:
        outcome = start(made.project(tmp_path, train={"report_to": "trackio"}), workspace=tmp_path / "runs")
        assert outcome.exit_code == 2
        assert "goodfit[trackio]" in str(outcome.error)
        assert "split" not in outcome.run.record.stages


def test_one_that_does_not_exist_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean wandb"):
        start(made.project(tmp_path, train={"report_to": ["wandbb"]}), workspace=tmp_path / "runs")


def test_a_whole_training_reports(calls: Calls, tmp_path: Path) -> None:
    train = {"num_train_epochs": 1, "learning_rate": 0.004, "precision": "float32", "report_to": ["tensorboard"]}
    outcome = start(made.project(tmp_path, content=made.rows(120), train=train), workspace=tmp_path / "runs", until="train")
    assert outcome.exit_code == 0
    tags = {value["tag"] for name, words, _ in calls if name == "add_event" for value in words[0]["summary"].value}
    assert {"train/loss", "valid/loss", "valid/macro_f1", "train_probe/loss"} <= tags
