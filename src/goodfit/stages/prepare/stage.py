"""prepare: the story. Every row once into the cache, as its task has it; what was counted on the way is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goodfit.data import cache
from goodfit.engine.examples import Draws, Examples
from goodfit.files import read_json, write_json
from goodfit.recipe import Recipe
from goodfit.run import MANIFEST, Run, digest
from goodfit.stage import stage
from goodfit.stages.prepare.classes import prepare_classes, suspects_of
from goodfit.stages.prepare.language import prepare_language
from goodfit.stages.prepare.mix import mix_fingerprint
from goodfit.stages.prepare.outcome import SIDES, Prepared, Side
from goodfit.tasks import Task
from goodfit.tasks.saved import KINDS

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.split import Splits


@dataclass
class Tokens:
    """The tokenised train and validation rows; the columns lie in the cache."""

    max_length: int
    task: Task
    folder: Path
    """Cache folder with one Examples folder per split."""
    rows: dict[str, int]
    label_counts: dict[str, int] = field(default_factory=dict)
    """Training rows per label."""
    draws: Draws = ()
    """(examples, drawn in an epoch) of each source of the training rows, one after the other; none: all of them once."""
    fingerprint: str = ""

    def examples(self, split: Side) -> Examples:
        """The memory-mapped rows of `train` or `valid`."""
        examples = Examples.load(self.folder / split)
        return examples.drawn(self.draws) if split == "train" and self.draws else examples

    @classmethod
    def load(cls, run: Run) -> Tokens:
        """From prepare/manifest.json; FileNotFoundError where the cache was emptied (the stage is then done again)."""
        document = read_json(run.path / "prepare" / MANIFEST)
        folder, rows = cache.root() / "tokens" / document["cache"], document["examples"]
        if not all((folder / split / "examples.json").is_file() for split in SIDES if rows[split]):
            raise FileNotFoundError(folder)
        task = KINDS[document["task"]["kind"]].from_json(document["task"])
        return cls(document["max_length"], task, folder, rows, document.get("label_counts", {}), _draws(document))


WAYS: dict[str, Callable[[Recipe, Choice, Splits, Run], Prepared]] = {"classification": prepare_classes, "generation": prepare_language}
"""Kind of task -> how its rows are tokenised."""


def _mix_files(recipe: Recipe, run: Run) -> dict[str, Any]:
    """The content of the mix, and of the suspects where they are left out: part of the stage's inputs."""
    found = {"mix": mix_fingerprint(recipe.prepare.mix, run.base)}
    if recipe.prepare.suspects == "leave_out":
        found["suspects"] = digest(suspects_of(run).to_pylist())
    return found


@stage("prepare", result=Tokens, version=3, reads=("task", "prepare"), extra=_mix_files)
def prepare(recipe: Recipe, choice: Choice, splits: Splits, run: Run) -> Tokens:
    """Tokenises train and validation, counting what is cut."""
    made = WAYS[recipe.task.kind](recipe, choice, splits, run)
    more = {"task": made.task.to_json(), "examples": made.rows, "cache": made.folder.name}
    write_json(run.folder("prepare") / MANIFEST, made.manifest | more)
    run.resolve({"prepare.max_length": made.max_length})
    cache.trim(keep=list(made.folder.rglob("*")))
    return Tokens(made.max_length, made.task, made.folder, made.rows, made.label_counts, _draws(made.manifest))


def _draws(manifest: dict[str, Any]) -> Draws:
    return tuple((source["examples"], source["per_epoch"]) for source in manifest.get("sources", ()))
