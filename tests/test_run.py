"""The run folder: one writer, one door to the test rows, a ledger that counts models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.errors import RunError
from goodfit.files import read_jsonl
from goodfit.finding import Finding
from goodfit.ledger import Looks
from goodfit.run import Run, digest, find, list_runs


def make(workspace: Path, name: str = "tickets") -> Run:
    return Run.create(workspace, name=name, recipe_text="data: {path: a.csv}\n", base=workspace, recipe_hash="b2:0")


def with_rows(run: Run, test: list[str], fingerprint: str) -> Run:
    table = pa.table({"row": ["a", *test], "split": ["train"] + ["test"] * len(test)})
    pq.write_table(table, run.folder("split") / "assignment.parquet")
    run.record.test = {"fingerprint": fingerprint, "models_scored": 0}
    run.save()
    return run


def test_create_and_open(tmp_path: Path) -> None:
    run = make(tmp_path)
    again = Run.open(run.path)
    assert again.record == run.record
    assert again.record.schema_ == "goodfit/run/1"
    assert (run.path / "recipe.yaml").read_text() == "data: {path: a.csv}\n"
    assert again.record.versions["python"]


def test_find_by_folder_id_prefix_and_last(tmp_path: Path) -> None:
    first, second = make(tmp_path, "a"), make(tmp_path, "b")
    assert find(tmp_path, str(first.path)).id == first.id
    assert find(tmp_path, first.id[:-2]).id == first.id
    assert find(tmp_path, "last").id == second.id
    with pytest.raises(RunError, match="fits 2 runs"):
        find(tmp_path, first.id[:8])
    with pytest.raises(RunError, match="goodfit list"):
        find(tmp_path, "nothing")


def test_a_folder_that_is_no_run_or_damaged_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        Run.open(tmp_path)
    run = make(tmp_path)
    (run.path / "run.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        Run.open(run.path)
    assert list_runs(tmp_path) == []


def test_one_process_writes_a_run_and_a_dead_one_does_not_count(tmp_path: Path) -> None:
    run = make(tmp_path)
    script = f"import sys, time; from goodfit.run import Run; from pathlib import Path\nwith Run.open(Path({str(run.path)!r})):\n print('in', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline().strip() == "in"
    with pytest.raises(RunError, match=f"process {other.pid}"), run:
        pass
    other.kill()
    other.wait()
    with run:
        assert (run.path / "run.lock.owner").exists()
    assert not (run.path / "run.lock.owner").exists()


def test_unsealing_writes_the_ledger_before_the_key_is_given(tmp_path: Path) -> None:
    rows = [f"r{i}" for i in range(100)]
    run = with_rows(make(tmp_path), rows, "b2:1")
    key = run.unseal("scores of the model", stage="evaluate")
    assert key.fingerprint == "b2:1"
    line = read_jsonl(tmp_path / "ledger.jsonl")[0]
    assert (line["run"], line["stage"], line["reason"], line["test"]) == (run.id, "evaluate", "scores of the model", "b2:1")
    assert key.looks.models_scored == 1
    run.unseal("again", stage="evaluate")
    assert run.record.test == {"fingerprint": "b2:1", "models_scored": 1}  # the same run is one model


def test_a_set_that_shares_most_rows_counts_as_the_same(tmp_path: Path) -> None:
    rows = [f"r{i}" for i in range(100)]
    with_rows(make(tmp_path, "a"), rows, "b2:1").unseal("x", stage="evaluate")
    overlapping = with_rows(make(tmp_path, "b"), rows[40:] + [f"n{i}" for i in range(40)], "b2:2")
    assert overlapping.unseal("x", stage="evaluate").looks.models_scored == 2
    other = with_rows(make(tmp_path, "c"), rows[80:] + [f"m{i}" for i in range(80)], "b2:3")
    assert other.unseal("x", stage="evaluate").looks.models_scored == 1


def test_a_set_is_spent_after_many_models() -> None:
    assert Looks(1, 100).state == "fresh"
    assert Looks(2, 100).state == "reused"
    assert Looks(3, 100).state == "spent"
    assert Looks(1, 20).state == "fresh"
    assert Looks(10, 1000).level_corrected == pytest.approx(0.995)


def test_findings_are_kept_by_stage(tmp_path: Path) -> None:
    run = make(tmp_path)
    finding = Finding(code="AUD001", stage="audit", severity="note", kind="missing_text", title="3 rows")
    run.report([finding])
    assert run.findings("audit") == [finding]
    assert run.findings("split") == []


def test_digest_does_not_depend_on_key_order() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
