"""audit/profile.json: what the data is like, in numbers, for the report. Lengths are of train and validation; test stays sealed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.stages.audit.checks.imbalance import effective_classes
from goodfit.stages.audit.labels import Suspects
from goodfit.stages.audit.likeness import effective_number
from goodfit.stages.audit.scene import SEEN, Scene
from goodfit.stages.audit.seen import Lengths

SCHEMA = "goodfit/profile/1"
BINS = 30
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
CLASSES = 200
"""Classes with quantiles of their own, largest first."""


def profile_of(scene: Scene) -> dict[str, Any]:
    """The document: rows, labels, lengths (histograms; quantiles over all and per class), duplicates, groups."""
    lengths, counts = scene.lengths, scene.counts("train")
    return {
        "schema": SCHEMA,
        "rows": {"read": scene.manifest["read"], "used": scene.manifest["used"], **scene.splits.counts},
        "labels": scene.splits.label_counts(),
        "effective_classes": round(effective_classes(counts[counts > 0]), 2) if len(counts) else 0.0,
        "multi_label": scene.splits.multi_label,
        "splits_seen": list(SEEN),
        "lengths": {"unit": "words", **histogram(lengths.words)},
        "characters": {"unit": "characters", **histogram(lengths.characters), "quantiles": quantiles(lengths.characters)},
        "words": {"unit": "words", **histogram(lengths.words), "quantiles": quantiles(lengths.words)},
        "tokens_estimated": {"unit": "tokens", **histogram(lengths.tokens), "quantiles": quantiles(lengths.tokens)},
        "by_label": _by_label(scene, lengths),
        "duplicates": scene.hygiene["duplicates"],
        "conflicts": scene.hygiene["conflicts"],
        "clusters": scene.manifest["clusters"],
        "topics": _topics(scene),
        **({} if isinstance(scene.learned, str) else {"learning_curve": scene.learned.to_json()}),
        **({"label_suspects": found.to_json()} if isinstance(found := scene.__dict__.get("suspects"), Suspects) else {}),
    }


def _topics(scene: Scene) -> dict[str, Any]:
    """The clusters of training texts, largest first, and how many different texts there are in effect."""
    if scene.topics is None:
        return {"why_absent": "too few training rows"}
    rows, found = scene.featured, scene.topics
    shown = [{"name": found.name(k), "n": topic.rows, "share": round(topic.rows / len(rows), 4), "words": list(topic.words),
              "rows": rows.rows.take(pa.array(topic.nearest)).to_pylist()} for k, topic in enumerate(found.topics)]  # fmt: skip
    return {
        "encoder": rows.encoder, "n": len(rows), "agreement": round(found.agreement, 3), "stable": found.stable,
        "effective_texts": round(effective_number(rows.vectors), 1), "topics": shown,
    }  # fmt: skip


def histogram(values: npt.NDArray[np.int32]) -> dict[str, list[int]]:
    """`edges` (k + 1, whole numbers that rise) and `counts` (k): about BINS bins up to the 99.5% quantile, the last takes the rest."""
    if not len(values):
        return {"edges": [0, 1], "counts": [0]}
    top = max(1, int(np.ceil(np.quantile(values, 0.995))))
    step = max(1, -(-top // BINS))
    edges = list(range(0, top + step, step))
    counts = np.histogram(np.minimum(values, edges[-1] - 1), bins=edges)[0]
    edges[-1] = max(edges[-1], int(values.max()) + 1)
    return {"edges": edges, "counts": counts.tolist()}


def quantiles(values: npt.NDArray[np.int32]) -> dict[str, int]:
    """`{"0.5": 12, …, "1": 310}`; values that occur."""
    if not len(values):
        return {}
    found = np.quantile(values, QUANTILES, method="inverted_cdf")
    return {f"{q:g}": int(value) for q, value in zip(QUANTILES, found, strict=True)}


def _by_label(scene: Scene, lengths: Lengths) -> dict[str, dict[str, Any]]:
    """Quantiles per class, largest classes first."""
    if not scene.labels:
        return {}
    order = np.argsort(lengths.label_codes, kind="stable")
    rows = lengths.label_rows[order]
    ends = np.cumsum(np.bincount(lengths.label_codes, minlength=len(scene.labels)))
    members = np.split(rows, ends[:-1])
    largest = sorted(range(len(members)), key=lambda i: (-len(members[i]), i))[:CLASSES]
    return {
        scene.labels[i]: {
            "n": len(members[i]), "characters": quantiles(lengths.characters[members[i]]), "words": quantiles(lengths.words[members[i]]),
            "tokens_estimated": quantiles(lengths.tokens[members[i]]),
        }
        for i in largest
    }  # fmt: skip
