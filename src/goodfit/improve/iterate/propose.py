"""From a run to its proposals: every step is asked, gains are capped by what is left above the score, the best are kept.

Part of iterate.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.files import write_json
from goodfit.improve.iterate.evidence import Evidence, Half
from goodfit.improve.iterate.history import History
from goodfit.improve.iterate.proposal import Proposal
from goodfit.improve.iterate.ranking import ranked
from goodfit.improve.iterate.requests import write_requests
from goodfit.improve.iterate.steps import STEPS
from goodfit.run import Run
from goodfit.score import Score

PROPOSALS = "proposals.json"
SCHEMA = "goodfit/proposals/1"


def propose(run: Run, *, half: Half | None = None, without: Collection[str] = ()) -> list[Proposal]:
    """At most five next steps, best first; RunError where the run has no scores or no validation rows.

    `half`: only these validation rows are looked at. `without`: actions that were tried already.
    """
    evidence, history = Evidence.of(run, half), History.of(run.workspace)
    done = {*without, *(line["action"] for line in history.tried(run.id))}
    found = []
    for place, step in enumerate(STEPS):
        made = step(evidence, history, np.random.default_rng([evidence.recipe.seed, place]))
        if made is not None and made.action not in done:
            found.append(_within(made, room_above(evidence)))
    return ranked(found)


def room_above(evidence: Evidence) -> float | None:
    """How far the score can rise at most: to 1, less the labels that are certainly wrong. None where more is not better."""
    if not evidence.score.higher_is_better or evidence.score.unit != "share" or evidence.score.value is None:
        return None
    noise = float(evidence.profile.get("label_suspects", {}).get("at_least", 0.0))
    return max(0.0, 1.0 - noise - evidence.score.value)


def _within(one: Proposal, most: float | None) -> Proposal:
    if most is None:
        return one
    ends = {key: min(value, most) for key in ("value", "low", "high") if (value := getattr(one.gain, key)) is not None}
    return one.model_copy(update={"gain": Score.model_validate(one.gain.model_dump() | ends)})


def write_proposals(run: Run, found: list[Proposal], *, pool: tuple[str, ...] = ()) -> Path:
    """improve/proposals.json, and improve/requests.csv where data is asked for; the document's path."""
    folder = run.folder("improve")
    asked = write_requests(run, found, folder, pool)
    document: dict[str, Any] = {"schema": SCHEMA, "run": run.id, "proposals": [one.to_json() for one in found]}
    if asked is not None:
        document["requests"] = str(asked.relative_to(run.path))
    write_json(folder / PROPOSALS, document)
    return folder / PROPOSALS
