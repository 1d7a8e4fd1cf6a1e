"""A training that is cut anywhere goes on with the same bits; what does not belong together is refused; nothing half-written counts."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from goodfit.engine.checkpoint import Checkpoints
from goodfit.engine.fit import Fitted, fit
from goodfit.engine.plan import Plan
from goodfit.errors import Interrupted, MachineError, RunError
from goodfit.models.adapters import add_lora
from goodfit.models.identity import Identity
from goodfit.models.load import LoadedModel
from tests import tiny

TRAIN = tiny.examples(60, rule=True)
VALID = tiny.examples(20, seed=1, rule=True)


def plan(**settings: Any) -> Plan:
    base = {"learning_rate": 2e-3, "num_train_epochs": 3, "precision": "float32", "eval_steps": 4, "save_steps": 1, "threads": 1}
    return Plan(**base | settings)


def model(kind: str) -> Any:
    if kind != "lora":
        return tiny.model(kind)
    whole = tiny.model("llama")
    facts = Identity("tiny", "", "folder", "", "", "llama", 0, 64, 72, 32, 2, True, None, None)
    return add_lora(LoadedModel(whole, None, facts, ("a", "b", "c"), frozenset({"score.weight"})), r=2, lora_dropout=0.1).model


def train(kind: str, folder: Path, *, attempt: int = 1, on_event: Any = None, data: Any = None, **settings: Any) -> Fitted:
    return fit(
        model(kind), data or {"train": TRAIN, "valid": VALID}, plan(**settings), objective=tiny.Classify(),
        on_event=on_event or (lambda _event: None), checkpoints=Checkpoints(folder / "checkpoints", attempt=attempt),
    )  # fmt: skip


def result(made: Fitted) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in made.model.named_parameters()}


def child(kind: str, folder: Path, settings: dict[str, Any]) -> None:
    """Runs in a process of its own; the result is there only when all of it is."""
    made = train(kind, folder, **settings)
    save_file(result(made), folder / "result.part")
    (folder / "facts.json").write_text(json.dumps([made.best_step, made.best_score, made.history, made.tokens]))
    (folder / "result.part").rename(folder / "result.safetensors")


def start(kind: str, folder: Path, settings: dict[str, Any]) -> Any:
    folder.mkdir(exist_ok=True)
    process = multiprocessing.get_context("fork").Process(target=child, args=(kind, folder, settings))
    process.start()
    return process


@pytest.mark.parametrize(("kind", "settings"), [("bert", {}), ("lora", {"save_steps": 5}), ("deberta-v2", {"batch_tokens": 40})])
def test_killed_again_and_again_it_ends_with_the_same_bytes(tmp_path: Path, kind: str, settings: dict[str, Any]) -> None:
    reference = start(kind, tmp_path / "whole", settings)
    begun = time.monotonic()
    reference.join(120)
    whole_time = time.monotonic() - begun
    assert reference.exitcode == 0
    rng = np.random.default_rng(7)
    kills = 0
    for _ in range(10):
        process = start(kind, tmp_path / "cut", settings)
        process.join(float(rng.uniform(0.05, 0.8)) * whole_time)
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.join()
        if (tmp_path / "cut" / "result.safetensors").exists():
            break
    final = start(kind, tmp_path / "cut", settings)
    final.join(120)
    assert final.exitcode == 0
    assert kills > 0
    expected, got = load_file(tmp_path / "whole" / "result.safetensors"), load_file(tmp_path / "cut" / "result.safetensors")
    assert expected.keys() == got.keys()
    for name, value in expected.items():
        assert torch.equal(got[name], value), name
    assert strip(tmp_path / "cut" / "facts.json") == strip(tmp_path / "whole" / "facts.json")


def strip(path: Path) -> Any:
    return json.loads(path.read_text())


class Stop(Exception):
    """The process dies, as far as the engine can see."""


@pytest.mark.parametrize("at", [1, 4, 5, 9])
def test_resumed_equals_uninterrupted_wherever_it_was_cut(tmp_path: Path, at: int) -> None:
    whole = train("bert", tmp_path / "whole", logging_steps=1)

    def die(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == at:
            raise Stop

    with pytest.raises(Stop):
        train("bert", tmp_path / "cut", on_event=die, logging_steps=1)
    events: list[dict[str, Any]] = []
    again = train("bert", tmp_path / "cut", attempt=2, on_event=events.append, logging_steps=1)
    assert all(torch.equal(a, b) for a, b in zip(result(whole).values(), result(again).values(), strict=True))
    assert (again.history, again.tokens) == (whole.history, whole.tokens)
    if at > 1:
        assert [e["step"] for e in events if e["event"] == "resumed"] == [at - 1]
        assert all(e["attempt"] == 2 for e in events)


def test_rows_that_are_drawn_are_drawn_again_the_same_after_a_stop(tmp_path: Path) -> None:
    data = {"train": TRAIN.drawn(((40, 20), (20, 50))), "valid": VALID}
    whole = train("bert", tmp_path / "whole", data=data, logging_steps=1)
    stopped_at(tmp_path / "cut", 9, data=data)
    again = train("bert", tmp_path / "cut", attempt=2, data=data, logging_steps=1)
    assert again.resumed_from
    assert all(torch.equal(a, b) for a, b in zip(result(whole).values(), result(again).values(), strict=True))
    with pytest.raises(RunError, match="the training rows changed"):
        train("bert", tmp_path / "cut", attempt=3, data=data | {"train": TRAIN.drawn(((40, 21), (20, 50)))})


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    first = train("bert", tmp_path)
    events: list[dict[str, Any]] = []
    second = train("bert", tmp_path, attempt=2, on_event=events.append)
    assert not [e for e in events if e["event"] == "step"]
    assert all(torch.equal(a, b) for a, b in zip(result(first).values(), result(second).values(), strict=True))


def test_interrupted_by_a_signal_it_saves_and_says_so(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []

    def listen(event: dict[str, Any]) -> None:
        events.append(event)
        if event["event"] == "step" and event["step"] == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted) as caught:
        train("bert", tmp_path / "cut", on_event=listen, logging_steps=1, save_steps=100)
    assert caught.value.exit_code == 143
    assert (events[-1]["event"], events[-1]["status"], events[-1]["step"]) == ("end", "interrupted", 5)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    again = train("bert", tmp_path / "cut", logging_steps=1, save_steps=100)
    assert again.resumed_from == "checkpoints/step-000005"
    whole = train("bert", tmp_path / "whole", logging_steps=1, save_steps=100)
    assert all(torch.equal(a, b) for a, b in zip(result(whole).values(), result(again).values(), strict=True))


def stopped_at(folder: Path, step: int, **settings: Any) -> None:
    def die(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == step:
            raise Stop

    with pytest.raises(Stop):
        train("bert", folder, on_event=die, logging_steps=1, **settings)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"learning_rate": 1e-3}, "plan.learning_rate was 0.002, is 0.001"),
        ({"data": {"train": TRAIN.subset(range(59)), "valid": VALID}}, "the training rows changed"),
        ({"data": {"train": TRAIN, "valid": None}}, "the validation rows changed"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_by_name(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    stopped_at(tmp_path, 5)
    with pytest.raises(RunError, match=named):
        train("bert", tmp_path, **change)


def test_another_base_model_or_other_frozen_weights_are_refused(tmp_path: Path) -> None:
    stopped_at(tmp_path, 5)
    frozen = model("bert")
    frozen.bert.embeddings.requires_grad_(False)
    with pytest.raises(RunError, match="trained parameters"):
        fit(
            frozen, {"train": TRAIN, "valid": VALID}, plan(), objective=tiny.Classify(), checkpoints=Checkpoints(tmp_path / "checkpoints")
        )  # fmt: skip
    other = Checkpoints(tmp_path / "checkpoints", base="b2:other")
    with pytest.raises(RunError, match="base model"):
        fit(model("bert"), {"train": TRAIN, "valid": VALID}, plan(), objective=tiny.Classify(), checkpoints=other)


@pytest.mark.parametrize("damage", ["part", "cut", "no state", "rubbish"])
def test_a_damaged_checkpoint_is_ignored(tmp_path: Path, damage: str) -> None:
    whole = train("bert", tmp_path / "whole")
    stopped_at(tmp_path / "cut", 7, save_total_limit=3)
    newest = sorted((tmp_path / "cut" / "checkpoints").glob("step-*"))[-1]
    assert newest.name == "step-000006"
    if damage == "part":
        newest.rename(newest.with_name(".step-000006.part"))
    elif damage == "cut":
        data = (newest / "optimiser.safetensors").read_bytes()
        (newest / "optimiser.safetensors").write_bytes(data[: len(data) // 2])
    elif damage == "no state":
        (newest / "state.json").unlink()
    else:
        size = (newest / "weights.safetensors").stat().st_size
        (newest / "weights.safetensors").write_bytes(b"\xff" * size)
    again = train("bert", tmp_path / "cut", save_total_limit=3)
    assert again.resumed_from == "checkpoints/step-000005"
    assert all(torch.equal(a, b) for a, b in zip(result(whole).values(), result(again).values(), strict=True))


def test_rotation_keeps_the_newest_and_the_best(tmp_path: Path) -> None:
    """Limit 1, the best at the first evaluation: what users lost in other tools."""

    class Worse(tiny.Counts):
        calls = 0

        def scores(self) -> list[dict[str, Any]]:
            Worse.calls += 1
            return [{"name": "accuracy", "value": 1 / Worse.calls, "n": self.n}]

    class Worsening(tiny.Classify):
        def accumulator(self) -> tiny.Counts:
            return Worse()

    made = fit(
        model("bert"), {"train": TRAIN, "valid": VALID}, plan(eval_steps=1, early_stopping=False), objective=Worsening(),
        checkpoints=Checkpoints(tmp_path / "checkpoints"),
    )  # fmt: skip
    names = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert (made.best_step, made.last_step) == (1, 12)
    assert names == [f"step-{made.best_step:06d}", f"step-{made.last_step:06d}"]
    kept = load_file(tmp_path / "checkpoints" / names[0] / "weights.safetensors")
    assert all(torch.equal(kept[name], p) for name, p in made.model.named_parameters())


def test_a_checkpoint_holds_no_pickle_and_for_an_adapter_no_base_weights(tmp_path: Path) -> None:
    made = train("lora", tmp_path)
    newest = sorted((tmp_path / "checkpoints").iterdir())[-1]
    assert {p.suffix for p in newest.iterdir()} == {".safetensors", ".json"}
    learning = {n for n, p in made.model.get_base_model().named_parameters() if p.requires_grad}
    assert load_file(newest / "weights.safetensors").keys() == learning
    assert all("lora_" in n or "modules_to_save" in n for n in learning)


def test_a_full_disk_is_said_and_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from goodfit.engine import checkpoint

    calls = []

    def full(tensors: Any, path: Path) -> None:
        calls.append(path)
        if len(calls) > 4:
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save_file(tensors, path)

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(MachineError, match="disk is full"):
        train("bert", tmp_path)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["step-000002"]
    monkeypatch.undo()
    assert train("bert", tmp_path).resumed_from == "checkpoints/step-000002"


def test_other_threads_or_torch_are_said(tmp_path: Path) -> None:
    stopped_at(tmp_path, 5)
    state = next((tmp_path / "checkpoints").glob("step-*")) / "state.json"
    facts = json.loads(state.read_text())
    facts["made_with"]["threads"] = 64
    state.write_text(json.dumps(facts))
    events: list[dict[str, Any]] = []
    train("bert", tmp_path, on_event=events.append)
    said = [e for e in events if e["event"] == "warning"]
    assert "threads 64" in said[0]["message"]


def test_a_best_checkpoint_that_somebody_deleted_is_an_error_not_another_model(tmp_path: Path) -> None:
    def delete(event: dict[str, Any]) -> None:
        if event["event"] == "eval" and event["split"] == "valid" and event["best"] and event["step"] < 12:
            deleted.append(tmp_path / "checkpoints" / f"step-{event['step']:06d}")
        if event["event"] == "step" and event["step"] == 12:
            shutil.rmtree(deleted[-1])

    deleted: list[Path] = []
    falling = tiny.Classify()
    falling.higher_is_better = False  # so that the first evaluation stays the best
    with pytest.raises(RunError, match="gone or damaged"):
        fit(
            model("bert"), {"train": TRAIN, "valid": VALID}, plan(early_stopping=False, logging_steps=1), objective=falling, on_event=delete,
            checkpoints=Checkpoints(tmp_path / "checkpoints"),
        )  # fmt: skip


def test_a_folder_of_rubbish_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "step-000009").mkdir(parents=True)
    (tmp_path / "checkpoints" / "step-000009" / "state.json").write_text("[]")
    assert train("bert", tmp_path).resumed_from is None
    shutil.rmtree(tmp_path / "checkpoints")
