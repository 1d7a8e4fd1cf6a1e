"""The search's memory: the default comes first, a cut search goes on as if it had not been cut, and other runs' trials teach."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from optuna.trial import TrialState

from goodfit.errors import SettingsError
from goodfit.recipe import Peft, Range, Train, Tune
from goodfit.stages.tune.defaults import Facts
from goodfit.stages.tune.space import Point, Space, space_of
from goodfit.stages.tune.study import JOURNAL, Searcher, mend, open_study, sampler_for, shown

FACTS = Facts(rows=3000, parameters=22_000_000, causal=False, lora=False)
SPACE = space_of(Tune(trials=8), Train(), Peft(), FACTS)


def value(point: Point) -> float:
    """Best at a rate of 3e-4 and small batches."""
    return -((math.log(point["train.learning_rate"] / 3e-4)) ** 2) - 0.01 * point["train.per_device_train_batch_size"]


def searcher(folder: Path, *, seed: int = 0, owner: str = "me", space: Space = SPACE, storage: str | None = None) -> Searcher:
    folder.mkdir(exist_ok=True)
    return Searcher(open_study(storage, folder, "s"), space, Peft(), owner=owner, seed=seed)


def walk(found: Searcher, n: int, sampler: str = "tpe") -> list[Point]:
    out = []
    found.add_default()
    for _ in range(n):
        asked = found.ask(sampler, 16)  # type: ignore[arg-type]
        found.tell(asked.number, value(asked.point))
        out.append(asked.point)
    return out


@pytest.mark.parametrize("sampler", ["tpe", "qmc", "random", "gp"])
def test_the_default_is_first_and_points_lie_in_the_space(tmp_path: Path, sampler: str) -> None:
    points = walk(searcher(tmp_path), 6, sampler)
    assert points[0] == SPACE.default
    assert len({str(p) for p in points}) == 6
    assert all(1.25e-5 <= p["train.learning_rate"] <= 8e-4 for p in points)


def test_a_search_that_is_opened_again_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    whole = walk(searcher(tmp_path / "a"), 16)
    first = walk(searcher(tmp_path / "b"), 7)
    mend(tmp_path / "b")
    assert first + walk(searcher(tmp_path / "b"), 9) == whole


def test_a_half_written_last_line_is_cut_off(tmp_path: Path) -> None:
    walk(searcher(tmp_path), 3)
    with (tmp_path / JOURNAL).open("a", encoding="utf-8") as handle:
        handle.write('{"op_code": 5, "work')
    mend(tmp_path)
    found = searcher(tmp_path)
    assert len(found.trials(TrialState.COMPLETE)) == 3
    walk(found, 1)
    assert len(searcher(tmp_path).trials(TrialState.COMPLETE)) == 4


def test_a_trial_that_was_begun_and_not_finished_is_known_with_its_point(tmp_path: Path) -> None:
    found = searcher(tmp_path)
    walk(found, 2)
    asked = found.ask("tpe", 16)
    (again,) = searcher(tmp_path).interrupted()
    assert (again.number, again.point, again.default) == (asked.number, asked.point, False)
    assert searcher(tmp_path, owner="another").interrupted() == []


def test_tpe_learns_where_random_does_not(tmp_path: Path) -> None:
    found = {name: [max(map(value, walk(searcher(tmp_path / f"{name}{seed}", seed=seed), 24, name))) for seed in range(5)]
             for name in ("tpe", "random")}  # fmt: skip
    assert sum(found["tpe"]) > sum(found["random"])


def test_earlier_trials_teach_and_the_best_of_them_is_tried_first(tmp_path: Path) -> None:
    known = [({"train.learning_rate": r, "train.per_device_train_batch_size": 32}, value({"train.learning_rate": r, "train.per_device_train_batch_size": 32}))
             for r in (2e-5, 5e-5, 1e-4, 3.1e-4, 6e-4)]  # fmt: skip
    found = searcher(tmp_path)
    found.add_default()
    first = found.ask("tpe", 16)
    found.tell(first.number, value(first.point))
    found.add_known(known)
    assert found.ask("tpe", 16).point["train.learning_rate"] == 3.1e-4
    assert len(found.trials()) == 2, "those of earlier runs do not count as trials of this one"
    found.add_known(known)
    assert len(found.study.trials) == 2 + len(known), "and are added once"


def test_a_conditional_space(tmp_path: Path) -> None:
    section = Tune(trials=8, space={"peft.method": Range(choices=("full", "lora")), "peft.r": Range(choices=(4, 8, 16))})
    found = searcher(tmp_path, space=space_of(section, Train(), Peft(), FACTS))
    found.add_default()
    points = []
    for k in range(14):
        asked = found.ask("tpe", 16)
        found.tell(asked.number, float(k))
        points.append(asked.point)
    assert points[0] == {"peft.method": "full", "peft.r": 16} or points[0] == {"peft.method": "full"}
    assert all(("peft.r" in p) == (p["peft.method"] == "lora") for p in points[1:])


def test_two_machines_share_a_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'search.db'}"
    one, two = (searcher(tmp_path, owner=name, storage=url) for name in ("one", "two"))
    one.add_default()
    first = one.ask("tpe", 16)
    two.add_default()
    second = two.ask("tpe", 16)
    assert first.default
    assert not second.default
    assert {first.number, second.number} == {0, 1}
    assert [a.number for a in searcher(tmp_path, owner="two", storage=url).interrupted()] == [1]


def test_an_address_that_cannot_be_used_says_so_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="tune.storage"):
        open_study("nonsense://me:secret@host/db", tmp_path, "s")
    with pytest.raises(SettingsError) as told:
        open_study("postgresql://me:secret@nowhere.invalid/db", tmp_path, "s")
    assert "secret" not in str(told.value)
    assert shown("mysql://me:secret@host/db") == "mysql://…@host/db"


@pytest.mark.parametrize(
    ("asked", "trials", "known", "wanted"), [("auto", 8, 0, "qmc"), ("auto", 13, 0, "tpe"), ("auto", 8, 20, "tpe"), ("gp", 8, 0, "gp")]
)
def test_which_sampler(asked: str, trials: int, known: int, wanted: str) -> None:
    assert sampler_for(asked, trials, known) == wanted
