"""The stage on the whole path with a tiny model: files, the plan before the seal, the ledger, and every way in which nobody asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from goodfit import start
from goodfit.cli import main
from goodfit.files import read_json, read_jsonl
from goodfit.run import Run
from goodfit.schemas.assess import AssessmentPlan, Gaps, SwappedPair, TermContext
from goodfit.stages.assess import Assessment
from tests import made, tiny
from tests.stages.assess.make import posts
from tests.stages.assess.test_suites import ROWS, write


def project(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    posts(folder / "posts.csv")
    write(folder / "cases.csv", [row | {"case": row["case"].replace("I met", "w3 w44")} for row in ROWS])
    if not (folder / "model").exists():
        tiny.folder("bert", folder / "model")
    document = {
        "name": "posts", "purpose": "Hold back posts.", "data": {"path": "posts.csv"}, "task": {"text": "text", "label": "label"},
        "groups": {"region": {"column": "region"}, "gender": {"terms": "gender-en"}}, "audit": False, "fail_on": "never",
        "split": {"test_size": 0.3, "valid_size": 0.15}, "choose": {"model_name_or_path": "model"},
        "train": {"num_train_epochs": 3, "learning_rate": 0.004, "precision": "float32"}, "evaluate": {"baselines": ["majority"]},
        "assess": {
            "label": "hate", "by": ["region", "gender", "region x gender"], "harms": {"fpr": "clean posts are held back"},
            "why": {"gender": "posts about women are flagged more often"},
            "suites": {"cases": {"path": "cases.csv", "text": "case", "label": "gold", "labels": {"hateful": "hate", "fine": "none"},
                                 "groups": {"target": {"column": "target"}}, "by": "template", "function": "function"}},
        },
    } | changes  # fmt: skip
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("assess")
    outcome = start(project(folder), workspace=folder / "runs")
    assert outcome.error is None, outcome.error
    return outcome.run


def document(run: Run) -> dict[str, Any]:
    return read_json(run.path / "assess" / "gaps.json")


def test_the_files_are_what_their_schemas_say(run: Run) -> None:
    Gaps.model_validate(document(run))
    AssessmentPlan.model_validate(read_json(run.path / "assess" / "plan.json"))
    for line in read_jsonl(run.path / "assess" / "swapped.jsonl"):
        SwappedPair.model_validate(line)
    assert read_json(run.path / "assess" / "gaps.test.json") == document(run)


def test_gaps_name_the_plan_that_was_written_before(run: Run) -> None:
    plan = read_json(run.path / "assess" / "plan.json")
    found = document(run)
    assert found["plan"] == plan["hash"]
    assert not found["plan_changed_after_unsealing"]
    assert plan["purpose"] == "Hold back posts."
    assert [one["why"] for one in plan["axes"]] == [None, "posts about women are flagged more often"]
    assert [one["harm"] for one in plan["measures"] if one["metric"] == "fpr"] == ["clean posts are held back"]
    log = (run.path / "log.txt").read_text() if (run.path / "log.txt").exists() else ""
    assert "Traceback" not in log


def test_the_plan_counts_rows_as_split_did(run: Run) -> None:
    plan, manifest = read_json(run.path / "assess" / "plan.json"), read_json(run.path / "split" / "manifest.json")
    region = next(one for one in plan["axes"] if one["axis"] == "region")
    assert {one["member"]: one["n"]["test"] for one in region["members"]} == {k: v["test"] for k, v in manifest["groups"]["region"].items()}
    gender = manifest["groups"]["gender"]
    assert set(gender) == {"women", "men", "(missing)"}
    assert sum(sum(sides.values()) for sides in gender.values()) == manifest["used"], "each of these texts names one or none"


def test_what_goes_with_a_group_in_the_data_is_said_before_training(run: Run) -> None:
    found = read_json(run.path / "assess" / "plan.json")["data"]["associations"]
    women = next(one for one in found if one["member"] == "women")
    assert women["label"] == "hate"
    assert women["rate"] > women["elsewhere"] + 0.1
    assert women["phi"] > 0.1
    assert any(one.code == "ASM004" for one in run.findings("assess"))


def test_a_model_that_learned_the_group_is_found_out(run: Run) -> None:
    found = document(run)
    gaps = [one for one in found["gaps"] if one["answer"] == "gap" and one["axis"].startswith("gender")]
    probes = {(one["set"], one["terms"]): one for one in found["probes"]}
    assert probes["test", "gender-en"]["n"] > 100
    assert gaps or probes["test", "gender-en"]["answer"] == "gap" or found["counts"]["not_enough_data"] > 0
    assert {one["set"] for one in found["gaps"]} == {"test", "cases"}
    assert {axis for one in found["gaps"] for axis in one["group"]} >= {"region", "gender", "target"}
    assert any(one["axis"] == "region x gender" for one in found["gaps"])


def test_the_base_model_answered_the_same_rows(run: Run) -> None:
    found = document(run)
    assert found["systems"] == ["model", "base_probe"]
    assert all(one["base"] for one in found["gaps"] if one["value"] is not None and one["name"] == "error_gap")
    answers = pq.read_table(run.path / "assess" / "predictions.parquet")
    assert set(answers["system"].to_pylist()) == {"model", "base_probe"}
    assert set(answers["split"].to_pylist()) == {"test", "cases"}


def test_the_answers_of_the_model_are_those_that_evaluate_wrote(run: Run) -> None:
    ours = pq.read_table(run.path / "assess" / "predictions.parquet", filters=[("split", "=", "test"), ("system", "=", "model")])
    theirs = pq.read_table(run.path / "evaluate" / "predictions.parquet", filters=[("split", "=", "test"), ("system", "=", "model")])
    assert ours.equals(theirs.select(ours.column_names))


def test_the_ledger_knows_that_assess_looked_and_counts_one_model(run: Run) -> None:
    lines = read_jsonl(run.workspace / "ledger.jsonl")
    assert [line["stage"] for line in lines] == ["evaluate", "assess"]
    assert Run.open(run.path).record.test["models_scored"] == 1


def test_functions_and_what_was_not_measured_are_listed(run: Run) -> None:
    found = document(run)
    assert {one["function"] for one in found["functions"]} == {"f1", "f2"}
    told = " ".join(one["what"] for one in found["not_measured"])
    assert "groups by religion" in told
    assert found["counts"]["not_measured"] == len(found["not_measured"])


def test_the_result_can_be_loaded_again(run: Run) -> None:
    assert Assessment.load(run).text == document(run)["text"]


def test_the_same_seed_gives_the_same_file(run: Run, tmp_path: Path) -> None:
    other = start(project(tmp_path), workspace=tmp_path / "runs").run
    a, b = document(run), document(other)
    assert a["gaps"] == b["gaps"]
    assert a["rates"] == b["rates"]
    assert a["wholes"] == b["wholes"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"groups": {}, "assess": {}}, "names no groups"), ({"assess": False}, "assess: false")],
)
def test_where_nobody_asks_that_is_said(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    recipe = project(tmp_path, **changes, train={"max_steps": 2, "precision": "float32"})
    done = start(recipe, workspace=tmp_path / "runs").run
    found = document(done)
    Gaps.model_validate(found)
    assert why in found["not_measured"][0]["why"]
    assert not (done.path / "assess" / "plan.json").exists()
    (finding,) = done.findings("assess")
    assert (finding.code, finding.status) == ("ASM001", "not_applicable")
    assert len(read_jsonl(done.workspace / "ledger.jsonl")) == 1, "nothing was opened for nothing"


def test_on_validation_the_test_rows_stay_sealed(tmp_path: Path) -> None:
    recipe = project(tmp_path, evaluate={"on": "valid", "baselines": ["majority"]}, train={"max_steps": 2, "precision": "float32"})
    done = start(recipe, workspace=tmp_path / "runs").run
    assert document(done)["on"] == "valid"
    assert (done.path / "assess" / "gaps.valid.json").is_file()
    assert not (done.workspace / "ledger.jsonl").exists()


def test_out_of_fold_answers_are_assessed_without_what_needs_one_model(tmp_path: Path) -> None:
    recipe = project(
        tmp_path, split={"folds": 3, "valid_size": 0.2}, evaluate={"baselines": ["majority"]}, assess={"label": "hate"},
        train={"max_steps": 4, "precision": "float32"},
    )  # fmt: skip
    outcome = start(recipe, workspace=tmp_path / "runs")
    assert outcome.error is None, outcome.error
    found = document(outcome.run)
    assert found["on"] == "folds"
    assert found["gaps"]
    told = " ".join(one["why"] for one in found["not_measured"])
    assert "no one model has left all rows unseen" in told
    assert "would have learned from them" in told


def test_a_later_plan_for_opened_rows_is_said_to_be_late(tmp_path: Path) -> None:
    quick = {"max_steps": 2, "precision": "float32"}
    start(project(tmp_path, groups={}, assess={}, train=quick), workspace=tmp_path / "runs")
    done = start(project(tmp_path, train=quick), workspace=tmp_path / "runs").run
    plan = read_json(done.path / "assess" / "plan.json")
    assert plan["after_unsealing"]
    assert plan["changed"] == ["there was no plan"]
    assert document(done)["plan_changed_after_unsealing"]
    assert any(one.code == "ASM002" for one in done.findings("assess"))
    again = start(project(tmp_path, train=quick | {"learning_rate": 0.001}), workspace=tmp_path / "runs").run
    assert read_json(again.path / "assess" / "plan.json")["after_unsealing"], "the first to open them had no plan"


def test_the_same_plan_as_the_one_before_is_not_late(tmp_path: Path) -> None:
    quick = {"max_steps": 2, "precision": "float32"}
    start(project(tmp_path, train=quick), workspace=tmp_path / "runs")
    done = start(project(tmp_path, train=quick | {"learning_rate": 0.001}), workspace=tmp_path / "runs").run
    assert not read_json(done.path / "assess" / "plan.json")["after_unsealing"]


def test_a_margin_that_was_moved_is_named(tmp_path: Path) -> None:
    quick = {"max_steps": 2, "precision": "float32"}
    start(project(tmp_path, train=quick), workspace=tmp_path / "runs")
    section = json.loads(project(tmp_path).read_text())["assess"] | {"margin": 0.2}
    done = start(project(tmp_path, train=quick, assess=section), workspace=tmp_path / "runs").run
    assert read_json(done.path / "assess" / "plan.json")["changed"] == ["margin"]


def test_the_plan_alone_trains_nothing_and_opens_nothing(tmp_path: Path) -> None:
    recipe = project(tmp_path)
    found = CliRunner().invoke(main, ["assess", str(recipe), "--plan", "--json", "--workspace", str(tmp_path / "runs")])
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    AssessmentPlan.model_validate(said["plan"])
    folder = Path(said["run"]["path"])
    assert (folder / "assess" / "plan.json").is_file()
    assert not (folder / "train").exists()
    assert not (tmp_path / "runs" / "ledger.jsonl").exists()
    text = CliRunner().invoke(main, ["assess", str(recipe), "--plan", "--workspace", str(tmp_path / "runs")]).stdout
    assert "purpose   Hold back posts." in text
    assert "declared  fpr of 'hate': clean posts are held back" in text


def test_a_plan_without_groups_says_what_to_write(tmp_path: Path) -> None:
    recipe = project(tmp_path, groups={}, assess={})
    found = CliRunner().invoke(main, ["assess", str(recipe), "--plan", "--workspace", str(tmp_path / "runs")])
    assert found.exit_code == 2
    assert "names no groups" in found.stderr


def test_a_label_that_is_none_of_the_task_is_said_before_training(tmp_path: Path) -> None:
    section = json.loads(project(tmp_path).read_text())["assess"] | {"label": "hat"}
    outcome = start(project(tmp_path, assess=section), workspace=tmp_path / "runs")
    assert outcome.error is not None
    assert "did you mean 'hate'" in str(outcome.error.fix)
    assert "train" not in outcome.run.record.stages


def test_several_labels_a_row(tmp_path: Path) -> None:
    recipe = made.project(
        tmp_path, content=[row | {"queue": row["queue"] + ("|bug" if i % 4 == 0 else "")} for i, row in enumerate(made.rows(360))],
        task={"text": ["subject", "body"], "label": "queue", "multi_label": True}, audit=False, fail_on="never",
        train={"max_steps": 8, "precision": "float32"}, evaluate={"baselines": ["majority"]},
    )  # fmt: skip
    outcome = start(recipe, workspace=tmp_path / "runs")
    assert outcome.error is None, outcome.error
    found = document(outcome.run)
    Gaps.model_validate(found)
    assert {one["label"] for one in found["gaps"]} >= {"billing", "bug", "sales"}


def test_what_a_list_of_terms_finds_is_shown_with_the_words_around_it(run: Run) -> None:
    plan = read_json(run.path / "assess" / "plan.json")
    (listed,) = plan["mentions"]
    assert listed["members"]["women"]["rows"] > 50
    assert listed["forms"]["she"] > 10
    lines = read_jsonl(run.path / "assess" / "contexts.jsonl")
    assert lines
    assert [bool(one["also"]) for one in lines] == sorted((bool(one["also"]) for one in lines), reverse=True), "doubtful forms come first"
    train = set(pq.read_table(run.path / "split" / "assignment.parquet", filters=[("split", "!=", "test")])["row"].to_pylist())
    assert {one["row"] for one in lines} <= train, "no test text is shown"
    for one in lines:
        TermContext.model_validate(one)


def test_the_plan_of_a_run_that_is_assessed_stays_what_it_was(run: Run) -> None:
    path = run.path / "assess" / "plan.json"
    before = path.stat().st_mtime_ns
    found = CliRunner().invoke(main, ["assess", str(run.path), "--plan", "--workspace", str(run.workspace)])
    assert found.exit_code == 0, found.output
    assert path.stat().st_mtime_ns == before
    assert "reads     " in found.stdout
