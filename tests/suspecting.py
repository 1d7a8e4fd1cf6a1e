"""Runs with suspects to review, made in a folder: a real split, and `audit/suspects.parquet` as audit leaves it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.run import SUSPECTS, Run, digest
from goodfit.settings import parse
from goodfit.stages.split import split

LABELS = ("billing", "bug", "sales")
HOSTILE = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>\x1b[31mred\x1b[0m \u202egnp.exe\u202c \x07 &amp; end"
SHARES = (0.05, 0.15, 0.40)


def rows(n: int = 200, *, seed: int = 0, labels: Sequence[str] = LABELS) -> list[dict[str, Any]]:
    """Rows with a text each; every ninth text tries to act."""
    rng = random.Random(seed)
    words = ["card", "bank", "call", "wait", "again", "maybe", "thing", "price", "crash"]
    return [
        {"text": f"row {i} {' '.join(rng.choices(words, k=9))}" + (f" {HOSTILE}" if i % 9 == 0 else ""), "label": rng.choice(list(labels))}
        for i in range(n)
    ]


def run(
    folder: Path, content: Sequence[Mapping[str, Any]] | None = None, *, task: Mapping[str, Any] | None = None, name: str = "tickets"
) -> Run:
    """A run whose rows are divided and whose labels were judged; data and recipe lie in `folder`, the run in `folder/runs`."""
    held = rows() if content is None else list(content)
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held), encoding="utf-8")
    recipe = {"name": name, "data": {"path": "data.jsonl"}, "task": {"text": "text", "label": "label"} | dict(task or {})}
    text = json.dumps(recipe)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    made = Run.create(
        folder / "runs", name=name, recipe_text=text, base=folder, recipe_hash=digest(parse(text).to_json()), status="partial"
    )
    split(parse(text), made)
    suspects(made)
    return made


def suspects(made: Run, *, seed: int = 0) -> None:
    """Judges every training row by chance."""
    from goodfit.stages.split import Splits

    splits, rng = Splits.load(made), random.Random(seed)
    table = splits.table("train", columns=("row", "label"))
    judged = table.to_pylist()
    rng.shuffle(judged)
    lines = []
    for i, entry in enumerate(judged):
        share = i / len(judged)
        given = entry["label"]
        doubted = given if isinstance(given, str) else rng.choice([*given, splits.labels[0]])
        others = [label for label in splits.labels if label != doubted]
        lines.append({
            "row": entry["row"], "split": "train", "label": doubted, "suggested": rng.choice(others), "suspicion": 1 - share,
            "probability": round(1 - share / 2, 3), "stratum": sum(share >= bound for bound in SHARES), "flagged": share < 0.05,
        })  # fmt: skip
    schema = pa.schema([
        ("row", pa.string()), ("split", pa.string()), ("label", pa.string()), ("suggested", pa.string()), ("suspicion", pa.float64()),
        ("probability", pa.float64()), ("stratum", pa.int8()), ("flagged", pa.bool_()),
    ])  # fmt: skip
    pq.write_table(pa.Table.from_pylist(lines, schema), made.folder("audit") / SUSPECTS)
