"""A run seen from another process: what grows is read once, what is diagnosed is told, and nobody is waited for in vain."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from goodfit.files import append_jsonl
from goodfit.finding import Finding
from goodfit.monitor.watching import Tail, Watched, spark
from goodfit.run import Run, StageRecord


def run_at(workspace: Path, *, owner: str | None = None) -> Run:
    run = Run.create(workspace, name="tickets", recipe_text="", base=workspace, recipe_hash="b2:0")
    if owner is not None:
        (run.path / "run.lock.owner").write_text(owner, encoding="utf-8")
    return run


def events(*, ended: bool = False) -> list[dict[str, Any]]:
    score = {"name": "accuracy", "value": 0.7}
    out: list[dict[str, Any]] = [{"event": "start", "attempt": 1, "step": 0, "steps_total": 40}]
    for step in (10, 20):
        out.append(
            {
                "event": "step",
                "step": step,
                "loss": 1 / step,
                "seconds": 5.0,
                "tokens_per_second": 100.0,
                "epoch": step / 10,
                "learning_rate": 1e-4,
            }
        )
        out += [
            {"event": "eval", "step": step, "split": split, "loss": 0.5, "scores": [score], "seconds": 0.0, "best": step == 20}
            for split in ("valid", "train_probe")
        ]
    out.append({"event": "warning", "step": 20, "kind": "overfitting", "code": "TRN009", "message": "TRN009 it \x1b[31mrises"})
    return out + ([{"event": "end", "step": 20, "status": "done", "stopped_by": "action", "best_step": 20}] if ended else [])


def test_half_a_line_waits_for_its_rest(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = Tail(path)
    assert tail.new() == []
    path.write_bytes(b'{"a": 1}\n{"b"')
    assert tail.new() == [{"a": 1}]
    with path.open("ab") as handle:
        handle.write(b": 2}\nnot json\n[1]\n")
    assert tail.new() == [{"b": 2}]
    path.write_bytes(b'{"c": 3}\n')
    assert tail.new() == [{"c": 3}]


def test_state_curves_and_diagnosis(tmp_path: Path) -> None:
    run = run_at(tmp_path, owner=f"process {os.getpid()} on {platform.node()}\n")
    watched = Watched(run)
    assert watched.look() == []
    assert watched.to_json()["training"] is None
    assert len(watched.lines()) == 1
    append_jsonl(run.path / "train" / "events.jsonl", events())
    assert len(watched.look()) == 8
    assert watched.look() == []
    state = watched.to_json()
    assert (state["training"]["step"], state["training"]["steps_total"], state["training"]["best_step"]) == (20, 40, 20)
    assert state["training"]["remaining_seconds"] == pytest.approx(10.0)
    assert [d["kind"] for d in state["diagnoses"]] == ["overfitting"]
    text = "\n".join(watched.lines())
    assert "step 20 of 40" in text
    assert "10 s left" in text
    assert "! TRN009 it \\x1b[31mrises" in text
    assert "loss, validation" in text
    assert not watched.over
    json.dumps(state, allow_nan=False)


def test_findings_take_the_place_of_what_was_told(tmp_path: Path) -> None:
    run = run_at(tmp_path)
    append_jsonl(run.path / "train" / "events.jsonl", events(ended=True))
    finding = Finding(code="TRN006", stage="train", severity="warning", kind="too_short", title="too short")
    append_jsonl(run.path / "train" / "findings.jsonl", [finding.to_json()])
    run.record.stages["train"] = StageRecord(state="done")
    run.finish("done")
    watched = Watched(run)
    watched.look()
    assert [d["kind"] for d in watched.diagnoses()] == ["too_short"]
    assert watched.over
    assert watched.to_json()["training"]["ended"]["stopped_by"] == "action"


def test_a_writer_that_is_gone_is_noticed(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    gone = Watched(run_at(tmp_path, owner=f"process {child.pid} on {platform.node()}\n"))
    assert gone.over
    assert "nobody works on it" in gone.lines()[0]
    assert not Watched(run_at(tmp_path, owner="process 1 on another-machine\n")).over
    assert Watched(run_at(tmp_path)).abandoned


def test_sparks() -> None:
    assert spark([]) == ""
    assert spark([1, 1]) == "▄▄"
    assert spark([0, 1, 2, 7, float("nan")]) == "▁▂▃█"
    assert len(spark(range(1000))) <= 44


def test_it_follows_a_run_to_its_end(tmp_path: Path) -> None:
    run = run_at(tmp_path, owner=f"process {os.getpid()} on {platform.node()}\n")
    child = subprocess.Popen(
        [sys.executable, "-m", "goodfit", "watch", run.id, "-w", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        encoding="utf-8", env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    time.sleep(2)
    append_jsonl(run.path / "train" / "events.jsonl", events(ended=True))
    time.sleep(2)
    assert child.poll() is None, "it ends with the run, not before"
    run.finish("done")
    out, error = child.communicate(timeout=60)
    assert (child.returncode, error) == (0, "")
    assert "step 20 of 40" in out
    assert f"{run.id} · done" in out
