"""A step carried out on a real, tiny run: the child's recipe, what is reused, the verdict, the ledger untouched; the loop; the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from goodfit.cli import main
from goodfit.errors import UserError
from goodfit.files import read_json, read_jsonl
from goodfit.improve.iterate import Proposal, auto, carry_out, propose, write_proposals
from goodfit.improve.iterate.inside import inside
from goodfit.pipeline import start
from goodfit.run import Run, find
from goodfit.score import Score
from goodfit.tasks.predictor import Predictor
from tests.made import project, rows, table, writing

TOO_HIGH = {"num_train_epochs": 3, "learning_rate": 0.9, "precision": "float32"}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose rate is far too high, scored on validation."""
    folder = tmp_path_factory.mktemp("broken")
    recipe = project(folder, content=rows(480), train=TOO_HIGH, evaluate={"on": "valid"}, fail_on="never")
    return start(recipe, workspace=folder / "runs").run


def test_the_first_proposal_repairs_it(broken: Run) -> None:
    first = propose(broken)[0]
    assert first.action == "lower_rate"
    assert first.changes["train.learning_rate"] == "auto"
    step = carry_out(broken, first)
    child = step.run
    assert (child.record.parent, child.record.proposal) == (broken.id, "lower_rate")
    assert child.record.overrides == ["train.learning_rate=auto", "evaluate.on=valid"]
    assert {name: child.record.stages[name].state for name in ("split", "prepare", "train")} == {
        "split": "reused",
        "prepare": "reused",
        "train": "done",
    }
    assert step.verdict is not None
    assert step.verdict.difference is not None
    assert step.accepted == ((step.verdict.difference.low or 0) > 0)
    assert not (broken.workspace / "ledger.jsonl").exists()  # no test row was looked at
    line = read_jsonl(broken.workspace / "iterations.jsonl")[-1]
    assert (line["run"], line["child"], line["action"]) == (broken.id, child.id, "lower_rate")
    assert line["predicted"]["value"] == pytest.approx(first.gain.value)
    assert "lower_rate" not in [one.action for one in propose(broken)]  # not proposed twice


def test_data_is_asked_of_people_and_never_made(broken: Run) -> None:
    asked = next(one for one in propose(broken) if one.kind == "data")
    with pytest.raises(UserError, match="asks for data"):
        carry_out(broken, asked)


