"""What evaluate has to say beside numbers: EVA001 to EVA010, each with a page in docs/findings.

Part of evaluate. Every question is answered in every run: open, passed, or not applicable with a reason. Severity follows the
intervals, never a bare number; the rules stand in the docstrings and on the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from goodfit.finding import Finding
from goodfit.monitor.words import count, decision, metric, part
from goodfit.score import Score
from goodfit.stages.evaluate.answering import ModelSystem
from goodfit.stages.evaluate.mistakes import is_wrong
from goodfit.stages.evaluate.questions import (
    VERY_WIDE,
    WIDE,
    baselines,
    finding,
    gates,
    interval,
    more_rows,
    reused,
    truncated,
    why_absent,
)  # fmt: skip
from goodfit.stages.evaluate.scoring import MODEL, Scored, outcome, support
from goodfit.statistics.folds import factor, worth
from goodfit.statistics.multiple import level_for
from goodfit.statistics.power import careful_discordance, smallest_difference
from goodfit.statistics.scoring import rare_classes
from goodfit.tasks import metrics

WEAK_BY = 0.15
"""F1 by which a whole interval must lie below the mean of all labels."""
WEAK_ROWS = 20
CLEARLY = 2.58
"""Standard errors beyond which the mean probability is called too high or too low."""
RARE = 10
"""Rows below which a label's own scores say little."""
OFF, FAR_OFF = 0.03, 0.10
"""Lower ends of the calibration error from which probabilities are off, or far off."""
SHOWN = 10
"""Labels named in a finding."""


def findings(scored: Scored, model: ModelSystem) -> list[Finding]:
    """All answers, in the order of their codes."""
    questions: tuple[Callable[[Scored], Iterator[Finding]], ...] = (
        baselines, _collapsed, _weak_labels, _calibrated, _enough_rows, _rare_labels, gates, _unknown_labels, reused,
    )  # fmt: skip
    return [*(found for question in questions for found in question(scored)), truncated(scored, model.truncated, model.rows)]


def _collapsed(scored: Scored) -> Iterator[Finding]:
    """EVA002: error where the model gives every row the same answer although the rows have several."""
    code, kind, answered = "EVA002", "collapsed", scored.answered
    truth, predictions = answered.truth, answered.answers[MODEL].predictions
    if len(answered) < 2 or len(np.unique(truth, axis=0)) < 2:
        reason = "the rows all have the same label"
        yield finding(code, kind, "whether the model gives one answer only was not asked", scored, state="not_applicable", reason=reason)
    elif len(np.unique(predictions, axis=0)) == 1:
        labels = predictions[:1, : answered.task.n_labels] if answered.task.multi_label else predictions[:1]
        given = answered.task.names(labels)[0]
        title = f"the model answers {given!r} to every row" if given else "the model gives no row any label"
        yield finding(
            code, kind, title, scored, severity="error", n_rows=len(answered),
            detail="It has learned nothing beyond the most frequent answer.",
            fix="lower train.learning_rate, train longer, or set train.class_weights: balanced",
        )  # fmt: skip
    else:
        yield finding(code, kind, "the model gives different answers to different rows", scored, state="passed")


