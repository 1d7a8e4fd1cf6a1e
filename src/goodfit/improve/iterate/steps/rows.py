"""Steps for which data is asked: more rows of all kinds, or of the classes and slices where the model is weak.

Part of iterate. How much more rows bring is read from the learning curve of the audit where it could be measured; for one slice the bound
is what the whole score would gain if the slice came up to the average, and history says how much of it is obtained.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from goodfit.files import json_object
from goodfit.improve.iterate.evidence import Evidence
from goodfit.improve.iterate.gain import Gain, around, realised
from goodfit.improve.iterate.history import History
from goodfit.improve.iterate.proposal import Cost, Proposal
from goodfit.run import SCORES

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
    """More rows of the weakest slice, which was found on validation."""
    weak = weakest(evidence)
    if weak is None:
        return None
    n, score = int(weak["n"]), weak["score"]
    mine, total = evidence.score.value or 0.0, max(1, evidence.score.n)
    short = np.maximum(mine - around(score["value"], score.get("low") or score["value"], score.get("high") or score["value"], rng), 0.0)
    gain = Gain(realised(short * n / total, history.shares("slice_rows"), rng))
    train = int(evidence.run.record.data.get("splits", {}).get("train", 0) * n / total)
    rows = int(np.clip(train, *SLICE_ROWS))
    return Proposal(
        action="slice_rows", kind="data", cause="weak_slice", title=f"label {rows:,} more rows where {weak['where']}",
        why=f"There it is right in {100 * score['value']:.1f}% of {n:,} validation rows, against {100 * mine:.1f}% overall.",
        findings=tuple(f.code for f in evidence.named("weak_slice")), request={"what": "label", "rows": rows, "of": weak["where"]},
        gain=gain.score(evidence.primary, evidence.score.n), chance=gain.chance, cost=Cost(seconds=evidence.seconds, rows=rows),
    )  # fmt: skip


def weakest(evidence: Evidence) -> dict[str, Any] | None:
    """The slice with the most to recover, of those that were found on validation."""
    document = json_object(evidence.run.path / "evaluate" / "scores.valid.json") or json_object(evidence.run.path / "evaluate" / SCORES)
    found = [one for one in document.get("slices", ()) if one.get("found_on") == "valid" and one.get("score", {}).get("value") is not None]
    found = [one for one in found if (one.get("verdict") or {}).get("answer") in (None, "worse")]
    mine = evidence.score.value or 0.0
    return max(found, key=lambda one: one["n"] * (mine - one["score"]["value"]), default=None)
