"""What was predicted and what was obtained: one line per proposal that was carried out, so that the next ones are better calibrated.

Part of iterate. `<workspace>/iterations.jsonl`, appended; a line is `{run, child, action, predicted: {value, low, high}, obtained:
{value, low, high}, time}` in units of the primary score. Only lines of runs that can be compared (paired on validation rows)
are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from goodfit.files import append_jsonl, read_jsonl
from goodfit.improve.iterate.gain import BELIEF
from goodfit.score import Score

ITERATIONS = "iterations.jsonl"
TRUST = 4.0
"""Weight of one past step against the belief's five: history counts soon, and never alone."""
LEAST = 0.002
"""Predicted gains below it say nothing of the share that was obtained."""


@dataclass(frozen=True)
class History:
    """The lines of a workspace."""

    lines: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, workspace: Path) -> History:
        """Read from the workspace; empty where nothing was carried out yet."""
        return cls(tuple(read_jsonl(workspace / ITERATIONS)))

    def shares(self, action: str) -> tuple[float, float]:
        """The Beta distribution of the share of an upper bound that this action obtains."""
        a, b = BELIEF
        for line in self.lines:
            predicted = float(line["predicted"]["value"])
            if line["action"] != action or predicted < LEAST:
                continue
            share = min(1.0, max(0.0, float(line["obtained"]["value"]) / predicted * BELIEF[0] / sum(BELIEF)))
            a, b = a + TRUST * share, b + TRUST * (1 - share)
        return a, b

    def tried(self, run: str) -> list[dict[str, Any]]:
        """What was carried out from a run."""
        return [line for line in self.lines if line["run"] == run]


def remember(workspace: Path, runs: tuple[str, str], action: str, predicted: Score, obtained: Score) -> None:
    """Appends one line; `runs`: the parent and the child."""
    ends = {name: {"value": s.value, "low": s.low, "high": s.high} for name, s in (("predicted", predicted), ("obtained", obtained))}
    line = {"run": runs[0], "child": runs[1], "action": action, **ends, "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    append_jsonl(workspace / ITERATIONS, [line])
