"""Steps against wrong labels: rows that people should look at, and training without the rows that the audit flags.

Part of iterate. Nobody's labels are changed by a model's opinion: leaving rows out of training changes no data, and what people decide is
theirs. Wrong labels among test rows make a score too low whatever the model does: that is a matter of the ruler, said and not counted here.
"""

from __future__ import annotations

import numpy as np

from goodfit.improve.iterate.evidence import Evidence
from goodfit.improve.iterate.gain import DRAWS, Gain, around, realised
from goodfit.improve.iterate.history import History
from goodfit.improve.iterate.measured import difference_of, without_suspects
from goodfit.improve.iterate.proposal import Cost, Proposal

KINDS = ("label_suspects", "label_noise", "noise_memorised")
REVIEW = 200
"""Rows of a review that tells how many labels are wrong."""
PRICE = 0.5
"""Points of score that a point of wrong training labels costs, at most (rows of overlapping classes hardly count; methods 16)."""
ROBUST = (2.0, 6.0)
"""Beta distribution of the part of it that a fine-tuned encoder with early stopping loses at all (Zhu et al. 2022)."""


def leave_out(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """Train without the flagged rows, where a probe shows that it helps."""
    found = evidence.named(*KINDS)
    if not found or evidence.answers is None or evidence.recipe.prepare.suspects != "keep":
        return None
    measured = difference_of(verdict := without_suspects(evidence))
    if measured is None or (measured.value or 0.0) <= 0 or verdict is None:
        return None
    assert measured.value is not None
    assert measured.low is not None
    assert measured.high is not None
    draws = around(measured.value, measured.low, measured.high, rng)
    gain = Gain(np.where(draws > 0, realised(2 * draws, history.shares("leave_out"), rng), draws))
    return Proposal(
        action="leave_out", kind="recipe", cause="labels", title="train without the rows whose labels the audit flags",
        why=f"{found[0].title}. {verdict.question}: {verdict.text}.", findings=tuple(f.code for f in found), evidence=(measured,),
        changes={"prepare.suspects": "leave_out"}, gain=gain.score(evidence.primary, evidence.score.n), chance=gain.chance,
        cost=Cost(seconds=evidence.seconds),
    )  # fmt: skip


def review(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """People look at the most suspicious rows: what they relabel is trained on rightly, and the share of wrong labels becomes known."""
    found = evidence.named("label_suspects", "label_noise")
    known = evidence.profile.get("label_suspects")
    if not found or not known:
        return None
    wrong = rng.uniform(float(known["at_least"]), float(known["at_most"]), size=DRAWS)
    reach = min(1.0, REVIEW / max(1, int(known["flags"])))
    bound = PRICE * wrong * reach
    gain = Gain(realised(bound * rng.beta(*ROBUST, size=DRAWS), history.shares("review"), rng))
    return Proposal(
        action="review", kind="data", cause="labels", title=f"have people look at the {REVIEW} most suspicious labels",
        why=f"{found[0].title}. A review also tells how many labels are wrong, which nothing else can.",
        findings=tuple(f.code for f in found), evidence=tuple(found[0].evidence[:2]),
        request={"what": "review", "rows": REVIEW, "of": "suspects", "command": f"goodfit review {evidence.run.id} --of suspects"},
        gain=gain.score(evidence.primary, evidence.score.n), chance=gain.chance, cost=Cost(seconds=evidence.seconds, rows=REVIEW),
    )  # fmt: skip
