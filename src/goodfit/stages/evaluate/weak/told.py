"""EVA020: slices of rows that the model gets wrong more often than other rows of the same classes. Part of evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goodfit.finding import ROWS_SHOWN, Finding, Where
from goodfit.monitor.words import count, visible
from goodfit.score import Score
from goodfit.stages.evaluate.questions import Judged, finding
from goodfit.stages.evaluate.weak.search import LEVEL, Slice, Slices

CODE, KIND = "EVA020", "weak_slice"
TOLD = 5
"""Slices with a finding of their own; all of them stand in scores.json."""
FOUND_ON = {"valid": "validation row", "folds": "out-of-fold row"}
OTHERS = {"folds": "the other half"}
"""What the rows are called that confirm, where it is not their split."""
MATTERS = 0.05
"""Points of accuracy below its classes from which a confirmed slice is a warning."""


def weak_slices(scored: Judged, slices: Slices) -> Iterator[Finding]:
    """Warning for a slice that was found on validation and confirmed on the evaluated rows, note for one that could not be confirmed."""
    if slices.why_not is not None:
        yield finding(CODE, KIND, "weak slices were not looked for", scored, state="not_applicable", reason=slices.why_not)
        return
    told = [one for one in slices.found if one.state != "not_confirmed"]
    if not told:
        lost = [one for one in slices.found if one.state == "not_confirmed"]
        yield finding(CODE, KIND, f"no slice of {slices.candidates:,} fails more often than the rest", scored, state="passed",
                      detail=_not_confirmed(lost) + _visible(slices))  # fmt: skip
        return
    yield from (_finding(one, scored, slices) for one in told[:TOLD])


def _finding(one: Slice, scored: Judged, slices: Slices) -> Finding:
    """The gap is the one that is to be expected, which is smaller than the one seen."""
    gap = -100 * one.shrunken
    shown = one.accuracy if one.confirmed is None else one.confirmed
    sure, found_on = one.state == "confirmed", FOUND_ON[str(one.accuracy.split)]
    interval = _interval(one.verdict.difference)
    how = _confirmed(one, scored.split)
    severity: Any = "warning" if sure and -one.shrunken >= MATTERS else "note"
    title = f"weak where {visible(one.where)}: {_percent(shown)} right, about {gap:.0f} points below other rows of these classes"
    return finding(
        CODE, KIND, title, scored, severity=severity, n_rows=one.n, rows=one.rows[:ROWS_SHOWN], verdict=one.verdict,
        where=Where(split=one.accuracy.split),
        evidence=tuple(s for s in (one.confirmed, one.accuracy) if s is not None),
        detail=f"Found on {count(one.n, found_on)} among {slices.candidates:,} slices; the gap is {interval}, with an interval "
        f"that holds for all of them together. {how} As good as the rest, it would bring {100 * one.points:.1f} points of accuracy.",
        fix="look at these rows: label more like them, correct their labels, or say what the model must not be used for",
    )  # fmt: skip


def _confirmed(one: Slice, split: str) -> str:
    """What the evaluated rows say of it."""
    if one.state == "confirmed" and one.confirmed is not None and one.p_confirmed is not None:
        where = OTHERS.get(split, split)
        return f"On {count(one.confirmed.n, 'row')} of {where} it is confirmed (p {one.p_confirmed:.4f}, Holm over the slices asked)."
    if one.state == "too_few_rows":
        return "The evaluated rows have too few of it to confirm it."
    return "It was found on the rows that are scored: there are no others to confirm it on."


def _not_confirmed(lost: list[Slice]) -> str:
    if not lost:
        return ""
    named = "; ".join(visible(one.where) for one in lost[:TOLD])
    where = FOUND_ON[str(lost[0].accuracy.split)]
    return f"{count(len(lost), 'slice')} stood out on {where}s and {'was' if len(lost) == 1 else 'were'} not confirmed: {named}. "


def _visible(slices: Slices) -> str:
    """What would have been seen."""
    if slices.visible is None:
        return ""
    return (
        f"A slice of a tenth of the rows would have shown from about {100 * slices.visible:.0f} points (level {LEVEL:g} for all together)."
    )


def _percent(score: Score) -> str:
    ends = "" if score.low is None or score.high is None else f" [{100 * score.low:.0f}, {100 * score.high:.0f}]"
    return f"{100 * (score.value or 0):.0f}%{ends}"


def _interval(difference: Score | None) -> str:
    if difference is None or difference.value is None or difference.low is None or difference.high is None:
        return "not measured"
    low, value, high = (-100 * x for x in (difference.high, difference.value, difference.low))
    return f"{value:.1f} points [{low:.1f}, {high:.1f}]"
