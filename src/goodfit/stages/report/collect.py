"""A run folder -> the one dict behind report.html, report.json and README.md.

Part of the report stage: START HERE. Reads the folder and nothing else, never torch, and comes out for every run: what is not
there is null or empty, and `missing` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import goodfit
from goodfit.errors import RunError, SettingsError
from goodfit.finding import Finding
from goodfit.run import RECORD
from goodfit.score import Gate
from goodfit.stages.report import facts, plots, results
from goodfit.stages.report.answer import Known, Reason, decide, first_findings
from goodfit.stages.report.assess import assess_facts
from goodfit.stages.report.folder import Folder, mapping, word
from goodfit.stages.report.learned import map_facts
from goodfit.stages.report.reliability import reliability
from goodfit.stages.report.reviews import review_facts
from goodfit.stages.report.schema import Answer, Chart, Confusion, DataFacts, GateFacts, ReportDocument, ScoreFacts
from goodfit.stages.report.schema_assess import AssessFacts
from goodfit.stages.report.schema_training import TrainingFacts
from goodfit.stages.report.schema_tuning import TuningFacts
from goodfit.stages.report.schema_weak import WeakFacts
from goodfit.stages.report.sentences import Facts, five, rival_scores
from goodfit.stages.report.text import ShowText
from goodfit.stages.report.training import training_facts
from goodfit.stages.report.tuning import tuning_facts
from goodfit.stages.report.weak import weak_facts
from goodfit.stages.report.written import discreet, generation_facts

FIRST_SHOWN = 3
"""Findings on the first screen."""
WRITTEN = {"generation": generation_facts}
"""Kind of task -> what is told of a model that writes."""


def collect(folder: Path) -> dict[str, Any]:
    """The report of the run in `folder` as a plain dict of schema `goodfit/report/1`; a RunError where there is no run."""
    return gather(Folder.open(folder)).to_json()


def gather(folder: Folder) -> ReportDocument:
    """The report as a record."""
    record, settings = folder.document(RECORD), folder.settings()
    _not_newer(record)
    run = facts.run_facts(folder, record, settings)
    document = results.score_document(folder)
    how = _show_text(settings)
    scores, data = results.score_facts(document), facts.data_facts(folder, settings, how)
    confusion = results.confusion_facts(document)
    classes = results.class_facts(document, confusion)
    training = training_facts(folder, settings, scores.primary if scores else None)
    tuning = tuning_facts(folder)
    bins = reliability(folder, document, multi_label=run.multi_label)
    findings = discreet(folder.findings(record), how)
    training = _diagnosed(training, findings, folder)
    written = WRITTEN[run.task](folder, document, findings, how) if run.task in WRITTEN else None
    known = Known(
        run, findings, scores, diverged=bool(training and training.stopped_by == "nonfinite"),
        supports={fact.label: fact.support for fact in classes},
    )  # fmt: skip
    reasons = decide(known)
    review, assess = review_facts(folder, how), assess_facts(folder, how)
    weak = weak_facts(folder, document, how) if written is None else None
    spoken = Facts(known, data, training, classes, results.calibration_facts(document, bins), written, review, assess)
    data = _with_labels(data, confusion) if written is None else data.model_copy(update={"truncated": {}})
    return ReportDocument(
        written_by=goodfit.__version__,
        answer=_answer(reasons, spoken),
        run=run,
        headline=known.primary,
        first=[f.id for f in first_findings(known, reasons, FIRST_SHOWN)],
        data=data,
        candidates=facts.candidates(folder),
        tuning=tuning,
        training=training,
        scores=scores,
        classes=classes,
        confusion=confusion,
        weak=weak,
        assess=assess,
        calibration=spoken.calibration,
        show_text=how,
        suspects=results.suspects(folder, how),
        mistakes=results.mistakes(folder, how) if written is None else [],
        generation=written,
        review=review,
        findings=list(known.findings),
        charts=[*_charts(spoken, data, confusion), *_search_charts(tuning), *_weak_charts(weak, scores), *_group_charts(assess)],
        reproduce=facts.reproduce(folder, run, record, settings),
        missing=facts.missing(folder, run),
    )


def _diagnosed(training: TrainingFacts | None, findings: Sequence[Finding], folder: Folder) -> TrainingFacts | None:
    """With what the diagnosis found, and the data map."""
    if training is None:
        return None
    mine = [f for f in findings if f.stage == "train"]
    found = {"diagnosis": [f.id for f in mine if f.status == "open"], "looked_for": sum(f.status == "passed" for f in mine)}
    return training.model_copy(update=found | {"map": map_facts(folder)})


def _not_newer(record: dict[str, Any]) -> None:
    schema = word(record, "schema")
    if schema is not None and schema != "goodfit/run/1":
        raise RunError(f"the run was made by another version of Goodfit ({schema})", fix="pip install --upgrade goodfit")


def _answer(reasons: list[Reason], spoken: Facts) -> Answer:
    also = list(dict.fromkeys(reason.text for reason in reasons[1:]))
    return Answer(word=reasons[0].word, rule=reasons[0].rule, because=reasons[0].text, also=also, sentences=five(spoken))


def _with_labels(data: DataFacts, confusion: Confusion | None) -> DataFacts:
    """Rows per label from the scored rows, where neither split nor audit counted them."""
    held = results.row_sums(confusion)
    return data if data.labels or not held else data.model_copy(update={"labels": held, "labels_of": "test"})


def _show_text(settings: dict[str, Any]) -> ShowText:
    """`report.show_text`; whatever is not one of its words counts as masked, the private one."""
    how = word(mapping(settings, "report"), "show_text")
    return "full" if how == "full" else "none" if how == "none" else "masked"


def _charts(spoken: Facts, data: DataFacts, confusion: Confusion | None) -> Iterator[Chart]:
    scores = spoken.known.scores
    if scores is not None:
        yield from plots.headline(rival_scores(spoken), _primary_bar(scores.gates, scores.primary))
    yield from plots.labels(data)
    yield from plots.lengths(data)
    yield from plots.topics(data)
    yield from plots.doubted(data)
    yield from plots.learning_curve(data)
    if spoken.training is not None:
        yield from plots.curves(spoken.training)
        yield from plots.data_map(spoken.training)
    if scores is not None:
        yield from plots.verdicts(scores)
        yield from plots.folds(scores)
    yield from plots.classes(spoken.classes)
    if confusion is not None:
        yield from plots.confusion(confusion)
    if spoken.calibration is not None:
        yield from plots.reliability(spoken.calibration)
        if spoken.calibration.promised is not None:
            yield from plots.withheld(spoken.calibration.promised)


def _search_charts(tuning: TuningFacts | None) -> Iterator[Chart]:
    if tuning is not None:
        yield from plots.parallel(tuning)
        yield from plots.trial_slices(tuning)


def _weak_charts(weak: WeakFacts | None, scores: ScoreFacts | None) -> Iterator[Chart]:
    if weak is not None:
        yield from plots.slices(weak, results.of(scores, "accuracy"))
        yield from plots.robustness(weak)


def _group_charts(assess: AssessFacts | None) -> Iterator[Chart]:
    if assess is not None:
        yield from plots.compared(assess)
        yield from plots.functions(assess)


def _primary_bar(gates: list[GateFacts], primary: str) -> float | None:
    """The height of the bar on the primary score, to be drawn beside it."""
    for gate in gates:
        key, _, rest = gate.gate.partition(" ")
        if key == primary:
            try:
                return Gate.parse(key, rest).bar
            except SettingsError:
                return None
    return None
