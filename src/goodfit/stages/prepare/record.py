"""prepare/manifest.json: tokens read = used + dropped by reason, cut rows per class, the histogram of lengths. Part of prepare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from goodfit.stages.prepare.tokenise import BIN, SIDES, Encoder, Facts, Side

SCHEMA = "goodfit/prepare/1"
MOST_BINS = 400


def manifest_of(encoder: Encoder, facts: Mapping[Side, Facts], *, asked: int | str) -> dict[str, Any]:
    """The manifest of both splits together (SCHEMAS: prepare/manifest.json)."""
    task = encoder.task
    read, used, unknown = (sum(getattr(f, name) for f in facts.values()) for name in ("tokens_read", "tokens_used", "tokens_unknown"))
    cut = sum((f.cut_rows for f in facts.values()), np.zeros(task.n_labels, np.int64))
    return {
        "schema": SCHEMA,
        "tokens": {"read": read, "used": used, "dropped": {"truncated": read - used - unknown, "unknown_label": unknown}},
        "truncated": dict(zip(task.labels, cut.tolist(), strict=True)),
        "truncated_rows": {side: facts[side].n_cut for side in SIDES},
        "max_length": encoder.max_length,
        "max_length_asked": asked,
        "rows": {side: facts[side].rows for side in SIDES},
        "rows_dropped": {"unknown_label": sum(f.unknown for f in facts.values())},
        "labels": list(task.labels),
        "multi_label": task.multi_label,
        "label_counts": facts["train"].counted(task.labels),
        "lengths": histogram(facts["train"].lengths),
    }


def histogram(lengths: Counter[int]) -> dict[str, Any]:
    """Uncut lengths of the training rows: k + 1 edges that rise, k counts; empty bins between others are kept, up to 400 bins."""
    last = max(lengths, default=0)
    width = BIN * max(1, -(-(last // BIN + 1) // MOST_BINS))
    counts = [0] * (last // width + 1)
    for start, n in lengths.items():
        counts[start // width] += n
    return {"edges": [i * width for i in range(len(counts) + 1)], "counts": counts, "unit": "tokens", "split": "train"}
