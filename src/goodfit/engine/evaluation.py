"""Looking at validation rows and at a fixed sample of the training rows, while the model trains: when, how, and what is best.

Both splits go the same way (dropout off, rows unweighted), so that their difference means something. Predictions are streamed:
memory grows by a few bytes a row and look.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from goodfit.engine.batches import Micro, Order
from goodfit.engine.events import Evaluated
from goodfit.engine.examples import Examples
from goodfit.engine.forward import Forward, Observed
from goodfit.engine.infer import cutter_for, walk
from goodfit.engine.looks import FACTS, Facts
from goodfit.engine.objective import Objective, primary_value
from goodfit.engine.plan import Plan
from goodfit.engine.progress import Best, Progress

_PER_EPOCH = 4
_IN_ALL = 12
"""Looks wanted in a whole training, where epochs are few."""
_SHARE = 0.2
"""Of the training's cost, at most, for looking at it (but once an epoch in any case)."""
_FORWARD_SHARE = 1 / 3
"""A forward pass of a token costs about a third of a training step on it."""
_PROBE_ROWS = (100, 500)
"""Training rows that are looked at: as many as of validation, within these; more would tell nothing about their difference."""
_VALID_ROWS = 10_000
"""Rows of validation that are looked at, at most: a share of them is known to one point, and a look at a million rows costs hours."""


def splits_of(examples: Mapping[str, Examples | None], plan: Plan) -> dict[str, Examples]:
    """What is looked at, the same rows each time: `valid` where there is one, and `train_probe`, a sample of the training rows."""
    train, valid = examples["train"], examples.get("valid")
    assert train is not None
    chosen = {"valid": _sample(valid, _VALID_ROWS, plan.seed)} if valid is not None and len(valid) else {}
    fewest, most = _PROBE_ROWS
    probe = min(most, max(fewest, len(chosen["valid"]))) if chosen else most
    return {**chosen, "train_probe": _sample(train, probe, plan.seed)}


def _sample(examples: Examples, most: int, seed: int) -> Examples:
    if len(examples) <= most:
        return examples
    return examples.subset(np.sort(np.random.default_rng([seed, 0x9B0BE]).choice(len(examples), size=most, replace=False)))


def points(order: Order, plan: Plan, train: Examples, splits: dict[str, Examples]) -> set[int]:
    """The steps after which to look: every `eval_steps`, or four times an epoch and more in a short training, as far as it is cheap."""
    if plan.eval_steps is not None:
        return {*range(plan.eval_steps, order.steps_total, plan.eval_steps), order.steps_total}
    cost = sum(split.tokens for split in splits.values()) * _FORWARD_SHARE
    affordable = int(_SHARE * train.epoch_tokens / max(cost, 1.0))
    wanted = max(_PER_EPOCH, math.ceil(_IN_ALL / max(1, len(order.starts) - 1)))
    return order.evaluation_points(max(1, min(wanted, affordable)))


class Evaluator:
    """Scores the model on the splits it was given."""

    def __init__(self, forward: Forward, objective: Objective, splits: dict[str, Examples], tokens: int) -> None:
        self._forward, self._objective, self._splits = forward, objective, splits
        self._cutter = cutter_for(forward, tokens)

    def __call__(self, attempt: int, step: int) -> dict[str, tuple[Evaluated, Facts]]:
        """One event per split, in the order valid, train_probe, with the facts of its rows [n, F]."""
        return {name: self._score(name, split, attempt, step) for name, split in self._splits.items()}

    def rehearse(self) -> None:
        """The heaviest forward pass of all splits, so that memory runs out now or never."""
        for split in self._splits.values():
            rows = self._cutter.worst(np.asarray(split.lengths), None)
            for _ in walk(self._forward, split.subset(rows), self._cutter, self._observe):
                pass

    def _observe(self, micro: Micro) -> Observed:
        return self._forward.observe(micro, self._objective)

    def _score(self, name: str, split: Examples, attempt: int, step: int) -> tuple[Evaluated, Facts]:
        start, loss_sum, total = time.perf_counter(), 0.0, 0.0
        accumulator, facts = self._objective.accumulator(), np.zeros((len(split), len(FACTS)), np.float32)
        for rows, seen in walk(self._forward, split, self._cutter, self._observe):
            loss_sum += seen.loss_sum
            target = np.array(split.target[rows])
            total += self._objective.weight_total(target, np.ones(len(rows), np.float32))
            accumulator.add(seen.answers, seen.target)
            each = self._objective.facts(seen.answers, seen.target)
            facts[rows] = each if split.learned is None else mean_per_row(each, target)
        event = Evaluated(
            attempt=attempt, step=step, split=name, loss=loss_sum / total if total else None, n=len(split),
            scores=accumulator.scores(), answers=accumulator.answers(), seconds=round(time.perf_counter() - start, 3),
        )  # fmt: skip
        return event, facts


def mean_per_row(each: Facts, counts: NDArray[np.int64]) -> Facts:
    """[b, F]: the mean over each row's tokens of facts [k, F] that stand row after row; `counts` [b] tokens of each (0: none)."""
    row = np.repeat(np.arange(len(counts)), counts)
    sums = np.stack([np.bincount(row, weights=each[:, fact], minlength=len(counts)) for fact in range(each.shape[1])], axis=1)
    return (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)


def judge(progress: Progress, seen: dict[str, Evaluated], objective: Objective) -> bool:
    """Enter an evaluation into the progress; True where validation is better than ever (ties: by its loss)."""
    progress.evaluations += 1
    progress.history.append(
        {"step": progress.step} | {name: {"loss": e.loss, "n": e.n, "scores": e.scores} for name, e in seen.items()}
    )  # fmt: skip
    valid = seen.get("valid")
    if valid is None:
        return False
    value = primary_value(objective, valid.loss, valid.scores)
    if value is None or not np.isfinite(value):
        progress.evaluations_since_best += 1
        return False
    new = Best(progress.step, value, valid.loss)
    better = progress.best is None or _beats(new, progress.best, higher=objective.higher_is_better)
    if better:
        progress.best = new
    progress.evaluations_since_best = 0 if better else progress.evaluations_since_best + 1
    return better


def should_stop(progress: Progress, plan: Plan, steps_total: int) -> bool:
    """Whether patience is over: no improvement for 3 evaluations and 20% of the planned steps, or for as many as the plan says."""
    if not plan.early_stopping or progress.best is None:
        return False
    if plan.early_stopping_patience is not None:
        return progress.evaluations_since_best >= plan.early_stopping_patience
    return progress.evaluations_since_best >= 3 and progress.step - progress.best.step >= 0.2 * steps_total


def marked(event: Evaluated, *, best: bool) -> Evaluated:
    """The event with its `best` filled in."""
    return dataclasses.replace(event, best=best)


def _beats(new: Best, old: Best, *, higher: bool) -> bool:
    if new.value != old.value:
        return (new.value > old.value) == higher
    return new.loss is not None and (old.loss is None or new.loss < old.loss)
