"""Small projects made in a folder: a table that can be learnt, a tiny model, a recipe. What the tests of the whole path start from."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests import tiny

LABELS = ("billing", "bug", "sales")


def rows(n: int = 240, *, labels: Sequence[str] = LABELS, seed: int = 0) -> list[dict[str, str]]:
    """Rows whose words say the label, mostly: each label has words of its own among common ones."""
    rng = random.Random(seed)
    out = []
    for i in range(n):
        y = i % len(labels)
        own = [f"w{10 * y + k}" for k in range(8)]
        words = rng.choices(own, k=3) + rng.choices([f"w{k}" for k in range(40, 60)], k=rng.randint(2, 8))
        rng.shuffle(words)
        label = labels[y] if rng.random() > 0.05 else rng.choice(labels)
        out.append({"subject": words[0], "body": " ".join(words[1:]), "queue": label, "customer": f"c{i // 2}", "region": rng.choice("ns")})
    return out


def table(path: Path, content: Iterable[dict[str, Any]], **how: Any) -> Path:
    """Writes a csv."""
    listed = list(content)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(listed[0]), **how)
        writer.writeheader()
        writer.writerows(listed)
    return path


def project(folder: Path, *, content: Iterable[dict[str, Any]] | None = None, family: str = "bert", **changes: Any) -> Path:
    """tickets.csv, model/, recipe.yaml; returns the recipe's path. `changes` are sections of the recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    table(folder / "tickets.csv", content if content is not None else rows())
    if not (folder / "model").exists():
        tiny.folder(family, folder / "model")
    recipe = {
        "name": "tickets",
        "data": {"path": "tickets.csv"},
        "task": {"text": ["subject", "body"], "label": "queue"},
        "groups": {"region": {"column": "region"}},
        "split": {"by": "customer", "test_size": 0.25, "valid_size": 0.2},
        "choose": {"model_name_or_path": "model"},
        "train": {"num_train_epochs": 10, "learning_rate": 0.004, "precision": "float32"},
    } | changes
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe, indent=1), encoding="utf-8")
    return path


WISHES = ("red", "blue", "green", "black", "white")


def chats(n: int = 120, *, seed: int = 0) -> list[dict[str, Any]]:
    """Conversations whose answer says what is asked for, in as few letters as a tiny model learns: `colour 12 red` -> `red`."""
    rng = random.Random(seed)
    asked = [(i, rng.choice(WISHES)) for i in range(n)]
    return [
        {"messages": [{"role": "user", "content": f"{i} {wish}"}, {"role": "assistant", "content": wish[0] * 2}], "theme": wish}
        for i, wish in asked
    ]


def lines(path: Path, content: Iterable[Any]) -> Path:
    """Writes a jsonl."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content), encoding="utf-8")
    return path


def writing(folder: Path, *, content: Iterable[Any] | None = None, template: bool = True, **changes: Any) -> Path:
    """chats.jsonl, model/, recipe.yaml of a generation task; returns the recipe's path. `changes` are sections of the recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    lines(folder / "chats.jsonl", content if content is not None else chats())
    if not (folder / "model").exists():
        tiny.writer(folder / "model", template=template)
    recipe = {
        "name": "chats",
        "data": {"path": "chats.jsonl"},
        "task": {"kind": "generation"},
        "choose": {"model_name_or_path": "model"},
        "train": {"num_train_epochs": 6, "learning_rate": 0.005, "precision": "float32", "early_stopping": False},
    } | changes
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe, indent=1), encoding="utf-8")
    return path
