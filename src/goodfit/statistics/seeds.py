"""Two recipes, each trained with several seeds and judged on the same rows: which is better, with seeds and rows both taken as drawn.

Part of statistics. A trained model is a random draw; with one seed each a verdict is about two models, not about two recipes. The mean
difference over S pairs of seeds has two parts of variance, Var = sigma_rows^2 / n + sigma_seeds^2 / S: the first from a grouped jackknife
over clusters of rows (any score that is a function of rows), the second from the spread over the seeds: of the pair's differences, or
pooled over all recipes that were trained with these seeds, whichever is larger. The interval is Student's t with Satterthwaite's degrees
of freedom. What rows and seeds share is in both parts: it errs on the careful side. Coverage: tests/statistics/test_seeds.py.

Shapes: S seeds, n rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from goodfit.score import Score, Unit, Verdict
from goodfit.statistics.comparing import LEAST_CLUSTERS, LEAST_ROWS, Question, answer_of, sentence
from goodfit.statistics.power import careful_deviation, rows_for_mean
from goodfit.statistics.sample import Ints

GROUPS = 100
"""Groups of the jackknife, at most: its standard error is then known to about 7%."""

Measure = Callable[[Any, Ints], float]
"""(answers of one trained model, places of some rows) -> the score of these rows."""


@dataclass(frozen=True)
class Scored:
    """The score that is compared."""

    name: str
    measure: Measure
    unit: Unit = "share"
    higher_is_better: bool = True


@dataclass(frozen=True)
class Parts:
    """The mean difference and where its uncertainty comes from."""

    value: float
    of_rows: float
    """Variance of the mean that more rows would lower."""
    of_seeds: float
    """Variance of the mean that more seeds would lower."""
    degrees: float

    @property
    def error(self) -> float:
        """Standard error."""
        return math.sqrt(self.of_rows + self.of_seeds)


def compare_seeds(  # noqa: PLR0913 - the sixth is optional
    scored: Scored, a: Sequence[Any], b: Sequence[Any], clusters: Ints, question: Question, others: Sequence[Sequence[Any]] = ()
) -> Verdict:
    """Is recipe `a` better than `b`? Answers of S models each, the s-th pair trained with the same seed; `clusters` [n] of the rows.

    `others`: answers of S models each of further recipes: they tell how much a seed decides.
    """
    assert len(a) == len(b) >= 2, "two seeds or more, the same number of each"
    n, units = len(clusters), len(np.unique(clusters))
    facts: dict[str, Any] = {"name": f"{scored.name}_difference", "level": question.level, "n": n, "unit": scored.unit,
                             "higher_is_better": scored.higher_is_better}  # fmt: skip
    if n < LEAST_ROWS or units < LEAST_CLUSTERS:
        least = f"{n} rows" if n < LEAST_ROWS else f"{units} clusters"
        reason = f"{least}, a verdict takes at least {LEAST_ROWS} rows and {LEAST_CLUSTERS} clusters"
        absent = Score(**facts, why_absent=reason)
        return Verdict(question=question.text, answer="cannot_tell", difference=absent, text=f"cannot tell: {reason}")
    parts = parts_of(scored.measure, a, b, clusters, question.seed, others)
    half = float(stats.t.ppf(0.5 + question.level / 2, parts.degrees)) * parts.error
    difference = Score(
        **facts, value=parts.value, low=parts.value - half, high=parts.value + half, method="seeds_and_rows_t",
        clusters=units if units < n else None,
    )  # fmt: skip
    answer = answer_of(difference, question.margin, question.equivalence)
    needed = _rows_needed(parts, n, units, question) if answer == "cannot_tell" else None
    p = float(2 * stats.t.sf(abs(parts.value) / parts.error, parts.degrees)) if parts.error > 0 else float(parts.value == 0)
    text = sentence(difference, answer, equivalence=question.equivalence, needed=needed) + f", {len(a)} seeds each"
    return Verdict(question=question.text, answer=answer, margin=question.margin, difference=difference, rows_needed=needed, p=p, text=text)


def parts_of(
    measure: Measure, a: Sequence[Any], b: Sequence[Any], clusters: Ints, seed: int = 0, others: Sequence[Sequence[Any]] = ()
) -> Parts:
    """The mean difference of the pairs, with both parts of its variance."""
    pairs, n = list(zip(a, b, strict=True)), len(clusters)
    whole = np.arange(n)
    each = np.array([measure(x, whole) - measure(y, whole) for x, y in pairs])
    group = _groups(clusters, seed)
    places = [np.flatnonzero(group != g) for g in range(int(group.max()) + 1)]
    without = np.array([np.mean([measure(x, kept) - measure(y, kept) for x, y in pairs]) for kept in places])
    many = len(without)
    of_rows = (many - 1) / many * float(np.sum((without - without.mean()) ** 2))
    recipes = [a, b, *others]
    wobble = np.mean([np.var([measure(x, whole) for x in recipe], ddof=1) for recipe in recipes])
    of_seeds = max(float(each.var(ddof=1)), 2 * float(wobble)) / len(each)
    below = of_rows**2 / (many - 1) + of_seeds**2 / (len(recipes) * (len(each) - 1))
    degrees = (of_rows + of_seeds) ** 2 / below if below > 0 else float(many - 1)
    return Parts(float(each.mean()), of_rows, of_seeds, degrees)


def _groups(clusters: Ints, seed: int) -> Ints:
    """The jackknife group of each row: whole clusters, dealt out by chance."""
    _, codes = np.unique(clusters, return_inverse=True)
    units = int(codes.max()) + 1
    dealt = np.random.default_rng(seed).permutation(units) % min(units, GROUPS)
    return np.asarray(dealt[codes])


def _rows_needed(parts: Parts, n: int, units: int, question: Question) -> int | None:
    """Rows that would settle a difference of this size, where it is the rows that are lacking; None where it is the seeds."""
    gap = abs(parts.value) - question.margin
    if gap <= 0 or parts.of_seeds > parts.of_rows:
        return None
    needed = rows_for_mean(gap, careful_deviation(math.sqrt(parts.of_rows * n), units), level=question.level)
    return None if needed is not None and needed <= n else needed
