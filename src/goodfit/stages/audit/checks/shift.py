"""AUD040: is the training data like what the model will be tried and used on? A classifier two-sample test, effect first.

Against validation, and against the texts of production that the recipe names (`audit.production`); test stays sealed. Methods 3.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.finding import Severity
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.likeness import Shift, distinctive, shift, word_counts
from goodfit.stages.audit.likeness.shift import LEAST
from goodfit.stages.audit.scene import Scene, listing, numpy_of
from goodfit.stages.audit.seen import Featured, Reference

NOTE, WARNING = 0.55, 0.65
"""AUC at the lower end of its 99% interval."""


@check(code="AUD040", kind="shift", severity="warning", looks_for="training texts unlike those to come", tasks=ALL_TASKS)
def shifted(scene: Scene) -> Outcome:
    """How well training texts can be told from each reference, and by what."""
    if scene.splits.counts["train"] < LEAST:
        return not_applicable(f"it takes {LEAST} training rows")
    rows = scene.featured
    tested = [(reference, moved) for reference in scene.references if (moved := _tested(rows, reference, scene.recipe.seed))]
    if not tested:
        return not_applicable(f"there are fewer than {LEAST} clusters of texts in validation, and no production texts")
    worst, moved = max(tested, key=lambda pair: pair[1].auc.value or 0)
    evidence = tuple(moved.auc.about(system=reference.name) for reference, moved in tested)
    severity = _severity(moved)
    said = "; ".join(f"{reference.name}: {_auc(moved)}" for reference, moved in tested)
    how = f"Told apart by vectors of {rows.encoder} and length, of 100 pairs of texts so many are told right: {said} (50 is chance)."
    if severity is None:
        return passed(
            f"training texts are like those of {listing([reference.name for reference, _ in tested])}", detail=how, evidence=evidence
        )
    order = np.argsort(-moved.odds, kind="stable")
    ids = worst.rows.take(pa.array(order))
    return found(
        severity, f"training texts and those of {worst.name} are not alike", detail=f"{how} {_words(rows, worst)}",
        rows=ids if worst.name == "validation" else pa.array([], pa.string()), n_rows=len(worst.rows), evidence=evidence,
        fix="look at what differs: gather training rows like them, or divide the data so that both sides are alike (split)",
    )  # fmt: skip


def _tested(rows: Featured, reference: Reference, seed: int) -> Shift | None:
    lengths = tuple(numpy_of(pc.utf8_length(texts)).astype(np.int64) for texts in (rows.texts, reference.texts))
    return shift(rows.vectors, reference.vectors, (lengths[0], lengths[1]), (rows.clusters, reference.clusters), seed=seed)


def _severity(moved: Shift) -> Severity | None:
    low = moved.auc.low or 0.0
    return "warning" if low >= WARNING else "note" if low >= NOTE else None


def _auc(moved: Shift) -> str:
    auc = moved.auc
    if auc.value is None or auc.low is None or auc.high is None:
        return f"not measured ({auc.why_absent})"
    return f"{100 * auc.value:.0f} [{100 * auc.low:.0f}, {100 * auc.high:.0f}]"


def _words(rows: Featured, reference: Reference) -> str:
    """`More in production: refund, app. More in training: letter.`"""
    n = len(rows)
    counts, words = word_counts([*rows.texts.to_pylist(), *reference.texts.to_pylist()])
    if not words:
        return "No single word tells them apart."
    here, there = (np.asarray(part.sum(axis=0)).reshape(-1).astype(float) for part in (counts[:n], counts[n:]))
    sides = ((reference.name, distinctive(there, here, words)), ("training", distinctive(here, there, words)))
    said = [f"More in {name}: {', '.join(f'“{word}”' for word in found)}." for name, found in sides if found]
    return " ".join(said) or "No single word tells them apart."
