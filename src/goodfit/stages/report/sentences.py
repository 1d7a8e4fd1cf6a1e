"""The sentences of the first screen, each with its evidence: score, bar, training, data, groups, limits.

Part of the report stage (`collect` calls it). There are always five: a part that is not known is said to be unknown.
Where groups were compared, one more says what came of it; where they were not, the limits say so.
"""

from __future__ import annotations

from dataclasses import dataclass

from goodfit.finding import SEVERITIES, Finding
from goodfit.score import Score, Verdict
from goodfit.stages.report import assess_words as of_groups
from goodfit.stages.report import sentences_written as of_written
from goodfit.stages.report import words
from goodfit.stages.report.answer import Known, bar, primary_verdicts
from goodfit.stages.report.results import MODEL, baselines, of
from goodfit.stages.report.schema import CalibrationFacts, ClassFacts, DataFacts, Evidence, GateFacts, Sentence
from goodfit.stages.report.schema_assess import AssessFacts
from goodfit.stages.report.schema_training import TrainingFacts
from goodfit.stages.report.schema_written import GenerationFacts, ReviewFacts
from goodfit.stages.report.text import label
from goodfit.stages.report.text import name as readable

FIT_KINDS = {
    "overfitting", "overconfident", "underfitting", "too_short", "rate_too_high", "rate_too_low", "diverged", "dead", "collapsed",
    "memorising", "noise_memorised", "noise_ceiling", "validation_too_small", "seed_dependent",
}  # fmt: skip
FEW_ROWS = 30
"""Below so many rows a class's interval says little (methods 8.6)."""
SAID_STOPS = {
    "early_stopping": "it was stopped early because validation no longer improved",
    "action": "it was stopped by a diagnosis",
    "signal": "it was interrupted",
    "nonfinite": "it ended on a loss that was not finite",
}


@dataclass(frozen=True)
class Facts:
    """What the sentences may speak of."""

    known: Known
    data: DataFacts
    training: TrainingFacts | None
    classes: list[ClassFacts]
    calibration: CalibrationFacts | None
    written: GenerationFacts | None = None
    """Of a model that writes."""
    review: ReviewFacts | None = None
    assess: AssessFacts | None = None


def five(facts: Facts) -> list[Sentence]:
    """Score, bar, training, data, limits; before the limits what came of comparing groups, where they were."""
    groups = of_groups.sentence(facts.assess)
    return [_score(facts), _bar(facts), _training(facts), _data(facts), *([] if groups is None else [groups]), _limits(facts)]


# -- 1: the score, against the best of the simple methods --------------------------------------------------------------


def _score(facts: Facts) -> Sentence:
    primary, scores = facts.known.primary, facts.known.scores
    if scores is None or primary is None:
        return Sentence(topic="score", text="The model was not scored, so nothing is known of how well it works.")
    evidence = [_of_score(primary)]
    if primary.value is None:
        what = words.upper(words.metric(primary.name))
        return Sentence(topic="score", text=f"{what} could not be measured: {words.absent(primary)}.", evidence=evidence)
    whose = "the" if scores.on == "folds" else "its"
    what = f"{whose} {words.metric(primary.name)}" if facts.written is None else of_written.whose(primary.name)
    text = f"{_rows_seen(scores.on, primary.n)} {what} is {words.score(primary)}"
    evidence += of_written.preferred(facts.review)
    rival = _strongest(facts)
    if rival is None:
        return Sentence(topic="score", text=f"{text}; nothing simpler was scored beside it.", evidence=evidence)
    other, verdict = rival
    evidence.insert(1, Evidence(kind="verdict", text=_of_verdict(other, verdict), ref="scores"))
    return Sentence(topic="score", text=f"{text}; {_compared(other, verdict)}.", evidence=evidence)


def _rows_seen(on: str, n: int) -> str:
    rows = words.count(n, f"{words.split(on)} row")
    if on == "valid":
        return f"On {rows}, which also chose the weights,"
    return f"On {rows}, each predicted by a model that had not seen it," if on == "folds" else f"On {rows} that it never saw,"


