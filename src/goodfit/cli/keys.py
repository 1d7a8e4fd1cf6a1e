"""The terminal form of a review: shows an item, takes keys, saves each at once. Part of cli; `review` starts it.

    a or 1   A is better      t   a tie               n   a note          u   back to the item before
    b or 2   B is better      s   cannot say          r   the reference   q   quit (the same command goes on)

Where answers are rated, 1 to 5 for each dimension of A, then of B. Keys come one by one from a terminal, else line by line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import click

from goodfit.cli.envelope import safe
from goodfit.errors import UserError
from goodfit.improve.review import DIMENSIONS, Book, Given, Shown

PREFER = {"a": "a", "1": "a", "b": "b", "2": "b", "t": "tie"}
LONGEST = 200
"""Lines of a text that are shown."""
QUIT, BACK, DONE = "quit", "back", "done"


def key_reader() -> Callable[[], str | None]:
    """What reads one key (from a terminal) or one line (else); None at the end of the input."""
    if sys.stdin.isatty():
        return lambda: click.getchar(echo=False).lower()

    def line() -> str | None:
        read = sys.stdin.readline()
        return read.strip().lower()[:1] if read else None

    return line


class Asked(Protocol):
    """A review, as far as going through it goes: `Book`, or the `Desk` of suspects."""

    def next(self, reviewer: str) -> str | None:
        """The first that this reviewer has not answered."""

    def show(self, reviewer: str, item: str) -> Any:
        """What is shown of it; `before` is the one before it."""


def go_through(review: Asked, reviewer: str, ask: Callable[[Any], str]) -> int:
    """Asks what is not answered until all is, or until somebody quits; how many were answered.

    `ask` shows one item, takes keys, and says DONE, BACK or QUIT.
    """
    answered, item = 0, review.next(reviewer)
    while item is not None:
        shown = review.show(reviewer, item)
        outcome = ask(shown)
        if outcome == QUIT:
            break
        answered += outcome == DONE
        item = shown.before or item if outcome == BACK else review.next(reviewer)
    return answered


def judge(book: Book, reviewer: str, read: Callable[[], str | None], say: Callable[[str], None]) -> int:
    """Goes through the items without an answer until all are answered, or until q; how many were answered."""

    def ask(shown: Shown) -> str:
        say(picture(shown))
        return _ask(book, reviewer, shown, read, say)

    return go_through(book, reviewer, ask)


def picture(shown: Shown) -> str:
    """The item as text, with control and bidi characters made visible."""
    parts = [f"\n\n{shown.number} of {shown.of} " + "─" * 40, *text_lines(shown.prompt)]
    for side, text in zip("AB", shown.texts, strict=False):
        parts += [f"\n── {side} " + "─" * 40, *text_lines(text)]
    return "\n".join(parts)


def text_lines(text: str) -> list[str]:
    """A text for a terminal: line by line, safe, the rest counted."""
    lines = text.splitlines() or ["(nothing)"]
    more = [f"… {len(lines) - LONGEST:,} more lines"] if len(lines) > LONGEST else []
    return [safe(line) for line in lines[:LONGEST]] + more


def _ask(book: Book, reviewer: str, shown: Shown, read: Callable[[], str | None], say: Callable[[str], None]) -> str:
    """Takes keys until the item is answered, left, or the reviewer quits."""
    given, steps = shown.given, _steps(book, shown)
    given = replace(given, skipped=False)
    place = 0
    while place < len(steps):
        say(_question(steps[place]))
        pressed = read()
        if pressed in (None, "q", "\x03", "\x04"):
            return QUIT
        if pressed == "u":
            if place == 0:
                return BACK
            place -= 1
            continue
        if pressed == "s":
            book.save(reviewer, shown.item, replace(given, skipped=True))
            return DONE
        if pressed == "r":
            say("\n".join(text_lines(shown.reference)) if shown.reference else "there is no reference answer")
        elif pressed == "n":
            given = replace(given, note=_note(say))
            book.save(reviewer, shown.item, given)
        elif (said := _answer(given, steps[place], str(pressed))) is not None:
            given = said
            book.save(reviewer, shown.item, given)
            place += 1
    return DONE


def _steps(book: Book, shown: Shown) -> list[tuple[str, str] | None]:
    """None for the preference, (side, dimension) for a rating."""
    sides = "ab"[: len(shown.texts)]
    steps: list[tuple[str, str] | None] = [None] if "prefer" in book.asks and len(shown.texts) > 1 else []
    return steps + ([(side, name) for side in sides for name in DIMENSIONS] if "rate" in book.asks else [])


def _question(step: tuple[str, str] | None) -> str:
    if step is None:
        return "which is better?  a · b · t tie · s cannot say · n note · r reference · u back · q quit"
    return f"{step[0].upper()}, {step[1].replace('_', ' ')}: 1 (bad) to 5 (good)"


def _answer(given: Given, step: tuple[str, str] | None, pressed: str) -> Given | None:
    """What was said so far with this key; None where it is no answer here."""
    if step is None:
        return replace(given, prefer=PREFER[pressed]) if pressed in PREFER else None
    if pressed not in "12345":
        return None
    side, dimension = step
    return replace(given, ratings=given.ratings | {side: given.ratings.get(side, {}) | {dimension: int(pressed)}})


def _note(say: Callable[[str], None]) -> str:
    say("note (one line):")
    return sys.stdin.readline().strip()[:4000]


def must_be_interactive(*, as_json: bool) -> None:
    """A review asks a person; `--json` is for what ends by itself."""
    if as_json:
        raise UserError("a review asks a person: --json goes with --results", fix="goodfit review RUN --results --json")
