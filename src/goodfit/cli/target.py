"""What a verb's TARGET means: a recipe, a run, or a data file; and which run it leads to (new, resumed, or already done).

Layer: cli. A recipe whose newest run is unfinished, with an equal recipe and equal data, is resumed; finished and equal: nothing to
do; else a new run with that run as parent, from which equal stages are reused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goodfit import run as runs
from goodfit.data.beside import decisions_of
from goodfit.data.fingerprint import data_fingerprint
from goodfit.data.source import check_header
from goodfit.errors import SettingsError, UserError, nearest
from goodfit.init import guess
from goodfit.recipe import Recipe
from goodfit.run import Run, digest
from goodfit.settings import Loaded, from_here, from_text, read, written
from goodfit.stage import STAGES
from goodfit.stages.assess import foresee_assessment
from goodfit.stages.choose import foresee_choice
from goodfit.stages.split.sources import columns_of, sources_of
from goodfit.tasks.foresee import foresee

RECIPE_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Asked:
    """A recipe, where its relative paths start, and its text as written."""

    loaded: Loaded
    text: str
    base: Path
    overrides: tuple[str, ...] = ()
    guessed: bool = False
    """There is no recipe file."""

    @property
    def recipe(self) -> Recipe:
        """The recipe itself."""
        return self.loaded.recipe


@dataclass(frozen=True)
class Begun:
    """The run that a command works on."""

    recipe: Recipe
    run: Run
    resumed: bool = False
    named: bool = False
    """The user named the run itself, and asked for no change of it."""
    finished: bool = False
    """Equal to a run that is done: there is nothing to do."""


def asked(target: str, overrides: Sequence[str]) -> Asked:
    """The recipe in a yaml file, or the one that `init` would write for a data file."""
    path = Path(target)
    if path.suffix.lower() in RECIPE_SUFFIXES:
        words = from_here(overrides, path.parent)
        loaded = read(path, words)
        return Asked(loaded, loaded.text, path.resolve().parent, words)
    label = written(overrides, "task", "label")
    kind = written(overrides, "task", "kind")
    found = guess(
        target, text=written(overrides, "task", "text"), label=label[0] if len(label) == 1 else None, kind=kind[0] if kind else None
    )
    text = found.recipe_text
    loaded = from_text(text, f"the recipe guessed for {target}", overrides)
    return Asked(loaded, text, Path.cwd(), tuple(overrides), guessed=True)


def begin(target: str, overrides: Sequence[str], *, workspace: Path, new: bool = False, until: str | None = None) -> Begun:
    """The run that TARGET leads to."""
    if is_run(target, workspace):
        return _continued(runs.find(workspace, target), overrides, workspace, new=new, until=until)
    must_exist(target)
    return _for_recipe(asked(target, overrides), workspace, new=new, until=until)


def is_run(target: str, workspace: Path) -> bool:
    """Whether a word means a run: its folder, its id, the beginning of one, or `last`."""
    path = Path(target)
    if path.is_dir():
        return (path / runs.RECORD).is_file()
    if path.exists() or path.suffix.lower() in RECIPE_SUFFIXES:
        return False
    return target == "last" or any(run.id.startswith(target) for run in runs.list_runs(workspace))


def must_exist(target: str) -> None:
    """SettingsError or UserError where it is no recipe and no data file."""
    path = Path(target)
    if path.exists() or target.startswith("hub:"):
        return
    if path.suffix.lower() in RECIPE_SUFFIXES:
        near = nearest(
            path.name,
            [file.name for file in path.parent.glob("*") if file.suffix.lower() in RECIPE_SUFFIXES] if path.parent.is_dir() else [],
        )
        raise SettingsError(
            f"there is no recipe {target}", fix=f"did you mean {path.with_name(near)}?" if near else "goodfit init DATA writes one"
        )
    raise UserError(f"{target!r} is no recipe, no run and no data file", fix="give a recipe.yaml, a run (goodfit list), or a data file")


def _continued(run: Run, overrides: Sequence[str], workspace: Path, *, new: bool, until: str | None) -> Begun:
    """A run named by the user: as it is, or with overrides as a child run."""
    words = [*run.record.overrides, *overrides]
    loaded = read(run.path / runs.RECIPE, words)
    if overrides or new:
        return _for_recipe(
            Asked(loaded, loaded.text, run.base, tuple(words), run.record.guessed), workspace, new=new, until=until, parent=run
        )
    return Begun(loaded.recipe, run, resumed=True, named=True, finished=_is_done(run, until))


def _for_recipe(what: Asked, workspace: Path, *, new: bool, until: str | None, parent: Run | None = None) -> Begun:
    recipe_hash = digest(what.recipe.to_json())
    newest = next((run for run in reversed(runs.list_runs(workspace)) if run.record.name == what.recipe.name), None)
    if newest is not None and not new and _equal(newest, what, recipe_hash):
        return Begun(what.recipe, newest, resumed=True, finished=_is_done(newest, until))
    _can_begin(what)
    parent = parent or newest
    run = Run.create(
        workspace, name=what.recipe.name, recipe_text=what.text, base=what.base, recipe_hash=recipe_hash,
        overrides=list(what.overrides), parent=parent.id if parent else None, guessed=what.guessed,
    )  # fmt: skip
    return Begun(what.recipe, run)


def _can_begin(what: Asked) -> None:
    """What would fail in the first seconds is said before a run is made: no file, no such column, no such model, an unknown score."""
    foresee(what.recipe, what.base)
    sources = sources_of(what.recipe.data, what.base)
    columns = columns_of(what.recipe)
    for source in sources:
        check_header(source, columns)
    foresee_choice(what.recipe, what.base)
    foresee_assessment(what.recipe, what.base)


def _equal(run: Run, what: Asked, recipe_hash: str) -> bool:
    if run.record.recipe_hash != recipe_hash or run.base != what.base.resolve():
        return False
    known = run.record.data.get("fingerprint")
    if known is None:
        return True
    decided = decisions_of(what.recipe.data, what.base, guessed=what.guessed)[0].fingerprint
    return decided == run.record.data.get("decisions") and known == data_fingerprint(sources_of(what.recipe.data, what.base))


def _is_done(run: Run, until: str | None) -> bool:
    names = STAGES[: STAGES.index(until) + 1] if until else STAGES
    records = run.record.stages
    return all(name in records and records[name].state in ("done", "reused", "skipped") for name in names)
