"""Out-of-fold scores by simulation: do their intervals hold the expected score, and are two equal systems called different?

`python -m benchmarks.folds` writes benchmarks/results/4-folds.json. Rows of three classes (half, three tenths, two tenths) are drawn anew each time; two systems see features
of their own, drawn alike, so that they are equal in expectation. Each is a logistic regression cross-validated as `split.folds` does it, with and without a
random part of training (a bootstrap of six tenths of the rows, as a seed is of a fine-tune). The expected score is that of models from as many rows, on 20,000 others.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks.claims import record, row
from goodfit.statistics import Question, compare, point, score
from goodfit.statistics.proportions import wilson
from goodfit.statistics.scoring import score_of

COMMAND = "python -m benchmarks.folds"
ROWS, FOLDS, DRAWS, MODELS, OTHERS = (100, 300, 1000), (5, 10), 300, 60, 20_000
SHARES, WIDTH = (0.5, 0.3, 0.2), 12
CENTRES = 0.55 * np.random.default_rng(5).normal(size=(3, WIDTH))
KINDS = ("accuracy", "macro_f1")
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def drawn(n: int, rng: np.random.Generator) -> Rows:
    """Features of both systems, and classes."""
    y = rng.choice(3, size=n, p=SHARES)
    return CENTRES[y] + rng.normal(size=(n, WIDTH)), CENTRES[y] + rng.normal(size=(n, WIDTH)), y


def fitted(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, *, by_chance: bool) -> Any:
    """A model; `by_chance`: of a random part of the rows."""
    if by_chance:
        some = rng.choice(len(y), size=int(0.6 * len(y)))
        if len(np.unique(y[some])) == 3:
            x, y = x[some], y[some]
    return LogisticRegression(max_iter=100).fit(x, y)


def crossed(rows: Rows, k: int, rng: np.random.Generator, *, by_chance: bool) -> tuple[np.ndarray, np.ndarray]:
    """What both systems answer out of fold."""
    *features, y = rows
    fold = np.empty(len(y), dtype=int)
    fold[np.lexsort((rng.permutation(len(y)), y))] = np.arange(len(y)) % k
    told = [np.empty(len(y), dtype=int) for _ in features]
    for one, answers in zip(features, told, strict=True):
        for j in range(k):
            answers[fold == j] = fitted(one[fold != j], y[fold != j], rng, by_chance=by_chance).predict(one[fold == j])
    return told[0], told[1]


def expected(n: int, others: Rows, *, by_chance: bool) -> dict[str, float]:
    """The mean score of models of n rows."""
    rng = np.random.default_rng(7)
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(MODELS):
        x, _, y = drawn(n, rng)
        told = fitted(x, y, rng, by_chance=by_chance).predict(others[0])
        for kind in KINDS:
            found[kind].append(float(point(kind, others[2], told) or 0.0))
    return {kind: float(np.mean(values)) for kind, values in found.items()}


def cell(n: int, k: int, *, by_chance: bool, others: Rows) -> dict[str, dict[str, int]]:
    """Kind -> of DRAWS cross-validations: how many intervals hold the expected score, with the factor and without; and false differences."""
    rng = np.random.default_rng([n, k, int(by_chance)])
    truth = expected(n - n // k, others, by_chance=by_chance)
    out = {kind: {"holds": 0, "plain": 0, "differ": 0, "differ_plain": 0} for kind in KINDS}
    for _ in range(DRAWS):
        rows = drawn(n, rng)
        a, b = crossed(rows, k, rng, by_chance=by_chance)
        for kind in KINDS:
            wide = score_of(kind, rows[2], a, folds=k)
            plain = score(kind, rows[2], a)
            verdict = compare(kind, rows[2], a, b, question=Question(folds=k))
            out[kind]["holds"] += _holds(wide, truth[kind])
            out[kind]["plain"] += _holds(plain, truth[kind])
            out[kind]["differ"] += verdict.answer in ("better", "worse")
            out[kind]["differ_plain"] += compare(kind, rows[2], a, b).answer in ("better", "worse")
    return out


def _holds(found: Any, value: float) -> bool:
    return bool(found.low is not None and found.low <= value <= found.high)


def main() -> None:
    """Every cell, and what they come to."""
    others = drawn(OTHERS, np.random.default_rng(99))
    found = {}
    with threadpool_limits(1):
        for n, k, by_chance in itertools.product(ROWS, FOLDS, (False, True)):
            found[n, k, by_chance] = cell(n, k, by_chance=by_chance, others=others)
            print(n, k, by_chance, found[n, k, by_chance], flush=True)
    rows = []
    for kind in KINDS:
        facts = {key: of[kind] for key, of in found.items()}
        n = DRAWS * len(facts)
        for name, goal, what, words in (
            ("holds", "0.93 or more", "coverage of 95% intervals", "with the factor"), ("plain", "reported", "coverage", "without it"),
            ("differ", "<= 0.055", "two equal systems are called different", "with the factor"),
            ("differ_plain", "reported", "two equal systems are called different", "without it"),
        ):  # fmt: skip
            total = sum(of[name] for of in facts.values())
            low, high = wilson(total, n)
            passed = None if goal == "reported" else total / n >= 0.93 if name == "holds" else total / n <= 0.055
            rows.append(row(f"out-of-fold {kind}: {what}, {words}, mean of {len(facts)} cells", goal, total / n, low=low, high=high, n=n,
                            passed=passed, command=COMMAND))  # fmt: skip
        for name, goal, pick in (("holds", ">= 0.92", min), ("differ", "<= 0.055", max)):
            worst = pick(facts, key=lambda key: facts[key][name])
            k = facts[worst][name]
            low, high = wilson(k, DRAWS)
            chance = "with" if worst[2] else "without"
            what = "coverage, lowest cell" if name == "holds" else "called different, highest cell"
            rows.append(row(f"out-of-fold {kind}: {what} ({worst[0]} rows, {worst[1]} folds, {chance} a random part of training)", goal,
                            k / DRAWS, low=low, high=high, n=DRAWS, command=COMMAND,
                            passed=k / DRAWS >= 0.92 if name == "holds" else k / DRAWS <= 0.055))  # fmt: skip
    record("folds", rows, part=4)


if __name__ == "__main__":
    main()
