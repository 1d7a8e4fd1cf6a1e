"""Does the forecast of a learning curve hold? From a quarter of the rows to all of them, on real sets.

`python -m benchmarks.learning_curve [set …]` -> benchmarks/results/3-learning-curve.json. Protocol: of each set, four times (other seeds),
rows are drawn for training (at most 10,000) and for testing (at most 4,000). The audit's own curve is measured on so many of the training
rows that its largest subset is a quarter of them, with its own held-out part; its forecast of macro-F1 at all training rows is compared
with the probe trained on all and scored on the test rows. Vectors: the installed encoder's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.metrics import f1_score

from benchmarks.claims import record, row
from benchmarks.sets import SETS, rows_of
from goodfit.data.cache import folder
from goodfit.stages.audit.curve import Probe, forecast, learning_curve
from goodfit.stages.audit.curve.measure import REPEATS, fit
from goodfit.statistics import score
from goodfit.tasks.embeddings import find_encoder

SEEDS = range(4)
MOST, TEST = 10_000, 4_000
EMBEDDED = 14_000


def macro(targets: Any, said: Any) -> float:
    return float(f1_score(targets, said, average="macro", zero_division=0))


def cases(name: str) -> list[dict[str, Any]]:
    """The forecasts of one set, kept in the cache: the run can be resumed."""
    kept = folder("benchmarks") / f"learning-curve-{name}.json"
    if kept.exists():
        return list(json.loads(kept.read_text(encoding="utf-8")))
    rows = rows_of(name)
    chosen = np.random.default_rng(0).permutation(len(rows))[:EMBEDDED]
    names = sorted({label for _, label in rows})
    targets = np.array([names.index(rows[i][1]) for i in chosen])
    vectors = find_encoder("auto", "auto", Path())[0].embed(pa.array([rows[i][0] for i in chosen]))
    out = []
    for seed in SEEDS:
        order = np.random.default_rng([seed, 7]).permutation(len(chosen))
        test = order[: min(TEST, len(order) // 3)]
        train = order[len(test) :][:MOST]
        some = train[: int(len(train) / 4 * REPEATS / (REPEATS - 1))]
        probe = Probe(vectors[some], targets[some], np.arange(len(some)), len(names))
        measured = learning_curve(probe, macro, seed=seed)
        assert measured is not None
        curve, _ = measured
        found = forecast(curve, np.array([min(len(train), 4 * curve.sizes[-1])]), np.random.default_rng(seed), rows_scored=len(test))
        real = macro(targets[test], fit(vectors[train], targets[train]).predict(vectors[test]))
        line = {"set": name, "seed": seed, "rows": len(train), "answer": found.answer, "real": real, "now": float(curve.mean[-1])}
        if found.answer == "forecast":
            line |= {"value": float(found.value[0]), "low": float(found.low[0]), "high": float(found.high[0])}
        out.append(line)
        print(json.dumps(line), flush=True)
    kept.write_text(json.dumps(out), encoding="utf-8")
    return out


def main() -> None:
    lines = [line for name in sys.argv[1:] or SETS for line in cases(name)]
    made = [line for line in lines if line["answer"] == "forecast"]
    inside = np.array([line["low"] <= line["real"] <= line["high"] for line in made])
    width = 100 * np.array([line["high"] - line["low"] for line in made])
    covered = score("rate", None, inside)
    middle = float(np.median(width))
    missed = 100 * np.array([[abs(line["value"] - line["real"]), abs(line["now"] - line["real"])] for line in made])
    command = "python -m benchmarks.learning_curve"
    rng = np.random.default_rng(0)
    medians = [float(np.median(rng.choice(width, len(width)))) for _ in range(2000)]
    facts = {
        "sets": sorted({line["set"] for line in lines}), "no forecast": len(lines) - len(made),
        "mean absolute error, points": round(float(missed[:, 0].mean()), 2), "the same of 'as now'": round(float(missed[:, 1].mean()), 2),
    }  # fmt: skip
    assert covered.value is not None
    record("learning-curve", [
        row("forecasts from a quarter of the rows whose 95% interval holds the score at all rows", ">= 90% of >= 36",
            covered.value, low=covered.low, high=covered.high, n=len(made), passed=covered.value >= 0.9 and len(made) >= 36, command=command, **facts),
        row("median width of these intervals, points", "<= 9", middle, low=float(np.quantile(medians, 0.025)), high=float(np.quantile(medians, 0.975)), n=len(made),
            passed=middle <= 9, command=command),
    ], part=3)  # fmt: skip


if __name__ == "__main__":
    main()
