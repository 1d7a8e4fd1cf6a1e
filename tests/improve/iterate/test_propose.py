"""Proposals from made-up evidence: which step for which cause, what it changes, how gains are drawn, capped, calibrated and ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.errors import RunError
from goodfit.files import append_jsonl, read_json
from goodfit.improve.iterate import Cost, Proposal, propose, write_proposals
from goodfit.improve.iterate.evidence import Evidence, answers_of
from goodfit.improve.iterate.gain import BELIEF, DRAWS, Gain, around, realised
from goodfit.improve.iterate.history import History, remember
from goodfit.improve.iterate.ranking import ranked
from goodfit.improve.iterate.requests import apart, doubts
from goodfit.run import Run
from goodfit.score import Score
from tests.improve.iterate.making import finding, made


def actions(run: Run) -> dict[str, Proposal]:
    return {one.action: one for one in propose(run)}


def test_a_good_run_without_findings_gets_no_step_of_training(tmp_path: Path) -> None:
    assert not {"lower_rate", "raise_rate", "longer", "leave_out"} & set(actions(made(tmp_path, right=0.9)))


@pytest.mark.parametrize(
    ("kind", "train", "plan", "changes"),
    [
        ("rate_too_high", {"learning_rate": 3e-3}, {"learning_rate": 3e-3}, {"train.learning_rate": "auto"}),
        ("diverged", {}, {"learning_rate": 1e-4}, {"train.learning_rate": 2.5e-5}),
        ("rate_too_low", {"learning_rate": 1e-7}, {"learning_rate": 1e-7}, {"train.learning_rate": "auto"}),
        ("rate_too_low", {}, {"learning_rate": 1e-4}, {"train.learning_rate": 4e-4}),
        ("too_short", {"num_train_epochs": 1}, {"num_train_epochs": 1.0}, {"train.num_train_epochs": "auto"}),
        ("too_short", {}, {"num_train_epochs": 5.0}, {"train.num_train_epochs": 10.0}),
        ("underfitting", {"max_steps": 9}, {}, {"train.num_train_epochs": 10.0, "train.max_steps": None}),
    ],
)
def test_each_cause_has_its_change(tmp_path: Path, kind: str, train: dict[str, Any], plan: dict[str, Any], changes: dict[str, Any]) -> None:
    run = made(tmp_path, findings=(finding(kind),), train=train, plan=plan)
    found = next(one for one in propose(run) if one.cause in ("rate", "too_short"))
    assert found.changes == pytest.approx(changes)
    assert found.gain.low is not None
    assert found.gain.low >= 0
    assert found.findings == ("TRN001",)
    assert "it is" in found.why


def test_numbers_far_from_the_computed_ones_are_suspected_where_the_model_is_weak(tmp_path: Path) -> None:
    weak = finding("worse_than_baseline", "EVA001", "error")
    far = {"train": {"learning_rate": 0.01}, "plan": {"learning_rate": 0.01}}
    assert actions(made(tmp_path, findings=(weak,), right=0.3, **far))["lower_rate"].changes == {"train.learning_rate": "auto"}
    assert "lower_rate" not in actions(made(tmp_path, right=0.3, **far))
    near = {"train": {"learning_rate": 2e-4}, "plan": {"learning_rate": 2e-4}}
    assert "lower_rate" not in actions(made(tmp_path, findings=(weak,), right=0.3, **near))


def test_the_gain_of_a_repaired_training_reaches_for_the_simple_methods(tmp_path: Path) -> None:
    far = made(tmp_path, findings=(finding("diverged"),), right=0.35, simple=0.8)
    near = made(tmp_path, findings=(finding("diverged"),), right=0.78, simple=0.8)
    gains = [actions(run)["lower_rate"].gain.value or 0 for run in (far, near)]
    assert gains[0] > 0.1 > 0.05 > gains[1] > 0


def test_a_larger_adapter_only_where_there_is_one(tmp_path: Path) -> None:
    lora = made(tmp_path, findings=(finding("underfitting"),), peft={"method": "lora"})
    assert actions(lora)["larger_adapter"].changes == {"peft.r": 64, "peft.lora_alpha": 128.0}
    assert "larger_adapter" not in actions(made(tmp_path, findings=(finding("underfitting"),)))


def test_more_rows_by_the_learning_curve(tmp_path: Path) -> None:
    def profile(value: float) -> dict[str, Any]:
        return {"learning_curve": {"gain": {"from": 2000, "to": 4000, "value": value, "low": value - 0.01, "high": value + 0.01}}}

    found = actions(made(tmp_path, profile=profile(0.03)))["more_rows"]
    assert (found.kind, found.request) == ("data", {"what": "label", "rows": 2000, "of": "all"})
    assert found.gain.value == pytest.approx(0.03, abs=0.001)
    assert found.cost.rows == 2000
    assert "more_rows" not in actions(made(tmp_path, profile=profile(0.001)))


def test_a_weak_slice_that_validation_found_is_asked_for(tmp_path: Path) -> None:
    def slices(on: str = "valid", points: float = 0.06) -> list[dict[str, Any]]:
        def share(value: float) -> dict[str, Any]:
            return {"name": "accuracy", "value": value, "low": value - 0.1, "high": value + 0.1, "n": 60}

        gap = {"value": -0.4, "low": -0.6, "high": -0.2}
        return [{"where": "length > 20", "found_on": on, "points": points, "n_found": 60, "score_found": share(0.4), "shrunken": -0.3,
                 "verdict": {"answer": "worse", "difference": gap}, "n": 9, "score": share(0.9)}]  # fmt: skip

    found = actions(made(tmp_path, right=0.8, slices=slices()))["slice_rows"]
    assert found.request == {"what": "label", "rows": 400, "of": "length > 20"}
    assert "Of 60 such validation rows 40.0% are right, about 30 points below" in found.why  # not what test rows say
    assert found.gain.value == pytest.approx(0.3 * 60 / 300 * 0.4, abs=0.003)
    assert "slice_rows" not in actions(made(tmp_path, right=0.8, slices=slices("test")))
    assert "slice_rows" not in actions(made(tmp_path, right=0.8, slices=slices(points=0.0)))


def test_rare_classes_that_are_given_too_seldom_are_weighed(tmp_path: Path) -> None:
    truth = np.array([0] * 140 + [1] * 130 + [2] * 30)
    seldom = truth.copy()
    seldom[-20:] = 0  # ten of thirty are found, no other row is called so
    run = made(tmp_path, truth=truth, said={"model": seldom})
    assert actions(run)["class_weights"].changes == {"train.class_weights": "balanced"}
    assert "class_weights" not in actions(made(tmp_path, truth=truth, said={"model": seldom}, train={"class_weights": "balanced"}))
    assert "class_weights" not in actions(made(tmp_path, truth=truth, said={"model": truth}))


def test_the_next_candidate_and_longer_rows(tmp_path: Path) -> None:
    def one(name: str, value: float, chance: float, **more: Any) -> dict[str, Any]:
        return {"model": name, "scores": [{"value": value}], "chance_best": chance, "here": True, "epoch_seconds": 2.0} | more

    listed = [one("base", 0.6, 0.5), one("other", 0.66, 0.4, epoch_seconds=6.0), one("far", 0.9, 0.9, refused="a pickle")]
    found = actions(made(tmp_path, candidates={"candidates": listed}))["other_base"]
    assert found.changes == {"choose.model_name_or_path": "other"}
    assert found.cost.seconds == 180.0
    assert "other_base" not in actions(made(tmp_path, candidates={"candidates": listed[:1]}))
    cut = {"truncated_rows": {"train": 600}, "rows": {"train": 2000}, "max_length": 64}
    assert actions(made(tmp_path, manifest=cut))["longer_rows"].changes == {"prepare.max_length": 128}
    assert "longer_rows" not in actions(made(tmp_path, manifest=cut | {"max_length": 512}))


def test_no_gain_goes_beyond_the_room_above(tmp_path: Path) -> None:
    profile = {"label_suspects": {"at_least": 0.08, "at_most": 0.3, "flags": 100}}
    run = made(tmp_path, right=0.9, simple=0.99, findings=(finding("diverged"),), profile=profile)
    score = answers_of(run, ("a", "b", "c")).score("macro_f1").value or 0
    assert (actions(run)["lower_rate"].gain.high or 0) <= 1 - 0.08 - score + 1e-9


def test_no_validation_rows_and_no_scores_are_said(tmp_path: Path) -> None:
    run = made(tmp_path, n=60)
    (run.path / "evaluate" / "scores.json").unlink()
    with pytest.raises(RunError, match="no scores yet"):
        propose(run)
    other = made(tmp_path, n=60)
    (other.path / "evaluate" / "predictions.parquet").unlink()
    with pytest.raises(RunError, match="predictions.parquet"):
        propose(other)


def test_halves_are_whole_clusters_the_same_in_every_run_and_share_nothing(tmp_path: Path) -> None:
    run = made(tmp_path, cluster=3)
    whole = Evidence.of(run).answers
    assert whole is not None
    halves = [whole.half(name) for name in ("diagnose", "accept")]
    assert not set(halves[0].rows) & set(halves[1].rows)
    assert sorted(halves[0].rows + halves[1].rows) == sorted(whole.rows)
    assert not set(halves[0].clusters) & set(halves[1].clusters)
    assert 90 < len(halves[0]) < 210
    again = whole.at(np.flatnonzero(np.arange(len(whole)) >= 30)).half("accept")  # rows before were dropped: nobody changes side
    assert set(again.rows) == {row for row in halves[1].rows if row >= "row0030"}


def test_history_moves_what_a_step_is_believed_to_bring(tmp_path: Path) -> None:
    run = made(tmp_path, findings=(finding("diverged"),), right=0.35, simple=0.8)
    before = actions(run)["lower_rate"].gain.value or 0
    score = Score(name="macro_f1_gain", value=0.2, low=0.1, high=0.3, n=300)
    for obtained in (0.0, 0.0, -0.01):
        remember(tmp_path, ("other", "child"), "lower_rate", score, score.about(value=obtained, low=-0.1, high=0.1))
    after = actions(run)["lower_rate"].gain.value or 0
    assert after < 0.6 * before
    assert History.of(tmp_path).shares("longer") == BELIEF
    append_jsonl(
        tmp_path / "iterations.jsonl", [{"run": run.id, "action": "lower_rate", "predicted": {"value": 0.2}, "obtained": {"value": 0.1}}]
    )
    assert "lower_rate" not in actions(run)  # it was carried out from this very run


def proposal(action: str, cause: str, gain: float, seconds: float, *, kind: Any = "recipe", chance: float = 0.9) -> Proposal:
    return Proposal(action=action, kind=kind, cause=cause, title=action, why="", gain=Score(name="g", value=gain, low=0, high=1, n=9), chance=chance,
                    cost=Cost(seconds=seconds))  # fmt: skip


def test_ranking_by_gain_and_cost_one_for_each_cause_at_most_five() -> None:
    many = [proposal(f"a{i}", f"cause{i}", 0.01 * (i + 1), 100) for i in range(8)]
    found = ranked(many)
    assert [one.action for one in found] == ["a7", "a6", "a5", "a4", "a3"]
    assert [one.place for one in found] == [1, 2, 3, 4, 5]
    pair = ranked([proposal("dear", "x", 0.02, 10_000), proposal("cheap", "y", 0.02, 100), proposal("same", "y", 0.01, 100)])
    assert [one.action for one in pair] == ["cheap", "dear"]
    assert ranked([proposal("unlikely", "x", 0.02, 10, chance=0.1), proposal("nothing", "y", 0.0, 10)]) == []


def test_gains_are_drawn_with_their_interval() -> None:
    rng = np.random.default_rng(0)
    gain = Gain(around(0.02, 0.0, 0.06, rng))
    score = gain.score("macro_f1", 100)
    assert (score.low, score.high) == (pytest.approx(0.0, abs=0.003), pytest.approx(0.06, abs=0.006))
    assert gain.chance > 0.95
    assert realised(np.full(DRAWS, 0.1), (2.0, 3.0), rng).mean() == pytest.approx(0.04, abs=0.003)
    assert gain.capped(0.01).draws.max() == 0.01


def test_doubt_and_distance() -> None:
    assert doubts(np.array([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0]]), several=False).tolist() == pytest.approx([1.0, 0.2])
    assert doubts(np.array([[0.5, 0.9], [0.05, 0.9]]), several=True).tolist() == pytest.approx([1.0, 0.2])
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0.7, 0.7]], dtype=np.float32)
    assert apart(vectors, np.array([1.0, 0.99, 0.5, 0.4]), 2).tolist() == [0, 2]  # the twin of the first is not asked again
    assert sorted(apart(vectors, np.ones(4), 4).tolist()) == [0, 1, 2, 3]


def test_the_document_and_the_spoken_request(tmp_path: Path) -> None:
    profile = {"learning_curve": {"gain": {"from": 2000, "to": 4000, "value": 0.03, "low": 0.02, "high": 0.04}}}
    run = made(tmp_path, profile=profile)
    document = read_json(write_proposals(run, propose(run)))
    assert document["schema"] == "goodfit/proposals/1"
    assert [one["place"] for one in document["proposals"]] == list(range(1, len(document["proposals"]) + 1))
    assert document["requests"] == "improve/requests.csv"
    lines = (run.path / "improve" / "requests.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "rank,file,line,text,label,predicted,p,why"
    assert "label 2000 more rows of all kinds" in lines[1]
