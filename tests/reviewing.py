"""Runs with answers to review, made in a folder; and reviewers who judge them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from goodfit.improve.review import Book, Given
from goodfit.run import Run

HOSTILE = (
    "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>\x1b[31mred\x1b[0m \u202egnp.exe\u202c \x07 &amp; \ud800 end"
)
"""Markup, terminal colours, a bidi override, a bell, an entity, half a surrogate pair."""


def samples(n: int = 60, *, systems: tuple[str, ...] = ("base", "model"), seed: int = 0) -> list[dict[str, Any]]:
    """Answers of the shape that evaluate leaves: the model's are short and to the point, the others' ramble; every tenth row is alike."""
    rng = random.Random(seed)
    out = []
    for i in range(n):
        for system in systems:
            words = rng.choices(["card", "bank", "call", "wait", "again", "maybe", "thing"], k=rng.randint(4, 40))
            text = "the same answer" if i % 10 == 9 else f"{system[0]}{i} " + " ".join(words)
            out.append({
                "step": None, "row": f"row{i:04d}", "system": system, "prompt": f"Question {i}: where is my card?", "text": text, "stopped": True,
                "reference": f"Reference {i}.", "loss": rng.random() if system == "model" else None, "cluster": i % 7,
            })  # fmt: skip
    return out


def run(workspace: Path, lines: list[dict[str, Any]] | None = None, *, name: str = "answers") -> Run:
    """A run folder with evaluate/samples.jsonl."""
    made = Run.create(workspace, name=name, recipe_text="name: answers\n", base=workspace, recipe_hash="b2:0")
    path = made.folder("evaluate") / "samples.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in (samples() if lines is None else lines)), encoding="utf-8")
    return made


def judge(book: Book, reviewer: str, say: Callable[[Book, str, list[str]], Given], limit: int | None = None) -> int:
    """`reviewer` answers items until none is left (or `limit`); `say` sees the true systems in the order shown."""
    count = 0
    while (item := book.next(reviewer)) is not None and count != limit:
        book.save(reviewer, item, say(book, item, book.order(reviewer, item)))
        count += 1
    return count


def prefers(system: str, chance: float = 1.0, *, seed: int = 0, ties: float = 0.0) -> Callable[[Book, str, list[str]], Given]:
    """A simulated rater who prefers `system` with a given chance."""
    rng = random.Random(seed)

    def say(book: Book, item: str, order: list[str]) -> Given:
        if rng.random() < ties:
            return Given("tie")
        liked = order.index(system) if rng.random() < chance else 1 - order.index(system)
        return Given("ab"[liked])

    return say