def test_rows_to_label_come_from_the_pool(broken: Run, tmp_path: Path) -> None:
    pool = tmp_path / "pool.csv"
    with pool.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["subject", "body"])
        writer.writerows([row["subject"], row["body"]] for row in rows(60, seed=9))
    found = [one for one in propose(broken) if one.request and one.request["what"] == "label"]
    if not found:
        pytest.skip("the learning curve of this data asks for no rows")
    write_proposals(broken, found, pool=(str(pool),))
    with (broken.path / "improve" / "requests.csv").open(encoding="utf-8", newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert [int(line["rank"]) for line in lines] == list(range(1, len(lines) + 1))
    assert len({line["text"] for line in lines}) == len(lines) > 0
    assert all(line["queue"] == "" and line["predicted"] and Path(line["file"]) == pool for line in lines)


def test_rows_of_a_weak_slice_come_first(broken: Run, tmp_path: Path) -> None:
    texts = [f"{row['subject']} {row['body']}" for row in rows(90, seed=9)]
    given = np.zeros((90, 3), dtype=bool)
    given[np.arange(90), np.arange(90) % 3] = True
    edge = next(
        k for k in range(3, 14) if not inside(broken, f"length > {k} words", texts, given).all()
    )  # the upper quartile on validation
    where, longer = f"length > {edge} words", np.array([len(text.split()) > edge for text in texts])
    assert 5 < longer.sum() < 60
    assert inside(broken, where, texts, given).tolist() == longer.tolist()
    place = Predictor.load(broken.path / "train" / "model").task.labels.index("bug")
    assert inside(broken, f"label = bug and {where}", texts, given).tolist() == (longer & given[:, place]).tolist()
    assert inside(broken, "region = north", texts, given).all()  # nobody can tell of a bare text
    pool = table(tmp_path / "pool.csv", rows(90, seed=9))
    asked = Proposal(action="slice_rows", kind="data", cause="weak_slice", title="", why="", gain=Score(name="g", value=0.1, n=9), chance=1.0,
                     request={"what": "label", "rows": 12, "of": where})  # fmt: skip
    write_proposals(broken, [asked], pool=(str(pool),))
    with (broken.path / "improve" / "requests.csv").open(encoding="utf-8", newline="") as handle:
        lines = list(csv.DictReader(handle))
    of_it = [len(line["text"].split()) > edge for line in lines]
    assert (len(lines), sum(of_it)) == (12, min(12, int(longer.sum())))
    assert all(line["why"].startswith(where if one else "not of the slice") for line, one in zip(lines, of_it, strict=True))


def test_the_loop_ends_with_its_reason_and_the_test_rows_sealed(broken: Run) -> None:
    told: list[str] = []
    (broken.workspace / "iterations.jsonl").unlink(missing_ok=True)  # as if nothing had been tried
    assert auto(broken, 0.001).ended == "the budget holds no further step"
    found = auto(broken, 600.0, tell=told.append)
    assert found.steps[0].proposal.action == "lower_rate"
    assert found.ended in ("2 steps in a row brought nothing", "only data could help from here", "nothing is left to propose")
    assert found.best.id == (found.steps[-1].run.id if found.steps and found.steps[-1].accepted else found.best.id)
    assert all(step.run.record.parent for step in found.steps)
    assert len(told) == 2 * len(found.steps)
    assert not (broken.workspace / "ledger.jsonl").exists()


def test_rows_that_the_audit_flags_are_left_out_and_counted(tmp_path: Path) -> None:
    recipe = project(tmp_path, content=rows(300), prepare={"suspects": "leave_out"}, evaluate={"on": "valid"}, fail_on="never",
                     train={"num_train_epochs": 1, "precision": "float32"})  # fmt: skip
    run = start(recipe, workspace=tmp_path / "runs", until="prepare").run
    flagged = pq.read_table(run.path / "audit" / "suspects.parquet", filters=[("flagged", "=", True)])
    manifest = read_json(run.path / "prepare" / "manifest.json")
    assert flagged.num_rows > 0
    assert manifest["rows_dropped"]["suspect"] == flagged.num_rows
    assert manifest["rows"]["train"] == run.record.data["splits"]["train"] - flagged.num_rows
    tokens = manifest["tokens"]
    assert tokens["read"] == tokens["used"] + sum(tokens["dropped"].values())
    assert sum(manifest["label_counts"].values()) == manifest["rows"]["train"]
    kept = start(recipe, ["prepare.suspects=keep"], workspace=tmp_path / "runs", until="prepare").run
    assert read_json(kept.path / "prepare" / "manifest.json")["rows_dropped"] == {"unknown_label": 0}


def test_leaving_out_without_an_audit_is_refused(tmp_path: Path) -> None:
    recipe = project(tmp_path, content=rows(120), prepare={"suspects": "leave_out"}, audit=False)
    outcome = start(recipe, workspace=tmp_path / "runs", until="prepare")
    assert outcome.exit_code == 2
    assert "audit has judged no labels" in str(outcome.error)


def line(*words: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(main, [*words, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_the_command_line(broken: Run) -> None:
    where = ("--workspace", str(broken.workspace))
    code, document = line("iterate", broken.id, *where)
    assert code == 0
    assert [one["place"] for one in document["proposals"]] == list(range(1, len(document["proposals"]) + 1))
    shown = CliRunner().invoke(main, ["iterate", broken.id, *where])
    assert "expected" in shown.stdout
    assert "points" in shown.stdout
    code, document = line("iterate", broken.id, "--apply", "9", *where)
    assert (code, document["error"]["message"]) == (2, "there is no proposal 9")
    code, document = line("iterate", broken.id, "--apply", "1", "--auto", *where)
    assert code == 2
    for budget in ("soon", "30", "0min", "true", ""):
        code, document = line("iterate", broken.id, "--auto", "--budget", budget, *where)
        assert (code, document["error"]["message"]) == (2, f"--budget: {budget!r} is no time")


def test_a_run_without_validation_rows_is_told_so(tmp_path: Path) -> None:
    recipe = project(tmp_path, content=rows(120), split={"test_size": 0.3, "valid_size": 0}, fail_on="never",
                     train={"num_train_epochs": 1, "precision": "float32"})  # fmt: skip
    run = start(recipe, workspace=tmp_path / "runs").run
    code, document = line("iterate", run.id, "--workspace", str(tmp_path / "runs"))
    assert code != 0
    assert "no validation rows" in document["error"]["message"]
    assert find(tmp_path / "runs", run.id).id == run.id
    assert np.isfinite(run.record.stages["train"].seconds)


def test_a_model_that_writes_is_compared_by_what_both_wrote(tmp_path: Path) -> None:
    recipe = writing(tmp_path, fail_on="never", evaluate={"on": "valid", "rows": 40}, split={"test_size": 0.1, "valid_size": 0.35})
    run = start(recipe, ["train.num_train_epochs=1"], workspace=tmp_path / "runs").run
    gain = Score(name="g", value=0.1, low=0.0, high=0.2, n=40)
    longer = Proposal(
        action="longer",
        kind="recipe",
        cause="too_short",
        title="longer",
        why="",
        changes={"train.num_train_epochs": 6},
        gain=gain,
        chance=0.9,
    )
    step = carry_out(run, longer)
    assert propose(run) is not None  # whatever is proposed, nothing breaks
    assert step.verdict is not None
    assert step.verdict.difference is not None
    assert step.accepted == (step.verdict.answer == "better")
