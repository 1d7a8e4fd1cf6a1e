"""The desk at which suspects are looked at: which rows a reviewer sees, and what each has decided. Part of suspects.

What is decided goes to the decisions file of the data at once (data/decisions.py), and to the reviewer's own file
`review/suspects/<reviewer>.jsonl` with what was shown: from it come who is how far, and what was skipped. `review/suspects/items.json` says
what is looked at: the most suspicious rows, or a sample with its seed. Nothing else is kept, so a reload or a crash loses nothing.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from goodfit.data.beside import place
from goodfit.data.decisions import Action, Decision, Value, append, now
from goodfit.data.journal import append_line, locked
from goodfit.errors import RunError, UserError
from goodfit.files import read_json, write_json
from goodfit.improve.review.reviewers import file_of, lines_of, reviewer_name, reviewers_in
from goodfit.improve.suspects.listing import Suspect, Suspects
from goodfit.improve.suspects.sample import LEAST, Drawn, draw
from goodfit.recipe import Recipe
from goodfit.run import RECIPE, REVIEW, Run
from goodfit.settings import load
from goodfit.stages.split import Splits

FOLDER = f"{REVIEW}/suspects"
ITEMS = "items.json"
SCHEMA = "goodfit/suspect_items/1"
FIRST, SHARE = 20, 0.02
"""Rows that are shown where nobody says how many: 2% of them, at least 20 (methods 1)."""
MOST_ITEMS = 100_000
BLOCK = 200
"""Texts are fetched so many at a time."""
LONGEST_NOTE = 2000
BY_SAMPLE, BY_SUSPICION = "sample", "suspicion"


@dataclass(frozen=True)
class Said:
    """What a reviewer says of a row: an action (with a value for relabel), or that it cannot be said."""

    action: Action | None = None
    value: Value = None
    note: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Shown:
    """One suspect as a reviewer sees it."""

    row: str
    number: int
    of: int
    text: str
    at: str
    given: tuple[str, ...]
    """The labels of the row."""
    concerned: str
    """The label that is doubted."""
    suggestion: str | list[str]
    """What `relabel to the suggestion` makes of it."""
    probability: float
    why: tuple[str, ...]
    said: Said
    before: str | None
    after: str | None


class Desk:
    """The suspects of a run and everybody's decisions. Open one with `Desk.open`."""

    def __init__(self, run: Run, suspects: Suspects, document: dict[str, Any], decisions: Path) -> None:
        self.run = run
        self.folder = run.path / FOLDER
        self.suspects = suspects
        self.document = document
        self.decisions = decisions
        """Where decisions go."""
        self._blocks: dict[int, dict[str, dict[str, Any]]] = {}

    @classmethod
    def open(cls, run: Run, *, items: int | None = None, sample: int | None = None) -> Desk:
        """The desk of a run as it stands, or with other rows: the `items` most suspicious ones, or a `sample` over all strata.

        RunError where there are no suspects; UserError where the numbers cannot be, or decisions could not be kept.
        """
        for number, name, least in ((items, "--items", 1), (sample, "--sample", LEAST)):
            if number is not None and not least <= number <= MOST_ITEMS:
                raise UserError(f"{number} rows cannot be shown", fix=f"{name} {least} to {name} {MOST_ITEMS}")
        if items is not None and sample is not None:
            raise UserError("--items shows the most suspicious rows, --sample a sample of all: one of them", fix="leave one away")
        suspects, decisions = Suspects.of(run), _decisions_file(run)
        folder = run.path / FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder} cannot be written to ({error.strerror})", fix="change its permissions, or copy the run") from error
        with locked(folder / ITEMS):
            document = _prepared(folder / ITEMS, suspects, items, sample)
        return cls(run, suspects, document, decisions)

    # -- what is shown ------------------------------------------------------------------------------------------------

    @cached_property
    def splits(self) -> Splits:
        """The run's rows."""
        return Splits.load(self.run)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class in order."""
        return self.splits.labels

    @property
    def by(self) -> str:
        """`suspicion` or `sample`: which rows are shown."""
        return str(self.document["by"])

    @property
    def sampled(self) -> list[Drawn]:
        """The sample, in the order in which it is shown; empty where none was drawn."""
        return [Drawn(**entry) for entry in self.document["sample"]]

    @cached_property
    def sequence(self) -> list[str]:
        """Row ids in the order in which they are shown."""
        return [drawn.row for drawn in self.sampled] if self.by == BY_SAMPLE else self.suspects.rows[: self.document["items"]]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {row: i for i, row in enumerate(self.sequence)}

    def show(self, reviewer: str, row: str) -> Shown:
        """A row as this reviewer sees it; UserError where it is not among those shown."""
        if row not in self._numbers:
            raise UserError(f"the row {row!r} is not among those that are shown", fix="go on at the first row without an answer")
        number = self._numbers[row]
        suspect, held = self.suspects.of_row(row), self._held(number, row)
        assert suspect is not None
        given = tuple(held["label"]) if isinstance(held["label"], list) else (held["label"],)
        return Shown(
            row, number + 1, len(self.sequence), held["text"] or "", held["at"], given, suspect.label, self._suggestion(suspect, given),
            suspect.probability, self._why(suspect), said_of(self.lines(reviewer).get(row)),
            self.sequence[number - 1] if number else None, self.sequence[number + 1] if number + 1 < len(self.sequence) else None,
        )  # fmt: skip

    def _held(self, number: int, row: str) -> dict[str, Any]:
        block = number // BLOCK
        if block not in self._blocks:
            rows = self.sequence[block * BLOCK : (block + 1) * BLOCK]
            table = self.splits.take(rows, columns=("row", "text", "label", "at"))
            self._blocks = {block: {entry["row"]: entry for entry in table.to_pylist()}}
        return self._blocks[block][row]

    def _suggestion(self, suspect: Suspect, given: Sequence[str]) -> str | list[str]:
        """The likelier label; where rows have several, the row's labels without the doubted one, or with the one that is missing."""
        if not self.splits.multi_label:
            return suspect.suggested
        whole = _whole_set(suspect.suggested)
        if whole is not None:
            return [name for name in self.labels if name in whole]
        names = [name for name in given if name != suspect.label]
        if suspect.label not in given:
            names.append(suspect.label)
        if suspect.suggested in self.labels and suspect.suggested not in (*names, suspect.label):
            names.append(suspect.suggested)
        return [name for name in self.labels if name in names]

    def _why(self, suspect: Suspect) -> tuple[str, ...]:
        """Why it is shown, in sentences."""
        n = len(self.suspects)
        share = suspect.rank / n
        likely = f"models that never saw this row give it {chance_words(suspect.probability)}"
        place = f"number {suspect.rank:,} of {n:,} by suspicion" + (f" (the top {max(share, 0.001):.1%})" if share < 0.5 else "")
        return (likely, place, *(["flagged as a likely error"] if suspect.flagged else []))

    # -- what is said -------------------------------------------------------------------------------------------------

    def reviewers(self) -> list[str]:
        """Everybody who has a file."""
        return reviewers_in(self.folder)

    def lines(self, reviewer: str) -> dict[str, dict[str, Any]]:
        """Row -> the last that this reviewer said of it, in the order of first answers."""
        out: dict[str, dict[str, Any]] = {}
        for line in lines_of(file_of(self.folder, reviewer)):
            if isinstance(line, dict) and isinstance(line.get("row"), str):
                out[line["row"]] = line
        return out

    def next(self, reviewer: str) -> str | None:
        """The first row that this reviewer said nothing of; None where there is none."""
        said = self.lines(reviewer)
        return next((row for row in self.sequence if row not in said), None)

    def progress(self, reviewer: str) -> tuple[int, int]:
        """Rows that this reviewer said something of, of how many that are shown."""
        said = self.lines(reviewer)
        return sum(row in said for row in self.sequence), len(self.sequence)

    def save(self, reviewer: str, row: str, said: Said) -> dict[str, Any]:
        """Writes what was said, on disk before this returns; gives the line. UserError where it cannot be a decision."""
        shown = self.show(reviewer, row)
        name = reviewer_name(reviewer)
        value = self._checked(shown, said)
        action = said.action
        taken_back = said.skipped and shown.said.action not in (None, "keep")
        time = now()
        if action is not None or taken_back:
            likelier = f"{_names(shown.suggestion)} likelier ({chance_words(shown.probability)})"
            why = f"suspect: {', '.join(shown.given) or 'no label'} given, {likelier}"
            reason = f"{'taken back; ' if taken_back else ''}{why}" + (f"; {said.note}" if said.note else "")
            append(self.decisions, [Decision(row, action or "keep", value, name, reason, time)])
        line = {
            "row": row, "action": action, "value": value, "skipped": said.skipped, "note": said.note, "given": list(shown.given),
            "suggested": shown.suggestion, "by": self.by, "time": time,
        }  # fmt: skip
        append_line(file_of(self.folder, name), line)
        return line

    def _checked(self, shown: Shown, said: Said) -> Value:
        """The value as it is kept; relabelling a row to what it has is no relabelling."""
        if (said.action is None) != said.skipped:
            raise UserError("say keep, relabel or drop, or skip the row", fix="keep, relabel, drop, skip")
        if len(said.note) > LONGEST_NOTE:
            raise UserError(f"a note has at most {LONGEST_NOTE} characters", fix="shorten it")
        if said.action not in (None, "keep", "relabel", "drop"):
            raise UserError(f"{said.action!r} is nothing that is asked here", fix="keep, relabel, drop, or skip")
        if said.action != "relabel":
            return None
        names = said.value if isinstance(said.value, list) else [said.value]
        if isinstance(said.value, list) != self.splits.multi_label or not all(isinstance(name, str) for name in names):
            raise UserError("the value is a label, or a list of labels where rows have several", fix="choose among the labels")
        unknown = next((name for name in names if name not in self.labels), None)
        if unknown is not None:
            raise UserError(f"{unknown!r} is no label of these data", fix="choose among the labels; a new one is listed in task.labels")
        if set(names) == set(shown.given):
            raise UserError("the row has this label already", fix="keep it, or choose another label")
        return [name for name in self.labels if name in names] if isinstance(said.value, list) else said.value


