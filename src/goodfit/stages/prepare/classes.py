"""Labelled texts -> tokens and targets: the label vocabulary, the maximum length, then every row once into the cache.

Part of prepare, for classification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goodfit.data import cache
from goodfit.models.load import load_tokenizer
from goodfit.recipe import Recipe
from goodfit.run import Run, digest
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
    key = digest([choice.base.content, max_length, task.labels, task.multi_label, rows])
    folder = cache.folder("tokens") / key.removeprefix("b2:")
    encoder = Encoder(task, tokenizer, max_length)
    facts = {side: tokenise(splits, side, encoder, folder, run.screen) for side in SIDES}
    run.report(findings_of(facts["train"], encoder, limit=limit))
    labelled = facts["train"].counted(task.labels)
    return Prepared(
        task, max_length, folder, {side: facts[side].rows for side in SIDES}, labelled, manifest_of(encoder, facts, asked=asked)
    )
