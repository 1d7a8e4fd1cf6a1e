"""Trainings for the benchmark of `tune`: on each set and seed the computed default, the defaults of Hugging Face's Trainer, a sweep of random
points, and TPE with halving for as many training rows as the sweep saw. One line each in a file that grows (resumable).

`python -m benchmarks.tune_cells [seconds]` goes on where it was. The encoder is one of $GOODFIT_ENCODERS (`python -m benchmarks.encoders` makes
them), a small one: a cell is some forty trainings. Work lies in $GOODFIT_TUNE (default .demo/tune), whole cells in benchmarks/cells. Test
rows choose nothing.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from benchmarks.choose_cells import ENCODERS
from benchmarks.choose_sets import SETS, draw
from benchmarks.claims import ROOT, keep, lines_of
from goodfit.engine.examples import Examples
from goodfit.models.load import load_tokenizer
from goodfit.recipe import Peft, Train, Tune
from goodfit.stages.tune.defaults import Facts
from goodfit.stages.tune.halving import Rungs
from goodfit.stages.tune.space import Point, space_of
from goodfit.stages.tune.study import Searcher, mend, open_study
from goodfit.stages.tune.trial import ANSWERS, Ground, Job, Result, run
from goodfit.tasks import Classification
from goodfit.tasks.beginning import Beginning

WORK = Path(os.environ.get("GOODFIT_TUNE", ROOT / ".demo" / "tune"))
LINES = WORK / "cells.jsonl"
KEPT = ROOT / "benchmarks" / "cells" / "tune.jsonl"
"""The trainings of cells that are whole: a study that was cut goes on only where its folder is, a whole cell is never trained again."""
MODELS = tuple(os.environ.get("GOODFIT_TUNE_MODELS", "splade-tiny").split(","))
SEEDS = (0, 1, 2, 3, 4)
ROWS, VALID, LONGEST = 200, 200, 48
TRIALS = 16
"""Trainings of the sweep, the default among them."""
HF_DEFAULTS: Point = {
    "train.learning_rate": 5e-5, "train.head_learning_rate": 5e-5, "train.per_device_train_batch_size": 8, "train.num_train_epochs": 3.0,
    "train.warmup_steps": 0.0, "train.weight_decay": 0.0, "train.lr_scheduler_type": "linear",
}  # fmt: skip
"""TrainingArguments as they come."""
ARMS = ("random", "tpe")


@dataclass
class Rows:
    """Training rows, and validation and test rows one after the other: what a trial asks its tokens for."""

    sides: dict[str, Examples]

    def examples(self, side: str) -> Examples:
        """The rows of a side."""
        return self.sides[side]


def ground(set_name: str, model: str, seed: int) -> Ground:
    """A sample of a set as trials take it: the test rows are those that judge."""
    drawn = draw(set_name, seed, train=ROWS + VALID)
    task = Classification(drawn.labels, multi_label=drawn.multi_label)
    folder = ENCODERS / model
    tokenizer = load_tokenizer(folder)
    train, valid = drawn.train[:ROWS], drawn.train[ROWS:]

    def tokens(rows: list[tuple[str, Any]]) -> Examples:
        found = task.encode([text for text, _ in rows], tokenizer, LONGEST)
        target = task.encode_targets([label for _, label in rows], unknown="mark")
        return Examples.from_arrays(found.input_ids, np.concatenate([[0], np.cumsum(found.lengths)]), target)

    sides = {"train": tokens(train), "valid": tokens([*valid, *drawn.test])}
    target = np.asarray(sides["train"].target)
    counts = target.sum(axis=0) if target.ndim == 2 else np.bincount(target, minlength=len(task.labels))
    facts = Facts(
        rows=len(train), parameters=_parameters(folder), causal=False, lora=False, multi_label=task.multi_label,
        tokens_per_row=sides["train"].tokens / len(train),
    )  # fmt: skip
    start = Beginning(task, str(folder), len(train), {label: int(n) for label, n in zip(task.labels, counts, strict=True)})
    places = np.arange(len(valid) + len(drawn.test))
    numbers = Train(precision="float32")
    return Ground(numbers, Peft(), facts, start, Rows(sides), places[: len(valid)], places[len(valid) :], seed)  # type: ignore[arg-type]


def _parameters(folder: Path) -> int:
    """About: four bytes each."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors")) // 4


