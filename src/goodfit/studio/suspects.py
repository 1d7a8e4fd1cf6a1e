"""The pages of a review of suspects, each a plain dict (its JSON twin) that a template shows: the entry, one row, the results.

Part of the studio. What is saved here is a decision about a row of the data; it is in the decisions file when the page is told so.
"""

from __future__ import annotations

from typing import Any

from goodfit.errors import UserError
from goodfit.improve.review import reviewer_name
from goodfit.improve.suspects import Desk, Said, results
from goodfit.improve.suspects.desk import FOLDER, ITEMS
from goodfit.run import Run
from goodfit.studio.shelf import Shelf

KEYS = {"item", "action", "value", "note", "skipped"}


def shelf_of(run: Run) -> Shelf[Desk]:
    """The desk of the run that is shown; it is set up when it is first asked for."""
    return Shelf(run, f"{FOLDER}/{ITEMS}", Desk.open, begins=True)


def entry(desk: Desk) -> dict[str, Any]:
    """Who has looked at how much, and where to begin."""
    progress = [{"name": name, "answered": done, "of": of} for name in desk.reviewers() for done, of in [desk.progress(name)]]
    return {
        "schema": "goodfit/suspect_entry/1", "run": desk.run.id, "by": desk.by, "shown": len(desk.sequence), "judged": len(desk.suspects),
        "labels": len(desk.labels), "reviewers": progress, "decisions": desk.decisions.name,
        "command": f"goodfit review {desk.run.id} --of suspects --reviewer NAME",
    }  # fmt: skip


def item(desk: Desk, reviewer: str, wanted: str | None) -> dict[str, Any]:
    """One row as this reviewer sees it: the one wanted, else the first without an answer; `shown` is None where all are answered."""
    name = reviewer_name(reviewer)
    done, of = desk.progress(name)
    found = wanted or desk.next(name)
    out: dict[str, Any] = {
        "schema": "goodfit/suspect_page/1", "run": desk.run.id, "reviewer": name, "answered": done, "of": of, "labels": list(desk.labels),
        "several": desk.splits.multi_label, "by": desk.by, "shown": None,
        "command": f"goodfit review {desk.run.id} --of suspects --reviewer {name}",
    }  # fmt: skip
    if found is None:
        return out
    shown = desk.show(name, found)
    suggestion = shown.suggestion if isinstance(shown.suggestion, list) else [shown.suggestion]
    return out | {"shown": {
        "item": shown.row, "number": shown.number, "text": shown.text, "at": shown.at, "given": list(shown.given),
        "concerned": shown.concerned, "suggestion": suggestion, "probability": shown.probability, "why": list(shown.why),
        "before": shown.before, "after": shown.after, "said": _said(shown.said),
    }}  # fmt: skip


def save(desk: Desk, reviewer: str, sent: Any) -> dict[str, Any]:
    """Writes what the page sent: `{item, action, value, note, skipped}`; says how far the reviewer is. UserError for all else."""
    name = reviewer_name(reviewer)
    if not isinstance(sent, dict) or not isinstance(sent.get("item"), str) or set(sent) - KEYS:
        raise UserError("an answer names its item, and says action, value, note, skipped")
    action, value, note, skipped = sent.get("action"), sent.get("value"), sent.get("note", ""), sent.get("skipped", False)
    texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    if not isinstance(note, str) or not isinstance(skipped, bool) or not (value is None or isinstance(value, str) or texts):
        raise UserError("an answer's value is a label or a list of labels, its note a text")
    desk.save(name, sent["item"], Said(action, value, note, skipped))
    done, of = desk.progress(name)
    return {"saved": True, "answered": done, "of": of, "next": desk.next(name)}


def _said(said: Said) -> dict[str, Any]:
    value = said.value if isinstance(said.value, list) else [said.value] if isinstance(said.value, str) else []
    return {"action": said.action, "value": value, "note": said.note, "skipped": said.skipped}


def found(desk: Desk) -> dict[str, Any]:
    """The results so far, as `goodfit review RUN --of suspects --results` gives them."""
    return results(desk.run) | {"command": f"goodfit review {desk.run.id} --of suspects --results"}
