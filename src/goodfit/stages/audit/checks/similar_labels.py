"""AUD003: labels that are probably one: they differ only by case, spaces, punctuation, or a slip of one letter."""

from __future__ import annotations

from goodfit.data.labels import SimilarLabels, similar_labels
from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, listing

RARE = 0.05
"""A label that differs by punctuation or one letter is a warning only where it has at most this share of the other's rows."""


@check(code="AUD003", kind="similar_labels", severity="warning", looks_for="labels that are probably one")
def near_names(scene: Scene) -> Outcome:
    """Pairs of labels, over all rows that were read (also of rows that are not used)."""
    counts: dict[str, int] = scene.hygiene["labels_read"]
    pairs = similar_labels(counts)
    if not pairs:
        return passed(f"no two of the {len(counts):,} labels are written alike")
    certain = [pair for pair in pairs if _certain(pair, counts)]
    told = [f"{p.rare!r} ({noun_count(p.rows, 'row')}) and {p.common!r} ({noun_count(counts[p.common], 'row')}): {p.how}" for p in pairs]
    title = "2 labels are written almost alike" if len(pairs) == 1 else f"{len(pairs):,} pairs of labels are written almost alike"
    return found(
        "warning" if certain else "note", title,
        detail=f"{listing(told)}. If they mean the same, the model is punished for the right answer, and scores per class are split.",
        n_rows=sum(p.rows for p in pairs),
        fix=_fix(certain),
    )  # fmt: skip


def _certain(pair: SimilarLabels, counts: dict[str, int]) -> bool:
    return pair.how in ("case", "spaces") or pair.rows <= RARE * counts[pair.common]


def _fix(certain: list[SimilarLabels]) -> str:
    if certain:
        return f"write one name for each in the file, for example {certain[0].common!r} for {certain[0].rare!r}"
    return "look whether they mean the same; if they do not, mute this finding (audit: {ignore: [AUD003]})"
