"""Promises that are kept while a classifier predicts: answers withheld, and sets of labels. Part of predict.

What can be promised was settled on validation rows when the training ended (tasks/promises.py), and stands with the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.errors import UserError
from goodfit.statistics.selective import Level
from goodfit.tasks.classification import Classification
from goodfit.tasks.promises import ALPHAS, FEWEST_ROWS, Promises

WITHHELD = "withheld: not sure enough"
"""Why a row got no answer that the model could have given."""


@dataclass(frozen=True)
class Ask:
    """What is asked beside the likeliest label; both are promises that the validation rows allow, or that are refused."""

    at_most_wrong: float | None = None
    """Withhold answers so that at most this share (0-1) of those given is wrong, as a promise with 95% confidence."""
    coverage: float | None = None
    """Give sets of labels, so that this share (0-1) of them holds the true one."""


@dataclass(frozen=True)
class Kept:
    """What was asked, and can be promised."""

    task: Classification
    level: Level | None = None
    """Answers with more confidence than its threshold are given; None: all are."""
    alpha: str | None = None
    """Key of the share of sets that may miss; None: no sets."""

    @classmethod
    def of(cls, task: Classification, ask: Ask) -> Kept:
        """UserError where a share is none, or cannot be promised."""
        if ask.at_most_wrong is None and ask.coverage is None:
            return cls(task)
        for what, share in (("at most so many wrong", ask.at_most_wrong), ("coverage", ask.coverage)):
            if share is not None and not 0 < share < 1:
                raise UserError(f"{what}: {share:g} is no share between 0 and 1", fix="0.05 is 5%")
        made = task.decision.promises
        if made is None:
            raise UserError(
                "this model can promise nothing: it was trained by an older Goodfit, or with too few validation rows",
                fix=f"train it again with at least {FEWEST_ROWS} validation rows",
            )
        return cls(task, _level(made, ask.at_most_wrong), _alpha(made, ask.coverage))

    def withheld(self, probabilities: NDArray[Any], decided: NDArray[Any]) -> NDArray[np.bool_]:
        """Rows [n] whose answer is not given, of probabilities [n, L] as the model gives them out."""
        if self.level is None:
            return np.zeros(len(probabilities), dtype=bool)
        known = np.nan_to_num(probabilities, nan=1.0)
        confidence = self.task.certainty(self.task.untempered(known), decided)
        return np.asarray(confidence <= self.level.threshold)

    def sets(self, probabilities: NDArray[Any]) -> list[list[str]] | None:
        """The labels of each row's set, the likeliest first; none for a row without an answer. None where no sets are asked for."""
        promises = self.task.decision.promises
        if self.alpha is None or promises is None:
            return None
        known = ~np.isnan(probabilities[:, 0]) if len(probabilities) else np.zeros(0, bool)
        inside = np.zeros(probabilities.shape, dtype=bool)
        if known.any():
            inside[known] = promises.sets(self.task.untempered(probabilities[known]), self.alpha)
        order = np.argsort(-np.nan_to_num(probabilities), axis=1, kind="stable")
        return [[self.task.labels[k] for k in ranked if held[k]] for ranked, held in zip(order.tolist(), inside.tolist(), strict=True)]


def _level(made: Promises, risk: float | None) -> Level | None:
    if risk is None:
        return None
    level = made.above(risk)
    if level is None:
        last = made.levels[-1]
        raise UserError(
            f"that at most {100 * risk:g}% of the answers are wrong cannot be promised, however many are withheld "
            f"({last.errors:,} of {last.covered:,} validation rows are wrong in all)",
            fix="allow more, or train with more validation rows",
        )
    return level


def _alpha(made: Promises, coverage: float | None) -> str | None:
    if coverage is None:
        return None
    key = made.alpha_of(coverage)
    if key is None:
        raise UserError(f"a coverage of {100 * coverage:g}% was not calibrated", fix=f"at most {100 * (1 - ALPHAS[0]):g}%")
    return key
