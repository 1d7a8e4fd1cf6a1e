"""The ledger of the sealed test sets: who looked, when, why, and how many models these rows have judged.

Layer: run. One line per unsealing in `<workspace>/ledger.jsonl`, appended under a file lock; the row ids of each test set are
kept once in `<workspace>/tests/<hash>.parquet`, so that a set that shares more than half of its rows with a known one counts
to it (DESIGN 1; methods 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock

from goodfit.files import append_jsonl, read_jsonl, write_atomic

LEDGER = "ledger.jsonl"
TESTS = "tests"
SPENT_PER_ROWS = 50
"""A test set is spent once more than n / 50 models were scored on it (methods 11)."""
OVERLAP = 0.5
"""Sets that share more than this share of the smaller one are one set."""


@dataclass(frozen=True)
class Looks:
    """What the ledger knows of a test set: distinct models scored on it, and its state."""

    models_scored: int
    n: int

    @property
    def level_corrected(self) -> float:
        """Confidence level of each interval that keeps 95% over all models scored (union bound)."""
        return 1 - 0.05 / max(1, self.models_scored)

    @property
    def state(self) -> str:
        """`fresh` (one model), `reused`, or `spent` (more models than n / 50)."""
        if self.models_scored > max(1.0, self.n / SPENT_PER_ROWS):
            return "spent"
        return "fresh" if self.models_scored <= 1 else "reused"

    def to_json(self) -> dict[str, Any]:
        """The `ledger` object of scores.json."""
        return {"models_scored": self.models_scored, "level_corrected": self.level_corrected, "state": self.state}


def record(workspace: Path, *, test: str, rows: pa.Array, look: Mapping[str, str]) -> Looks:
    """Writes one unsealing, then says what the ledger now knows of this set.

    `test` is the hash of the sorted row ids. `look` has `run`, `stage`, `reason`, and `model`, the hash of all that the weights were made
    from: the same model, looked at again (for another page, another gate), counts once.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    with FileLock(str(workspace / f".{LEDGER}.lock")):
        _keep_rows(workspace, test, rows)
        line = {"test": test, **look, "time": _now(), "n": len(rows)}
        append_jsonl(workspace / LEDGER, [line])
        return looks(workspace, test, rows)


def looks(workspace: Path, test: str, rows: pa.Array) -> Looks:
    """Distinct models that were scored on this set or on one that shares more than half of its rows."""
    same = {test} | _relatives(workspace, test, rows)
    models = {line.get("model") or line["run"] for line in read_jsonl(workspace / LEDGER) if line["test"] in same}
    return Looks(models_scored=len(models), n=len(rows))


def opened(workspace: Path, rows: pa.Array) -> dict[str, str]:
    """Which of these rows stood in a test set that was opened, and when the first time (ISO 8601, UTC)."""
    first: dict[str, str] = {}
    for line in read_jsonl(workspace / LEDGER):
        first[line["test"]] = min(line["time"], first.get(line["test"], line["time"]))
    out: dict[str, str] = {}
    for test, time in first.items():
        path = _rows_path(workspace, test)
        if not path.exists():
            continue
        found = rows.filter(pc.is_in(rows, value_set=pq.read_table(path)["row"].combine_chunks()))
        for row in found.to_pylist():
            out[row] = min(time, out.get(row, time))
    return out


def _keep_rows(workspace: Path, test: str, rows: pa.Array) -> None:
    path = _rows_path(workspace, test)
    if not path.exists():
        with write_atomic(path, "wb") as handle:
            pq.write_table(pa.table({"row": rows}), handle)


def _relatives(workspace: Path, test: str, rows: pa.Array) -> set[str]:
    """Known sets that share more than half of the smaller set's rows."""
    known = {line["test"] for line in read_jsonl(workspace / LEDGER)} - {test}
    out = set()
    for other in known:
        path = _rows_path(workspace, other)
        if not path.exists():
            continue
        theirs = pq.read_table(path)["row"].combine_chunks()
        shared = pc.sum(pc.is_in(theirs, value_set=rows)).as_py() or 0
        if shared > OVERLAP * max(1, min(len(rows), len(theirs))):
            out.add(other)
    return out


def _rows_path(workspace: Path, test: str) -> Path:
    return workspace / TESTS / f"{test.removeprefix('b2:')}.parquet"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
