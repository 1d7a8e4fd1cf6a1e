"""What evaluate has to say beside numbers: EVA001 to EVA010, each with a page in docs/findings.

Part of evaluate. Every question is answered in every run: open, passed, or not applicable with a reason. Severity follows the
intervals, never a bare number; the rules stand in the docstrings and on the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from goodfit.finding import Finding, Where
from goodfit.monitor.words import count, decision, metric, part, system, too_few
from goodfit.score import Score, Verdict
from goodfit.stages.evaluate.answering import ModelSystem
from goodfit.stages.evaluate.mistakes import is_wrong
from goodfit.stages.evaluate.scoring import MODEL, Scored, outcome, support
from goodfit.statistics.multiple import level_for
from goodfit.statistics.power import careful_discordance, smallest_difference
from goodfit.statistics.scoring import per_class, rare_classes

WEAK_BY = 0.15
"""F1 by which a whole interval must lie below the mean of all labels."""
WEAK_ROWS = 20
WIDE, VERY_WIDE = 0.05, 0.10
"""Half-widths of the primary score's interval from which the rows are few, or too few."""
CLEARLY = 2.58
"""Standard errors beyond which the mean probability is called too high or too low."""
RARE = 10
"""Rows below which a label's own scores say little."""
OFF, FAR_OFF = 0.03, 0.10
"""Lower ends of the calibration error from which probabilities are off, or far off."""
CUT_MUCH = 0.10
SHOWN = 10
"""Labels named in a finding."""
SCARCE = 30
"""Rows below which a label is named as what is lacking in a comparison."""
MORE_ROWS = "score on more rows: raise split.test_size, or label more"


def findings(scored: Scored, model: ModelSystem) -> list[Finding]:
    """All answers, in the order of their codes."""
    questions: tuple[Callable[[Scored], Iterator[Finding]], ...] = (
        _baselines, _collapsed, _weak_labels, _calibrated, _enough_rows, _rare_labels, _gates, _unknown_labels, _reused,
    )  # fmt: skip
    return [*(found for question in questions for found in question(scored)), _truncated(scored, model)]


def _finding(code: str, kind: str, title: str, scored: Scored, **more: Any) -> Finding:
    """An open note unless `severity` and `state` say otherwise."""
    facts = {"code": code, "stage": "evaluate", "kind": kind, "title": title, "where": Where(split=scored.answered.split)}
    return Finding.model_validate(facts | {"severity": more.pop("severity", "note"), "status": more.pop("state", "open")} | more)


def _baselines(scored: Scored) -> Iterator[Finding]:
    """EVA001: error where the model is worse than a baseline on the primary score, warning where that cannot be told."""
    code, kind = "EVA001", "worse_than_baseline"
    asked = [v for v in scored.verdicts if v.question.startswith(f"{MODEL} vs ") and v.question.endswith(f" on {scored.primary}")]
    if not asked:
        reason = "no baseline was asked for" if len(scored.answered.answers) == 1 else f"systems are not compared on {scored.primary}"
        yield _finding(code, kind, "the model was not compared with a baseline", scored, state="not_applicable", reason=reason)
    for verdict in asked:
        key = verdict.question.removeprefix(f"{MODEL} vs ").removesuffix(f" on {scored.primary}")
        name, on = system(key, short=True), metric(scored.primary)
        evidence = tuple(s for s in (scored.headline, scored.of(scored.primary, key)) if s is not None)
        if verdict.answer == "better":
            title = f"the model beats {name}: {verdict.text}"
            yield _finding(code, kind, title, scored, state="passed", verdict=verdict, evidence=evidence)
            continue
        worse = verdict.answer == "worse"
        title = f"the model is worse than {name}" if worse else f"the model is not shown to beat {name}"
        fix = f"use {name}, or look at the curves (train longer, another rate) and at the labels" if worse else _settle(verdict, scored)
        yield _finding(
            code, kind, f"{title} on {on}", scored, severity="error" if worse else "warning",
            detail=verdict.text, verdict=verdict, evidence=evidence, fix=fix,
        )  # fmt: skip


