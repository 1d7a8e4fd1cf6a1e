"""Populations whose rates are known, and a model that answers by rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit.stages.assess.population import Population, by_column
from goodfit.stages.assess.rows import MODEL
from goodfit.tasks import Classification

LABELS = ("none", "hate")


def population(n: int = 1200, *, wrong: dict[str, float], seed: int = 0, hate: float = 0.4, name: str = "test") -> Population:
    """Rows of as many groups as `wrong` names, in turn; the model errs in that share of each group's rows, in both classes alike."""
    rng = np.random.default_rng(seed)
    members = list(wrong)
    group = [members[i % len(members)] for i in range(n)]
    truth = (rng.random(n) < hate).astype(np.int64)
    errs = rng.random(n) < np.array([wrong[one] for one in group])
    said = np.where(errs, 1 - truth, truth)
    p = np.clip(0.5 + (said - 0.5) * rng.uniform(0.2, 0.9, n), 0.01, 0.99)
    return Population(
        name=name, labels=LABELS, multi_label=False, truth=truth, rows=pa.array([f"r{i}" for i in range(n)]), clusters=None,
        axes=(by_column("place", pa.array(group), "place"),), said={MODEL: said},
        probabilities={MODEL: np.stack([1 - p, p], axis=1).astype(np.float32)}, texts=[f"text {i}" for i in range(n)],
    )  # fmt: skip


def predictor(hateful: Callable[[str], float]) -> Any:
    """Answers with the probability of `hate` that a rule gives."""
    task = Classification(LABELS)

    def probabilities(texts: Sequence[str]) -> np.ndarray:
        p = np.array([hateful(text) for text in texts]).reshape(-1)
        return np.stack([1 - p, p], axis=1)

    return SimpleNamespace(task=task, probabilities=probabilities)


def posts(path: Path, n: int = 900, *, seed: int = 0) -> Path:
    """A table: words tell the label, except that texts about women are often labelled hate whatever they say."""
    import csv
    import random

    rng = random.Random(seed)
    people = {"women": ("she", "woman", "mother", "girls"), "men": ("he", "man", "father", "boys"), "": ("w41", "w42", "w43", "w44")}
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label", "region", "author"])
        for i in range(n):
            who = list(people)[i % 3]
            hate = rng.random() < (0.6 if who == "women" else 0.3)
            own = rng.choices([f"w{10 * hate + k}" for k in range(8)], k=3)
            words = [*own, rng.choice(people[who]), *rng.choices([f"w{k}" for k in range(40, 60)], k=4)]
            rng.shuffle(words)
            writer.writerow([" ".join(words), "hate" if hate else "none", rng.choice(["north", "south"]), f"a{i // 2}"])
    return path
