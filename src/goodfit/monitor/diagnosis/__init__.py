"""What a training suffers from, in one named cause: START HERE.

    evidence.py    what may be looked at: curves, facts of rows, the plan
    measures.py    the numbers that are made of it          turning.py   the paired test for a curve that has turned
    broken.py      diverged, dead, collapsed                pace.py      too fast, too slow, too short, below a linear model
    fit.py         overfitted, overconfident, learned by heart, too little validation
    thresholds.py  every number that an answer turns on, and where it comes from

Layer: monitor; pure functions of numbers, no torch. All diagnoses are told; the first warning in the order of ORDER is the cause, and what
it explains is told as a note (methods 7: decision order). Causes go before symptoms: a rate that is too high makes a model that answers one
class, and to say "collapsed" alone would not help.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from goodfit.finding import Finding
from goodfit.monitor.diagnosis.broken import collapsed, dead, diverged
from goodfit.monitor.diagnosis.evidence import Evidence
from goodfit.monitor.diagnosis.fit import (
    memorising,
    noise_ceiling,
    noise_memorised,
    overconfident,
    overfitting,
    seed_dependent,
    validation_too_small,
)
from goodfit.monitor.diagnosis.pace import rate_too_high, rate_too_low, too_short, underfitting
from goodfit.monitor.diagnosis.verdicts import Sign

GOOD = "good"
ORDER: tuple[Callable[[Evidence], Sign], ...] = (
    diverged, rate_too_high, rate_too_low, dead, collapsed, underfitting, too_short, noise_memorised, overfitting, validation_too_small,
    overconfident, memorising, noise_ceiling, seed_dependent,
)  # fmt: skip
"""What is looked for, causes before what they explain."""
WHILE_IT_TRAINS = (diverged, rate_too_high, dead, collapsed, overfitting)
"""What can be said before a training is over."""


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was looked for, and the one cause."""

    signs: tuple[Sign, ...]
    """In the order of ORDER."""

    @property
    def cause(self) -> Sign | None:
        """What the training suffers from; None where nothing is known to be wrong."""
        return next((sign for sign in self.signs if sign.seen and sign.cause and sign.severity != "note"), None)

    @property
    def word(self) -> str:
        """The cause's kind, or `good`."""
        return self.cause.kind if self.cause is not None else GOOD

    def findings(self) -> list[Finding]:
        """For train/findings.jsonl, the cause first; what it explains as notes."""
        cause = self.cause
        out = []
        for sign in self.signs:
            below = cause is not None and sign is not cause and sign.seen and sign.cause and sign.severity != "note"
            assert cause is None or cause.title
            out.append(sign.softened(f"The cause is probably: {cause.title}.") if below and cause is not None else sign)
        out.sort(key=lambda sign: sign is not cause)
        return [sign.finding() for sign in out]


def diagnose(evidence: Evidence) -> Diagnosis:
    """All diagnoses of a training, or of what there is of it so far."""
    asked = ORDER if evidence.ended else WHILE_IT_TRAINS
    found = tuple(look(evidence) for look in asked)
    if found[0].seen:  # diverged: what else the curves show comes from that
        found = (found[0], *(replace(sign, seen=False, not_applicable="the training broke down") for sign in found[1:]))
    return Diagnosis(found)
