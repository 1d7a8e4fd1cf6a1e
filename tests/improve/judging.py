"""Simulated judges, people they may agree with, and a server that gives the replies it is told to."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from goodfit.improve.judge import Question
from goodfit.improve.review import Book, Given

AB = ("A", "B", "C")


class Simulated:
    """A judge that knows who wrote what: `says` gives the letter from the texts of A and B."""

    def __init__(self, says: Callable[[str, str], str], *, name: str = "simulated", points: str = "4") -> None:
        self.identity: dict[str, Any] = {"kind": "simulated", "model": name}
        self.says, self.points, self.asked = says, points, 0

    def ask(self, questions: Sequence[Question]) -> list[dict[str, float] | str]:
        out: list[dict[str, float] | str] = []
        for question in questions:
            self.asked += 1
            if question.options == AB:
                first, second = (question.text.split(f"The answer {side}:\n<")[1].split("\n")[1] for side in "AB")
                letter = self.says(first, second)
            else:
                letter = self.points
            out.append({option: float(option == letter) for option in question.options} if letter in question.options else letter)
        return out


def likes(system: str, chance: float = 1.0, seed: int = 0) -> Callable[[str, str], str]:
    """Prefers the text of that system (its first letter says it) with a chance, in whichever order it is shown."""
    kept: dict[frozenset[str], bool] = {}
    rng = random.Random(seed)

    def says(first: str, second: str) -> str:
        right = kept.setdefault(frozenset((first, second)), rng.random() < chance)
        return "A" if (first[0] == system[0]) == right else "B"

    return says


def people(book: Book, *, share: float = 0.5, seed: int = 1) -> dict[frozenset[str], str]:
    """Anna prefers the model's answer on a share of the items, by chance; gives what she preferred for the two texts."""
    rng = random.Random(seed)
    said = {}
    for item in book.sequence("anna"):
        order = book.order("anna", item)
        liked = "model" if rng.random() < share else "base"
        book.save("anna", item, Given("ab"[order.index(liked)]))
        texts = book.items[item]["texts"]
        said[frozenset(texts.values())] = texts[liked]
    return said


def follows(said: dict[frozenset[str], str], accuracy: float, seed: int = 2) -> Callable[[str, str], str]:
    """A judge that says what people said, with that accuracy."""
    rng = random.Random(seed)
    right: dict[frozenset[str], bool] = {}

    def says(first: str, second: str) -> str:
        pair = frozenset((first, second))
        good = right.setdefault(pair, rng.random() < accuracy)
        return "A" if (said[pair] == first) == good else "B"

    return says


Reply = tuple[int, dict[str, str], bytes]


def said(text: Any, **more: Any) -> Reply:
    return 200, {}, json.dumps({"choices": [{"message": {"content": text}}]} | more).encode()


@contextmanager
def server(*replies: Reply) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Gives the replies one after the other, the last one for ever; what it was asked is kept."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, content = replies[min(len(asked), len(replies) - 1)]
            asked.append({"path": self.path, "key": self.headers.get("Authorization"), "body": json.loads(body)})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}/v1", asked
    finally:
        made.shutdown()
        thread.join()
        made.server_close()
