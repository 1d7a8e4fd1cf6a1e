"""What the systems wrote: `evaluate/samples.jsonl` of one run or several -> rows with the answers of all systems.

Part of review. Texts are of unknown origin: they are read as they are (lone surrogates, which no file can hold, become their escapes), and
made visible where they are shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goodfit.errors import Place, RunError
from goodfit.run import Run, digest

SAMPLES = "samples.jsonl"
SUBJECT = "model"
"""The system that the run trained; every comparison is with it."""


@dataclass
class Row:
    """One prompt and what each system answered."""

    row: str
    prompt: str
    texts: dict[str, str] = field(default_factory=dict)
    reference: str | None = None
    loss: float | None = None
    """Loss of the reference under the subject, where it was measured."""
    cluster: str | None = None


@dataclass(frozen=True)
class Samples:
    """The rows of all runs joined; `systems` begins with the subject."""

    systems: list[str]
    rows: list[Row]
    fingerprint: str
    """Of all texts: items drawn from other texts are not these."""


def read_samples(runs: Sequence[Run]) -> Samples:
    """The answers of one run; with several, those of the first run and the trained model of each other one, on the rows they share.

    With several runs each system bears its run's id. RunError where there is nothing to review, or a line cannot be read.
    """
    twice = [run.id for i, run in enumerate(runs) if run.id in {other.id for other in runs[:i]}]
    if twice:
        raise RunError(f"{twice[0]} stands twice: give each run once", fix="goodfit list shows the others")
    rows: dict[str, Row] = {}
    for run in runs:
        own = _of_run(run, prefix=f"{run.id}:" if len(runs) > 1 else "", only_model=run is not runs[0])
        rows = own if run is runs[0] else {row: _joined(rows[row], own[row]) for row in rows if row in own}
    if not rows:
        raise RunError("these runs answered no common row", fix="review runs that were evaluated on the same data")
    systems = list(dict.fromkeys(name for row in rows.values() for name in row.texts))
    systems.sort(key=lambda name: name.rpartition(":")[2] != SUBJECT)
    listed = sorted(rows.values(), key=lambda row: row.row)
    return Samples(systems, listed, digest([[row.row, row.prompt, sorted(row.texts.items())] for row in listed]))


def _joined(first: Row, other: Row) -> Row:
    first.texts |= other.texts
    return first


def _of_run(run: Run, *, prefix: str, only_model: bool) -> dict[str, Row]:
    """Row id -> Row; where a row was answered twice by a system, the later line counts."""
    path = run.path / "evaluate" / SAMPLES
    if not path.is_file():
        raise RunError(
            f"{run.id} has no answers to review: there is no evaluate/{SAMPLES}",
            fix=f"review is for runs whose task is generation (goodfit evaluate {run.id} writes answers); of labels it is --of suspects",
        )
    rows: dict[str, Row] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="backslashreplace").split("\n"), start=1):
        sample = _parsed(line, path, number) if line.strip() else None
        if sample is None or (only_model and sample["system"] != SUBJECT):
            continue
        row = rows.setdefault(sample["row"], Row(sample["row"], sample["prompt"], reference=sample.get("reference")))
        row.texts[prefix + sample["system"]] = sample["text"]
        if sample["system"] == SUBJECT:
            row.prompt = sample["prompt"]
            row.loss = sample.get("loss")
        if sample.get("cluster") is not None:
            row.cluster = str(sample["cluster"])
    if not rows:
        raise RunError(f"{run.id} has no answers to review: {path.name} is empty", fix=f"goodfit evaluate {run.id}")
    return rows


def _parsed(line: str, path: Path, number: int) -> dict[str, Any]:
    place = Place(file=str(path), line=number)
    try:
        sample = json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        raise RunError("this line is not JSON", place=place, fix="goodfit evaluate RUN writes the file anew") from None
    if not isinstance(sample, dict):
        raise RunError("this line is not a JSON object", place=place, fix="goodfit evaluate RUN writes the file anew")
    for key in ("row", "system", "prompt", "text"):
        if not isinstance(sample.get(key), str):
            raise RunError(f"this line has no {key!r} that is a text", place=place, fix="goodfit evaluate RUN writes the file anew")
    for key in ("row", "system", "prompt", "text", "reference"):
        sample[key] = _writable(sample[key]) if isinstance(sample.get(key), str) else None
    loss = sample.get("loss")
    sample["loss"] = float(loss) if isinstance(loss, int | float) and not isinstance(loss, bool) else None
    return sample


def _writable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
