"""Audits of small tables, and clean data that no check should warn of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.finding import Finding
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.audit import Audit, audit
from goodfit.stages.split import Splits
from tests.stages.split.make import run_split, write

SINGLE = {"task": {"text": "text", "label": "label"}}
SYLLABLES = [a + b + c for a in "bdfglmnprst" for b in "aeiou" for c in ("", "", "n", "r", "s")]
"""Of words that no language has and that could be one's: letters by chance would be gibberish."""
MULTI = {"task": {"text": "text", "label": "label", "multi_label": True}}


def recipe_of(document: Mapping[str, Any]) -> Recipe:
    """The recipe that `run_split` makes of the same document."""
    return Recipe.model_validate({"fail_on": "never", **SINGLE, "audit": {"encoder": "tfidf_svd"}} | dict(document))


def audit_splits(splits: Splits, run: Run, document: Mapping[str, Any]) -> Audit:
    """audit on splits that are there."""
    return audit(recipe_of(document), splits, run)


def audit_rows(folder: Path, content: Iterable[Mapping[str, Any]], document: Mapping[str, Any] | None = None) -> tuple[Audit, Run]:
    """split and audit of one file of rows."""
    write(folder / "data.jsonl", content)
    whole = {"data": {"path": "data.jsonl"}} | dict(document or {})
    splits, run = run_split(folder, whole)
    return audit_splits(splits, run, whole), run


def finding(done: Audit, code: str) -> Finding:
    """The finding of one check."""
    return next(f for f in done.findings if f.code == code)


def clean_texts(rng: np.random.Generator, labels: np.ndarray, *, topics: bool) -> list[str]:
    """Texts with lengths, capitals, punctuation and numbers by chance; with `topics`, a quarter of the words belong to the label."""
    vocabulary = ["".join(rng.choice(SYLLABLES, size=rng.integers(2, 4))) for _ in range(800)]
    shares = 1 / np.arange(1, 801)
    of_label = [rng.permutation(800)[:20] for _ in range(int(labels.max()) + 1)]
    out = []
    for i, label in enumerate(labels):
        words = rng.choice(800, size=int(np.clip(rng.lognormal(2.5, 0.6), 3, 120)), p=shares / shares.sum())
        if topics:
            changed = rng.integers(0, len(words), size=max(1, len(words) // 4))
            words[changed] = of_label[label][rng.integers(20, size=len(changed))]
        text = " ".join([*(vocabulary[w] for w in words), f"k{i}"])
        text = text.capitalize() if rng.random() < 0.7 else text
        text = text.replace(" ", ", ", 1) if rng.random() < 0.3 else text
        text += f" {rng.integers(3000)}" if rng.random() < 0.15 else ""
        out.append(text + str(rng.choice(["", ".", "!", "?"], p=[0.3, 0.5, 0.1, 0.1])))
    return out


def clean_rows(seed: int, n: int, classes: int, *, topics: bool = True, evenness: float = 20.0) -> list[dict[str, Any]]:
    """Rows without any trouble: labels by chance (`topics=False`) or told by words, classes of somewhat different size."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, size=n, p=rng.dirichlet(np.full(classes, evenness)))
    texts = clean_texts(rng, labels, topics=topics)
    return [{"text": text, "label": f"class{'abcdefghijklmnopqrstuvwxyz'[y] * 3}"} for text, y in zip(texts, labels)]
