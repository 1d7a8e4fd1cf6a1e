"""prepare: the story. The label vocabulary, the maximum length, then every row once into the cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from goodfit.data import cache
from goodfit.engine.examples import Examples
from goodfit.files import read_json, write_json
from goodfit.models.load import load_tokenizer
from goodfit.recipe import Recipe
from goodfit.run import MANIFEST, Run, digest
from goodfit.stage import stage
from goodfit.stages.prepare.findings import findings_of
from goodfit.stages.prepare.lengths import auto_length, within
from goodfit.stages.prepare.record import manifest_of
from goodfit.stages.prepare.tokenise import SIDES, Encoder, Side, row_hash, tokenise
from goodfit.tasks import Task, task_of

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.split import Splits

task_vocabulary = Task.vocabulary


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
    fingerprint: str = ""

    def examples(self, split: Side) -> Examples:
        """The memory-mapped rows of `train` or `valid`."""
        return Examples.load(self.folder / split)

    @classmethod
    def load(cls, run: Run) -> Tokens:
        """From prepare/manifest.json; FileNotFoundError where the cache was emptied (the stage is then done again)."""
        document = read_json(run.path / "prepare" / MANIFEST)
        folder = cache.root() / "tokens" / document["cache"]
        if not all((folder / split / "examples.json").is_file() for split in SIDES if document["rows"][split]):
            raise FileNotFoundError(folder)
        task = Task(tuple(document["labels"]), multi_label=document["multi_label"])
        return cls(document["max_length"], task, folder, document["rows"], document["label_counts"])


@stage("prepare", result=Tokens, version=1, reads=("task", "prepare"))
def prepare(recipe: Recipe, choice: Choice, splits: Splits, run: Run) -> Tokens:
    """Tokenises train and validation, counting what is cut."""
    counts = {label: sides.get("train", 0) for label, sides in splits.label_counts().items()}
    task = task_of(recipe.task, task_vocabulary(counts, recipe.task.label_names))
    tokenizer = load_tokenizer(choice.base.path)
    limit, asked = choice.base.max_length, recipe.prepare.max_length
    max_length = auto_length(splits, task, tokenizer, limit) if asked == "auto" else within(asked, choice.base, run)
    key = digest([choice.base.content, max_length, task.labels, task.multi_label, [row_hash(splits, side) for side in SIDES]])
    folder = cache.folder("tokens") / key.removeprefix("b2:")
    encoder = Encoder(task, tokenizer, max_length)
    facts = {side: tokenise(splits, side, encoder, folder, run.screen) for side in SIDES}
    write_json(run.folder("prepare") / MANIFEST, manifest_of(encoder, facts, asked=asked) | {"cache": folder.name})
    run.report(findings_of(facts["train"], encoder, limit=limit))
    run.resolve({"prepare.max_length": max_length})
    cache.trim(keep=list(folder.rglob("*")))
    return Tokens(max_length, task, folder, {side: facts[side].rows for side in SIDES}, facts["train"].counted(task.labels))
