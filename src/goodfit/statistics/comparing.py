"""The second door: two systems on the same rows in, a Verdict out.

Part of statistics. The comparison is always paired. The answer follows the interval of a - b, oriented so that more is better:
better if it lies above `margin`, worse if below -margin, no_difference if it lies within a declared `equivalence` margin, else
cannot_tell with the rows that a firm answer would take, or, where more rows as such are not what is lacking, with what is scarce. Where
an exact test does not reject although the interval leaves zero out, the interval is drawn out to zero: no answer claims more than the
test does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goodfit.score import Answer, Score, Verdict
from goodfit.statistics.folds import as_folds, factor, level_of, p_of
from goodfit.statistics.power import careful_deviation, careful_discordance, rows_for_mean, rows_for_paired
from goodfit.statistics.proportions import normal_quantile
from goodfit.statistics.sample import Contrast, Sample, Unscorable, sample_of
from goodfit.statistics.table import Kind, kind_of

LEAST_ROWS = 30
"""Rows below which no verdict is given."""
LEAST_CLUSTERS = 10
"""Clusters below which no verdict is given."""
SCARCE = 30
"""Rows below which a class is called scarce."""
MANY_ROWS = 1_000_000
"""Rows beyond which the sentence stops counting."""


@dataclass(frozen=True)
class Question:
    """What is asked of two systems: `margin` that does not matter, `equivalence` margin within which they count as equal."""

    text: str = "a vs b"
    margin: float = 0.0
    equivalence: float | None = None
    level: float = 0.95
    seed: int = 0
    folds: int | None = None
    """How many models gave the answers, each to rows that it did not learn from (statistics/folds.py); None: one model."""

    @property
    def made_at(self) -> float:
        """The level at which the interval is made."""
        return level_of(self.level, self.folds)


def compare(
    kind: str, labels: Any, a: Any, b: Any, *, clusters: Any = None, question: Question | None = None
) -> Verdict:  # fmt: skip
    """Is `a` better than `b` on these rows?

    Args:
        kind: a name of the table; labels, a and b as `score` takes labels and predictions.
        labels: the truth, or None where the kind has none.
        a: predictions of the first system.
        b: predictions of the second, of the same rows in the same order.
        clusters: any name per row; whole clusters are the unit.
        question: its words, margins, level and seed.

    """
    asked = question or Question(f"a vs b on {kind}")
    row = kind_of(kind, multilabel=np.ndim(labels) == 2)
    try:
        first, second = sample_of(row.needs, labels, a, clusters), sample_of(row.needs, labels, b, clusters)
        if first.predictions.shape != second.predictions.shape:
            raise ValueError(f"a has shape {first.predictions.shape}, b {second.predictions.shape}: they must answer the same rows")
        if row.right_at is not None:
            raise Unscorable(f"{row.name} is right at {row.right_at:g}: neither more nor less is better")
        if first.n < max(LEAST_ROWS, row.min_n):
            raise Unscorable(f"{first.n} rows, a verdict takes at least {max(LEAST_ROWS, row.min_n)}")
        if first.units < LEAST_CLUSTERS:
            raise Unscorable(f"{first.units} clusters, a verdict takes at least {LEAST_CLUSTERS}")
        made = row.family.contrast(first, second, asked.made_at, np.random.default_rng(asked.seed))
    except Unscorable as reason:
        return no_answer(row, asked, len(np.asarray(a)), str(reason))
    made = _no_more_than_the_test(made, asked.made_at)
    return _verdict(row, asked, made, first)


def _no_more_than_the_test(made: Contrast, level: float) -> Contrast:
    if made.p is None or made.low is None or made.high is None or made.p <= 1 - level:
        return made
    return replace(made, low=min(made.low, 0.0), high=max(made.high, 0.0))


def _verdict(row: Kind, asked: Question, made: Contrast, sample: Sample) -> Verdict:
    difference = Score(
        name=f"{row.name}_difference", value=made.value, low=made.low, high=made.high, level=asked.level, n=sample.n, unit=row.unit,
        higher_is_better=row.higher_is_better, method=made.method, resamples=made.resamples,
        clusters=None if sample.clusters is None else sample.units,
    )  # fmt: skip
    difference = as_folds(difference, asked.folds, asked.level)
    answer = answer_of(difference, asked.margin, asked.equivalence)
    needed = rows_to_settle(made, sample, asked) if answer == "cannot_tell" else None
    text = sentence(difference, answer, equivalence=asked.equivalence, needed=needed)
    if answer == "cannot_tell" and needed is None and made.value != 0:
        text += _scarce(sample)
    return Verdict(
        question=asked.text, answer=answer, margin=asked.margin, difference=difference, rows_needed=needed, p=_p(made, asked), text=text
    )


def _p(made: Contrast, asked: Question) -> float | None:
    """Of folds the p of the interval (folds.p_of)."""
    if asked.folds is None or made.p is None or made.low is None or made.high is None:
        return made.p
    return p_of(made.value, made.low, made.high, asked.level)


def gain_of(difference: Score) -> tuple[float, float, float]:
    """(gain, low, high) of the first system, turned so that more is better; no interval is -inf, inf."""
    value = difference.value or 0.0
    low = -math.inf if difference.low is None else difference.low
    high = math.inf if difference.high is None else difference.high
    return (value, low, high) if difference.higher_is_better else (-value, -high, -low)


def answer_of(difference: Score, margin: float, equivalence: float | None) -> Answer:
    """The word that the interval of a difference allows."""
    _, low, high = gain_of(difference)
    if low > margin:
        return "better"
    if high < -margin:
        return "worse"
    if equivalence is not None and low > -equivalence and high < equivalence:
        return "no_difference"
    return "cannot_tell"


def rows_to_settle(made: Contrast, sample: Sample, asked: Question) -> int | None:
    """Rows at which a difference like the one seen would be beyond the margin (80% power); None where no number is sensible.

    The rule counts rows as if they were alike. Where it asks for no more rows than there are, it does not hold: something else is
    scarce (rows of a class), and a number would mislead.
    """
    gap = abs(made.value) - asked.margin
    if gap <= 0 or made.low is None or made.high is None:
        return None
    if made.discordance is not None and sample.clusters is None and asked.margin == 0:
        needed = rows_for_paired(gap, careful_discordance(made.discordance, sample.n), level=asked.level)
    else:
        deviation = (made.high - made.low) / 2 / normal_quantile(asked.made_at) * math.sqrt(sample.n)
        needed = rows_for_mean(gap, careful_deviation(deviation, sample.units), level=asked.level)
    if needed is not None:
        needed = math.ceil(needed * factor(asked.folds) ** 2)
    return None if needed is not None and needed <= sample.n else needed


def _scarce(sample: Sample) -> str:
    """`; the rarest class has only 3 rows`, where labels are classes and one of them is that rare."""
    labels = sample.labels
    if labels is None or labels.dtype.kind not in "biu":
        return ""
    counts = labels.reshape(len(labels), -1).sum(axis=0) if labels.dtype.kind == "b" else np.bincount(labels)
    held = counts[counts > 0]
    if not len(held) or held.min() >= SCARCE:
        return ""
    return f"; the rarest class has only {held.min()} row{'' if held.min() == 1 else 's'}"


def sentence(difference: Score, answer: Answer, *, equivalence: float | None = None, needed: int | None = None) -> str:
    """`better by 4.1 points [2.2, 6.0] on the same 750 rows`."""
    gain, low, high = gain_of(difference)
    known = math.isfinite(low) and math.isfinite(high)
    scale, word = (100.0, "points") if difference.unit == "share" else (1.0, difference.unit if difference.unit in ("nats", "bits") else "")
    digits = _digits((high - low) * scale if known else abs(gain) * scale, 1 if scale == 100 else 3)

    def number(x: float) -> str:
        shown = f"{x * scale:.{digits}f}"
        return shown.lstrip("-") if float(shown) == 0 else shown

    unit = f" {word}" if word else ""
    rows = f"the same {difference.n:,} rows" + ("" if difference.clusters is None else f" ({difference.clusters:,} clusters)")
    interval = f" [{number(low)}, {number(high)}]" if known else ""
    if answer == "better":
        return f"better by {number(gain)}{unit}{interval} on {rows}"
    if answer == "worse":
        return f"worse by {number(-gain)}{unit} [{number(-high)}, {number(-low)}] on {rows}"
    if answer == "no_difference" and equivalence is not None:
        return f"no difference that matters (within {number(equivalence)}{unit}): {number(gain)}{unit}{interval} on {rows}"
    if not known:
        return f"cannot tell: the difference is {number(gain)}{unit} on each of {rows}"
    many = "" if needed is None else f"about {_rounded(needed):,}" if needed <= MANY_ROWS else f"more than {MANY_ROWS:,}"
    hint = f"; {many} rows would settle a difference of this size" if many else ""
    return f"cannot tell from {rows}: {number(gain)}{unit}{interval}{hint}"


def _digits(width: float, least: int) -> int:
    """Decimals that give an interval of this width two figures."""
    return least if width <= 0 else min(max(least, 1 - math.floor(math.log10(width))), 6)


def _rounded(rows: int) -> int:
    step = int(10 ** max(len(str(rows)) - 2, 0))
    return math.ceil(rows / step) * step


def no_answer(row: Kind, asked: Question, n: int, reason: str) -> Verdict:
    """`cannot tell: …`, where the two cannot be compared on these rows."""
    difference = Score(
        name=f"{row.name}_difference", level=asked.level, n=n, unit=row.unit, higher_is_better=row.higher_is_better, why_absent=reason
    )
    return Verdict(question=asked.text, answer="cannot_tell", margin=asked.margin, difference=difference, text=f"cannot tell: {reason}")
