"""A judge goes through the items of a review: both orders of each preference, every rating; saved item by item.

Part of judge. What it says goes to `review/judges/<name>.jsonl`, a line per item, on disk before the next item is asked; the same call goes
on at the first item without one. Items that people are asked twice are asked once: a judge that says the same again tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from goodfit.data.journal import append_line
from goodfit.errors import UserError
from goodfit.improve.judge.asking import SIDES, Judge, Question, averaged, chosen, preference, rating
from goodfit.improve.review.book import ASKS, DIMENSIONS, Book
from goodfit.improve.review.judged import TIE
from goodfit.improve.review.judges import FOLDER, judge_answers, judged_items
from goodfit.improve.review.reviewers import reviewer_name

CHARACTERS_PER_TOKEN = 4
PREFER, RATE = ASKS


@dataclass(frozen=True)
class Work:
    """What is left to be asked."""

    items: int
    questions: int
    characters: int
    """Of all questions together."""

    @property
    def tokens(self) -> int:
        """About as many, at four characters each."""
        return self.characters // CHARACTERS_PER_TOKEN


@dataclass(frozen=True)
class Outcome:
    """What was done."""

    answered: int
    """Items that were judged now."""
    unread: int
    """Of them those with a question to which there is no answer."""


def work_left(book: Book, name: str) -> Work:
    """What the judge of this name would still be asked."""
    asked = [list(_questions(book, item, said).values()) for item, said in _left(book, name)]
    questions = [question for of_item in asked for question in of_item]
    return Work(len(asked), len(questions), sum(len(question.text) for question in questions))


def judge_all(book: Book, judge: Judge, name: str, *, tell: Callable[[int, int], object] | None = None) -> Outcome:
    """Asks what is left; `tell(done, of)` after each item. UserError where another judge answered under this name."""
    name = reviewer_name(name)
    others = [said["judge"] for said in judge_answers(book, name).values() if said["judge"] != judge.identity]
    if others:
        raise UserError(
            f"review/{FOLDER}/{name}.jsonl holds the answers of another judge ({others[0].get('model')}), or to other questions",
            fix="--name NAME keeps this judge's answers in a file of their own",
        )
    left, unread = _left(book, name), 0
    (book.folder / FOLDER).mkdir(exist_ok=True)
    for done, (item, said) in enumerate(left, 1):
        line = _asked(book, judge, item, said)
        append_line(book.folder / FOLDER / f"{name}.jsonl", line)
        unread += line["unread"] is not None
        if tell is not None:
            tell(done, len(left))
    return Outcome(len(left), unread)


def _left(book: Book, name: str) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Items with a question that was not put yet, with what was said of them, in the order of the draw."""
    said = judge_answers(book, name)
    both = [(item, said.get(item["item"])) for item in judged_items(book)]
    return [(item, before) for item, before in both if _questions(book, item, before)]


Key = tuple[str, ...]


def _questions(book: Book, item: Mapping[str, Any], said: Mapping[str, Any] | None) -> dict[Key, Question]:
    """What the review asks and this judge was not asked yet: `prefer` with the systems as shown, `rate` with a system and a dimension."""
    seed, systems, asked = book.document["seed"], tuple(item["systems"]), set(said["asked"] if said else ())
    out: dict[Key, Question] = {}
    if PREFER in book.asks and len(systems) == 2 and PREFER not in asked:
        out = {(PREFER, *order): preference(item, order, seed) for order in (systems, systems[::-1])}
    if RATE in book.asks and RATE not in asked:
        out |= {(RATE, system, name): rating(item, system, name, seed) for system in systems for name in DIMENSIONS}
    return out


def _asked(book: Book, judge: Judge, item: Mapping[str, Any], said: Mapping[str, Any] | None) -> dict[str, Any]:
    """The line of one item: what was said before and what is said now."""
    questions = _questions(book, item, said)
    replies = dict(zip(questions, judge.ask(list(questions.values())), strict=True))
    orders: list[dict[str, Any]] = list(said["orders"]) if said else []
    ratings: dict[str, dict[str, int]] = dict(said["ratings"]) if said else {}
    unread = said["unread"] if said else None
    for (what, *about), found in replies.items():
        if isinstance(found, str):
            unread = found
        elif what == PREFER:
            orders.append({"order": about, "chances": {name: found[side] for name, side in zip((*about, TIE), SIDES, strict=True)}})
        else:
            system, dimension = about
            mean = sum(int(point) * chance for point, chance in found.items())
            ratings[system] = ratings.get(system, {}) | {dimension: int(mean + 0.5)}
    names = (*item["systems"], TIE)
    chances = averaged([{name: entry["chances"][name] for name in names} for entry in orders]) if len(orders) == 2 else None
    return {
        "item": item["item"], "row": item["row"], "systems": list(item["systems"]), "orders": orders,
        "asked": sorted({*book.asks, *(said["asked"] if said else ())}), "chances": chances,
        "prefer": None if chances is None else chosen(chances), "ratings": ratings, "unread": unread, "judge": judge.identity,
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
