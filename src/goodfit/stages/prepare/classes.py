"""Labelled texts -> tokens and targets: the label vocabulary, the maximum length, then every row once into the cache.

Part of prepare, for classification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.data import cache
from goodfit.errors import RunError
from goodfit.models.load import load_tokenizer
from goodfit.recipe import Recipe
from goodfit.run import SUSPECTS, Run, digest
from goodfit.stages.prepare.findings import findings_of
from goodfit.stages.prepare.lengths import auto_length, within
from goodfit.stages.prepare.outcome import SIDES, Prepared, row_hash
from goodfit.stages.prepare.record import manifest_of
from goodfit.stages.prepare.tokenise import Encoder, tokenise
from goodfit.tasks import Classification, task_of

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.split import Splits


def prepare_classes(recipe: Recipe, choice: Choice, splits: Splits, run: Run) -> Prepared:
    """Tokenises train and validation, counting what is cut."""
    counts = {label: sides.get("train", 0) for label, sides in splits.label_counts().items()}
    task = task_of(recipe.task, Classification.vocabulary(counts, recipe.task.label_names))
    tokenizer = load_tokenizer(choice.base.path)
    limit, asked = choice.base.max_length, recipe.prepare.max_length
    max_length = auto_length(splits, task, tokenizer, limit) if asked == "auto" else within(asked, choice.base, run.screen.say)
    rows = [row_hash(splits, side, ("row", "label", "weight")) for side in SIDES]
    without = suspects_of(run) if recipe.prepare.suspects == "leave_out" else None
    left = [] if without is None else [digest(without.to_pylist())]
    key = digest([choice.base.content, max_length, task.labels, task.multi_label, rows, *left])
    folder = cache.folder("tokens") / key.removeprefix("b2:")
    encoder = Encoder(task, tokenizer, max_length)
    facts = {side: tokenise(splits, side, encoder, folder, run.screen, without=without if side == "train" else None) for side in SIDES}
    run.report(findings_of(facts["train"], encoder, limit=limit))
    labelled = facts["train"].counted(task.labels)
    return Prepared(
        task, max_length, folder, {side: facts[side].rows for side in SIDES}, labelled, manifest_of(encoder, facts, asked=asked)
    )


def suspects_of(run: Run) -> pa.Array:
    """The training rows whose label the audit flags. RunError where the audit has not judged the labels."""
    path = run.path / "audit" / SUSPECTS
    if not path.is_file():
        raise RunError("prepare.suspects: leave_out, and the audit has judged no labels of this run",
                       fix="audit: {} judges them where there are 50 training rows (AUD020); or prepare.suspects: keep")  # fmt: skip
    return pq.read_table(path, columns=["row"], filters=[("flagged", "=", True)])["row"].combine_chunks()
