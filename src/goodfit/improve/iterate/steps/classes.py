"""A step against rare classes that are hardly ever given: weights in the loss. Part of iterate."""

from __future__ import annotations

import numpy as np

from goodfit.improve.iterate.evidence import Answers, Evidence
from goodfit.improve.iterate.gain import DRAWS, Floats, Gain, realised
from goodfit.improve.iterate.history import History
from goodfit.improve.iterate.proposal import Cost, Proposal
from goodfit.improve.pairs import MODEL

RARE = 0.5
"""A class with less than this share of an even part of the rows."""
SHORT = 0.1
"""Its recall lies so much below its precision: it is given too seldom."""
FEWEST = 10
"""Validation rows below which a class tells nothing."""
AVERAGES = ("macro_f1", "balanced_accuracy", "macro_f1_common")
"""Scores in which a rare class counts as much as a common one."""


def weights(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """`class_weights: balanced`, where rare classes are given too seldom and the score counts all classes alike."""
    answers = evidence.answers
    if answers is None or answers.several or evidence.primary not in AVERAGES or evidence.given("train.class_weights") != "none":
        return None
    seldom = _given_too_seldom(answers)
    if not seldom:
        return None
    bound = np.full(DRAWS, sum(gap for _, gap in seldom) / max(1, len(answers.labels)))
    gain = Gain(_with_a_cost(realised(bound, history.shares("class_weights"), rng), rng))
    names = ", ".join(repr(answers.labels[c]) for c, _ in seldom[:3])
    return Proposal(
        action="class_weights", kind="recipe", cause="imbalance", title="weigh the classes in the loss, so that rare ones count as much",
        why=f"Rare classes are given less often than they occur: {names}; their recall lies below their precision.",
        findings=tuple(f.code for f in evidence.named("imbalance")), changes={"train.class_weights": "balanced"},
        gain=gain.score(evidence.primary, evidence.score.n), chance=gain.chance, cost=Cost(seconds=evidence.seconds),
    )  # fmt: skip


def _given_too_seldom(answers: Answers) -> list[tuple[int, float]]:
    """(class, what its F1 would gain if recall came up to the middle of both), the largest first."""
    truth, said, out = answers.truth, answers.said[MODEL], []
    for c in range(len(answers.labels)):
        rows, given = int((truth == c).sum()), int((said == c).sum())
        right = int(((truth == c) & (said == c)).sum())
        if rows < FEWEST or rows > RARE * len(truth) / max(1, len(answers.labels)):
            continue
        recall, precision = right / rows, right / given if given else 1.0
        if precision - recall >= SHORT:
            middle = (precision + recall) / 2
            out.append((c, middle - 2 * precision * recall / (precision + recall)))
    return sorted(out, key=lambda pair: -pair[1])


def _with_a_cost(draws: Floats, rng: np.random.Generator) -> Floats:
    """Common classes lose a little."""
    out: Floats = draws - rng.uniform(0.0, 0.01, size=DRAWS)
    return out