def _settle(verdict: Verdict, scored: Scored) -> str:
    """What would settle a comparison that is open: a number of rows, rows of a scarce label, or a model that differs."""
    if verdict.rows_needed:
        return f"about {count(verdict.rows_needed, 'scored row')} would settle a difference of this size; a better model needs fewer"
    if verdict.difference is None or verdict.difference.value is None:
        return MORE_ROWS
    if verdict.difference.value == 0:
        return "the two score alike on these rows: more rows may tell them apart, a better model would"
    rare = [(name, n) for name, n in rare_classes(scored.answered.truth, scored.answered.names, least=SCARCE) if n]
    if rare:
        return f"score on more rows of {rare[0][0]!r}: there {'is' if rare[0][1] == 1 else 'are'} only {rare[0][1]}"
    return MORE_ROWS


def _collapsed(scored: Scored) -> Iterator[Finding]:
    """EVA002: error where the model gives every row the same answer although the rows have several."""
    code, kind, answered = "EVA002", "collapsed", scored.answered
    truth, predictions = answered.truth, answered.answers[MODEL].predictions
    if len(answered) < 2 or len(np.unique(truth, axis=0)) < 2:
        reason = "the rows all have the same label"
        yield _finding(code, kind, "whether the model gives one answer only was not asked", scored, state="not_applicable", reason=reason)
    elif len(np.unique(predictions, axis=0)) == 1:
        labels = predictions[:1, : answered.task.n_labels] if answered.task.multi_label else predictions[:1]
        given = answered.task.names(labels)[0]
        title = f"the model answers {given!r} to every row" if given else "the model gives no row any label"
        yield _finding(
            code, kind, title, scored, severity="error", n_rows=len(answered),
            detail="It has learned nothing beyond the most frequent answer.",
            fix="lower train.learning_rate, train longer, or set train.class_weights: balanced",
        )  # fmt: skip
    else:
        yield _finding(code, kind, "the model gives different answers to different rows", scored, state="passed")


