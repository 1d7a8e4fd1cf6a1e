"""Sets for the benchmark of `choose`: small text classification in three languages, one label a row and several. Read from shared/data.

Each gives training, pool and test rows after equal texts were merged (text and label), from which `draw` takes a seeded sample; nothing
of the data is kept.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.classification import SHARED, unique

Rows = list[tuple[str, Any]]
TRAIN, TEST = 512, 1000
"""Rows that a model is trained on, and rows that it is judged on, at most."""


@dataclass(frozen=True)
class Drawn:
    """One seeded sample of one set."""

    name: str
    language: str
    labels: tuple[str, ...]
    multi_label: bool
    train: Rows
    test: Rows


def tweets(name: str) -> tuple[Rows, Rows]:
    """A task of tweeteval; validation rows join the training rows."""
    folder = SHARED / "tweeteval" / name
    names = dict(line.split("\t") for line in (folder / "mapping.txt").read_text(encoding="utf-8").strip().splitlines())

    def read(split: str) -> Rows:
        texts = (folder / f"{split}_text.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
        labels = (folder / f"{split}_labels.txt").read_text(encoding="utf-8").split()
        return [(text, names[label]) for text, label in zip(texts, labels, strict=True)]

    return [*read("train"), *read("val")], read("test")


def table(path: Path, text: str, label: str, delimiter: str = "\t") -> Rows:
    """Two columns of a table."""
    with path.open(encoding="utf-8", newline="") as handle:
        return [(r[text], r[label]) for r in csv.DictReader(handle, delimiter=delimiter) if r[text] and r[label]]


def news(language: str) -> tuple[Rows, Rows]:
    """Topics of Hausa or Yoruba headlines, the clean labels."""
    folder = SHARED / "african_noisy_news" / f"{language}_newsclass"
    return table(folder / "train_clean.tsv", "news_title", "label"), table(folder / "test.tsv", "news_title", "label")


def banking20() -> tuple[Rows, Rows]:
    """Twenty of the 77 intents of banking77."""
    folder = SHARED / "banking77"
    train, test = (table(folder / name, "text", "category", ",") for name in ("train.csv", "test.csv"))
    kept = set(sorted({label for _, label in train})[:20])
    return [r for r in train if r[1] in kept], [r for r in test if r[1] in kept]


def phrases() -> tuple[Rows, Rows]:
    """Financial news, at least half of the annotators agreed; a fixed half is the test side."""
    text = (SHARED / "financial_phrasebank" / "Sentences_50Agree.txt").read_text(encoding="latin-1")
    rows: Rows = [tuple(line.rsplit("@", 1)) for line in text.splitlines() if "@" in line]  # type: ignore[misc]
    random.Random(0).shuffle(rows)
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]


def intents() -> tuple[Rows, Rows]:
    """NLU++ banking, several intents a row, those of at least 20 rows; the last five of 20 folds are the test side."""
    folder = SHARED / "nlupp_multilabel" / "data" / "banking"
    sides: tuple[Rows, Rows] = ([], [])
    for path in folder.glob("fold*.json"):
        late = int(path.stem.removeprefix("fold")) >= 15
        sides[late].extend((r["text"], tuple(r.get("intents") or ())) for r in json.loads(path.read_text(encoding="utf-8")))
    counts: dict[str, int] = {}
    for _, names in sides[0]:
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    common = {name for name, n in counts.items() if n >= 20}
    train, test = ([(text, tuple(n for n in names if n in common)) for text, names in side] for side in sides)
    return train, test


SETS: dict[str, tuple[Callable[[], tuple[Rows, Rows]], str]] = {
    "emotion": (lambda: tweets("emotion"), "en"),
    "hausa": (lambda: news("hausa"), "ha"),
    "banking20": (banking20, "en"),
    "yoruba": (lambda: news("yoruba"), "yo"),
    "phrases": (phrases, "en"),
    "hate": (lambda: tweets("hate"), "en"),
    "intents": (intents, "en"),
    "irony": (lambda: tweets("irony"), "en"),
}
"""Name -> (training and test rows, language), in the order in which they are trained on."""


def draw(name: str, seed: int, *, train: int = TRAIN) -> Drawn:
    """A seeded sample of a set: `train` and TEST rows; no test text stands in train."""
    make, language = SETS[name]
    known, test = make()
    seen: set[str] = set()
    test = list(unique(test, seen))
    rows = list(unique(known, seen))
    random.Random(f"train {seed}").shuffle(rows)
    random.Random("test").shuffle(test)
    multi = isinstance(rows[0][1], tuple)
    labels = tuple(sorted(_names(rows[:train])))
    given = set(labels)
    kept = [(t, y) for t, y in test if multi or y in given]
    return Drawn(name, language, labels, multi, rows[:train], kept[:TEST])


def _names(rows: Iterable[tuple[str, Any]]) -> set[str]:
    return {name for _, label in rows for name in (label if isinstance(label, tuple) else (label,))}
