"""Steps that take another base model, or let the one at hand read longer rows. Part of iterate."""

from __future__ import annotations

from typing import Any

import numpy as np

from goodfit.files import json_object
from goodfit.improve.iterate.evidence import Evidence
from goodfit.improve.iterate.gain import DRAWS, Gain, realised
from goodfit.improve.iterate.history import History
from goodfit.improve.iterate.proposal import Cost, Proposal
from goodfit.run import MANIFEST

MISSED = 0.06
"""Standard deviation of what choose's forecast of a difference misses (benchmarks/results/3-choose.json)."""
CHANCE = 0.15
"""Of being the best, below which another model is not worth a training."""
CUT = 0.05
"""Share of training rows that lose tokens, from which longer rows may help."""


def other_base(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """The next candidate, where choose could not tell it from the one that was taken."""
    chosen = evidence.candidates.get("chosen")
    others = [
        one for one in evidence.candidates.get("candidates", ())
        if one.get("here") and not one.get("refused") and one["model"] != chosen and (one.get("chance_best") or 0.0) >= CHANCE
    ]  # fmt: skip
    if not others or evidence.given("choose.model_name_or_path") not in ("auto", chosen):
        return None
    best = max(others, key=lambda one: float(one["chance_best"]))
    mine: dict[str, Any] = next((one for one in evidence.candidates["candidates"] if one["model"] == chosen), {})
    gain = Gain(rng.normal(_ahead(best, mine), MISSED, size=DRAWS))
    seconds = evidence.seconds * _slower(best, mine)
    return Proposal(
        action="other_base", kind="recipe", cause="base_model", title=f"fine-tune {best['model']} in place of {chosen}",
        why=f"Before training it was the best with a chance of {float(best['chance_best']):.0%}.",
        changes={"choose.model_name_or_path": best["model"]}, gain=gain.score(evidence.primary, evidence.score.n), chance=gain.chance,
        cost=Cost(seconds=round(seconds, 1)),
    )  # fmt: skip


def longer_rows(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """A larger maximum length, where many rows were cut and the model can read more."""
    manifest = json_object(evidence.run.path / "prepare" / MANIFEST)
    cut, rows = (manifest.get(name, {}).get("train", 0) for name in ("truncated_rows", "rows"))
    limit, length = (evidence.candidates.get("base") or {}).get("max_length"), manifest.get("max_length")
    if not cut or not rows or cut / rows < CUT or not limit or not length or length >= limit:
        return None
    longer = min(int(limit), 2 * int(length))
    bound = np.full(DRAWS, 0.5 * cut / rows * (1 - (evidence.score.value or 0.0)))
    gain = Gain(realised(bound, history.shares("longer_rows"), rng) - rng.uniform(0, 0.005, size=DRAWS))
    return Proposal(
        action="longer_rows", kind="recipe", cause="truncation", title=f"read up to {longer} tokens of a row in place of {length}",
        why=f"{cut:,} of {rows:,} training rows lose tokens.", findings=tuple(f.code for f in evidence.named("truncation")),
        changes={"prepare.max_length": longer}, gain=gain.score(evidence.primary, evidence.score.n), chance=gain.chance,
        cost=Cost(seconds=round(evidence.seconds * 1.5, 1)),
    )  # fmt: skip


def _ahead(best: dict[str, Any], mine: dict[str, Any]) -> float:
    """How much choose's first measure (the probe) sees the other ahead, halved: what features tell is not what training gives."""
    theirs, ours = ([float(s["value"]) for s in one.get("scores", ()) if s.get("value") is not None] for one in (best, mine))
    return 0.5 * (theirs[0] - ours[0]) if theirs and ours else 0.0


def _slower(best: dict[str, Any], mine: dict[str, Any]) -> float:
    theirs, ours = (float(one.get("epoch_seconds") or 0.0) for one in (best, mine))
    return theirs / ours if theirs and ours else 1.0
