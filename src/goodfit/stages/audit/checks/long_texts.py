"""AUD010: how long the texts are, and what a maximum length would cut, per class. Estimated: no tokenizer is chosen yet."""

from __future__ import annotations

import numpy as np

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, listing, percent
from goodfit.stages.audit.seen import Lengths

USUAL_LIMIT = 512
"""Tokens that most encoders take at once."""
NOTE = 0.01
"""Share of rows cut."""
WARNING_CLASS = 0.5
"""Share of a class's rows cut."""
ROWS_OF_A_CLASS = 20
OFF = 1.1
"""The estimate of a text of such a length may be off by this factor (English, WordPiece)."""


@check(code="AUD010", kind="truncation", severity="warning", looks_for="texts longer than a model takes")
def long_texts(scene: Scene) -> Outcome:
    """Rows of train and validation above prepare.max_length, or above 512 tokens where it is `auto`."""
    lengths = scene.lengths
    asked = scene.recipe.prepare.max_length
    limit = USUAL_LIMIT if asked == "auto" else asked
    n, cut = len(lengths.tokens), int((lengths.tokens > limit).sum())
    low, high = (float((lengths.tokens > limit * factor).mean()) if n else 0.0 for factor in (OFF, 1 / OFF))
    profile = _profile(lengths)
    if cut < NOTE * n:
        few = f"{noun_count(cut, 'text')} of {n:,} are" if cut else "no text is"
        return passed(f"{few} longer than {limit:,} tokens (estimated)", detail=profile)
    per_class = cut_per_class(lengths, len(scene.labels), limit)
    worst = np.argsort(-per_class, kind="stable")
    listed = listing([f"{scene.labels[i]!r} {percent(float(per_class[i]))}" for i in worst if per_class[i] > 0])
    return found(
        "warning" if per_class[worst[0]] >= WARNING_CLASS else "note",
        f"about {percent(cut / n)} of the texts ({percent(low)} to {percent(high)}) are longer than {limit:,} tokens",
        detail=f"{profile} Cut there, about: {listed}. Estimated from words and letters: within 10% for English, too low for a "
        "language that the model was not made for; PRE001 counts with the model's own tokenizer.",
        n_rows=cut,
        fix="choose a model with a longer context, raise prepare.max_length, or shorten the texts to what decides",
    )  # fmt: skip


def _profile(lengths: Lengths) -> str:
    half, most = ([float(np.quantile(values, q)) for values in (lengths.characters, lengths.words, lengths.tokens)] for q in (0.5, 0.99))
    return (
        f"Half of the texts have at most {half[0]:,.0f} characters ({half[1]:,.0f} words), 99% at most {most[0]:,.0f} "
        f"({most[1]:,.0f} words, an estimated {most[2]:,.0f} tokens); the longest has {lengths.characters.max():,}."
    )


def cut_per_class(lengths: Lengths, classes: int, limit: int) -> np.ndarray:
    """Share of each class's rows above a limit, shape (classes,); 0 for classes of fewer than ROWS_OF_A_CLASS rows."""
    rows = np.bincount(lengths.label_codes, minlength=classes)
    over = np.bincount(lengths.label_codes, weights=lengths.tokens[lengths.label_rows] > limit, minlength=classes)
    return np.where(rows >= ROWS_OF_A_CLASS, over / np.maximum(rows, 1), 0.0)