def _strongest(facts: Facts) -> tuple[str, Verdict] | None:
    """The verdict against the best simple method: the one with the highest score among those compared."""
    verdicts = primary_verdicts(facts.known.scores)
    order = [score.system for score in baselines(facts.known.scores)] if facts.known.scores else []
    ranked = sorted(verdicts, key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
    return ranked[0] if ranked else None


def _compared(other: str, verdict: Verdict) -> str:
    rival = words.system(other)
    if verdict.difference is None or verdict.difference.value is None:
        return f"against {rival}: {words.answer(verdict.answer)}"
    by = words.difference(words.size_of(verdict.difference), sign=False)
    said = {
        "better": f"that is better than {rival} by {by} on the same rows",
        "worse": f"that is worse than {rival} by {by} on the same rows",
        "no_difference": f"that is no difference that matters to {rival} ({words.difference(verdict.difference)})",
        "cannot_tell": f"whether that is better than {rival} cannot be told from these rows ({words.difference(verdict.difference)})",
    }
    return said.get(verdict.answer, readable(verdict.text))


# -- 2: the bar ---------------------------------------------------------------------------------------------------------


def _bar(facts: Facts) -> Sentence:
    gates = facts.known.scores.gates if facts.known.scores else []
    if not gates:
        text = (
            "No bar was set beforehand (evaluate.gates), so the report can say whether it beats simple methods, not whether that is enough."
        )
        if facts.known.scores is None:
            text = "Whether it is good enough cannot be judged without a score."
        return Sentence(topic="bar", text=text)
    said = [_gate(gate) for gate in gates]
    evidence = [Evidence(kind="gate", text=f"{bar(g.gate)}: {words.answer(g.answer)}", ref="scores") for g in gates]
    return Sentence(topic="bar", text=f"{words.upper('; '.join(said))}.", evidence=evidence)


def _gate(gate: GateFacts) -> str:
    return {
        "met": f"the bar {bar(gate.gate)} is met: the whole interval lies on the right side of it",
        "missed": f"the bar {bar(gate.gate)} is missed: the whole interval lies on the wrong side of it",
    }.get(gate.answer, f"the bar {bar(gate.gate)} is undecided{_undecided(gate)}")


def _undecided(gate: GateFacts) -> str:
    if gate.why_absent:
        return f": {readable(gate.why_absent)}"
    more = f", and about {words.count(gate.rows_needed, 'row')} would decide it" if gate.rows_needed else ""
    return f": it lies inside the interval{more}"


# -- 3: the training ----------------------------------------------------------------------------------------------------


def _training(facts: Facts) -> Sentence:
    training = facts.training
    if training is None:
        return Sentence(topic="training", text="Nothing was trained.")
    diagnoses = [f for f in facts.known.findings if f.stage == "train" and f.kind in FIT_KINDS]
    raised = sorted((f for f in diagnoses if f.status == "open"), key=lambda f: -SEVERITIES.index(f.severity))
    evidence = [_of_finding(f) for f in raised[:2]]
    if training.best and training.best.score:
        best = training.best.score
        evidence.append(Evidence(kind="score", text=f"validation {words.metric(best.name)} {words.score(best)}", ref="training"))
    if raised:
        text = f"The training curves say: {readable(raised[0].title)}."
    elif any(f.status == "passed" for f in diagnoses):
        text = "The training curves show neither over- nor underfitting."
    else:
        text = ""
    return Sentence(topic="training", text=f"{text} {_steps(training)}{_both_sides(training)}".strip(), evidence=evidence)


def _both_sides(training: TrainingFacts) -> str:
    """The score of the kept weights on rows they were trained on and on rows they were not: what over- and underfitting look like."""
    best, metric = training.best, training.metric
    if best is None or metric is None:
        return ""
    at_best = {p.split: p.value for p in training.score if p.step == best.step}
    if not {"valid", "train_probe"} <= set(at_best) or not all(0 <= value <= 1 for value in at_best.values()):
        return ""
    seen, unseen = (words.number(at_best[split]) for split in ("train_probe", "valid"))
    return f" Their {words.metric(metric)} is {seen} on training rows and {unseen} on validation rows."


def _steps(training: TrainingFacts) -> str:
    total = f" of {training.steps_total:,}" if training.steps_total and training.steps_total != training.steps else ""
    done = f"{training.steps:,}{total} steps were done"
    if training.steps == 1 and not total:
        done = "One step was done"
    why = SAID_STOPS.get(training.stopped_by or "")
    text = f"{done}; {why}" if why else done
    if training.best is None:
        return f"{text}."
    kept = (
        "the last weights are the best and were kept"
        if training.best.step == training.steps
        else f"the weights of step {training.best.step:,} were kept"
    )
    return f"{text}; {kept}."


# -- 4: the data --------------------------------------------------------------------------------------------------------


def _data(facts: Facts) -> Sentence:
    data = facts.data
    raised = [f for f in facts.known.open if f.stage in ("split", "audit", "prepare") and f.severity != "note"]
    raised.sort(key=lambda f: (-SEVERITIES.index(f.severity), -f.n_rows))
    evidence = [_of_finding(f) for f in raised[:2]]
    if data.read is None or data.used is None:
        return Sentence(topic="data", text="How many rows were read and used is not recorded.", evidence=evidence)
    used = "all are used" if data.used == data.read else f"{data.used:,} used"
    dropped = words.reasons(data.dropped)
    text = (
        f"Of {words.count(data.read, 'row')} read, {used}"
        if data.used != data.read
        else f"{words.count(data.read, 'row')} were read and {used}"
    )
    if dropped:
        text += f" and {sum(data.dropped.values()):,} dropped ({dropped})"
    text += of_written.left_out(facts.written) if facts.written is not None else ""
    cut = sum(data.cut.values())
    if cut:
        text += f"; {words.cut_rows(data.cut)} {'was' if cut == 1 else 'were'} cut at {data.max_length or 'the maximum'} tokens"
    return Sentence(topic="data", text=f"{text}; {_raised(facts, raised)}.", evidence=evidence)


def _raised(facts: Facts, raised: list[Finding]) -> str:
    audited = any(stage.name == "audit" and stage.state in ("done", "reused") for stage in facts.known.run.stages)
    if raised:
        number = {severity: sum(f.severity == severity for f in raised) for severity in ("error", "warning")}
        said = [words.count(n, severity) for severity, n in number.items() if n]
        return f"the checks of the data raised {words.listing(said)}"
    return "the checks of the data raised no warning" if audited else "the data were not audited"


# -- 5: what cannot be said ---------------------------------------------------------------------------------------------


def _limits(facts: Facts) -> Sentence:
    if facts.known.primary is None:
        text = "Everything that needs a score is unknown: how sure it is, which classes are weak, for whom it works worse."
        text = text if facts.written is None else of_written.UNSCORED
        return Sentence(topic="limits", text=text)
    parts, evidence = [], []
    ece = next((s for s in facts.calibration.scores if s.name == "ece" and s.value is not None), None) if facts.calibration else None
    if ece is not None:
        parts.append(_off(ece))
        evidence.append(Evidence(kind="score", text=f"calibration error {words.score(ece)}", ref="calibration"))
    weak = facts.classes[0] if len(facts.classes) > 2 else None
    if weak is not None and (f1 := weak.scores.get("f1")) is not None and f1.value is not None:
        parts.append(f"its weakest class is “{label(weak.label, 40)}” (F1 {words.score(f1)}, {words.count(weak.support, 'row')})")
        evidence.append(Evidence(kind="score", text=f"F1 of “{label(weak.label, 40)}” {words.score(f1)}", ref="classes"))
    thin = sum(fact.support < FEW_ROWS for fact in facts.classes)
    if thin:
        few = words.part(thin, len(facts.classes), "class", ("has", "have"), "classes")
        parts.append(f"{few} fewer than {FEW_ROWS} rows to judge by")
    scores = facts.known.scores
    for said, shown in of_written.limits(scores, facts.written, facts.review) if facts.written is not None else ():
        parts.append(said)
        evidence += [shown] if shown is not None else []
    if scores and scores.on == "folds":
        parts.append("the model that is kept was not scored itself: the scores are those of models made like it from fewer rows")
        if facts.known.primary.selected:
            parts.append("these rows also chose its numbers, its base model, or this run among others, which flatters")
    if scores and (scores.ledger.models_scored or 1) > 1:
        parts.append(f"these rows have judged {words.count(scores.ledger.models_scored or 0, 'model')}, which flatters the best of them")
    parts += of_groups.unknown(facts.assess)
    text = f"{words.upper('; '.join(parts))}." if parts else "Nothing further is known to limit it."
    return Sentence(topic="limits", text=text, evidence=evidence)


def _off(ece: Score) -> str:
    """Near perfect calibration the interval begins at 0: then only its upper end says something."""
    if ece.low is not None and ece.high is not None and ece.low <= 0:
        return f"its probabilities may be off by up to {words.number(ece.high * 100, 'points')} on average"
    return f"its probabilities are off by {words.difference(ece, sign=False)} on average"


# -- evidence -----------------------------------------------------------------------------------------------------------


def _of_score(score: Score) -> Evidence:
    who = "" if (score.system or MODEL) == MODEL else f"{words.system(score.system or '', short=True)}: "
    return Evidence(kind="score", text=f"{who}{words.metric(score.name)} {words.score(score)}", ref="scores")


def _of_verdict(other: str, verdict: Verdict) -> str:
    rival = words.system(other, short=True)
    gap = f" {words.difference(verdict.difference)}" if verdict.difference else ""
    return f"against {rival}: {words.answer(verdict.answer)}{gap}"


def _of_finding(finding: Finding) -> Evidence:
    return Evidence(kind="finding", text=f"{finding.code} {readable(finding.title, 80)}", ref=finding.id)


def rival_scores(facts: Facts) -> list[Score]:
    """The model and every baseline on the primary score, for the plot of the first screen."""
    scores = facts.known.scores
    if scores is None:
        return []
    mine = of(scores, scores.primary)
    return [s for s in ([mine] if mine else []) + baselines(scores) if s.value is not None]
