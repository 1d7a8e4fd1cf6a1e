"""Proposal: what to try next, with the evidence for it, the gain to expect, and what it costs. A recipe's change, or a request for data.

Part of iterate; nouns only. `proposals.json` holds the list (SCHEMAS: extra file of a run, `improve/proposals.json`).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from goodfit.score import Score

Kind = Literal["recipe", "data"]


class Cost(BaseModel):
    """What a step takes."""

    model_config = ConfigDict(frozen=True)

    seconds: float | None = None
    """Of training and evaluation on this machine; None: not known."""
    rows: int | None = None
    """Rows that people have to label or read."""

    def in_seconds(self) -> float:
        """Everything in seconds of somebody's time: a row that a person reads takes SECONDS_A_ROW."""
        return max(1.0, (self.seconds or 0.0) + SECONDS_A_ROW * (self.rows or 0))


SECONDS_A_ROW = 15.0
"""To read and label a short text."""


class Proposal(BaseModel):
    """One next step."""

    model_config = ConfigDict(frozen=True)

    place: int = 0
    """1 is the best; what `--apply` takes."""
    action: str
    """What is done, in one word: `lower_rate`, `more_data` … ; history is kept by it."""
    kind: Kind
    cause: str
    """What it is against; at most one proposal for each cause."""
    title: str
    why: str
    """The evidence in words."""
    findings: tuple[str, ...] = ()
    """Codes."""
    evidence: tuple[Score, ...] = ()
    changes: dict[str, Any] = Field(default_factory=dict)
    """Dotted recipe key -> value; empty for a request."""
    request: dict[str, Any] | None = None
    """What is asked of people: `{what, rows, of, file}`."""
    gain: Score
    chance: float
    """That the score rises at all."""
    cost: Cost = Cost()

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        out = self.model_dump(mode="json")
        out["gain"] = self.gain.to_json()
        out["evidence"] = [score.to_json() for score in self.evidence]
        return out

    def words(self) -> list[str]:
        """`key=value` words for the command line."""
        return [f"{key}={_written(value)}" for key, value in self.changes.items()]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
