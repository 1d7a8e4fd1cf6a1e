"""The pages of a review, each a plain dict (its JSON twin) that a template shows: the entry, one item, the results.

Part of the studio. Nothing that a reviewer is sent says which system wrote an answer; the results page does, and says so before.
"""

from __future__ import annotations

from typing import Any

from goodfit.errors import UserError
from goodfit.improve.review import DIMENSIONS, Book, Given, results, reviewer_name
from goodfit.improve.review.book import ITEMS
from goodfit.run import REVIEW, Run
from goodfit.studio.shelf import Shelf

KEYS = {"prefer", "ratings", "note", "tags", "skipped"}


def shelf_of(run: Run) -> Shelf[Book]:
    """The book of the run that is shown."""
    return Shelf(run, f"{REVIEW}/{ITEMS}", Book.open)


def entry(book: Book) -> dict[str, Any]:
    """Who has judged how much, and where to begin."""
    progress = [{"name": name, "answered": done, "of": of} for name in book.reviewers() for done, of in [book.progress(name)]]
    drawn = book.document
    return {
        "schema": "goodfit/review_entry/1", "run": book.run.id, "ask": list(book.asks), "systems": len(book.systems),
        "items": len(book.items), "drawn": sum(i["repeat_of"] is None for i in book.items.values()),
        "population": drawn["population"], "identical": drawn["identical"], "reviewers": progress,
        "command": f"goodfit review {book.run.id} --reviewer NAME",
    }  # fmt: skip


def item(book: Book, reviewer: str, wanted: str | None) -> dict[str, Any]:
    """One item as this reviewer sees it: the one wanted, else the first without an answer; `shown` is None where all are answered."""
    name = reviewer_name(reviewer)
    done, of = book.progress(name)
    found = wanted or book.next(name)
    out: dict[str, Any] = {
        "schema": "goodfit/review_page/1", "run": book.run.id, "reviewer": name, "answered": done, "of": of, "ask": list(book.asks),
        "dimensions": list(DIMENSIONS), "shown": None, "command": f"goodfit review {book.run.id} --reviewer {name}",
    }  # fmt: skip
    if found is None:
        return out
    shown = book.show(name, found)
    given = shown.given
    return out | {"shown": {
        "item": shown.item, "number": shown.number, "prompt": shown.prompt, "texts": dict(zip("ab", shown.texts, strict=False)),
        "reference": shown.reference, "before": shown.before, "after": shown.after, "whole": book.whole(book.answers(name).get(found)),
        "given": {"prefer": given.prefer, "ratings": given.ratings, "note": given.note, "tags": list(given.tags), "skipped": given.skipped},
    }}  # fmt: skip


def save(book: Book, reviewer: str, sent: Any) -> dict[str, Any]:
    """Writes what the page sent: `{item, prefer, ratings, note, tags, skipped}`; says how far the reviewer is. UserError for all else."""
    name = reviewer_name(reviewer)
    if not isinstance(sent, dict) or not isinstance(sent.get("item"), str) or set(sent) - KEYS - {"item"}:
        raise UserError("an answer names its item, and says prefer, ratings, note, tags, skipped")
    book.save(name, sent["item"], _given(sent))
    done, of = book.progress(name)
    return {"saved": True, "answered": done, "of": of, "whole": book.whole(book.answers(name).get(sent["item"])), "next": book.next(name)}


def _given(sent: dict[str, Any]) -> Given:
    """Checks the types; the values are checked where they are saved."""
    prefer, ratings, note, tags = sent.get("prefer"), sent.get("ratings", {}), sent.get("note", ""), sent.get("tags", [])
    good = (
        (prefer is None or isinstance(prefer, str))
        and isinstance(note, str)
        and isinstance(tags, list)
        and all(isinstance(tag, str) for tag in tags)
        and isinstance(ratings, dict)
        and all(isinstance(values, dict) for values in ratings.values())
        and isinstance(sent.get("skipped", False), bool)
    )
    if not good:
        raise UserError("an answer's prefer and note are texts, its tags a list of texts, its ratings a number per side and dimension")
    return Given(prefer, ratings, note, tuple(tags), sent.get("skipped", False))


def found(book: Book) -> dict[str, Any]:
    """The results so far, as `goodfit review RUN --results` gives them."""
    return results(book.run) | {"command": f"goodfit review {book.run.id} --results"}
