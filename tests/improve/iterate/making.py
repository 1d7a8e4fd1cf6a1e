"""Evidence made by hand: a run folder with what a proposal reads, and nothing trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.finding import Finding
from goodfit.run import Run

LABELS = ("a", "b", "c")
BASE = {"parameters": 20_000_000, "causal": False, "max_length": 512}


def finding(kind: str, code: str = "TRN001", severity: str = "warning", **more: Any) -> Finding:
    """An open finding."""
    return Finding(
        code=code, stage={"T": "train", "A": "audit", "E": "evaluate"}[code[0]], severity=severity, kind=kind, title=f"{kind} it is", **more
    )  # type: ignore[arg-type]


def made(folder: Path, *, right: float = 0.6, n: int = 300, findings: tuple[Finding, ...] = (), **parts: Any) -> Run:
    """A classifier's run: `right` of its `n` validation rows; `parts`: recipe sections, profile, candidates, slices, simple (tfidf's share)."""
    sections = {key: parts[key] for key in ("train", "peft", "prepare", "choose", "evaluate", "audit") if key in parts}
    recipe = {"name": "r", "data": {"path": "x.csv"}, "task": {"text": "text", "label": "label"}} | sections
    run = Run.create(folder, name="r", recipe_text=json.dumps(recipe), base=folder, recipe_hash="b2:0")
    rng = np.random.default_rng(parts.get("seed", 0))
    rows, truth = [f"row{i:04d}" for i in range(n)], parts.get("truth", np.arange(n) % 3)
    said = {"model": _said(truth, right, rng), "tfidf": _said(truth, parts.get("simple", 0.5), rng)} | parts.get("said", {})
    table = [
        {"row": row, "split": "valid", "system": name, "label": LABELS[y], "prediction": LABELS[p]}
        for name, given in said.items() for row, y, p in zip(rows, truth, given, strict=True)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(table), run.folder("evaluate") / "predictions.parquet")
    groups = {"row": rows, "split": ["valid"] * n, "group": [i // parts.get("cluster", 1) for i in range(n)]}
    pq.write_table(pa.table(groups), run.folder("split") / "assignment.parquet")
    documents = {
        "evaluate/scores.json": {"task": "classification", "on": "valid", "labels": list(LABELS), "primary": "macro_f1", "slices": parts.get("slices", [])},
        "tune/plan.json": {"plan": {"learning_rate": 1e-4, "num_train_epochs": 5.0} | parts.get("plan", {})},
        "audit/profile.json": parts.get("profile", {}),
        "choose/candidates.json": {"base": BASE, "chosen": "base"} | parts.get("candidates", {}),
        "prepare/manifest.json": parts.get("manifest", {}),
    }  # fmt: skip
    for name, document in documents.items():
        (run.path / name).parent.mkdir(exist_ok=True)
        (run.path / name).write_text(json.dumps(document))
    run.record.data = {"splits": {"train": 2000, "valid": n, "test": n}}
    for stage, seconds in (("train", 50.0), ("evaluate", 10.0), ("audit", 1.0)):
        run.record.stages[stage] = type(run.record).model_fields["stages"].annotation.__args__[1](state="done", seconds=seconds)  # type: ignore[union-attr]
    run.save()
    run.report(findings)
    return run


def _said(truth: Any, right: float, rng: np.random.Generator) -> Any:
    wrong = (truth + rng.integers(1, 3, size=len(truth))) % 3
    return np.where(rng.random(len(truth)) < right, truth, wrong)