def known() -> list[dict[str, Any]]:
    """Every training of the cells that are whole."""
    return lines_of(KEPT)


class Cell:
    """One set, model and seed."""

    def __init__(self, set_name: str, model: str, seed: int) -> None:
        self.key = {"set": set_name, "model": model, "seed": seed}
        self.ground = ground(set_name, model, seed)
        self.folder = WORK / f"{set_name}-{model}-{seed}"
        self.space = space_of(Tune(trials=TRIALS), self.ground.train, self.ground.peft, self.ground.facts)
        plan = self.ground.settled({}).plan
        self.rows = ROWS * plan.num_train_epochs
        self.lines = [line for line in lines_of(LINES) if all(line[k] == v for k, v in self.key.items())]

    def of(self, arm: str) -> list[dict[str, Any]]:
        """The trainings of an arm; the default belongs to both searches."""
        return [line for line in self.lines if line["arm"] == arm or (arm in ARMS and line["arm"] == "default")]

    def cost(self, arm: str) -> int:
        """Training rows that an arm has seen."""
        return sum(line["rows"] for line in self.of(arm))

    def train(self, arm: str, number: int, point: Point, rungs: Rungs | None = None) -> dict[str, Any]:
        """One training, judged on the test rows too."""
        result = run(self.ground, Job(number, point, self.ground.seed, self.folder / arm / f"{number:03d}", rungs, judged=True))
        line = self.key | {
            "arm": arm, "trial": number, "params": point, "state": result.state, "value": result.value, "test": self._test(arm, number, result),
            "rows": result.rows, "steps": result.steps, "seconds": result.seconds,
        }  # fmt: skip
        keep(LINES, [line])
        self.lines.append(line)
        return line

    def _test(self, arm: str, number: int, result: Result) -> float | None:
        if result.state != "complete":
            return None
        said = np.load(self.folder / arm / f"{number:03d}" / ANSWERS).astype(int)
        truth = np.asarray(self.ground.rows(self.ground.judging).target).astype(int)
        return float(f1_score(truth, said, average="macro", zero_division=0))

    def search(self, arm: str, limit: float) -> bool:
        """The trials of an arm until it has seen its rows: TRIALS of them at random, or as many rows with TPE and halving. False: no time."""
        mend(self.folder / arm)
        study = open_study(None, self.folder / arm, arm)
        searcher = Searcher(study, self.space, self.ground.peft, owner="benchmark", seed=self.ground.seed)
        first = next(line for line in self.lines if line["arm"] == "default")
        if not searcher.trials():
            searcher.add_default()
            asked = searcher.ask("random", TRIALS)
            searcher.tell(asked.number, first["value"])
        for asked in searcher.interrupted():
            searcher.tell(asked.number, None, failed=True)
        while self._goes_on(arm):
            if time.monotonic() > limit:
                return False
            asked = searcher.ask("random" if arm == "random" else "tpe", TRIALS)
            rungs = Rungs(None, self.folder / arm, arm, asked.trial_id, self.rows) if arm == "tpe" else None
            line = self.train(arm, asked.number, self.space.whole(asked.point), rungs)
            searcher.tell(asked.number, line["value"])
        return True

    def _goes_on(self, arm: str) -> bool:
        return len(self.of(arm)) < TRIALS if arm == "random" else self.cost(arm) < self.cost("random")


def main() -> None:
    """Every cell that is not whole yet, first seed first; stops after so many seconds where a number is given."""
    limit = time.monotonic() + (float(sys.argv[1]) if len(sys.argv) > 1 else 1e9)
    for seed in SEEDS:
        for model in MODELS:
            for set_name in SETS:
                if any((line["set"], line["model"], line["seed"]) == (set_name, model, seed) for line in known()):
                    continue
                cell = Cell(set_name, model, seed)
                if not cell.of("default"):
                    cell.train("default", 0, {})
                if not cell.of("hf"):
                    cell.train("hf", 0, HF_DEFAULTS)
                if not all(cell.search(arm, limit) for arm in ARMS):
                    return
                keep(KEPT, cell.lines)
                print(f"{set_name} {model} {seed}: {len(cell.lines)} trainings, {sum(x['seconds'] for x in cell.lines):.0f} s", flush=True)


if __name__ == "__main__":
    main()