def _weak_labels(scored: Scored) -> Iterator[Finding]:
    """EVA003: warning for labels of at least 20 rows whose F1 lies, with its whole interval, 15 points below the mean of all labels.

    The intervals hold together for all labels (Bonferroni), so that among many labels none is weak by chance.
    """
    code, kind, answered = "EVA003", "weak_class", scored.answered
    made, counts = outcome(answered, MODEL), support(answered)
    level = level_for(len(answered.names))
    f1 = per_class("f1", made.truth, made.predictions, names=answered.names, clusters=made.clusters, level=level)
    values = [s.value for s in f1 if s.value is not None]
    if len(values) < 2:
        reason = "fewer than two labels have rows"
        yield _finding(code, kind, "weak labels were not looked for", scored, state="not_applicable", reason=reason)
        return
    bar = float(np.mean(values)) - WEAK_BY
    weak = [s for s in f1 if s.high is not None and s.high < bar and counts[str(s.label)] >= WEAK_ROWS]
    if not weak:
        yield _finding(code, kind, "no label is far weaker than the others", scored, state="passed")
        return
    weak.sort(key=lambda s: s.value or 0.0)
    named = "; ".join(f"{s.label!r} {_interval(s)} on {count(s.n, 'row')}" for s in weak[:SHOWN])
    touched = [answered.names.index(str(s.label)) for s in weak]
    carried = answered.truth[:, touched].any(axis=1) if answered.task.multi_label else np.isin(answered.truth, touched)
    more = f" and {len(weak) - SHOWN} more" if len(weak) > SHOWN else ""
    yield _finding(
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
        reason = _why_absent(ece, scored) or ece.method or "no interval"
        yield _finding(code, kind, "whether the probabilities are right was not asked", scored, state="not_applicable", reason=reason)
        return
    slope = next((s for s in scored.calibration if s.name == "calibration_slope"), None)
    evidence = tuple(s for s in scored.calibration if s.value is not None)
    if ece.low < OFF:
        yield _finding(code, kind, f"the probabilities are about right: {_off(ece)}", scored, state="passed", evidence=evidence)
        return
    kind = _direction(scored, slope)
    sharp = "" if slope is None or slope.value is None else f" Slope {slope.value:.2f} (below 1: too extreme; above: too timid)."
    fitted = scored.answered.task.decision.temperature != 1
    yield _finding(
        code, kind, f"the model is {kind}: its probabilities are off by {100 * ece.value:.1f} points", scored,
        severity="warning" if ece.low >= FAR_OFF else "note", evidence=evidence,
        detail=f"Debiased calibration error {_interval(ece)}.{sharp} {_capital(decision(scored.answered.task.decision.reason))}.",
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
    return float(of_row.mean()), float(of_row.std() / np.sqrt(len(of_row)))


def _enough_rows(scored: Scored) -> Iterator[Finding]:
    """EVA005: note where the primary score is known to no better than 5 points, warning from 10 or where it is not scored."""
    code, kind, top, n = "EVA005", "few_rows", scored.headline, len(scored.answered)
    if top.value is None:
        title = f"{metric(top.name)} is not scored: {_why_absent(top, scored)}"
        yield _finding(code, kind, title, scored, severity="warning", n_rows=n, fix=MORE_ROWS)
        return
    if top.unit != "share" or top.low is None or top.high is None:
        reason = f"{metric(top.name)} has no interval between 0 and 1"
        yield _finding(code, kind, "whether the rows are enough was not asked", scored, state="not_applicable", reason=reason)
        return
    half, rows = (top.high - top.low) / 2, f"{count(n, 'row')} {'gives' if n == 1 else 'give'} {metric(top.name)}"
    differ = careful_discordance(float(min(is_wrong(scored.answered).mean(), 0.5)), n)
    visible = smallest_difference(n, differ)
    other = f"Another model that answers {100 * differ:.1f}% of the rows otherwise"
    detail = f"{other} must be {100 * visible:.1f} points better to be told apart."
    if visible >= differ:
        detail = f"{other} cannot be told apart, even if it is right wherever they differ."
    if half <= WIDE:
        title = f"{rows} to within {100 * half:.1f} points"
        yield _finding(code, kind, title, scored, state="passed", detail=detail, evidence=(top,))
        return
    yield _finding(
        code, kind, f"{rows} only to within {100 * half:.1f} points", scored, detail=detail, evidence=(top,), n_rows=n,
        severity="warning" if half > VERY_WIDE else "note", fix=MORE_ROWS,
    )  # fmt: skip


def _rare_labels(scored: Scored) -> Iterator[Finding]:
    """EVA006: note for labels with fewer than 10 rows, those without any named first."""
    code, kind, answered = "EVA006", "few_rows", scored.answered
    rare = rare_classes(answered.truth, answered.names, least=RARE)
    if not rare:
        yield _finding(code, kind, f"every label has at least {RARE} rows", scored, state="passed")
        return
    named = ", ".join(f"{name!r} {count}" for name, count in rare[:SHOWN]) + (f" and {len(rare) - SHOWN} more" if len(rare) > SHOWN else "")
    none = sum(count == 0 for _, count in rare)
    absent = (
        ""
        if not none
        else f"; {none} of them {'has' if none == 1 else 'have'} none, and nothing is known of {'it' if none == 1 else 'these'}"
    )
    yield _finding(
        code, kind, f"{part(len(rare), len(answered.names), 'label', ('has', 'have'))} fewer than {RARE} rows{absent}", scored,
        detail=f"Rows: {named}. Their own scores, and their part in macro F1, say little.", n_rows=sum(count for _, count in rare),
        fix="label more rows of these, or merge labels that need not be told apart",
    )  # fmt: skip


def _gates(scored: Scored) -> Iterator[Finding]:
    """EVA007: error for a gate that is missed, note for one that is undecided."""
    code, kind = "EVA007", "gate"
    if not scored.gates:
        reason = "evaluate.gates is empty"
        yield _finding(code, kind, "no gate was set", scored, state="not_applicable", reason=reason)
    for gate in scored.gates:
        answer = gate["answer"]
        interval = _gate_interval(gate)
        rows = f"; about {count(gate['rows_needed'], 'row')} would decide" if gate.get("rows_needed") else ""
        title = f"the gate {_bar(gate['gate'])} is {answer}: {interval}{rows}"
        if answer == "met":
            yield _finding(code, kind, title, scored, state="passed")
        else:
            fix = "the model is not good enough yet for the bar you set" if answer == "missed" else "score on more rows"
            yield _finding(code, kind, title, scored, severity="error" if answer == "missed" else "note", fix=fix)


def _unknown_labels(scored: Scored) -> Iterator[Finding]:
    """EVA008: warning for rows whose label the model cannot give; they count as mistakes."""
    code, kind, answered = "EVA008", "unknown_label", scored.answered
    if not answered.unknown:
        yield _finding(code, kind, "the model knows every label of the rows", scored, state="passed")
        return
    named = ", ".join(map(repr, answered.unknown[:SHOWN])) + (" …" if len(answered.unknown) > SHOWN else "")
    yield _finding(
        code, kind, _cannot_give(answered.unknown_rows), scored, severity="warning",
        detail=f"No training row carries {named}. Such rows count as mistakes, and are left out of scores of probabilities.",
        n_rows=answered.unknown_rows, fix="correct the labels, or give training rows for them",
    )  # fmt: skip


def _reused(scored: Scored) -> Iterator[Finding]:
    """EVA009: note where the test rows have judged more than one model, warning where they are spent."""
    code, kind, looks = "EVA009", "test_reused", scored.ledger
    if looks is None:
        yield _finding(code, kind, "test rows were not opened", scored, state="not_applicable", reason="evaluate.on is not test")
    elif looks.models_scored <= 1:
        yield _finding(code, kind, "these test rows have judged no other model", scored, state="passed")
    else:
        spent = looks.state == "spent"
        mine = [s for s in scored.scores if s.name == scored.primary and s.system == MODEL]
        widened = [s for s in mine if s.level == looks.level_corrected and s.value is not None]
        trusted = f" The interval that holds for all of them: {_interval(widened[-1])}." if widened else ""
        yield _finding(
            code, kind, f"these test rows have judged {count(looks.models_scored, 'model')}{' and are spent' if spent else ''}", scored,
            severity="warning" if spent else "note", evidence=tuple(widened[-1:]),
            detail=f"The best of several models on the same rows flatters.{trusted} Gates are judged by it.",
            fix="choose between models with evaluate.on: valid, and open the test rows once; a fresh test set starts anew",
        )  # fmt: skip


def _truncated(scored: Scored, model: ModelSystem) -> Finding:
    """EVA010: note where scored rows were cut at the maximum length, warning above 10%."""
    code, kind = "EVA010", "truncation"
    if not model.truncated:
        return _finding(code, kind, "no scored row was cut", scored, state="passed")
    share = model.truncated / max(1, model.rows)
    return _finding(
        code, kind, f"{part(model.truncated, model.rows, 'scored row', ('was', 'were'))} cut at the maximum length", scored,
        severity="warning" if share > CUT_MUCH else "note", n_rows=model.truncated,
        detail="The model saw their beginnings only, as it will when it is used.", fix="set prepare.max_length higher",
    )  # fmt: skip


def _cannot_give(rows: int) -> str:
    return f"{count(rows, 'row')} {'has a label' if rows == 1 else 'have labels'} that the model cannot give"


def _gate_interval(gate: dict[str, Any]) -> str:
    if gate.get("value") is None:
        return "not scored"
    if gate.get("low") is None or gate.get("high") is None:
        return f"{gate['value']:.3f} (no interval)"
    return f"{gate['value']:.3f} [{gate['low']:.3f}, {gate['high']:.3f}]"


def _bar(gate: str) -> str:
    """`macro_f1 >= 0.8` -> `macro F1 >= 0.8`."""
    name, space, rest = gate.partition(" ")
    return f"{metric(name)}{space}{rest}"


def _why_absent(score: Score, scored: Scored) -> str:
    return too_few(score.why_absent, score.n, "test row" if scored.answered.split == "test" else "validation row")


def _off(ece: Score) -> str:
    assert ece.value is not None
    assert ece.low is not None
    assert ece.high is not None
    return f"off by {100 * ece.value:.1f} points [{100 * ece.low:.1f}, {100 * ece.high:.1f}] on average"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _interval(score: Score) -> str:
    if score.value is None or score.low is None or score.high is None:
        return str(score)
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"
