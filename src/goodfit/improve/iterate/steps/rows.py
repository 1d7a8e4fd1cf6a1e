"""Steps for which data is asked: more rows of all kinds, or of the classes and slices where the model is weak.

Part of iterate. How much more rows bring is read from the learning curve of the audit where it could be measured; for one slice the bound
is what the whole score would gain if the slice came up to the average, and history says how much of it is obtained.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from goodfit.files import json_object
from goodfit.improve.iterate.evidence import Evidence
from goodfit.improve.iterate.gain import Floats, Gain, around, realised
from goodfit.improve.iterate.history import History
from goodfit.improve.iterate.proposal import Cost, Proposal
from goodfit.run import SCORES
from goodfit.score import Score

LEAST_GAIN = 0.003
"""A third of a point: below it nobody labels as many rows again."""
SLICE_ROWS = (50, 400)
"""Rows that are asked for of a weak slice: as many as it has in training, within these."""


def more(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """As many rows again, where the learning curve still rises."""
    ahead = evidence.profile.get("learning_curve", {}).get("gain")
    if not ahead:
        return None
    gain, n = Gain(around(float(ahead["value"]), float(ahead["low"]), float(ahead["high"]), rng)), int(ahead["from"])
    if gain.mean < LEAST_GAIN:
        return None
    rows = max(1, int(ahead["to"]) - n)
    return Proposal(
        action="more_rows", kind="data", cause="few_rows", title=f"label {rows:,} more rows",
        why=f"The learning curve of the audit still rises: from {n:,} to {int(ahead['to']):,} rows.", findings=("AUD044",),
        request={"what": "label", "rows": rows, "of": "all"}, gain=gain.score(evidence.primary, evidence.score.n), chance=gain.chance,
        cost=Cost(seconds=2 * evidence.seconds, rows=rows),
    )  # fmt: skip


def slice_rows(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """More rows of the slice with the most to recover."""
    weak = weakest(evidence)
    if weak is None:
        return None
    n, total = int(weak["n_found"]), max(1, evidence.score.n)
    gain = Gain(realised(_points(weak, rng) * n / total, history.shares("slice_rows"), rng))
    right, below = 100 * weak["score_found"]["value"], -100 * weak["shrunken"]
    rows = int(np.clip(int(evidence.run.record.data.get("splits", {}).get("train", 0)) * n / total, *SLICE_ROWS))
    return Proposal(
        action="slice_rows", kind="data", cause="weak_slice", title=f"label {rows:,} more rows where {weak['where']}",
        why=f"Of {n:,} such validation rows {right:.1f}% are right, about {below:.0f} points below other rows of the same classes.",
        findings=tuple(sorted({f.code for f in evidence.named("weak_slice")})), evidence=(Score.model_validate(weak["score_found"]),),
        request={"what": "label", "rows": rows, "of": weak["where"]}, gain=gain.score(evidence.primary, evidence.score.n),
        chance=gain.chance, cost=Cost(seconds=evidence.seconds, rows=rows),
    )  # fmt: skip


def weakest(evidence: Evidence) -> dict[str, Any] | None:
    """The slice with the most to recover by what validation shows of it; what test rows show is never asked."""
    document = json_object(evidence.run.path / "evaluate" / SCORES)
    found = [one for one in document.get("slices", ()) if one.get("found_on") == "valid" and float(one.get("points") or 0.0) > 0]
    return max(found, key=lambda one: float(one["points"]), default=None)


def _points(weak: dict[str, Any], rng: np.random.Generator) -> Floats:
    """[DRAWS] how far the slice lies below other rows of its classes: the interval that holds for all slices, drawn in as its middle is."""
    seen = weak["verdict"]["difference"]
    drawn = around(-seen["value"], -seen["high"], -seen["low"], rng) * (weak["shrunken"] / seen["value"])
    out: Floats = np.maximum(drawn, 0.0)
    return out
