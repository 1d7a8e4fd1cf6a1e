"""What a trained model answers to some rows, as the comparison of two recipes needs it; and the score of any of these rows. Part of tune.

classes, any score but log_loss   int64 [n], or bool [n, L]
classes, log_loss                 float64 [n]: the loss of each row
a model that writes               float64 [n, 3]: summed loss, hits and number of its learned tokens
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.engine.examples import Examples
from goodfit.engine.infer import in_order, infer, observe
from goodfit.statistics import kind_of, point
from goodfit.statistics.seeds import Scored
from goodfit.tasks import Classification, Generation
from goodfit.tasks.decision import log_losses
from goodfit.tasks.language import HIT, LOSS

LOG_LOSS = "log_loss"
Answers = NDArray[Any]
Sides = tuple[Examples, Examples]
"""Choosing rows, judging rows."""


def answers_of(model: Any, choosing: Examples, judging: Examples, task: Classification | Generation, primary: str) -> Answers:
    """The answers of a model to the judging rows, in their order. What a decision needs (thresholds) is fitted on the choosing rows."""
    return ANSWERED[type(task)](model, (choosing, judging), task, primary)


def scored_by(primary: str, rows: Examples, task: Classification | Generation) -> Scored:
    """How answers to these rows become the deciding score."""
    return SCORED[type(task)](primary, rows)


def _classes(model: Any, sides: Sides, task: Any, primary: str) -> Answers:
    choosing, judging = sides
    logits = in_order(infer(model, judging), len(judging))
    if primary == LOG_LOSS:
        return np.asarray(log_losses(logits.astype(np.float64), np.asarray(judging.target), multi_label=task.multi_label))
    if task.multi_label:
        task = task.with_decision(task.fit_decision(in_order(infer(model, choosing), len(choosing)), np.asarray(choosing.target)))
    return np.asarray(task.decide(task.probabilities(logits)))


def _tokens(model: Any, sides: Sides, task: Any, primary: str) -> Answers:
    rows = sides[1]
    counts = np.asarray(rows.target, dtype=np.int64)
    out = np.zeros((len(rows), 3))
    for indices, seen in observe(model, rows, task.objective()):
        each = seen.answers.double().numpy()
        row = np.repeat(np.arange(len(indices)), counts[indices])
        out[indices, 0] = np.bincount(row, weights=each[:, LOSS], minlength=len(indices))
        out[indices, 1] = np.bincount(row, weights=each[:, HIT], minlength=len(indices))
    out[:, 2] = counts
    return out


def _score_of_classes(primary: str, rows: Examples) -> Scored:
    if primary == LOG_LOSS:
        return Scored(primary, lambda losses, places: float(losses[places].mean()), unit="nats", higher_is_better=False)
    target = np.asarray(rows.target)
    truth = target.astype(bool) if target.ndim == 2 else target.astype(np.int64)
    kind = kind_of(primary, multilabel=target.ndim == 2)

    def measure(answers: Answers, places: NDArray[np.int64]) -> float:
        return point(primary, truth[places], answers[places]) or 0.0

    return Scored(primary, measure, unit=kind.unit, higher_is_better=kind.higher_is_better)


def _score_of_tokens(primary: str, rows: Examples) -> Scored:
    def over(column: int) -> Callable[[Answers, NDArray[np.int64]], float]:
        return lambda answers, places: float(answers[places, column].sum() / max(1.0, answers[places, 2].sum()))

    if primary == "token_accuracy":
        return Scored(primary, over(1))
    loss = over(0)
    if primary == "perplexity":
        return Scored(primary, lambda a, places: math.exp(min(loss(a, places), 700.0)), unit="ratio", higher_is_better=False)
    return Scored("loss", loss, unit="nats", higher_is_better=False)


ANSWERED: dict[type[Any], Callable[[Any, Sides, Any, str], Answers]] = {Classification: _classes, Generation: _tokens}
SCORED: dict[type[Any], Callable[[str, Examples], Scored]] = {Classification: _score_of_classes, Generation: _score_of_tokens}
