"""A step carried out: a child run with the recipe's change, scored on validation, and what it obtained beside what was predicted.

Part of iterate. A finished run is never changed: the child has `parent` and `proposal` in its record, inherits the division of the rows,
reuses every stage that the change does not touch, and is scored on validation (`evaluate.on: valid`; out of fold where its parent was);
`goodfit confirm` opens the test rows, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from goodfit.errors import RunError, UserError
from goodfit.files import json_object, read_json
from goodfit.improve.compare import folds_of_both
from goodfit.improve.iterate.evidence import VALID, Answers, Half, answers_of
from goodfit.improve.iterate.history import remember
from goodfit.improve.iterate.proposal import Proposal
from goodfit.improve.pairs import MODEL, Pair
from goodfit.improve.written import written
from goodfit.pipeline import Outcome, conduct
from goodfit.run import FOLDS, RECIPE, SCORES, Run, Screen, digest
from goodfit.score import Verdict
from goodfit.settings import read
from goodfit.statistics import Question, compare

ACCEPTED = 0.6
"""Level of the two-sided interval whose lower end must lie above 0: one-sided 80% (methods 16)."""


@dataclass(frozen=True)
class Step:
    """What came of a proposal."""

    proposal: Proposal
    run: Run
    """The child."""
    outcome: Outcome
    verdict: Verdict | None
    """The child against its parent on the same validation rows; None where it came to no scores."""
    accepted: bool

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {
            "run": self.run.id, "action": self.proposal.action, "predicted": self.proposal.gain.to_json(),
            "verdict": self.verdict.to_json() if self.verdict else None, "accepted": self.accepted, **self.outcome.to_json(),
        }  # fmt: skip


def carry_out(run: Run, proposal: Proposal, screen: Screen | None = None, *, half: Half | None = None) -> Step:
    """Runs the changed recipe to its end, and compares it with its parent. UserError for a request of data, which people carry out."""
    if proposal.kind != "recipe":
        how = (proposal.request or {}).get("command") or "improve/requests.csv says which rows; label them, and add the file to data"
        raise UserError(f"proposal {proposal.place} asks for data: {proposal.title}", fix=str(how))
    child = _child(run, proposal)
    if screen is not None:
        child.screen = screen
        screen.say(f"run {child.id}: {proposal.title}")
    outcome = conduct(read(child.path / RECIPE, child.record.overrides).recipe, child)
    verdict = against(child, run, half)
    better = verdict is not None and verdict.answer == "better"
    if verdict is not None and verdict.difference is not None:
        remember(run.workspace, (run.id, child.id), proposal.action, proposal.gain, verdict.difference)
    return Step(proposal, child, outcome, verdict, better)


def against(child: Run, parent: Run, half: Half | None, *, level: float = ACCEPTED) -> Verdict | None:
    """The child's primary score against its parent's on the validation rows of both; None where either has none."""
    documents = [run.path / "evaluate" / SCORES for run in (child, parent)]
    if not all(path.is_file() for path in documents):
        return None
    mine, theirs = (read_json(path) for path in documents)
    if (mine["on"] == FOLDS) != (theirs["on"] == FOLDS):
        return None
    if not mine["labels"]:
        return _of_texts(Pair(parent, child, theirs, mine, f"{child.id} vs {parent.id}"))
    try:
        ours, others = answers_of(child, mine["labels"]), answers_of(parent, theirs["labels"])
    except RunError:
        return None
    if half is not None:
        ours, others = ours.half(half), others.half(half)
    both = sorted(set(ours.rows) & set(others.rows))
    if not both or set(ours.labels) != set(others.labels):
        return None
    a, b = (_at(one, both) for one in (ours, others))
    folds, words = folds_of_both(mine, theirs), f"{child.id} vs {parent.id} on {theirs['primary']}"
    asked = Question(f"{words}, {'validation rows' if folds is None else 'rows out of fold'}", level=level, folds=folds)
    said = b.said[MODEL] if a.labels == b.labels else _renamed(b, a.labels)
    return compare(theirs["primary"], a.truth, a.said[MODEL], said, clusters=a.clusters, question=asked)


def _of_texts(pair: Pair) -> Verdict | None:
    """Of models that write: the first comparison that could be made of what both wrote to the same validation rows, at 95%."""
    if {pair.mine["on"], pair.theirs["on"]} != {VALID}:
        return None
    return next((verdict for verdict in written(pair) if verdict.difference is not None and verdict.difference.value is not None), None)


def _child(run: Run, proposal: Proposal) -> Run:
    words = [word for word in run.record.overrides if word.split("=", 1)[0] not in proposal.changes and not word.startswith("evaluate.on=")]
    on = FOLDS if json_object(run.path / "evaluate" / SCORES).get("on") == FOLDS else VALID
    overrides = [*words, *proposal.words(), f"evaluate.on={on}"]
    loaded = read(run.path / RECIPE, overrides)
    return Run.create(
        run.workspace, name=run.record.name, recipe_text=loaded.text, base=run.base, recipe_hash=digest(loaded.recipe.to_json()),
        overrides=overrides, parent=run.id, guessed=run.record.guessed, proposal=proposal.action,
    )  # fmt: skip


def _at(answers: Answers, rows: list[str]) -> Answers:
    place = {row: i for i, row in enumerate(answers.rows)}
    return answers.at(np.array([place[row] for row in rows], dtype=np.int64))


def _renamed(answers: Answers, labels: tuple[str, ...]) -> Any:
    """The answers with another order of the classes."""
    if answers.several:
        return answers.said[MODEL][:, [answers.labels.index(name) for name in labels]]
    return np.array([labels.index(name) for name in answers.labels])[answers.said[MODEL]]
