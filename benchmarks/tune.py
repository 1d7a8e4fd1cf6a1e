"""What do the computed defaults lose, and does the search find it? From the trainings of `tune_cells` (hours on two cores; resumable).

`python -m benchmarks.tune` writes benchmarks/results/4-defaults.json and 4-search.json, and with `--write` what `check` prints
(stages/tune/regret.json). Every arm takes its trial by validation and is scored on test rows by macro-F1, in points. A *cell* is a set with a
seed; intervals resample sets, their seeds with them. Regret of the default: the test score of the sweep's pick less the default's, on the same rows and
seed (the pick of 16 noisy scores is itself no oracle, so this is what a user of the sweep would gain, not the distance to the best point).
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.choose_sets import SETS
from benchmarks.claims import ROOT, record, row
from benchmarks.tune_cells import ROWS, TRIALS, known

COMMAND = "python -m benchmarks.tune"
WANTED_SETS, WANTED_SEEDS = 6, 5
RESAMPLES = 10_000
REGRET = ROOT / "src" / "goodfit" / "stages" / "tune" / "regret.json"


@dataclass(frozen=True)
class Cell:
    """One set, model and seed, with every arm trained."""

    set: str
    model: str
    seed: int
    lines: list[dict[str, Any]]

    def of(self, arm: str) -> list[dict[str, Any]]:
        """The trainings of an arm, the default's with both searches."""
        return [x for x in self.lines if x["arm"] == arm or (arm in ("random", "tpe") and x["arm"] == "default")]

    def picked(self, arm: str) -> float:
        """Test score of the trial that validation takes, in points."""
        done = [x for x in self.of(arm) if x["value"] is not None and x["test"] is not None]
        return 100 * float(max(done, key=lambda x: x["value"])["test"])

    def best(self) -> float:
        """Test score of the best trial of the sweep by test itself: an upper bound that nobody can take."""
        return 100 * max(float(x["test"]) for x in self.of("random") if x["test"] is not None)

    def rows(self, arm: str) -> int:
        """Training rows that an arm saw."""
        return sum(x["rows"] for x in self.of(arm))

    @property
    def whole(self) -> bool:
        """Whether all arms are done."""
        arms = {x["arm"] for x in self.lines}
        return {"default", "hf"} <= arms and len(self.of("random")) >= TRIALS and self.rows("tpe") >= self.rows("random")


def cells() -> list[Cell]:
    """Every cell that is whole."""
    of: dict[tuple[str, str, int], list[dict[str, Any]]] = defaultdict(list)
    for line in known():
        of[line["set"], line["model"], line["seed"]].append(line)
    return [cell for (s, m, k), lines in sorted(of.items()) if (cell := Cell(s, m, k, lines)).whole and s in SETS]


Gain = Callable[[Cell], float]
Met = Callable[[float, float | None, float | None], bool | None]


def regret(cell: Cell) -> float:
    """What a user of the sweep would have gained over the default."""
    return cell.picked("random") - cell.picked("default")


def over_sets(given: list[Cell], of: Gain) -> tuple[float, float | None, float | None]:
    """The mean over sets of the mean over their seeds, with its 95% interval: sets are resampled, and seeds within them."""
    by: dict[str, list[float]] = defaultdict(list)
    for cell in given:
        by[cell.set].append(of(cell))
    values = [np.array(v) for v in by.values()]
    mean = float(np.mean([v.mean() for v in values]))
    if len(values) < 3:
        return mean, None, None
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        some = rng.integers(0, len(values), len(values))
        drawn.append(np.mean([values[i][rng.integers(0, len(values[i]), len(values[i]))].mean() for i in some]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return mean, float(low), float(high)


def main() -> None:
    """Both files; what is not measured yet says so."""
    given = cells()
    sets, seeds = len({c.set for c in given}), len({c.seed for c in given})
    about = f"{sets} sets, {len(given)} cells, {ROWS} rows each, {', '.join(sorted({c.model for c in given})) or 'no encoder yet'}"
    enough = sets >= WANTED_SETS and seeds >= WANTED_SEEDS
    why = None if enough else f"{sets} sets with up to {seeds} seeds are trained so far, of {WANTED_SETS} with {WANTED_SEEDS}"

    def figure(claim: str, goal: str, of: Gain, met: Met, some: list[Cell] | None = None) -> dict[str, Any]:
        if not given:
            return row(claim, goal, None, passed=None, command=COMMAND, why_absent="no cell is whole yet: python -m benchmarks.tune_cells")
        value, low, high = over_sets(some or given, of)
        passed = met(value, low, high) if enough else None
        more = {} if why is None else {"note": why}
        return row(f"{claim} ({about})", goal, value, low=low, high=high, n=len(some or given), passed=passed, command=COMMAND, **more)

    record("defaults", [
        figure(f"regret of the computed defaults: test macro-F1 of a {TRIALS}-trial sweep's pick less theirs, points", "reported",
               regret, lambda *_: None),
        figure("the same against the best of the sweep by test itself (nobody can take it), points", "reported",
               lambda c: c.best() - c.picked("default"), lambda *_: None),
        figure("the computed defaults less those of Hugging Face's Trainer, points", "lower end above 0",
               lambda c: c.picked("default") - c.picked("hf"), lambda v, low, high: low is not None and low > 0),
        *[figure(f"regret of the computed defaults on {name}, points", "reported", regret, lambda *_: None, [c for c in given if c.set == name])
          for name in sorted({c.set for c in given})],
    ], part=4)  # fmt: skip
    record("search", [
        figure("TPE with halving less random points, as many training rows (stopped ones counted), test macro-F1, points",
               "interval holds 0 or lies above", lambda c: c.picked("tpe") - c.picked("random"), lambda v, low, high: high is not None and high > 0),
        figure("TPE with halving less the defaults of Hugging Face's Trainer, points", "lower end above 0",
               lambda c: c.picked("tpe") - c.picked("hf"), lambda v, low, high: low is not None and low > 0),
        figure("trainings that TPE begins for the rows of a sweep of 16", "reported", lambda c: float(len(c.of("tpe"))), lambda *_: None),
    ], part=4)  # fmt: skip
    if "--write" in sys.argv and sets >= WANTED_SETS:
        value, low, high = over_sets(given, regret)
        told = {"classification": {"value": value, "low": low, "high": high, "score": "macro-F1", "sets": sets, "cells": len(given),
                                   "about": f"a sweep of {TRIALS} trials"}}  # fmt: skip
        REGRET.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(about if why is None else f"{about}: {why}")


if __name__ == "__main__":
    main()
