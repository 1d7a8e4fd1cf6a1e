"""The book of a review: which items there are, in which order and on which side each reviewer sees them, and what each has said.

Part of review. `review/items.json` holds the drawn items with their texts, so that a review can be finished when the answers were
long written anew; `review/<reviewer>.jsonl` holds one reviewer's answers, appended and synced one by one under a lock: a crash or a reload
loses nothing, and the later line of an item replaces the earlier. Order and sides follow from the seed kept in items.json, the
reviewer's name and the item, so no state is kept anywhere else. Callers speak of answers `a` and `b`; only this module knows who wrote
them.
"""

from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from goodfit.data.journal import append_line, locked
from goodfit.errors import RunError, UserError
from goodfit.files import read_json, write_json
from goodfit.improve.review.draw import REPEAT_EVERY, Draw, Drawn, chance, draw, key
from goodfit.improve.review.reviewers import file_of, lines_of, reviewers_in
from goodfit.improve.review.samples import read_samples
from goodfit.run import REVIEW, Run

ITEMS = "items.json"
ASKS = ("prefer", "rate")
DIMENSIONS = ("coherence", "fluency", "domain_knowledge", "correctness")
SIDES = ("a", "b")
DEFAULT_ITEMS = 50
MOST_ITEMS = 10_000
COMMON = 0.2
"""Share of the items that every reviewer sees first, so that agreement can be told early."""
REPEAT_AFTER = 15
"""A repeated item comes this many items after it was first seen (or last, in a short review)."""
LONGEST_NOTE, LONGEST_TAG, MOST_TAGS = 4000, 40, 10


@dataclass(frozen=True)
class Given:
    """What a reviewer says of one item, in blind words: `prefer` is a, b or tie; ratings are side -> dimension -> 1 to 5."""

    prefer: str | None = None
    ratings: dict[str, dict[str, int]] = field(default_factory=dict)
    note: str = ""
    tags: tuple[str, ...] = ()
    skipped: bool = False


@dataclass(frozen=True)
class Shown:
    """One item as a reviewer sees it: texts in the order of this reviewer's sides, and what was said so far."""

    item: str
    number: int
    of: int
    prompt: str
    texts: tuple[str, ...]
    reference: str | None
    given: Given
    before: str | None
    after: str | None


def has_items(run: Run) -> bool:
    """Whether a review of this run has begun."""
    return (run.path / REVIEW / ITEMS).is_file()


