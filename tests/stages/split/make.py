"""Runs of split on small tables, for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.split import Splits, split

LABELS = ("billing", "bug", "sales")


def rows(n: int, *, seed: int = 0, labels: Sequence[str] = LABELS, customers: int | None = None) -> list[dict[str, Any]]:
    """Rows of a few random words, each with a text of its own."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        words = " ".join(f"w{j}" for j in rng.integers(0, 500, size=rng.integers(3, 9)))
        row = {"text": f"{words} t{seed}x{i}", "label": labels[int(rng.integers(len(labels)))]}
        if customers:
            row["customer"] = f"c{int(rng.integers(customers))}"
        out.append(row)
    return out


def write(path: Path, content: Iterable[Mapping[str, Any]]) -> Path:
    """A jsonl file: it keeps every text exactly."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content), encoding="utf-8")
    return path


def run_split(folder: Path, recipe: Mapping[str, Any], *, parent: Run | None = None, workspace: str = "runs") -> tuple[Splits, Run]:
    """One run's split; data paths are relative to `folder`."""
    document = {"fail_on": "never", "task": {"text": "text", "label": "label"}} | dict(recipe)
    run = Run.create(
        folder / workspace, name="t", recipe_text="{}\n", recipe_hash="b2:0", base=folder, parent=parent.id if parent else None
    )
    return split(Recipe.model_validate(document), run), run


def split_rows(
    folder: Path, content: Iterable[Mapping[str, Any]], recipe: Mapping[str, Any] | None = None, **more: Any
) -> tuple[Splits, Run]:
    """The same for one file of rows."""
    write(folder / "data.jsonl", content)
    return run_split(folder, {"data": {"path": "data.jsonl"}} | dict(recipe or {}), **more)


def sides(splits: Splits) -> dict[str, str]:
    """Row id -> split."""
    return {row: name for name in ("train", "valid", "test") for row in splits.row_ids(name).to_pylist()}


def everything(splits: Splits, run: Run) -> list[dict[str, Any]]:
    """All rows with their split, test included (the key is made through the one door)."""
    key = run.unseal("a test looks at everything", stage="evaluate")
    return [row | {"split": name} for name in ("train", "valid", "test") for row in splits.table(name, key=key).to_pylist()]
