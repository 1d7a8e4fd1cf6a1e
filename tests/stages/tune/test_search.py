"""The search through the whole path, on tiny models: the default first, what stays where nothing is shown, resumed, parallel, warm, in time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.cli.look import _plan_lines
from goodfit.engine.plan import Plan
from goodfit.errors import GoodfitError
from goodfit.files import read_json, read_jsonl
from goodfit.pipeline import Outcome, conduct
from goodfit.run import Run, digest
from goodfit.settings import read
from goodfit.stages.tune import trial as trials
from goodfit.stages.tune import workers
from goodfit.stages.tune.rows import halves
from tests import made, tiny

FEW: dict[str, Any] = {"trials": 4, "seeds": 2, "finalists": 1}
SHORT = {"max_steps": 24, "eval_steps": 4, "learning_rate": 0.002, "precision": "float32"}


def walked(folder: Path, *, until: str = "tune", tune: dict[str, Any] | None = None, **changes: Any) -> tuple[Run, Outcome]:
    recipe = made.project(folder, content=made.rows(420), tune=tune or FEW, **{"train": SHORT} | changes)
    return again(new(recipe, folder), recipe, until)


def new(recipe: Path, folder: Path) -> Run:
    loaded = read(recipe)
    return Run.create(
        folder / "runs", name="t", recipe_text=loaded.text, base=folder, recipe_hash=digest(loaded.recipe.to_json())
    )  # fmt: skip


def again(run: Run, recipe: Path, until: str = "tune") -> tuple[Run, Outcome]:
    outcome = conduct(read(recipe).recipe, run, until=until)
    return Run.open(run.path), outcome


def lines(run: Run, phase: str = "search") -> list[dict[str, Any]]:
    return [line for line in read_jsonl(run.path / "tune" / "trials.jsonl") if line["phase"] == phase]


def codes(run: Run) -> dict[str, str]:
    return {f.code: f.status for f in run.findings("tune")}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run, outcome = walked(tmp_path_factory.mktemp("search"), until="train")
    assert outcome.status == "partial", outcome.error
    return run


def test_the_default_is_trial_0_and_every_trial_leaves_its_line_and_its_events(searched: Run) -> None:
    found = lines(searched)
    assert [line["trial"] for line in found] == [0, 1, 2, 3]
    assert [line["default"] for line in found] == [True, False, False, False]
    assert found[0]["params"]["train.learning_rate"] == 0.002
    for line in found:
        events = read_jsonl(searched.path / "tune" / "trials" / f"{line['trial']:03d}" / "events.jsonl")
        assert events[0]["event"] == "start"
        assert line["state"] in ("complete", "pruned")
        assert (line["value"] is None) == (line["state"] == "pruned")
        assert all(s["selected"] for s in line["scores"])
    assert found[0]["scores"][0]["name"] == "macro_f1"


def test_the_last_word_is_said_on_rows_that_chose_nothing(searched: Run) -> None:
    plan = read_json(searched.path / "tune" / "plan.json")
    verdict = plan["search"]["verdict"]
    facts = read_json(searched.path / "tune" / "search.json")
    assert verdict["difference"]["n"] == facts["judging"]
    assert facts["choosing"] + facts["judging"] == searched.record.data["splits"]["valid"]
    repeats = lines(searched, "repeat")
    assert {line["seed"] for line in repeats} == {43, 44}
    assert sum(line["default"] for line in repeats) == 2
    taken = verdict["answer"] == "better"
    assert bool(plan["chosen"]) == taken
    assert ("the default stays" in plan["search"]["sentence"]) != taken
    assert codes(searched)["TUN003"] == ("passed" if taken else "open")


def test_train_follows_the_plan(searched: Run) -> None:
    plan = read_json(searched.path / "tune" / "plan.json")
    start = read_jsonl(searched.path / "train" / "events.jsonl")[0]
    assert start["steps_total"] == 24
    assert start["batch"] == f"{plan['plan']['train_batch_size']} rows"
    assert searched.record.resolved["train.lr_scheduler_type"] == "linear"


def test_a_better_point_is_taken_and_trained_with(tmp_path: Path) -> None:
    """The default hardly moves; every other rate learns."""
    tune = FEW | {"space": {"train.learning_rate": [1e-7, 4e-3, 5e-3], "peft.method": ["full", "lora"]}, "trials": 5, "seeds": 3}
    train = SHORT | {"learning_rate": 1e-7, "head_learning_rate": 1e-7, "max_steps": 60, "eval_steps": 15}
    run, outcome = walked(tmp_path, until="train", tune=tune, train=train, split={"test_size": 0.1, "valid_size": 0.5})
    assert outcome.status == "partial", outcome.error
    plan = read_json(run.path / "tune" / "plan.json")
    assert plan["search"]["verdict"]["answer"] == "better", plan["search"]["sentence"]
    assert plan["chosen"]["train.learning_rate"] in (4e-3, 5e-3)
    assert plan["plan"]["learning_rate"] == plan["chosen"]["train.learning_rate"]
    assert plan["reasons"]["train.learning_rate"].startswith("trial ")
    assert "is taken" in plan["search"]["sentence"]
    assert run.record.resolved["train.learning_rate"] == plan["chosen"]["train.learning_rate"]
    assert run.record.model is not None
    method = plan["chosen"].get("peft.method", "full")
    assert run.record.model["kind"] == {"lora": "peft", "full": "full"}[method]
    assert (run.path / "train" / "model" / "adapter_config.json").is_file() == (method == "lora")


def test_a_search_that_is_killed_goes_on_and_repeats_nothing(searched: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cut"
    recipe = made.project(folder, content=made.rows(420), tune=FEW, train=SHORT)
    run, count = new(recipe, folder), 0
    real = trials.run

    def cut(*args: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return real(*args, **more)

    monkeypatch.setattr(workers, "run", cut)
    run, outcome = again(run, recipe)
    assert outcome.status == "interrupted"
    assert len(lines(run)) == 2
    run, outcome = again(run, recipe)
    assert outcome.status == "partial", outcome.error
    assert count == 1 + 4 + 4, "the third trial once more; nothing else twice"
    assert [line["params"] for line in lines(run)] == [line["params"] for line in lines(searched)]
    assert [line["value"] for line in lines(run)] == [line["value"] for line in lines(searched)]


def test_trials_in_processes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goodfit.stages.tune.search.cores", lambda: 2)
    run, outcome = walked(tmp_path, tune=FEW | {"parallel": 2, "trials": 3})
    assert outcome.status == "partial", outcome.error
    assert sorted(line["trial"] for line in lines(run)) == [0, 1, 2]
    assert len(lines(run, "repeat")) == 4
    assert read_json(run.path / "tune" / "plan.json")["search"]["verdict"]["difference"]["n"] > 0


def test_an_earlier_search_teaches_a_later_one(tmp_path: Path) -> None:
    walked(tmp_path, tune=FEW | {"trials": 3})
    run, _ = walked(tmp_path, tune=FEW | {"trials": 2})
    warm = read_json(run.path / "tune" / "search.json")["warm"]
    assert warm >= 1
    assert lines(run)[1]["trial"] > warm, "the trials taken over have numbers of their own"


def test_a_budget_leaves_time_for_repeats_and_says_what_it_left_out(tmp_path: Path) -> None:
    run, outcome = walked(tmp_path, tune=FEW | {"budget": "1s", "trials": 9})
    assert outcome.status == "partial", outcome.error
    assert len(lines(run)) < 9
    assert codes(run)["TUN006"] == "open"
    assert read_json(run.path / "tune" / "plan.json")["chosen"] == {}


def test_what_diverges_is_counted_and_does_not_end_the_search(tmp_path: Path) -> None:
    tune = FEW | {
        "space": {"train.learning_rate": [0.002, 0.9, 0.99], "train.max_grad_norm": [0.0, 1e-9]},
        "trials": 6,
        "sampler": "random",
    }
    monkey = SHORT | {"max_steps": 40, "head_learning_rate": 0.9}
    run, outcome = walked(tmp_path, tune=tune, train=monkey)
    assert outcome.status == "partial", outcome.error
    assert len(lines(run)) == 6


def test_few_validation_rows_are_not_searched_on(tmp_path: Path) -> None:
    run, outcome = walked(tmp_path, split={"by": "customer", "test_size": 0.25, "valid_size": 0.05})
    assert outcome.status == "partial", outcome.error
    assert codes(run)["TUN007"] == "open"
    assert not (run.path / "tune" / "trials.jsonl").exists()
    none, outcome = walked(tmp_path / "b", split={"test_size": 0.25, "valid_size": 0.0})
    assert outcome.status == "partial", outcome.error
    assert codes(none)["TUN007"] == "open"


def test_a_default_that_cannot_be_trained_ends_it_with_its_reason(tmp_path: Path) -> None:
    _, outcome = walked(tmp_path, train=SHORT | {"freeze": 9})
    assert outcome.status == "failed"
    assert isinstance(outcome.error, GoodfitError)
    assert "layers" in outcome.error.message
    assert outcome.exit_code == 2


def test_several_labels_and_a_model_that_writes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = []
    for i in range(400):
        names = [name for k, name in enumerate(("a", "b", "c")) if (i >> k) & 1]
        words = [f"w{10 * 'abc'.index(n) + rng.integers(8)}" for n in names] + ["w50", "w51"]
        content.append({"text": " ".join(words) + f" w{40 + i % 17}", "label": ";".join(names)})
    folder = tmp_path / "many"
    recipe = made.project(
        folder, content=content, task={"text": "text", "label": "label", "multi_label": True, "label_separator": ";"}, groups={},
        split={"valid_size": 0.3, "test_size": 0.2}, tune=FEW | {"trials": 3}, train=SHORT,
    )  # fmt: skip
    run, outcome = again(new(recipe, folder), recipe)
    assert outcome.status == "partial", outcome.error
    assert lines(run)[0]["scores"][0]["name"] == "macro_f1"
    folder = tmp_path / "writes"
    recipe = made.writing(folder, content=made.chats(260), split={"valid_size": 0.3, "test_size": 0.2}, tune=FEW | {"trials": 3},
                          train={"max_steps": 12, "learning_rate": 0.003, "precision": "float32"}, peft={"method": "lora", "r": 4})  # fmt: skip
    run, outcome = again(new(recipe, folder), recipe)
    assert outcome.status == "partial", outcome.error
    plan = read_json(run.path / "tune" / "plan.json")
    assert plan["search"]["verdict"]["difference"]["name"] == "loss_difference"
    assert plan["search"]["verdict"]["difference"]["unit"] == "nats"
    assert {"peft.r", "train.learning_rate"} <= set(read_json(run.path / "tune" / "search.json")["space"])


def test_measures_before_training(tmp_path: Path) -> None:
    run, outcome = walked(tmp_path, tune={"range_test": True, "noise_scale": True}, train={"precision": "float32"})
    assert outcome.status == "partial", outcome.error
    found = read_json(run.path / "tune" / "measured.json")
    assert len(found["range_test"]["rates"]) == len(found["range_test"]["losses"]) > 50
    assert found["noise_scale"]["rows_small"] == found["batch"]
    assert {"TUN001", "TUN002"} <= set(codes(run))


def test_halves_keep_clusters_whole() -> None:
    clusters = np.repeat(np.arange(50), 4)
    choosing, judging = halves(clusters, 3)
    assert len(choosing) + len(judging) == 200
    assert abs(len(choosing) - len(judging)) <= 4
    assert not set(clusters[choosing]) & set(clusters[judging])
    assert json.dumps(choosing.tolist()) == json.dumps(halves(clusters, 3)[0].tolist())


def test_tune_false_takes_the_defaults_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "off"
    recipe = made.project(folder, content=made.rows(200), tune=False, train={"precision": "float32"})
    run, outcome = again(new(recipe, folder), recipe)
    assert outcome.status == "partial", outcome.error
    assert run.record.stages["tune"].state == "skipped"
    assert read_json(run.path / "tune" / "plan.json")["plan"]["lr_scheduler_type"] == "linear"


def test_a_default_that_diverges_gives_way_to_a_trial_that_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = trials.run

    def wild(ground: Any, job: trials.Job, tell: Any = None) -> trials.Result:
        if not job.point:
            return trials.Result(job.number, "diverged", 0.1, reason="the loss of step 3 is nan")
        return real(ground, job)

    monkeypatch.setattr(workers, "run", wild)
    run, outcome = walked(tmp_path, tune=FEW | {"trials": 3})
    assert outcome.status == "partial", outcome.error
    plan = read_json(run.path / "tune" / "plan.json")
    assert plan["search"]["sentence"].startswith("the default failed with a fresh seed")
    assert plan["chosen"]
    assert plan["plan"]["learning_rate"] == plan["chosen"]["train.learning_rate"]


def test_a_finalist_that_fails_with_a_fresh_seed_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = trials.run

    def wild(ground: Any, job: trials.Job, tell: Any = None) -> trials.Result:
        if job.point and job.seed == 44:
            return trials.Result(job.number, "failed", 0.1, reason="memory ran out")
        return real(ground, job)

    monkeypatch.setattr(workers, "run", wild)
    run, _ = walked(tmp_path, tune=FEW | {"trials": 3})
    plan = read_json(run.path / "tune" / "plan.json")
    assert plan["chosen"] == {}
    assert "the default stays" in plan["search"]["sentence"]


def test_show_tells_the_plan_and_the_sentence(searched: Run) -> None:
    said = "\n".join(_plan_lines(searched))
    assert "train.learning_rate" in said
    assert read_json(searched.path / "tune" / "plan.json")["search"]["sentence"] in said


@pytest.mark.parametrize(("epochs", "steps", "wanted"), [(20.0, None, None), (1.0, None, 2), (1.0, 8, 1)])
def test_trials_are_looked_at_when_they_reach_the_first_rung(tmp_path: Path, epochs: float, steps: int | None, wanted: int | None) -> None:
    train, valid = tiny.examples(120), tiny.examples(400, seed=1)
    plan = Plan(learning_rate=1e-3, num_train_epochs=epochs, max_steps=steps, train_batch_size=8)
    seen = 8.0 * (steps or 15 * epochs)
    rungs = trials.Rungs(None, tmp_path, "s", 0, rows=seen)
    assert trials._looking(plan, {"train": train, "valid": valid}, rungs).eval_steps == wanted
    assert trials._looking(plan, {"train": train, "valid": valid}, None) == plan
