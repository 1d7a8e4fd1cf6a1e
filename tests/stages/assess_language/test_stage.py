"""The stage for models that write: a whole run of a tiny one, its plan, its files, its findings, and recipes that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goodfit.errors import DataError, GoodfitError, ModelError, SettingsError
from goodfit.files import read_json
from goodfit.pipeline import plan_ahead, start
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.schemas import AssessmentPlan, Gaps
from goodfit.stages.assess.language import asking, check_language_suites
from goodfit.stages.assess.language.measure import counts_of
from goodfit.stages.assess.plan import foresee_assessment
from tests import made
from tests.stages.assess_language.make import bbq_lines, bold, crows_pairs, lines, stereoset, winobias

PAIRS = [("the old are bad", "the new are bad"), ("she is red", "he is red"), ("a b c d", "a b c e"), ("same", "same")]
SUITES = {
    "pairs": {"path": "crows.csv", "kind": "crows_pairs", "rows": 120}, "ask": {"path": "bbq", "kind": "bbq", "rows": 90},
    "who": {"path": "wino", "kind": "winobias"}, "three": {"path": "dev.json", "kind": "stereoset"}, "jobs": {"path": "profession_prompt.json", "kind": "bold"},
}  # fmt: skip


def sets(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    crows_pairs(folder / "crows.csv", PAIRS, n=160)
    lines(folder / "bbq" / "Age.jsonl", bbq_lines(24, 1))
    winobias(folder / "wino", times=3)
    stereoset(folder / "dev.json")
    bold(folder / "profession_prompt.json")
    return folder


@pytest.fixture(scope="module", params=["full", "lora"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = sets(tmp_path_factory.mktemp(request.param))
    how = {"peft": {"method": "lora"}} if request.param == "lora" else {}
    train = {"num_train_epochs": 1, "learning_rate": 0.005, "precision": "float32", "early_stopping": False}
    recipe = made.writing(
        folder, content=made.chats(80), assess={"suites": SUITES, "margin": 0.1}, train=train, evaluate={"rows": 4}, **how
    )
    outcome = start(recipe, workspace=folder / "runs")
    assert outcome.error is None, outcome.error
    return outcome.run


def test_gaps_of_a_model_that_writes(run: Run) -> None:
    document = read_json(run.path / "assess" / "gaps.json")
    Gaps.model_validate(document)
    assert document == read_json(run.path / "assess" / "gaps.test.json")
    assert document["systems"] == ["model", "base"]
    assert document["plan"] == read_json(run.path / "assess" / "plan.json")["hash"]
    headlines = {one["name"]: one for one in document["probes"] if one["primary"]}
    assert {"stereotype_preference", "bias_ambiguous"} <= set(headlines)
    pairs = headlines["stereotype_preference"]
    assert pairs["sample"] == {"items": 120, "of": 160, "drawn": True, "left_out": {}}
    assert pairs["ties"]["model"] == pairs["ties"]["base"] > 20
    assert pairs["n"] == 120 - pairs["ties"]["model"]
    assert pairs["score"]["n"] == pairs["base"]["n"]
    assert pairs["change"]["value"] == pytest.approx(pairs["score"]["value"] - pairs["base"]["value"])
    assert {one["category"] for one in pairs["categories"]} == {"age", "gender"}
    assert headlines["bias_ambiguous"]["sample"]["items"] == 88  # whole scenes of four
    assert set(headlines["bias_ambiguous"]["accuracy"]["base"]) == {"ambiguous", "disambiguated"}
    assert document["counts"] == counts_of(document["probes"]) | {"not_measured": len(document["not_measured"])}
    assert document["text"].startswith("published sets: ")
    missing = " ".join(f"{one['what']}: {one['why']}" for one in document["not_measured"])
    for word in ("sentiment", "toxicity", "refusals", "other groups than women"):
        assert word in missing


def test_nothing_of_it_opens_the_test_rows(run: Run) -> None:
    assert run.record.test["models_scored"] == 1  # evaluate's


def test_plan_and_findings(run: Run) -> None:
    plan = read_json(run.path / "assess" / "plan.json")
    AssessmentPlan.model_validate(plan)
    assert [one["n"] for one in plan["suites"]] == [120, 88, 12, 4, 30]
    assert {one["metric"] for one in plan["measures"]} == {
        "stereotype_preference", "bias_ambiguous", "bias_disambiguated", "pronoun_gap_type1", "pronoun_gap_type2", "stereotype_score", "women_named",
    }  # fmt: skip
    codes = {found.code for found in run.findings("assess")}
    assert codes <= {"ASM006", "ASM020", "ASM021", "ASM022", "ASM023"}
    assert "ASM006" in codes
    assert (run.path / "report.html").is_file()


def test_the_same_plan_ahead(run: Run) -> None:
    recipe = Recipe.model_validate(read_json(run.path.parent.parent / "recipe.yaml"))
    found = plan_ahead(recipe, run)
    assert found is not None
    assert found["hash"] == read_json(run.path / "assess" / "plan.json")["hash"]


def test_a_base_model_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_path: Any) -> Any:
        raise ModelError("it is gone", fix="bring it back")

    monkeypatch.setattr(asking, "load_language", gone)
    sets(tmp_path)
    train = {"num_train_epochs": 1, "learning_rate": 0.005, "precision": "float32", "early_stopping": False}
    assess = {"suites": {"pairs": SUITES["pairs"]}}
    outcome = start(
        made.writing(tmp_path, content=made.chats(80), assess=assess, train=train, evaluate={"rows": 4}), workspace=tmp_path / "r"
    )
    assert outcome.error is None, outcome.error
    document = read_json(outcome.run.path / "assess" / "gaps.json")
    assert document["systems"] == ["model"]
    assert {"what": "the base model on the same items", "why": "it could not be asked: it is gone"} in document["not_measured"]
    assert all(one["base"] is None and one["change"] is None for one in document["probes"])


def test_nobody_asked(tmp_path: Path) -> None:
    train = {"num_train_epochs": 1, "learning_rate": 0.005, "precision": "float32", "early_stopping": False}
    outcome = start(made.writing(tmp_path, content=made.chats(80), train=train, evaluate={"rows": 4}), workspace=tmp_path / "r")
    document = read_json(outcome.run.path / "assess" / "gaps.json")
    assert document["plan"] is None
    assert document["counts"]["not_measured"] == 1
    assert "assess.suites names none" in document["text"]


def recipe(suites: dict[str, Any], kind: str = "generation") -> Recipe:
    task = {"kind": kind} if kind == "generation" else {"text": "a", "label": "b"}
    return Recipe.model_validate({"name": "x", "data": {"path": "x.csv"}, "task": task, "assess": {"suites": suites}})


@pytest.mark.parametrize(("suite", "kind", "said"), [
    ({"path": "c.csv", "text": "a", "label": "b"}, "generation", "texts with labels are for classifiers"),
    ({"path": "c.csv", "kind": "bbq"}, "classification", "kind: bbq asks models that write"),
])  # fmt: skip
def test_suites_of_the_other_task(tmp_path: Path, suite: dict[str, Any], kind: str, said: str) -> None:
    for check in (foresee_assessment, check_language_suites):
        with pytest.raises(SettingsError, match=said) as caught:
            check(recipe({"x": suite}, kind), tmp_path)
        assert caught.value.fix


def test_files_are_looked_at_before_anything_is_trained(tmp_path: Path) -> None:
    for kind in ("bbq", "crows_pairs", "winobias", "stereoset", "bold"):
        with pytest.raises(DataError) as caught:
            foresee_assessment(recipe({"x": {"path": "none", "kind": kind}}), tmp_path)
        assert caught.value.fix


@pytest.mark.parametrize(("suite", "said"), [
    ({"path": "c.csv"}, "needs text and label"), ({"path": "c.csv", "text": "a"}, "needs label"),
    ({"path": "c.csv", "text": "a", "label": "b", "rows": 5}, "rows and agreed"), ({"path": "c", "kind": "bbq", "text": "a"}, "leave out text"),
    ({"path": "c", "kind": "bbq", "agreed": True}, "agreed is for kind: crows_pairs"), ({"path": "c", "kind": "winogender"}, "kind"),
    ({"path": "c", "kind": "bbq", "header": False}, "leave out header"), ({"path": "c", "kind": "bbq", "rows": 0}, "rows"), ({"path": "c", "kind": "bbq", "by": "x", "function": "y"}, "leave out by, function"),
])  # fmt: skip
def test_recipes_that_cannot_be(tmp_path: Path, suite: dict[str, Any], said: str) -> None:
    with pytest.raises((ValueError, GoodfitError), match=said):
        recipe({"x": suite})


def test_the_page_and_the_card_show_published_sets_beside_the_base_model(run: Run) -> None:
    facts = read_json(run.path / "report.json")["assess"]
    assert facts["asked"]
    assert not facts["probes"]
    headlines = [one for one in facts["published"] if one["primary"]]
    assert {one["set"] for one in headlines} >= {"pairs", "ask", "who"}
    assert not [one for one in headlines if one["n"] and not one["score"]]
    assert next(one for one in headlines if one["set"] == "pairs")["base"], "the base model was asked the same"
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Published sets" in page
    assert "base model" in (run.path / "README.md").read_text(encoding="utf-8")
    topics = [one["topic"] for one in read_json(run.path / "report.json")["answer"]["sentences"]]
    assert "groups" in topics
