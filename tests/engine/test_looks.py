"""What is kept of single rows: the same after a cut as without one, within bounds, and equal to what plain arithmetic gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from goodfit.engine.checkpoint import Checkpoints, InMemory
from goodfit.engine.evaluation import mean_per_row
from goodfit.engine.fit import Fitted, fit
from goodfit.engine.looks import FACTS, KEPT, LOSS, MARGIN, RIGHT, Followed, Looks
from goodfit.engine.plan import Plan
from goodfit.tasks.classification import Classification
from goodfit.tasks.language import LanguageObjective
from tests import tiny

TRAIN = tiny.examples(60, rule=True)
VALID = tiny.examples(20, seed=1, rule=True)
TASK = Classification(("a", "b", "c"))


def plan(**settings: Any) -> Plan:
    base = {"learning_rate": 2e-3, "num_train_epochs": 3, "precision": "float32", "eval_steps": 4, "save_steps": 1, "threads": 1}
    return Plan(**base | settings)


def train(folder: Path, *, on_event: Any = None, attempt: int = 1, **settings: Any) -> tuple[Fitted, Looks]:
    looks = Looks(folder / "looks", follow=50)
    made = fit(
        tiny.model("bert"), {"train": TRAIN, "valid": VALID}, plan(**settings), objective=TASK.objective(),
        on_event=on_event or (lambda _: None), checkpoints=Checkpoints(folder / "checkpoints", attempt=attempt, looks=looks),
    )  # fmt: skip
    return made, looks


class Stop(Exception):
    """The process dies, as far as the engine can see."""


@pytest.mark.parametrize("at", [1, 5, 8, 9])
def test_a_cut_training_leaves_the_same_facts(tmp_path: Path, at: int) -> None:
    _, whole = train(tmp_path / "whole", logging_steps=1)

    def die(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == at:
            raise Stop

    with pytest.raises(Stop):
        train(tmp_path / "cut", on_event=die, logging_steps=1)
    _, again = train(tmp_path / "cut", attempt=2, logging_steps=1)
    for split, n in (("valid", 20), ("train_probe", 60)):
        steps, facts = whole.of(split)
        assert again.of(split)[0] == steps == [4, 8, 12]
        assert facts.shape == (3, n, len(FACTS))
        assert np.array_equal(again.of(split)[1], facts)
    assert whole.followed is not None
    assert again.followed is not None
    assert np.array_equal(again.followed.places, whole.followed.places)
    assert (whole.followed.state["seen"] == 3).all()
    for name, values in whole.followed.state.items():
        assert np.array_equal(again.followed.state[name], values), name


def test_following_rows_changes_no_weight(tmp_path: Path) -> None:
    made, _ = train(tmp_path)
    plainly = fit(tiny.model("bert"), {"train": TRAIN, "valid": VALID}, plan(), objective=TASK.objective())
    for mine, theirs in zip(made.model.parameters(), plainly.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_facts_are_those_of_the_logits() -> None:
    made = InMemory(looks=Looks())
    events: list[dict[str, Any]] = []
    fit(tiny.model("bert"), {"train": TRAIN, "valid": VALID}, plan(), objective=TASK.objective(), on_event=events.append, checkpoints=made)
    told = [e for e in events if e["event"] == "eval" and e["split"] == "valid"]
    steps, facts = made.looks.of("valid")
    assert [e["step"] for e in told] == steps
    assert facts[:, :, LOSS].astype(float).mean(axis=1) == pytest.approx([e["loss"] for e in told], rel=2e-3)
    accuracy = [next(s["value"] for s in e["scores"] if s["name"] == "accuracy") for e in told]
    assert facts[:, :, RIGHT].astype(float).mean(axis=1) == pytest.approx(accuracy)
    assert ((facts[:, :, MARGIN] > 0) == (facts[:, :, RIGHT] > 0.5)).all()
    assert all(0 <= e["answers"]["entropy"] <= np.log(3) + 1e-6 for e in told)
    assert all(sum(e["answers"]["counts"]) == 20 and e["answers"]["largest"] == max(e["answers"]["counts"]) / 20 for e in told)


def test_looks_stay_within_their_bound(tmp_path: Path) -> None:
    looks = Looks(tmp_path / "looks")
    for step in range(1, 3 * KEPT + 1):
        looks.add("valid", step, np.full((2, len(FACTS)), 1e9 if step == 1 else step, np.float32))
        assert len(list((tmp_path / "looks").iterdir())) <= KEPT + 2
    steps, facts = looks.of("valid")
    assert len(steps) <= KEPT + 2
    assert steps[0] == 1
    assert steps[-2:] == [3 * KEPT - 1, 3 * KEPT]
    assert np.isfinite(facts.astype(float)).all()
    again = Looks(tmp_path / "looks")
    again.resume(list(range(1, 3 * KEPT - 1)))
    assert max(again.of("valid")[0]) <= 3 * KEPT - 2
    again.resume([])
    assert list((tmp_path / "looks").iterdir()) == []


def test_sums_of_followed_rows_by_hand() -> None:
    rows = Followed.begin(np.array([1, 3]), 5)
    rows.add(np.array([0, 1, 3]), np.array([[9, 0, -9], [np.log(2), 1, 2], [np.log(4), 0, -1]], np.float32))
    rows.add(np.array([3, 1]), np.array([[0, 1, 5], [np.log(2), 1, 1]], np.float32))
    assert rows.state["seen"].tolist() == [2, 2]
    assert rows.state["confidence"] == pytest.approx([1.0, 1.25])
    assert rows.state["margin"] == pytest.approx([3, 4])
    assert rows.state["right"].tolist() == [2, 1]
    assert rows.state["last_wrong"].tolist() == [0, 1]
    copy = Followed.begin(rows.places, 5)
    copy.restore(rows.tensors())
    assert all(np.array_equal(copy.state[name], values) for name, values in rows.state.items())


def test_tokens_become_rows() -> None:
    each = np.array([[1, 0], [3, 1], [5, 1]], np.float32)
    assert mean_per_row(each, np.array([2, 0, 1])).tolist() == [[2, 0.5], [0, 0], [5, 1]]


def test_language_models_leave_losses_and_no_map(tmp_path: Path) -> None:
    looks = Looks(tmp_path / "looks", follow=10)
    rows = {"train": tiny.language(20), "valid": tiny.language(8, seed=3)}
    fit(tiny.language_model("llama"), rows, plan(num_train_epochs=1, eval_steps=1), objective=LanguageObjective(),
        checkpoints=Checkpoints(tmp_path / "checkpoints", looks=looks))  # fmt: skip
    steps, facts = looks.of("valid")
    assert len(steps) == 2
    assert (facts[:, :, LOSS] > 1).all()
    assert looks.followed is None


def test_several_labels_are_right_together() -> None:
    objective = Classification(("a", "b"), multi_label=True).objective()
    facts = objective.facts(torch.tensor([[2.0, -1.0], [0.5, 3.0]]), np.array([[1, 0], [1, 0]], np.float32))
    assert facts[:, RIGHT].tolist() == [1, 0]
    assert facts[:, MARGIN].tolist() == [1, -3]
    assert facts[0, LOSS] == pytest.approx((np.log1p(np.exp(-2)) + np.log1p(np.exp(-1))) / 2)
