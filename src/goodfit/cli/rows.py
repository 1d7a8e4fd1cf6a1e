"""What may be said of one row: where it stands, what was decided about it, what was predicted for it. Sealed text stays sealed.

Layer: cli. Reads the run folder; the text of a train or validation row comes from the row store, that of a test row is not shown.
"""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from goodfit.data.decisions import read_decisions
from goodfit.errors import RunError, UserError
from goodfit.run import ASSIGNMENT, DECISIONS, PREDICTIONS, Run
from goodfit.stages.split import Splits
from goodfit.stages.split.hygiene import HYGIENE_ROWS


def find_row(run: Run, row: str) -> dict[str, Any]:
    """Split, file and line, group, label and predictions of a row."""
    path = run.path / "split" / ASSIGNMENT
    if not path.is_file():
        raise RunError(f"{run.id} has not divided its rows yet", fix=f"goodfit split {run.id}")
    assignment = pq.read_table(path)
    found = assignment.filter(pc.equal(assignment["row"], row)).to_pylist()
    if not found:
        return _not_used(run, row) | _decision(run, row)
    facts: dict[str, Any] = dict(found[0]) | _decision(run, row)
    facts |= {"text": "sealed"} if facts["split"] == "test" else _text(run, row, facts["split"])
    return facts | _predictions(run, row)


def _not_used(run: Run, row: str) -> dict[str, Any]:
    """Where a row stands that is not used, and why it is not; UserError where there is no such row."""
    path = run.path / "split" / HYGIENE_ROWS
    held = pq.read_table(path, filters=[("row", "=", row)]).to_pylist() if path.is_file() else []
    if not held:
        raise UserError(f"{run.id} has no row {row!r}", fix="row ids stand in split/assignment.parquet and in every finding")
    return {"row": row, "at": held[0]["at"], "split": "not used", "reason": str(held[0]["reason"]).replace("_", " ")}


def _decision(run: Run, row: str) -> dict[str, Any]:
    """What somebody decided about the row, and this run applied."""
    path = run.path / "split" / DECISIONS
    decision = read_decisions(path).last.get(row) if path.is_file() else None
    if decision is None:
        return {}
    value = "" if decision.value is None or decision.action == "mask" else f" to {decision.value}"
    return {"decision": f"{decision.action}{value}, by {decision.by}" + (f": {decision.reason}" if decision.reason else "")}


def _text(run: Run, row: str, split: Any) -> dict[str, Any]:
    table = Splits.load(run).table(split, columns=("row", "text", "label"))
    found = table.filter(pc.equal(table["row"], row)).to_pylist()[0]
    return {"text": found["text"], "label": found["label"]}


def _predictions(run: Run, row: str) -> dict[str, Any]:
    path = run.path / "evaluate" / PREDICTIONS
    if not path.is_file():
        return {}
    out: dict[str, Any] = {}
    for line in pq.read_table(path, filters=[("row", "=", row)]).to_pylist():
        out[f"{line['system']}"] = line["prediction"]
    return out
