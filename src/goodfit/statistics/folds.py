"""Scores and verdicts on out-of-fold answers: intervals that know that the folds' models learned from each other's rows.

Part of statistics. Each row is answered by a model that did not learn from it, but any two of the k models share most of what they learned,
so that their mistakes are not independent draws and the plain interval of n rows is too narrow. Nadeau and Bengio (2003, "Inference for the
Generalization Error", section 3) correct the variance of the mean over folds, s^2 / k, to s^2 (1 / k + n_test / n_train): by the factor
1 + k / (k - 1) for k folds of all rows. The same factor is taken on the variance between rows, which is known from n rows and not from k
folds: an interval of level L is made at the level whose normal quantile is sqrt(1 + k / (k - 1)) times as large. So it stays within the
bounds of its score, whatever its kind. What is covered is the expected score of a model made this way from the rows outside a fold, not
that of the one model that is kept (Bates, Hastie and Tibshirani 2021). Coverage: benchmarks/folds.py.
"""

from __future__ import annotations

import math

from scipy import stats

from goodfit.score import Score

METHOD = "folds"


def factor(folds: int | None) -> float:
    """How many times as wide an interval is; 1 where one model gave all answers."""
    return 1.0 if folds is None else math.sqrt(1 + folds / (folds - 1))


def level_of(level: float, folds: int | None) -> float:
    """The level at which the interval is made that has `level` for answers from `folds` models; `level` itself where there are none."""
    if folds is None:
        return level
    return float(1 - 2 * stats.norm.sf(stats.norm.isf((1 - level) / 2) * factor(folds)))


def as_folds(score: Score, folds: int | None, level: float = 0.95) -> Score:
    """A score whose interval was made at `level_of(level, folds)`, as one of `level`."""
    if folds is None:
        return score
    method = score.method if score.low is None or score.method is None else f"{score.method}_{METHOD}"
    return score.about(level=level, method=method)


def worth(rows: int, folds: int | None) -> int:
    """To how many rows of an ordinary test set so many are equal."""
    return rows if folds is None else max(1, round(rows / factor(folds) ** 2))


def p_of(value: float, low: float, high: float, level: float) -> float:
    """p of a difference whose interval has `level`: how far zero lies outside, in half-widths on its side.

    A p of resamples cannot be smaller than one in so many; scaled, it would be far too large once it is corrected for several comparisons.
    """
    half = value - low if value > 0 else high - value
    if value == 0:
        return 1.0
    return float(2 * stats.norm.sf(stats.norm.isf((1 - level) / 2) * abs(value) / half)) if half > 0 else 0.0