def _weak_labels(scored: Scored) -> Iterator[Finding]:
    """EVA003: warning for labels of at least 20 rows whose F1 lies, with its whole interval, 15 points below the mean of all labels.

    The intervals hold together for all labels (Bonferroni), so that among many labels none is weak by chance.
    """
    code, kind, answered = "EVA003", "weak_class", scored.answered
    made, counts = outcome(answered, MODEL), support(answered)
    f1 = metrics.of_labels("f1", made, level_for(len(answered.names)))
    values = [s.value for s in f1 if s.value is not None]
    if len(values) < 2:
        reason = "fewer than two labels have rows"
        yield finding(code, kind, "weak labels were not looked for", scored, state="not_applicable", reason=reason)
        return
    bar = float(np.mean(values)) - WEAK_BY
    weak = [s for s in f1 if s.high is not None and s.high < bar and counts[str(s.label)] >= WEAK_ROWS]
    if not weak:
        yield finding(code, kind, "no label is far weaker than the others", scored, state="passed")
        return
    weak.sort(key=lambda s: s.value or 0.0)
    named = "; ".join(f"{s.label!r} {interval(s)} on {count(s.n, 'row')}" for s in weak[:SHOWN])
    touched = [answered.names.index(str(s.label)) for s in weak]
    carried = answered.truth[:, touched].any(axis=1) if answered.task.multi_label else np.isin(answered.truth, touched)
    more = f" and {len(weak) - SHOWN} more" if len(weak) > SHOWN else ""
    yield finding(
        code, kind, f"{part(len(weak), len(values), 'label', ('is', 'are'))} far weaker than the others", scored, severity="warning",
        detail=f"F1 with intervals that hold for all labels together, mean {np.mean(values):.3f}: {named}{more}.",
        n_rows=int((carried & is_wrong(answered)).sum()), evidence=tuple(s.about(system=MODEL, split=answered.split) for s in weak[:SHOWN]),
        fix="look at their rows in the confusion matrix: too few rows, labels that overlap, or wrong labels; train.class_weights: balanced",
    )  # fmt: skip


def _calibrated(scored: Scored) -> Iterator[Finding]:
    """EVA004: note where the calibration error is at least 3 points for certain, warning from 10."""
    code, kind = "EVA004", "overconfident"
    ece = next(s for s in scored.calibration if s.name == "ece")
    if ece.value is None or ece.low is None:
        reason = why_absent(ece, scored) or ece.method or "no interval"
        yield finding(code, kind, "whether the probabilities are right was not asked", scored, state="not_applicable", reason=reason)
        return
    slope = next((s for s in scored.calibration if s.name == "calibration_slope"), None)
    evidence = tuple(s for s in scored.calibration if s.value is not None)
    if ece.low < OFF:
        yield finding(code, kind, f"the probabilities are about right: {_off(ece)}", scored, state="passed", evidence=evidence)
        return
    kind = _direction(scored, slope)
    sharp = "" if slope is None or slope.value is None else f" Slope {slope.value:.2f} (below 1: too extreme; above: too timid)."
    fitted = scored.answered.task.decision.temperature != 1 or scored.answered.folds is not None
    yield finding(
        code, kind, f"the model is {kind}: its probabilities are off by {100 * ece.value:.1f} points", scored,
        severity="warning" if ece.low >= FAR_OFF else "note", evidence=evidence,
        detail=f"Debiased calibration error {interval(ece)}.{sharp} {_capital(decision(scored.answered.task.decision.reason))}.",
        fix="do not read the probabilities as shares of rows that are right"
        + ("" if fitted else "; more validation rows allow a temperature to be fitted"),
    )  # fmt: skip


def _direction(scored: Scored, slope: Score | None) -> str:
    """`overconfident` or `underconfident` where mean probability or slope say so beyond chance, and agree; else `miscalibrated`."""
    excess, error = _mean_excess(scored)
    said = {"overconfident" if excess > 0 else "underconfident"} if abs(excess) > CLEARLY * error else set()
    if slope is not None and slope.low is not None and slope.high is not None and not slope.low <= 1 <= slope.high:
        said.add("overconfident" if slope.high < 1 else "underconfident")
    return said.pop() if len(said) == 1 else "miscalibrated"


def _mean_excess(scored: Scored) -> tuple[float, float]:
    """Mean probability minus share right over the decisions, and its standard error (rows as units)."""
    truth, p, _ = outcome(scored.answered, MODEL).within
    single = truth.ndim == 1
    of_row = p.max(axis=1) - (p.argmax(axis=1) == truth) if single else np.where(p >= 0.5, p - truth, (1 - p) - ~truth).mean(axis=1)
    return float(of_row.mean()), factor(scored.answered.folds) * float(of_row.std() / np.sqrt(len(of_row)))


