"""Does `iterate --auto` find and repair what is wrong, without being told? Real sets with one injected fault each, several seeds.

`python -m benchmarks.iterate [seconds]` goes on where it was (work in $GOODFIT_WORK or .demo/iterate, cells in benchmarks/cells), then writes
benchmarks/results/4-iterate.json. Faults: labels of which a class-dependent part is wrong, in training and validation alike; a rate that
is thirty times too high; a third of an epoch; a slice of which 5% of the training rows are left, its other rows among the texts of a pool
without labels. For each there is a clean run, a broken one, and what the loop made of it; all are scored on the same clean test rows,
which no run of Goodfit ever opens (`Model.predict`). The slice is repaired by labels for the rows of `improve/requests.csv`, which an
oracle gives. Recovered is the share of the loss that comes back; a fault that costs less than five points shows nothing and is said to.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from benchmarks.claims import ROOT, keep, lines_of, record, row
from benchmarks.sets import rows_of
from goodfit import Model, start
from goodfit.improve.iterate import auto, propose, write_proposals
from goodfit.run import Run

COMMAND = "python -m benchmarks.iterate"
WORK = Path(os.environ.get("GOODFIT_WORK", ROOT / ".demo" / "iterate"))
CELLS = ROOT / "benchmarks" / "cells" / "iterate.jsonl"
SETS = ("emotion", "phrasebank")
SEEDS = (0, 1, 2)
TRAIN, VALID, TEST = 1200, 400, 1000
BUDGET = float(os.environ.get("GOODFIT_ITERATE_BUDGET", "3600"))
"""Seconds of a loop."""
LEAST = 0.05
"""Loss below which a fault shows nothing."""
WRONG = 0.4
"""Share of the rows of a class whose label becomes that of one other class."""
LEFT = 0.05
ENCODER = os.environ.get("GOODFIT_ITERATE_MODEL", "all-MiniLM-L6-v2")
"""The base model: a name, or a folder of `benchmarks.encoders`."""
MODEL = Path(ENCODER).name
Rows = list[tuple[str, str]]


@dataclass
class Sample:
    """One seeded sample of a set, and what is changed of it."""

    train: Rows
    valid: Rows
    test: Rows
    pool: Rows
    """With their labels, which only the oracle knows."""
    recipe: dict[str, Any]
    judged: np.ndarray
    """[test] rows on which the fault is measured."""


def sample(name: str, seed: int) -> Sample:
    """Training, validation and test rows, drawn by chance."""
    rows = rows_of(name)
    order = np.random.default_rng([seed, 4]).permutation(len(rows))
    drawn = [rows[i] for i in order]
    test, rest = drawn[:TEST], drawn[TEST:]
    train, valid, pool = rest[:TRAIN], rest[TRAIN : TRAIN + VALID], rest[TRAIN + VALID : TRAIN + VALID + 2 * TRAIN]
    recipe = {"seed": seed, "choose": {"model_name_or_path": ENCODER}, "fail_on": "never", "evaluate": {"on": "valid"}}
    return Sample(train, valid, test, pool, recipe, np.ones(len(test), bool))


def wrong_labels(one: Sample, seed: int) -> None:
    """Each class is taken for the next one, in as many of its rows."""
    rng, names = np.random.default_rng([seed, 5]), sorted({label for _, label in one.train})
    other = {name: names[(i + 1) % len(names)] for i, name in enumerate(names)}

    def spoilt(rows: Rows) -> Rows:
        return [(text, other[label] if rng.random() < WRONG else label) for text, label in rows]

    one.train, one.valid = spoilt(one.train), spoilt(one.valid)


def high_rate(one: Sample, seed: int) -> None:
    """Thirty times what Goodfit computes."""
    one.recipe["train"] = {"learning_rate": 3e-3}


def few_epochs(one: Sample, seed: int) -> None:
    """A third of an epoch."""
    one.recipe["train"] = {"num_train_epochs": 0.33}


def lost_slice(one: Sample, seed: int) -> None:
    """The texts of one class that are longer than its median: 5% stay in training, the others lie in the pool."""
    label = max({y for _, y in one.train}, key=lambda name: sum(y == name for _, y in one.train))
    middle = float(np.median([len(text) for text, y in one.train if y == label]))

    def inside(pair: tuple[str, str]) -> bool:
        return pair[1] == label and len(pair[0]) > middle

    rng = np.random.default_rng([seed, 6])
    gone = [pair for pair in one.train if inside(pair) and rng.random() >= LEFT]
    one.train = [pair for pair in one.train if pair not in set(gone)]
    one.pool = [*one.pool, *gone]
    one.judged = np.array([inside(pair) for pair in one.test])


FAULTS: dict[str, Callable[[Sample, int], None]] = {
    "wrong labels": wrong_labels, "rate too high": high_rate, "too few epochs": few_epochs, "a slice cut to 5%": lost_slice,
}  # fmt: skip


def cell(name: str, fault: str, seed: int) -> dict[str, Any]:
    """A clean run, a broken one, and what became of it; scores on the clean test rows."""
    folder = WORK / f"{name}-{fault.replace(' ', '_')}-{seed}"
    clean, broken = sample(name, seed), sample(name, seed)
    FAULTS[fault](broken, seed)
    clean.judged = broken.judged
    began = time.monotonic()
    before = scored(trained(folder / "clean", clean), clean)
    run = trained(folder / "broken", broken)
    hurt = scored(run, broken)
    found, steps = repaired(run, broken, folder) if fault == "a slice cut to 5%" else looped(run)
    return {
        "set": name, "fault": fault, "seed": seed, "clean": before, "broken": hurt, "after": scored(found, broken), "steps": steps,
        "rows": int(broken.judged.sum()), "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def looped(run: Run) -> tuple[Run, list[str]]:
    """`iterate --auto`; the best run, and what was done."""
    loop = auto(run, BUDGET)
    return loop.best, [f"{step.proposal.action}{'' if step.accepted else ' (not taken)'}" for step in loop.steps]


def repaired(run: Run, one: Sample, folder: Path) -> tuple[Run, list[str]]:
    """The rows that are asked for get their labels; a new run with them."""
    pool = table(folder / "pool.csv", [(text, "") for text, _ in one.pool])
    found = [p for p in propose(run) if p.kind == "data" and (p.request or {}).get("what") == "label"]
    if not found:
        return run, ["nothing was asked for"]
    write_proposals(run, found, pool=(str(pool),))
    known = dict(one.pool)
    with (run.path / "improve" / "requests.csv").open(encoding="utf-8", newline="") as handle:
        asked = [(line["text"], known[line["text"]]) for line in csv.DictReader(handle) if line["text"] in known]
    one.train = [*one.train, *asked]
    return trained(folder / "repaired", one), [f"{found[0].action}: {len(asked)} rows"]


def trained(folder: Path, one: Sample) -> Run:
    """A run on the rows of a sample, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for side in ("train", "valid"):
        table(folder / f"{side}.csv", getattr(one, side))
    data = {"train": "train.csv", "valid": "valid.csv"}
    recipe = {"name": "r", "data": data, "task": {"text": "text", "label": "label"}} | one.recipe
    (folder / "recipe.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    outcome = start(folder / "recipe.yaml", workspace=folder / "runs")
    assert outcome.error is None, outcome.error
    return outcome.run


def table(path: Path, rows: Rows) -> Path:
    """A csv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        writer.writerows(rows)
    return path


def scored(run: Run, one: Sample) -> float:
    """Macro-F1 on the clean test rows; of a slice the accuracy on its rows."""
    rows = [pair for pair, keep in zip(one.test, one.judged, strict=True) if keep]
    said = [p.label for p in Model.load(run).predict([text for text, _ in rows])]
    truth = [label for _, label in rows]
    if not one.judged.all():
        return float(np.mean([a == b for a, b in zip(said, truth, strict=True)]))
    return float(f1_score(truth, said, average="macro", zero_division=0))


def known() -> list[dict[str, Any]]:
    """The cells so far."""
    return lines_of(CELLS)


def claims(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each fault: the share of the loss that came back, over the cells that lost enough."""
    out = []
    for fault in FAULTS:
        mine = [c for c in cells if c["fault"] == fault]
        lost = [c for c in mine if c["clean"] - c["broken"] >= LEAST]
        claim, goal = f"iterate: share of the loss that comes back, {fault} ({', '.join(SETS)}; {MODEL})", ">= 0.5"
        if not lost:
            why = "no cell is done yet" if not mine else f"no cell lost {100 * LEAST:.0f} points ({len(mine)} done)"
            out.append(row(claim, goal, None, passed=None, command=COMMAND, why_absent=why))
            continue
        value, low, high = ratio(lost)
        whole = len({(c["set"], c["seed"]) for c in mine}) == len(SETS) * len(SEEDS)
        out.append(row(claim, goal, round(value, 3), low=round(low, 3), high=round(high, 3), n=len(lost), passed=value >= 0.5 if whole else None,
                       command=COMMAND, cells=[{k: c[k] for k in ("set", "seed", "clean", "broken", "after", "steps")} for c in mine]))  # fmt: skip
    return out


def ratio(cells: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Sum of what came back over the sum of what was lost, cells resampled (a ratio of means: single ratios have no stable mean)."""
    back, lost = (np.array([c[a] - c["broken"] for c in cells]) for a in ("after", "clean"))
    drawn = np.random.default_rng(0).integers(0, len(cells), size=(10_000, len(cells)))
    shares = back[drawn].sum(axis=1) / lost[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(back.sum() / lost.sum()), float(low), float(high)


def main() -> None:
    """All cells that are not there yet, first seed first; stops after so many seconds where a number is given."""
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else float("inf")
    began, done = time.monotonic(), {(c["set"], c["fault"], c["seed"]) for c in known()}
    wanted = [(name, fault, seed) for seed in SEEDS for fault in FAULTS for name in SETS if (name, fault, seed) not in done]
    for name, fault, seed in wanted:
        if time.monotonic() - began > limit:
            break
        found = cell(name, fault, seed)
        keep(CELLS, [found])
        print(found, flush=True)
    record("iterate", claims(known()), part=4)


if __name__ == "__main__":
    main()
