"""The train stage: what it leaves of single rows, what it says of the training, and what it does where the recipe allows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from goodfit import start
from goodfit.engine.events import Event
from goodfit.errors import SettingsError
from goodfit.files import read_jsonl
from goodfit.monitor.diagnosis import Diagnosis, diagnose
from goodfit.monitor.diagnosis.verdicts import Sign
from goodfit.run import DATAMAP, LOOKED_AT, LOSSES, Run
from goodfit.stages.train.diagnosed import Gathered
from tests import made

SHORT = {"num_train_epochs": 3, "learning_rate": 0.004, "precision": "float32", "early_stopping": False}


def trained(folder: Path, **changes: Any) -> Run:
    content = changes.pop("content", None) or made.rows(160)
    return start(made.project(folder, content=content, **{"train": SHORT, **changes}), workspace=folder / "runs", until="train").run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("train"))


def test_losses_of_every_row_and_look(run: Run) -> None:
    losses, who = pq.read_table(run.path / "train" / LOSSES), pq.read_table(run.path / "train" / LOOKED_AT)
    assert losses.column_names == ["split", "step", "loss", "right"]
    assert who.column_names == ["split", "row", "label", "group"]
    for split in ("valid", "train_probe"):
        rows = who.filter(np.asarray(who["split"]) == split)
        assert set(rows["label"].to_pylist()) <= set(made.LABELS)
        assert min(rows["group"].to_pylist()) >= 0
        for line in losses.to_pylist():
            if line["split"] == split:
                assert len(line["loss"]) == len(line["right"]) == rows.num_rows
                told = next(
                    e
                    for e in read_jsonl(run.path / "train" / "events.jsonl")
                    if e["event"] == "eval" and (e["split"], e["step"]) == (split, line["step"])
                )
                assert np.mean(line["loss"]) == pytest.approx(told["loss"], rel=5e-3)
    assert not (run.path / "train" / "looks").exists()


def test_the_data_map_holds_every_training_row(run: Run) -> None:
    table = pq.read_table(run.path / "train" / DATAMAP)
    assert table.column_names == ["row", "label", "confidence", "variability", "margin", "correct_share", "region"]
    assignment = pq.read_table(run.path / "split" / "assignment.parquet").to_pylist()
    assert set(table["row"].to_pylist()) == {row["row"] for row in assignment if row["split"] == "train"}
    assert set(table["region"].to_pylist()) <= {"easy", "ambiguous", "hard"}
    assert all(0 <= value <= 1 for value in table["confidence"].to_pylist())


def test_every_diagnosis_is_a_finding(run: Run) -> None:
    found = run.findings("train")
    assert sorted(f.code for f in found) == [f"TRN{i:03d}" for i in range(1, 15)]
    assert run.record.stages["train"].findings["error"] == 0
    first = next((f for f in found if f.status == "open" and f.severity == "warning"), None)
    assert first is None or found[0] is first


def test_more_validation_rows_than_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The floor's rows are among those that are looked at: its verdict is on the same rows, whatever the size of the split."""
    told: list[Any] = []
    monkeypatch.setattr("goodfit.engine.evaluation._VALID_ROWS", 30)
    monkeypatch.setattr("goodfit.stages.train.diagnosed.diagnose", lambda evidence: told.append(evidence) or diagnose(evidence))
    run = trained(tmp_path, content=made.rows(400), train=SHORT | {"num_train_epochs": 8, "learning_rate": 1e-5})
    evidence = told[-1]
    looked = pq.read_table(run.path / "train" / LOOKED_AT)
    assert evidence.valid.right.shape[1] == 30
    assert looked["split"].to_pylist().count("valid") == 30
    places, right, _ = evidence.floor
    assert len(places) == len(right) <= 30
    assert places.max() < 30
    assert next(f for f in run.findings("train") if f.code == "TRN005").status in ("passed", "open")


def test_several_labels_and_no_validation(tmp_path: Path) -> None:
    content = [row | {"queue": f"{row['queue']}|{row['region']}"} for row in made.rows(120)]
    run = trained(
        tmp_path, content=content, task={"text": ["subject", "body"], "label": "queue", "multi_label": True}, split={"test_size": 0.2, "valid_size": 0.0}
    )  # fmt: skip
    table = pq.read_table(run.path / "train" / DATAMAP).to_pylist()
    assert json.loads(table[0]["label"])
    assert {f.code for f in run.findings("train") if f.status == "not_applicable"} >= {"TRN003", "TRN005", "TRN009", "TRN012"}
    assert set(pq.read_table(run.path / "train" / LOSSES)["split"].to_pylist()) == {"train_probe"}