def _enough_rows(scored: Scored) -> Iterator[Finding]:
    """EVA005: note where the primary score is known to no better than 5 points, warning from 10 or where it is not scored."""
    code, kind, top, n = "EVA005", "few_rows", scored.headline, len(scored.answered)
    if top.value is None:
        title = f"{metric(top.name)} is not scored: {why_absent(top, scored)}"
        yield finding(code, kind, title, scored, severity="warning", n_rows=n, fix=more_rows(scored))
        return
    if top.unit != "share" or top.low is None or top.high is None:
        reason = f"{metric(top.name)} has no interval between 0 and 1"
        yield finding(code, kind, "whether the rows are enough was not asked", scored, state="not_applicable", reason=reason)
        return
    half, rows = (top.high - top.low) / 2, f"{count(n, 'row')} {'gives' if n == 1 else 'give'} {metric(top.name)}"
    differ = careful_discordance(float(min(is_wrong(scored.answered).mean(), 0.5)), n)
    visible = smallest_difference(worth(n, scored.answered.folds), differ)
    other = f"Another model that answers {100 * differ:.1f}% of the rows otherwise"
    detail = f"{other} must be {100 * visible:.1f} points better to be told apart."
    if visible >= differ:
        detail = f"{other} cannot be told apart, even if it is right wherever they differ."
    if half <= WIDE:
        title = f"{rows} to within {100 * half:.1f} points"
        yield finding(code, kind, title, scored, state="passed", detail=detail, evidence=(top,))
        return
    yield finding(
        code, kind, f"{rows} only to within {100 * half:.1f} points", scored, detail=detail, evidence=(top,), n_rows=n,
        severity="warning" if half > VERY_WIDE else "note", fix=more_rows(scored),
    )  # fmt: skip


def _rare_labels(scored: Scored) -> Iterator[Finding]:
    """EVA006: note for labels with fewer than 10 rows, those without any named first."""
    code, kind, answered = "EVA006", "few_rows", scored.answered
    rare = rare_classes(answered.truth, answered.names, least=RARE)
    if not rare:
        yield finding(code, kind, f"every label has at least {RARE} rows", scored, state="passed")
        return
    named = ", ".join(f"{name!r} {count}" for name, count in rare[:SHOWN]) + (f" and {len(rare) - SHOWN} more" if len(rare) > SHOWN else "")
    none = sum(count == 0 for _, count in rare)
    absent = (
        ""
        if not none
        else f"; {none} of them {'has' if none == 1 else 'have'} none, and nothing is known of {'it' if none == 1 else 'these'}"
    )
    yield finding(
        code, kind, f"{part(len(rare), len(answered.names), 'label', ('has', 'have'))} fewer than {RARE} rows{absent}", scored,
        detail=f"Rows: {named}. Their own scores, and their part in macro F1, say little.", n_rows=sum(count for _, count in rare),
        fix="label more rows of these, or merge labels that need not be told apart",
    )  # fmt: skip


def _unknown_labels(scored: Scored) -> Iterator[Finding]:
    """EVA008: warning for rows whose label the model cannot give; they count as mistakes."""
    code, kind, answered = "EVA008", "unknown_label", scored.answered
    if not answered.unknown:
        yield finding(code, kind, "the model knows every label of the rows", scored, state="passed")
        return
    named = ", ".join(map(repr, answered.unknown[:SHOWN])) + (" …" if len(answered.unknown) > SHOWN else "")
    yield finding(
        code, kind, _cannot_give(answered.unknown_rows), scored, severity="warning",
        detail=f"No training row carries {named}. Such rows count as mistakes, and are left out of scores of probabilities.",
        n_rows=answered.unknown_rows, fix="correct the labels, or give training rows for them",
    )  # fmt: skip


def _cannot_give(rows: int) -> str:
    return f"{count(rows, 'row')} {'has a label' if rows == 1 else 'have labels'} that the model cannot give"


def _off(ece: Score) -> str:
    assert ece.value is not None
    assert ece.low is not None
    assert ece.high is not None
    return f"off by {100 * ece.value:.1f} points [{100 * ece.low:.1f}, {100 * ece.high:.1f}] on average"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
