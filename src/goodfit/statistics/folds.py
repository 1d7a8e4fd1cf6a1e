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

from goodfit.score import Score, Verdict

METHOD = "folds"


def factor(folds: int) -> float:
    """How many times as wide an interval is."""
    return math.sqrt(1 + folds / (folds - 1))


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


def verdict_of_folds(verdict: Verdict, folds: int | None, level: float = 0.95) -> Verdict:
    """The same of a comparison. Its p is that of the interval: a p of resamples cannot be smaller than one in so many, and would be far
    too large once it is corrected.
    """
    if folds is None or verdict.difference is None:
        return verdict
    return verdict.model_copy(update={"difference": as_folds(verdict.difference, folds, level), "p": _p_of(verdict, level)})


def _p_of(verdict: Verdict, level: float) -> float | None:
    """p of a difference whose interval has `level`: how far zero lies outside, in half-widths on its side."""
    found = verdict.difference
    if verdict.p is None or found is None or found.value is None or found.low is None or found.high is None:
        return verdict.p
    half = found.value - found.low if found.value > 0 else found.high - found.value
    if found.value == 0 or half <= 0:
        return 1.0 if found.value == 0 else verdict.p
    return float(2 * stats.norm.sf(stats.norm.isf((1 - level) / 2) * abs(found.value) / half))