class Book:
    """The items of a review and everybody's answers. Open one with `Book.open`."""

    def __init__(self, run: Run, document: dict[str, Any]) -> None:
        self.run = run
        self.folder = run.path / REVIEW
        self.document = document
        self.items: dict[str, dict[str, Any]] = {item["item"]: item for item in document["items"]}
        self._ways: dict[str, tuple[list[str], dict[str, bool]]] = {}

    # -- opening ------------------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, run: Run, others: Sequence[Run] = (), *, items: int | None = None, ask: Sequence[str] = ()) -> Book:
        """The book of a run: as it stands; drawn, where there is none; with more items, where more are asked for.

        `ask` (`prefer`, `rate`) changes what is asked from now on. RunError where there is nothing to review, where other runs were
        joined before, or where more items are wanted and the answers of evaluate are no longer the ones drawn from.
        """
        if items is not None and not 1 <= items <= MOST_ITEMS:
            raise UserError(f"{items} items cannot be drawn", fix=f"--items 1 to --items {MOST_ITEMS}")
        folder = run.path / REVIEW
        if not has_items(run) or items is not None or ask or others:
            read_only = folder if folder.is_dir() else run.path
            if not os.access(read_only, os.W_OK):
                raise UserError(f"{folder} cannot be written to", fix="change its permissions, or copy the run")
            folder.mkdir(exist_ok=True)
            with locked(folder / ITEMS):
                _prepare([run, *others], folder / ITEMS, items, ask)
        try:
            return cls(run, read_json(folder / ITEMS))
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise RunError(f"{folder / ITEMS} is damaged", fix="move it away: the items are drawn anew") from error

    @property
    def asks(self) -> tuple[str, ...]:
        """What is asked of each item: `prefer`, `rate`, or both."""
        return tuple(self.document["ask"])

    @property
    def systems(self) -> list[str]:
        """All systems, the subject first."""
        return list(self.document["systems"])

    # -- one reviewer -------------------------------------------------------------------------------------------------

    def reviewers(self) -> list[str]:
        """Everybody who has a file."""
        return reviewers_in(self.folder)

    def sequence(self, reviewer: str) -> list[str]:
        """Item names in this reviewer's order: draw by draw, common items and those to be repeated first."""
        return self._way(reviewer)[0]

    def order(self, reviewer: str, item: str) -> list[str]:
        """The item's systems in the order in which this reviewer sees them."""
        systems = list(self.items[item]["systems"])
        return systems[::-1] if self._way(reviewer)[1][item] else systems

    def _way(self, reviewer: str) -> tuple[list[str], dict[str, bool]]:
        """The order of items, and which have their systems turned round: of each two items that compare the same systems, one."""
        if reviewer in self._ways:
            return self._ways[reviewer]
        seed, turned = self.document["seed"], {}
        plain = [item for item in self.items.values() if item["repeat_of"] is None]
        early = {item["repeat_of"] or item["item"] for item in self.items.values() if item["common"] or item["repeat_of"]}
        ordered = sorted(plain, key=lambda i: (i["batch"], i["item"] not in early, chance(seed, "order", reviewer, i["item"])))
        seen: Counter[tuple[str, ...]] = Counter()
        for item in ordered:
            systems = tuple(item["systems"])
            first = chance(seed, "side", reviewer, *systems, str(seen[systems] // 2)) < 0.5
            turned[item["item"]] = first != bool(seen[systems] % 2)
            seen[systems] += 1
        out = [item["item"] for item in ordered]
        for item in self.items.values():
            if item["repeat_of"] is not None:
                out.insert(min(out.index(item["repeat_of"]) + REPEAT_AFTER, len(out)), item["item"])
                turned[item["item"]] = chance(seed, "side", reviewer, item["item"]) < 0.5
        self._ways[reviewer] = (out, turned)
        return self._ways[reviewer]

    def answers(self, reviewer: str) -> dict[str, dict[str, Any]]:
        """Item -> its last line, with `first`: when it was first answered; in the order of first answers."""
        out: dict[str, dict[str, Any]] = {}
        for line in lines_of(file_of(self.folder, reviewer)):
            if isinstance(line, dict) and line.get("item") in self.items:
                first = out[line["item"]]["first"] if line["item"] in out else line["time"]
                out[line["item"]] = line | {"first": first}
        return out

    def whole(self, answer: dict[str, Any] | None) -> bool:
        """Whether an answer says all that is asked (or that it cannot be said)."""
        if answer is None:
            return False
        if answer.get("skipped"):
            return True
        rated = all(len(answer["ratings"].get(name, {})) == len(DIMENSIONS) for name in answer["systems"])
        preferred = answer["prefer"] is not None or len(answer["systems"]) < 2
        return ("rate" not in self.asks or rated) and ("prefer" not in self.asks or preferred)

    def next(self, reviewer: str) -> str | None:
        """The first item without a whole answer; None where all are answered."""
        said = self.answers(reviewer)
        return next((item for item in self.sequence(reviewer) if not self.whole(said.get(item))), None)

    def progress(self, reviewer: str) -> tuple[int, int]:
        """Items answered, of how many."""
        said = self.answers(reviewer)
        return sum(self.whole(said.get(item)) for item in self.items), len(self.items)

    def show(self, reviewer: str, item: str) -> Shown:
        """An item as this reviewer sees it; UserError where there is no such item."""
        sequence = self.sequence(reviewer)
        if item not in self.items:
            raise UserError(f"there is no item {item!r} in this review", fix="go on at the first item without an answer")
        place, held = sequence.index(item), self.items[item]
        order = self.order(reviewer, item)
        return Shown(
            item, place + 1, len(sequence), held["prompt"], tuple(held["texts"][name] for name in order), held["reference"],
            _blind(self.answers(reviewer).get(item), order),
            sequence[place - 1] if place else None, sequence[place + 1] if place + 1 < len(sequence) else None,
        )  # fmt: skip

    def save(self, reviewer: str, item: str, given: Given) -> dict[str, Any]:
        """Appends the answer, synced to disk before this returns; gives the line. UserError where it cannot be an answer."""
        if item not in self.items:
            raise UserError(f"there is no item {item!r} in this review", fix="reload the page")
        order = self.order(reviewer, item)
        _check(given, order)
        names = dict(zip(SIDES, order, strict=False))
        held = self.items[item]
        line = {
            "item": item, "row": held["row"], "systems": list(held["systems"]), "order": order,
            "ratings": {names[side]: dict(values) for side, values in given.ratings.items() if values},
            "prefer": names.get(given.prefer, given.prefer) if given.prefer else None, "note": given.note, "tags": list(given.tags),
            "skipped": given.skipped, "time": _now(),
        }  # fmt: skip
        append_line(file_of(self.folder, reviewer), line)
        return line


# -- making the items -------------------------------------------------------------------------------------------------


def _prepare(runs: Sequence[Run], path: Path, items: int | None, ask: Sequence[str]) -> None:
    """Writes items.json where it must change."""
    document = read_json(path) if path.is_file() else None
    ids = [run.id for run in runs]
    if document is not None and ids != document["runs"] and (len(ids) > 1 or items is not None):
        raise RunError(
            f"a review of {' and '.join(document['runs'])} stands in {path.parent}", fix="move that folder away to begin another"
        )
    changed = dict(document) if document is not None else None
    drawn_now = sum(item["repeat_of"] is None for item in document["items"]) if document else 0
    if document is None or (items is not None and items > drawn_now and drawn_now < document["population"]):
        changed = _drawn(runs, document, items or DEFAULT_ITEMS, path)
    assert changed is not None
    if ask or document is None:
        wanted = list(ask) or ["prefer"]
        changed["ask"] = [word for word in wanted if word != "prefer" or len(changed["systems"]) > 1] or ["rate"]
    if changed != document:
        write_json(path, changed)


def _drawn(runs: Sequence[Run], document: dict[str, Any] | None, n: int, path: Path) -> dict[str, Any]:
    """The document with `n` items; those of an earlier draw keep their place."""
    samples = read_samples(runs)
    if document is not None and samples.fingerprint != document["samples"]:
        raise RunError(
            "the answers were written anew since the items were drawn: no more can be added",
            fix=f"move {path.parent} away to begin another",
        )
    seed = document["seed"] if document else secrets.randbits(48)
    found = draw(samples.rows, samples.systems, n, seed)
    if not found.drawn:
        what = (
            f"all systems gave the same answer to all {found.identical} rows" if found.identical else f"{samples.systems[0]} answered none"
        )
        raise RunError(f"there is nothing to review: {what}", fix="review a run whose answers differ from those of its baselines")
    old = {item["item"]: item for item in document["items"]} if document else {}
    batch = 1 + max((item["batch"] for item in old.values()), default=-1)
    entries = _entries(found, seed, old, batch)
    return {
        "schema": "goodfit/review_items/1", "runs": [run.id for run in runs], "systems": samples.systems, "seed": seed,
        "ask": document["ask"] if document else [], "samples": samples.fingerprint, "population": found.population,
        "identical": found.identical, "created": document["created"] if document else _now(), "items": entries,
    }  # fmt: skip


def _entries(found: Draw, seed: int, old: dict[str, Any], batch: int) -> list[dict[str, Any]]:
    out = []
    fresh = sum(key(seed, "item", one.row.row) not in old for one in found.drawn)
    common = max(1, round(COMMON * fresh))
    for rank, one in enumerate(found.drawn):
        entry = _entry(one, key(seed, "item", one.row.row))
        before = old.get(entry["item"])
        new = before is None
        entry |= {"batch": batch if before is None else before["batch"], "common": common > 0 if before is None else before["common"]}
        common -= new
        out.append(entry)
        if rank % REPEAT_EVERY == REPEAT_EVERY // 2:
            out.append(entry | {"item": key(seed, "again", one.row.row), "repeat_of": entry["item"]})
    return out


def _entry(one: Drawn, item: str) -> dict[str, Any]:
    row = one.row
    return {
        "item": item, "row": row.row, "systems": list(one.systems), "p": one.p, "strata": list(one.strata), "cluster": row.cluster,
        "repeat_of": None, "prompt": row.prompt, "texts": {system: row.texts[system] for system in one.systems}, "reference": row.reference,
    }  # fmt: skip


# -- answers ----------------------------------------------------------------------------------------------------------


def _blind(answer: dict[str, Any] | None, order: Sequence[str]) -> Given:
    if answer is None:
        return Given()
    sides = dict(zip(order, SIDES, strict=False))
    ratings = {sides[name]: dict(values) for name, values in answer["ratings"].items() if name in sides}
    prefer = sides.get(answer["prefer"], answer["prefer"])
    return Given(prefer, ratings, answer.get("note") or "", tuple(answer.get("tags") or ()), bool(answer.get("skipped")))


def _check(given: Given, order: Sequence[str]) -> None:
    sides = SIDES[: len(order)]
    if given.prefer not in (None, "tie", *sides) or (given.prefer and len(order) < 2):
        raise UserError(f"{given.prefer!r} is no preference here", fix="a, b or tie")
    for side, values in given.ratings.items():
        if side not in sides or not set(values) <= set(DIMENSIONS):
            raise UserError("a rating is of a side (a, b) and a dimension", fix=", ".join(DIMENSIONS))
        if not all(type(value) is int and 1 <= value <= 5 for value in values.values()):
            raise UserError("a rating is a whole number from 1 to 5")
    if len(given.note) > LONGEST_NOTE or len(given.tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in given.tags):
        raise UserError(f"a note has at most {LONGEST_NOTE} characters; there are at most {MOST_TAGS} tags of {LONGEST_TAG}")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z"
