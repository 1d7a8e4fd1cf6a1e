"""AUD041: regions of validation or production that the training data leaves thin.

Two questions: are more of the reference's texts far from every training text than training texts are from each other, and which clusters
hold at least twice the share of the reference that they hold of training? Methods 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from goodfit.monitor.words import count
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.likeness import Coverage, Region, Topics, coverage, regions, topics_of
from goodfit.stages.audit.likeness.shift import LEAST, NEAREST
from goodfit.stages.audit.scene import Scene, listing, percent
from goodfit.stages.audit.seen import Featured, Reference

ROWS_EACH = 25
"""Texts of a cluster on average: a thin kind must have one of its own to be seen."""
NOTE, WARNING = 0.10, 0.25
"""Share of the reference far from training, at the lower end of its 99% interval; 5% are by chance."""


@dataclass(frozen=True)
class _Looked:
    reference: Reference
    far: Coverage
    topics: Topics | None
    thin: list[Region]


@check(code="AUD041", kind="thin_regions", severity="warning", looks_for="regions that training leaves thin", tasks=ALL_TASKS)
def thin_regions(scene: Scene) -> Outcome:
    """The share of far texts and the thin clusters of each reference."""
    if scene.splits.counts["train"] < LEAST:
        return not_applicable(f"it takes {LEAST} training rows")
    rows = scene.featured
    looked = [seen for reference in scene.references if (seen := _look(rows, reference, scene.recipe.seed)) is not None]
    if not looked:
        return not_applicable(f"there are fewer than {LEAST} texts in validation, and no production texts")
    worst = max(looked, key=lambda seen: (len(seen.thin), seen.far.far.low or 0))
    evidence = tuple(seen.far.far.about(system=seen.reference.name) for seen in looked)
    low = max(seen.far.far.low or 0 for seen in looked)
    said = "; ".join(f"of {seen.reference.name} {_share(seen.far)}" for seen in looked)
    how = f"Far from every training text (beyond what {percent(1 - NEAREST)} of training texts are from each other): {said}."
    if low < NOTE and not worst.thin:
        return passed("training covers what it is compared with", detail=how, evidence=evidence)
    order, ids = np.argsort(-worst.far.distance, kind="stable"), worst.reference.rows
    return found(
        "warning" if low >= WARNING else "note", _title(worst, low), detail=f"{how} {_clusters(worst)}".strip(),
        rows=ids.take(pa.array(order)) if worst.reference.name == "validation" else pa.array([], pa.string()),
        n_rows=round((worst.far.far.value or 0) * len(worst.far.distance)), evidence=evidence,
        fix="gather training rows of these kinds; where they are rare by nature, say so in the model card",
    )  # fmt: skip


def _look(rows: Featured, reference: Reference, seed: int) -> _Looked | None:
    """Clusters are those of both samples together: a kind of text that training does not have would else have no cluster of its own."""
    near = coverage(rows.vectors, reference.vectors, rows.clusters, seed=seed)
    if near is None:
        return None
    texts = [*rows.texts.to_pylist(), *reference.texts.to_pylist()]
    topics = topics_of(texts, np.concatenate([rows.vectors, reference.vectors]), seed=seed, rows_each=ROWS_EACH)
    n = len(rows)
    thin = regions(topics.member[:n], topics.member[n:], len(topics)) if topics else []
    return _Looked(reference, near, topics, thin)


def _share(far: Coverage) -> str:
    share = far.far
    assert share.value is not None
    assert share.low is not None
    assert share.high is not None
    return f"{percent(share.value)} [{percent(share.low)}, {percent(share.high)}]"


def _title(worst: _Looked, low: float) -> str:
    name = worst.reference.name
    if low >= NOTE:
        return f"{percent(worst.far.far.value or 0)} of the {name} texts are far from every training text"
    return f"{count(len(worst.thin), 'kind')} of {name} texts {'is' if len(worst.thin) == 1 else 'are'} thin in training"


def _clusters(worst: _Looked) -> str:
    topics, name = worst.topics, worst.reference.name
    if not topics or not worst.thin:
        return ""
    said = [f"“{topics.name(region.cluster)}” {percent(region.share)} against {percent(region.trained)}" for region in worst.thin]
    rough = "" if topics.stable else f" Clusters are unstable (agreement of two halves {topics.agreement:.2f}): take names as rough."
    return f"Clusters by their share of {name} and of training: {listing(said)}.{rough}"
