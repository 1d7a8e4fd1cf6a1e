"""iterate --auto: proposals one after the other within a budget; each accepted only on validation rows that did not lead to it.

Part of iterate. Validation is halved by cluster: one half is diagnosed, the other decides (a Ladder: a new best is taken only if the
lower end of a one-sided 80% interval of the paired difference is above 0). It ends when two steps in a row fail, nothing is left to
propose, or the budget would not hold the next one. Requests for data are listed, never answered. The kept step of each training was
chosen on all validation rows, in the parent as in the child; the test rows stay sealed until `goodfit confirm`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from goodfit.errors import Interrupted
from goodfit.improve.iterate.carry import Step, carry_out
from goodfit.improve.iterate.proposal import Proposal
from goodfit.improve.iterate.propose import propose
from goodfit.run import Run, Screen

FAILURES = 2
SLACK = 1.5
"""A step is begun only if the budget holds so many times its estimated cost."""


@dataclass
class Loop:
    """What the loop did."""

    first: Run
    best: Run
    """The run to confirm and to use."""
    steps: list[Step] = field(default_factory=list)
    asked: list[Proposal] = field(default_factory=list)
    """Requests for data that stand open for the best run."""
    ended: str = ""

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {
            "first": self.first.id, "best": self.best.id, "steps": [step.to_json() for step in self.steps],
            "requests": [one.to_json() for one in self.asked], "ended": self.ended,
        }  # fmt: skip


def auto(run: Run, budget: float, screen: Screen | None = None, tell: Callable[[str], object] = lambda text: None) -> Loop:
    """Iterates from a scored run for at most `budget` seconds; `tell` hears of each step."""
    began, loop, failed = time.monotonic(), Loop(run, run), 0
    refused: set[str] = set()
    while True:
        left = budget - (time.monotonic() - began)
        found = propose(loop.best, half="diagnose", without=refused)
        loop.asked = [one for one in found if one.kind == "data"]
        ours = [one for one in found if one.kind == "recipe"]
        fitting = [one for one in ours if SLACK * (one.cost.seconds or 0.0) <= left]
        if not fitting or failed >= FAILURES or left <= 0:
            loop.ended = _why(failed=failed, proposed=bool(ours), found=bool(found))
            return loop
        proposal = fitting[0]
        tell(f"{proposal.title}: {proposal.gain} expected")
        step = carry_out(loop.best, proposal, screen, half="accept")
        loop.steps.append(step)
        if step.outcome.status == "interrupted":
            raise Interrupted("stopped; what was accepted so far stands", exit_code=step.outcome.exit_code)
        failed = 0 if step.accepted else failed + 1
        tell(_said(step))
        if step.accepted:
            loop.best, refused = step.run, set()
        else:
            refused.add(proposal.action)


def _why(*, failed: int, proposed: bool, found: bool) -> str:
    if failed >= FAILURES:
        return f"{FAILURES} steps in a row brought nothing"
    if proposed:
        return "the budget holds no further step"
    return "only data could help from here" if found else "nothing is left to propose"


def _said(step: Step) -> str:
    if step.verdict is None:
        return f"{step.run.id} came to no scores: not taken"
    return f"{'taken' if step.accepted else 'not taken'}: {step.verdict.text}"
