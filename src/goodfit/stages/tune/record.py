"""What a search leaves in the run: tune/trials.jsonl, a line per training, and tune/search.json, what was searched. Part of tune.

A line says `phase`: `search`, or `repeat` (a finalist, or the default, with a fresh seed). The scores of a line were used to choose: they
are marked as selected.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from goodfit.files import append_jsonl, json_object, read_jsonl, write_json
from goodfit.run import SEARCH, TRIALS, TRIALS_FILE
from goodfit.score import Score
from goodfit.stages.tune.space import Point
from goodfit.stages.tune.study import JOURNAL
from goodfit.stages.tune.trial import Job, Result

SCHEMA = "goodfit/search/1"
REPEATS = "repeats"
SEARCHED, REPEATED = "search", "repeat"


@dataclass(frozen=True)
class Line:
    """One training, as the file has it."""

    trial: int
    phase: str
    seed: int
    params: Point
    default: bool
    state: str
    value: float | None
    seconds: float
    pruned_at: int | None
    steps: int
    rows: int
    loss: float | None = None
    best_step: int | None = None
    reason: str = ""
    scores: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self)


def line_of(job: Job, result: Result, *, phase: str, default: bool) -> Line:
    """A training's line."""
    system = "default" if default else f"trial {job.number}"
    scores = [Score.model_validate(s).about(selected=True, split="valid", system=system).to_json() for s in result.scores]
    return Line(
        job.number, phase, job.seed, job.point, default, result.state, result.value, result.seconds, result.pruned_at, result.steps,
        result.rows, result.loss, result.best_step, result.reason, scores,
    )  # fmt: skip


class Book:
    """The folder of a search. One process writes it."""

    def __init__(self, folder: Path, name: str, facts: dict[str, Any]) -> None:
        """What another search has left there is removed: the recipe, the data or the model were others."""
        self.folder = folder
        known = json_object(folder / SEARCH)
        if known.get("search") != name:
            for path in (folder / TRIALS, folder / REPEATS):
                shutil.rmtree(path, ignore_errors=True)
            for file in (TRIALS_FILE, SEARCH, JOURNAL):
                (folder / file).unlink(missing_ok=True)
            known = {}
        self.facts = {"schema": SCHEMA, "search": name} | facts
        self._before = float(known.get("seconds", 0.0))
        self._begun = time.monotonic()
        self.lines = lines_in(folder)
        self.save()

    def add(self, line: Line) -> None:
        """One more training."""
        append_jsonl(self.folder / TRIALS_FILE, [line.to_json()])
        self.lines.append(line)
        self.save()

    def save(self, **more: Any) -> None:
        """search.json as it stands."""
        self.facts |= more
        write_json(self.folder / SEARCH, self.facts | {"seconds": round(self.seconds, 1)})

    @property
    def seconds(self) -> float:
        """Wall time of the search so far, of all attempts."""
        return self._before + time.monotonic() - self._begun

    def of(self, phase: str) -> list[Line]:
        """The lines of a phase."""
        return [line for line in self.lines if line.phase == phase]

    def place(self, number: int, seed: int | None = None) -> Path:
        """The folder of a trial, or of one of its repeats."""
        return self.folder / TRIALS / f"{number:03d}" if seed is None else self.folder / REPEATS / f"{number:03d}-{seed}"


def lines_in(folder: Path) -> list[Line]:
    """The trainings that a folder of a search has noted."""
    names = set(Line.__dataclass_fields__)
    return [Line(**{k: v for k, v in line.items() if k in names}) for line in read_jsonl(folder / TRIALS_FILE)]