def _whole_set(text: str) -> list[str] | None:
    """What is suggested as a whole set of labels, written as a JSON list; None where it is one label."""
    try:
        value = json.loads(text) if text.startswith("[") else None
    except (ValueError, RecursionError):
        return None
    return [str(name) for name in value] if isinstance(value, list) else None


def chance_words(p: float) -> str:
    """`93%`; no chance is certain."""
    return "over 99%" if p > 0.995 else "under 1%" if p < 0.005 else f"{p:.0%}"


def said_of(line: dict[str, Any] | None) -> Said:
    """A reviewer's line as what was said."""
    if line is None:
        return Said()
    return Said(line.get("action"), line.get("value"), line.get("note") or "", bool(line.get("skipped")))


def _names(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value) or "no label"


def _prepared(path: Path, suspects: Suspects, items: int | None, sample: int | None) -> dict[str, Any]:
    """items.json as it stands, or with the rows that are asked for."""
    try:
        document = read_json(path) if path.is_file() else None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is damaged", fix="move it away: what is shown is settled anew, and no decision is lost") from error
    if document is not None and document["suspects"] != suspects.fingerprint:
        document = None  # audit was done again: other suspects, and what was said of rows is still in the reviewers' files
    usual = min(len(suspects), max(FIRST, round(SHARE * len(suspects))))
    changed = dict(document or {"schema": SCHEMA, "suspects": suspects.fingerprint, "by": BY_SUSPICION, "items": usual,
                                "seed": secrets.randbits(48), "sample": []})  # fmt: skip
    if items is not None:
        changed |= {"by": BY_SUSPICION, "items": min(items, len(suspects))}
    if sample is not None:
        held = [sum(entry["stratum"] == stratum for entry in changed["sample"]) for stratum in range(len(suspects.sizes()))]
        drawn = draw(suspects, max(sample, sum(held)), changed["seed"], held)
        changed |= {"by": BY_SAMPLE, "sample": [entry.__dict__ for entry in drawn]}
    if changed != document:
        write_json(path, changed)
    return changed


def _decisions_file(run: Run) -> Path:
    """Where decisions about a run's rows go; UserError where they could not be kept, or would not be applied."""
    found = place(recipe_of(run).data, run.base, guessed=run.record.guessed)
    if found.path is None:
        raise UserError("the recipe says data.decisions: false: what is decided would not be applied", fix="take data.decisions out of it")
    folder = found.path if found.path.exists() else found.path.parent
    if not folder.exists() or not os.access(folder, os.W_OK):
        raise UserError(f"{found.path} cannot be written", fix="name another file in data.decisions, or change permissions")
    return found.path


def recipe_of(run: Run) -> Recipe:
    """The recipe that a run was made from."""
    return load(run.path / RECIPE, run.record.overrides)
