"""prepare/manifest.json: tokens read = used + dropped by reason, cut rows per class, the histogram of lengths. Part of prepare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from goodfit.stages.prepare.outcome import SCHEMA, SIDES, Side, histogram
from goodfit.stages.prepare.tokenise import Encoder, Facts


def manifest_of(encoder: Encoder, facts: Mapping[Side, Facts], *, asked: int | str) -> dict[str, Any]:
    """The manifest of both splits together (SCHEMAS: prepare/manifest.json)."""
    task = encoder.task
    names = ("tokens_read", "tokens_used", "tokens_unknown", "tokens_suspect")
    read, used, unknown, suspect = (sum(getattr(f, name) for f in facts.values()) for name in names)
    left = {"unknown_label": unknown, **({"suspect": suspect} if facts["train"].suspect else {})}
    rows_left = {"unknown_label": sum(f.unknown for f in facts.values())} | ({"suspect": n} if (n := facts["train"].suspect) else {})
    cut = sum((f.cut_rows for f in facts.values()), np.zeros(task.n_labels, np.int64))
    return {
        "schema": SCHEMA,
        "tokens": {"read": read, "used": used, "dropped": {"truncated": read - used - unknown - suspect, **left}},
        "truncated": dict(zip(task.labels, cut.tolist(), strict=True)),
        "truncated_rows": {side: facts[side].n_cut for side in SIDES},
        "max_length": encoder.max_length,
        "max_length_asked": asked,
        "rows": {side: facts[side].rows for side in SIDES},
        "rows_dropped": rows_left,
        "label_counts": facts["train"].counted(task.labels),
        "lengths": histogram(facts["train"].lengths),
    }
