"""Successive halving on comparable beginnings: a trial that is behind two thirds of the others at a rung is stopped. Part of tune.

Rungs are shares of the rows that the default's training sees (an eighth, three eighths), not of a trial's own steps, so that trials of
other batch sizes meet at the same point. What is compared is the validation loss. Two of three stop, but none before three have come by;
the default never stops (Jamieson & Talwalkar 2016; Li et al. 2020). Beginnings are comparable where all have the same schedule and length,
or a schedule that is flat until its end (`space.py`); inside the warm-up nothing is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from goodfit.stages.tune.study import open_study, reached, report

SHARES = (1 / 8, 3 / 8)
KEEP = 3
"""One of so many goes on."""


@dataclass
class Rungs:
    """The rungs of one trial; it opens the study where it is used, so that it can travel."""

    storage: str | None
    folder: Path
    study: str
    trial_id: int
    rows: float
    """Rows that the default's training sees."""
    warmup: float = 0.0
    """Rows of this trial's warm-up."""
    stops: bool = True
    """False: it only leaves its values for the others."""
    passed: int = 0

    def behind(self, rows_seen: float, loss: float) -> bool:
        """Called at each look: whether the trial is to be stopped. The value of a rung is written down for the others."""
        while self.passed < len(SHARES) and rows_seen >= SHARES[self.passed] * self.rows:
            rung, self.passed = self.passed, self.passed + 1
            if SHARES[rung] * self.rows <= self.warmup:
                continue
            study = open_study(self.storage, self.folder, self.study)
            others = reached(study, rung)
            report(study, self.trial_id, rung, -loss)
            if self.stops and not promoted(-loss, others):
                return True
        return False


def promoted(value: float, others: list[float]) -> bool:
    """Whether a value is among the best third of all that reached the rung, itself included; always while they are fewer than three."""
    known = [*others, value]
    if len(known) < KEEP:
        return True
    return value >= sorted(known, reverse=True)[max(1, len(known) // KEEP) - 1]
