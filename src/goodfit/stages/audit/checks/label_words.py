"""AUD043: words that should not matter, and go with a class all the same (`audit.should_not_matter`).

A name of a product, a person, a place: where it stands in the texts of one class only, a model learns the word (Gardner et al. 2021).
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from goodfit.finding import Severity
from goodfit.stages.audit.association import LEAST, SURE, Axis, associations
from goodfit.stages.audit.check import CLASSES, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene, listing

NOTE, WARNING = 0.10, 0.30
"""Difference of a class's share between texts with the word and the others."""


@check(code="AUD043", kind="label_words", severity="warning", looks_for="words that go with a class and should not", tasks=CLASSES)
def label_words(scene: Scene) -> Outcome:
    """Class shares of the texts with each word that should not matter."""
    assert scene.recipe.audit is not False
    words = scene.recipe.audit.should_not_matter
    if not words:
        return not_applicable("the recipe names no words (audit.should_not_matter)")
    rows = scene.sample(scene.recipe.seed)
    axes = [Axis("texts with", (word,), _has(rows.texts.to_pylist(), word)) for word in words]
    sure, looked = associations(axes, rows.labels, scene.labels, rows.clusters)
    rare = [axis.members[0] for axis in axes if (axis.codes == 0).sum() < LEAST]
    left = f" In fewer than {LEAST} rows, and not looked at: {listing(rare)}." if rare else ""
    if not looked:
        return not_applicable(f"no such word stands in {LEAST} clusters of training rows")
    large = [one for one in sure if abs(one.difference) >= NOTE]
    if not large:
        return passed("the words that should not matter do not go with a class", detail=f"{looked:,} pairs of a word and a class.{left}")
    flags = np.any([axis.codes == 0 for axis in axes if axis.members[0] in {one.member for one in large}], axis=0)
    severity: Severity = "warning" if abs(large[0].difference) >= WARNING else "note"
    return found(
        severity, f"{listing(list(dict.fromkeys(repr(one.member) for one in large)))}: words that should not matter go with a class",
        detail=f"{listing([one.said() for one in large], 5)} (Fisher's test, Holm, {100 * SURE:.0f}%).{left}",
        rows=rows.rows.filter(pa.array(flags)), evidence=tuple(one.inside for one in large[:5]),
        fix="add rows of the other classes with these words, or replace the words in training (counterfactual rows)",
    )  # fmt: skip


def _has(texts: list[str], word: str) -> np.ndarray:
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    return np.array([0 if pattern.search(text) else -1 for text in texts], dtype=np.int64)
