"""What prepare has to say: rows that are cut. Part of prepare (docs/findings/PRE001.md)."""

from __future__ import annotations

import numpy as np

from goodfit.finding import Finding, Where
from goodfit.score import Score
from goodfit.stages.prepare.tokenise import Encoder, Facts

CUT_WARNING = 0.05
"""Share of cut rows from which a class is worth a warning."""


def findings_of(train: Facts, encoder: Encoder, *, limit: int | None) -> list[Finding]:
    """PRE001: rows cut, with the classes that lose most."""
    n_cut, max_length = train.n_cut, encoder.max_length
    share = Score(name="cut_rows", value=n_cut / max(1, train.rows), n=train.rows, higher_is_better=False, split="train", method="counted")
    base = {"code": "PRE001", "stage": "prepare", "kind": "truncation", "evidence": (share,), "where": Where(split="train")}
    if n_cut == 0:
        title = f"no training row is longer than {max_length} tokens"
        return [Finding.model_validate(base | {"severity": "note", "status": "passed", "title": title})]
    worst = int(np.argmax(train.cut_rows / np.maximum(train.label_counts, 1)))
    worst_share = float(train.cut_rows[worst] / max(1, train.label_counts[worst]))
    bound = " (the model's own limit)" if limit == max_length else ""
    return [
        Finding.model_validate(
            base
            | {
                "severity": "warning" if worst_share > CUT_WARNING else "note",
                "title": f"{n_cut:,} of {train.rows:,} training rows are cut at {max_length} tokens",
                "detail": f"{train.tokens_read - train.tokens_used:,} of {train.tokens_read:,} tokens are lost{bound}. "
                f"Most affected: {encoder.task.labels[worst]!r}, {100 * worst_share:.1f}% of its rows.",
                "n_rows": n_cut,
                "rows": tuple(row for _, row in train.cut),
                "fix": "choose a model with a longer context" if bound else "set prepare.max_length higher",
            }
        )
    ]
