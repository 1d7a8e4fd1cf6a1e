"""AUD041: regions of validation or production that the training data leaves thin.

Two questions: are more of the reference's texts far from every training text than training texts are from each other, and which clusters
hold at least twice the share of the reference that they hold of training? Methods 3.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.likeness import Coverage, Region, Topics, coverage, regions
from goodfit.stages.audit.likeness.shift import LEAST, NEAREST
from goodfit.stages.audit.scene import Featured, Reference, Scene, listing, percent

NOTE, WARNING = 0.10, 0.25
"""Share of the reference far from training, at the lower end of its 99% interval; 5% are by chance."""


@check(code="AUD041", kind="thin_regions", severity="warning", looks_for="regions that training leaves thin", tasks=ALL_TASKS)
def thin_regions(scene: Scene) -> Outcome:
    """The share of far texts and the thin clusters of each reference."""
    if scene.splits.counts["train"] < LEAST:
        return not_applicable(f"it takes {LEAST} training rows")
    rows, topics = scene.featured, scene.topics
    looked = [(reference, *seen) for reference in scene.references if (seen := _look(rows, topics, reference, scene.recipe.seed))]
    if not looked:
        return not_applicable(f"there are fewer than {LEAST} texts in validation, and no production texts")
    worst, far, thin = max(looked, key=lambda seen: (len(seen[2]), seen[1].far.low or 0))
    evidence = tuple(far.far.about(system=reference.name) for reference, far, _ in looked)
    low = max(seen[1].far.low or 0 for seen in looked)
    said = "; ".join(f"of {reference.name} {_share(far)}" for reference, far, _ in looked)
    how = f"Far from every training text (beyond what {percent(1 - NEAREST)} of training texts are from each other): {said}."
    if low < NOTE and not thin:
        return passed("training covers what it is compared with", detail=how, evidence=evidence)
    order = np.argsort(-far.distance, kind="stable")
    return found(
        "warning" if low >= WARNING else "note", _title(worst, far, thin, low), detail=f"{how} {_clusters(worst, topics, thin)}".strip(),
        rows=worst.rows.take(pa.array(order)) if worst.name == "validation" else pa.array([], pa.string()),
        n_rows=round((far.far.value or 0) * len(far.distance)), evidence=evidence,
        fix="gather training rows of these kinds; where they are rare by nature, say so in the model card",
    )  # fmt: skip


def _look(rows: Featured, topics: Topics | None, reference: Reference, seed: int) -> tuple[Coverage, list[Region]] | None:
    near = coverage(rows.vectors, reference.vectors, rows.clusters, seed=seed)
    if near is None:
        return None
    thin = regions(topics.member, topics.of(reference.vectors), len(topics.topics)) if topics else []
    return near, thin


def _share(far: Coverage) -> str:
    share = far.far
    assert share.value is not None
    assert share.low is not None
    assert share.high is not None
    return f"{percent(share.value)} [{percent(share.low)}, {percent(share.high)}]"


def _title(reference: Reference, far: Coverage, thin: list[Region], low: float) -> str:
    if low >= NOTE:
        return f"{percent(far.far.value or 0)} of the {reference.name} texts are far from every training text"
    return f"{len(thin)} kind{'s' if len(thin) > 1 else ''} of {reference.name} text{'' if len(thin) == 1 else 's'} are thin in training"


def _clusters(reference: Reference, topics: Topics | None, thin: list[Region]) -> str:
    if not topics or not thin:
        return ""
    said = [f"“{topics.name(region.cluster)}” {percent(region.share)} against {percent(region.trained)}" for region in thin]
    rough = "" if topics.stable else f" Clusters are unstable (agreement of two halves {topics.agreement:.2f}): take names as rough."
    return f"Clusters by their share of {reference.name} and of training: {listing(said)}.{rough}"
