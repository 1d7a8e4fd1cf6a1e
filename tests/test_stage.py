"""@stage: kept, reused, done again, stopped; and a view of the recipe that cannot lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from goodfit.errors import Diverged, RunError, Stopped
from goodfit.files import read_json, write_json
from goodfit.finding import Finding
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stage import PathEnd, stage

calls: list[str] = []


@dataclass
class Number:
    value: int
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Number:
        return cls(read_json(run.path / "split" / "n.json")["n"])


EXTRA = {"state": 1}


@stage("split", result=Number, reads=("seed", "split"), extra=lambda recipe, run: EXTRA["state"])
def first(recipe: Recipe, run: Run) -> Number:
    calls.append("split")
    write_json(run.folder("split") / "n.json", {"n": recipe.seed})
    if recipe.seed == 13:
        run.report([Finding(code="SPL001", stage="split", severity="error", kind="leakage", title="9 rows", fix="look")])
    if recipe.seed == 14:
        raise Diverged("not finite")
    return Number(recipe.seed)


def recipe(seed: int = 1, **changes: Any) -> Recipe:
    return Recipe.model_validate({"data": {"path": "a.csv"}, "seed": seed} | changes)


def new(workspace: Path, parent: str | None = None) -> Run:
    return Run.create(workspace, name="t", recipe_text="", base=workspace, recipe_hash="b2:0", parent=parent)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()
    EXTRA["state"] = 1


def test_done_once_then_kept(tmp_path: Path) -> None:
    run = new(tmp_path)
    assert first(recipe(), run).value == 1
    assert first(recipe(), run).fingerprint == run.record.stages["split"].inputs
    assert calls == ["split"]
    assert run.record.stages["split"].state == "done"


def test_an_equal_stage_of_another_run_is_linked(tmp_path: Path) -> None:
    parent = new(tmp_path)
    first(recipe(), parent)
    child = new(tmp_path, parent.id)
    assert first(recipe(), child).value == 1
    assert calls == ["split"]
    assert child.record.stages["split"].reused_from == parent.id
    assert child.record.stages["split"].state == "reused"


@pytest.mark.parametrize("changed", [{"seed": 2}, {"split": {"test_size": 0.3}}])
def test_what_the_stage_reads_decides(tmp_path: Path, changed: dict[str, Any]) -> None:
    first(recipe(), new(tmp_path))
    first(recipe(**changed), new(tmp_path))
    assert calls == ["split", "split"]


def test_what_it_does_not_read_does_not(tmp_path: Path) -> None:
    first(recipe(), new(tmp_path))
    first(recipe(purpose="another", train={"learning_rate": 1e-5}), new(tmp_path))
    assert calls == ["split"]


def test_changed_data_are_refused_in_a_run_that_began_with_others(tmp_path: Path) -> None:
    run = new(tmp_path)
    first(recipe(), run)
    EXTRA["state"] = 2
    with pytest.raises(RunError, match="changed since"):
        first(recipe(), run)


def test_a_broken_folder_is_made_again(tmp_path: Path) -> None:
    run = new(tmp_path)
    first(recipe(), run)
    (run.path / "split" / "n.json").unlink()
    assert first(recipe(), run).value == 1
    assert calls == ["split", "split"]


def test_a_finding_at_fail_on_stops_the_path(tmp_path: Path) -> None:
    run = new(tmp_path)
    with pytest.raises(Stopped, match="SPL001"):
        first(recipe(13), run)
    with pytest.raises(Stopped):
        first(recipe(13), run)  # and again when it is kept
    assert calls == ["split"]
    assert first(recipe(13, fail_on="never"), run).value == 13
    assert run.record.stages["split"].findings["error"] == 1


def test_a_failure_is_recorded_and_the_stage_done_again(tmp_path: Path) -> None:
    run = new(tmp_path)
    for _ in range(2):
        with pytest.raises(Diverged):
            first(recipe(14), run)
    assert run.record.stages["split"].state == "failed"
    assert calls == ["split", "split"]


def test_the_verb_ends_the_path_at_its_stage(tmp_path: Path) -> None:
    run = new(tmp_path)
    run.until = "split"
    with pytest.raises(PathEnd):
        first(recipe(), run)


def test_a_stage_cannot_read_what_it_did_not_declare(tmp_path: Path) -> None:
    @stage("audit", result=Number, reads=("seed",))
    def liar(recipe: Recipe, run: Run) -> Number:
        return Number(recipe.train.adam_beta1)  # type: ignore[arg-type]

    with pytest.raises(AttributeError, match="declare it"):
        liar(recipe(), new(tmp_path))


def test_what_changed_is_said(tmp_path: Path) -> None:
    class Heard:
        def __init__(self) -> None:
            self.notes: list[str] = []

        def stage(self, name: str, state: str, seconds: float, note: str = "") -> None:
            self.notes += [note] if state in ("done", "reused") else []

        def progress(self, *_: Any, **__: Any) -> None: ...

        say = event = progress

    parent = new(tmp_path)
    first(recipe(), parent)
    for changes, said in (
        ({"split": {"test_size": 0.3}}, "again: `split` of the recipe changed"),
        ({"seed": 2}, "again: `seed` of the recipe changed"),
    ):
        child = new(tmp_path, parent=parent.id)
        child.screen = heard = Heard()
        first(recipe(**changes), child)
        assert heard.notes == [said]
    EXTRA["state"] = 2
    child = new(tmp_path, parent=parent.id)
    child.screen = heard = Heard()
    first(recipe(), child)
    assert heard.notes == ["again: its files changed"]