def test_a_model_that_writes_leaves_losses_without_labels(tmp_path: Path) -> None:
    recipe = made.writing(
        tmp_path, content=made.chats(60), train={"num_train_epochs": 1, "learning_rate": 0.005, "precision": "float32", "samples": 0}
    )
    run = start(recipe, workspace=tmp_path / "runs", until="train").run
    assert set(pq.read_table(run.path / "train" / LOOKED_AT)["label"].to_pylist()) == {None}
    assert not (run.path / "train" / DATAMAP).exists()
    assert {f.code for f in run.findings("train") if f.status == "not_applicable"} >= {"TRN003", "TRN005", "TRN008", "TRN011"}


def always(kind: str, *, after: int = 0) -> Any:
    """A diagnosis that finds the same in every training."""

    def diagnosis(self: Gathered, curves: Any, looks: Any, *, ended: bool) -> Diagnosis:
        seen = len(curves.evals.get("train_probe", [])) > after
        return Diagnosis((Sign("TRN009", kind, seen, "warning", "it is seen"),))

    return diagnosis


def events(run: Run, kind: str) -> list[Event]:
    return [e for e in read_jsonl(run.path / "train" / "events.jsonl") if e["event"] == kind]


def test_it_is_told_once_and_nothing_is_done_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gathered, "diagnosis", always("overfitting"))
    run = trained(tmp_path)
    assert [(e["kind"], e["code"], e["message"]) for e in events(run, "warning")] == [("overfitting", "TRN009", "TRN009 it is seen")]
    assert events(run, "action") == []
    assert events(run, "end")[0]["stopped_by"] == "epochs"


def test_it_stops_where_the_recipe_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gathered, "diagnosis", always("overfitting"))
    run = trained(tmp_path, train=SHORT | {"act": {"overfitting": "stop"}})
    assert [e["action"] for e in events(run, "action")] == ["stop"]
    end = events(run, "end")[0]
    assert end["stopped_by"] == "action"
    assert end["step"] < events(run, "start")[0]["steps_total"]


def test_rates_are_halved_three_times_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gathered, "diagnosis", always("rate_too_high"))
    run = trained(tmp_path, train=SHORT | {"num_train_epochs": 8, "act": {"rate_too_high": "lower_rate"}})
    assert [e["action"] for e in events(run, "action")] == ["lower_rate"] * 3


def poisoned(folder: Path) -> dict[str, Any]:
    """A rate at which the weights become infinite."""
    return SHORT | {"learning_rate": 0.99, "head_learning_rate": 0.99, "max_grad_norm": 0.0, "weight_decay": 1e30}


def test_a_training_that_breaks_down_leaves_its_finding_and_files(tmp_path: Path) -> None:
    outcome = start(made.project(tmp_path, content=made.rows(160), train=poisoned(tmp_path)), workspace=tmp_path / "runs")
    assert outcome.exit_code == 1
    assert type(outcome.error).__name__ == "Diverged"
    first = outcome.run.findings("train")[0]
    assert (first.code, first.severity, first.status) == ("TRN001", "error", "open")
    assert (outcome.run.path / "train" / LOOKED_AT).is_file()
    report = json.loads((outcome.run.path / "report.json").read_text(encoding="utf-8"))
    assert report["answer"]["word"] == "no"
    assert first.id in report["first"]


def test_a_training_that_breaks_down_is_tried_again_three_times(tmp_path: Path) -> None:
    recipe = made.project(tmp_path, content=made.rows(160), train=poisoned(tmp_path) | {"act": {"diverged": "lower_rate"}})
    outcome = start(recipe, workspace=tmp_path / "runs", until="train")
    assert outcome.exit_code == 1
    told = [e for e in events(outcome.run, "warning") if e["kind"] == "diverged"]
    assert len(told) == 3
    assert [e["message"] for e in events(outcome.run, "action")] == [f"rates are {0.5**i:g} of the plan's" for i in (1, 2, 3)]
    assert len(events(outcome.run, "start")) == 4


@pytest.mark.parametrize(
    ("act", "named"), [({"diverged": "stop"}, "diverged"), ({"too_short": "stop"}, "act"), ({"overfitting": "go_on"}, "act")]
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, act: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        start(made.project(tmp_path, train=SHORT | {"act": act}), workspace=tmp_path / "runs")
