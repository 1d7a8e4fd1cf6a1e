"""Two runs that answered the same rows: what every comparison of runs needs. Part of improve, used by `compare` and `written`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from goodfit.run import Run
from goodfit.score import Verdict

MODEL = "model"


@dataclass(frozen=True)
class Pair:
    """`other` against `base`, both scored on the same split."""

    base: Run
    other: Run
    theirs: dict[str, Any]
    """scores.json of `base`."""
    mine: dict[str, Any]
    """scores.json of `other`."""
    question: str
    """`OTHER vs BASE`"""


def untold(question: str, why: str) -> Verdict:
    """There is nothing to pair."""
    return Verdict(question=question, answer="cannot_tell", text=f"cannot be compared row by row: {why}")
