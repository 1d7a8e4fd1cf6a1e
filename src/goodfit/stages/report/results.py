"""The evaluation as facts: scores, verdicts, gates, classes, confusions, calibration, confident mistakes.

Part of the report stage (`collect` calls it). Reads evaluate/scores.json, evaluate/mistakes.jsonl and, for the reliability plot,
evaluate/predictions.parquet. No number is measured here that evaluate has measured: the report passes Scores on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from goodfit.run import FIRST_SUSPECTS, MISTAKES, SCORES
from goodfit.score import Score, Verdict
from goodfit.stages.report import words
from goodfit.stages.report.folder import Folder, lenient, many, mapping, real, whole, word
from goodfit.stages.report.promised import promised_facts
from goodfit.stages.report.schema import CalibrationFacts, ClassFacts, Confusion, FoldFacts, GateFacts, Ledger, Mistake, Pair, ScoreFacts
from goodfit.stages.report.text import ShowText, label, shown
from goodfit.stages.report.text import name as readable
from goodfit.stages.report.weak import near_rows

MODEL = "model"
MISTAKES_SHOWN = 25
MATRIX_LABELS = 300
"""The confusion matrix of more classes is left to scores.json; its most frequent confusions stay."""
PAIRS_KEPT = 100
CLASS_SCORES = ("f1", "precision", "recall")
CALIBRATION_SCORES = ("ece", "calibration_intercept", "calibration_slope")


def score_document(folder: Folder) -> dict[str, Any]:
    """evaluate/scores.json."""
    return folder.document("evaluate", SCORES)


def score_facts(document: Mapping[str, Any]) -> ScoreFacts | None:
    """Scores of the whole set, verdicts and gates; None where nothing was scored."""
    listed = many(Score, document.get("scores"))
    if not listed:
        return None
    overall = [s for s in listed if s.label is None and s.group is None and s.slice is None and s.name not in CALIBRATION_SCORES]
    primary = word(document, "primary") or (overall[0].name if overall else listed[0].name)
    ledger = _ledger(mapping(document, "ledger"))
    return ScoreFacts(
        on=word(document, "on") or "test",
        n=whole(document, "n"),
        rows=word(document, "rows"),
        primary=primary,
        systems=_systems(document, overall),
        scores=_plain(overall),
        widened=_widened(overall, primary, ledger),
        verdicts=many(Verdict, document.get("verdicts")),
        gates=[gate for g in document.get("gates") or [] if (gate := lenient(GateFacts, g)) is not None],
        ledger=ledger,
        folds=many(FoldFacts, mapping(document, "folds").get("of_each")),
    )


def _systems(document: Mapping[str, Any], scores: Iterable[Score]) -> dict[str, str]:
    named = {str(key): word(entry, "kind") or "" for key, entry in mapping(document, "systems").items() if isinstance(entry, Mapping)}
    found = {score.system or MODEL: "" for score in scores}
    return found | named


def _ledger(found: Mapping[str, Any]) -> Ledger:
    return Ledger(models_scored=whole(found, "models_scored"), level_corrected=real(found, "level_corrected"), state=word(found, "state"))


def _plain(scores: list[Score]) -> list[Score]:
    """Each score once, at its lowest level: the wider one for a reused test set is shown beside it, not instead."""
    first: dict[tuple[str, str], Score] = {}
    for score in scores:
        key = (score.name, score.system or MODEL)
        if key not in first or score.level < first[key].level:
            first[key] = score
    return list(first.values())


def _widened(scores: list[Score], primary: str, ledger: Ledger) -> Score | None:
    """The model's primary score at a level above the plain one, where several models were scored on these rows."""
    mine = [s for s in scores if s.name == primary and (s.system or MODEL) == MODEL and s.value is not None]
    if (ledger.models_scored or 1) < 2 or not mine:
        return None
    widest = max(mine, key=lambda s: s.level)
    return widest if widest.level > min(s.level for s in mine) else None


def of(facts: ScoreFacts | None, name: str, system: str = MODEL) -> Score | None:
    """One system's score of one kind, or None."""
    if facts is None:
        return None
    return next((s for s in facts.scores if s.name == name and (s.system or MODEL) == system), None)


def first_table(facts: ScoreFacts, classes: Sequence[ClassFacts], *, multi_label: bool) -> list[Score]:
    """The scores of the first table, the primary one first.

    With one label a row micro-F1 is the accuracy, and is left out beside it. Of two classes the rarer one's precision, recall and F1
    belong here: the mean of both hides it.
    """
    names = {score.name for score in facts.scores}
    double = "micro_f1" if not multi_label and "accuracy" in names and facts.primary != "micro_f1" else None
    listed = sorted((s for s in facts.scores if s.name != double), key=lambda s: s.name != facts.primary)
    if multi_label or len(classes) != 2:
        return listed
    rarer = min(classes, key=lambda fact: (fact.support, fact.label))
    return listed + [rarer.scores[name] for name in ("precision", "recall", "f1") if name in rarer.scores]


def baselines(facts: ScoreFacts) -> list[Score]:
    """The primary score of every other system, best first; those without a value last."""
    found = [s for s in facts.scores if s.name == facts.primary and (s.system or MODEL) != MODEL]
    mine = of(facts, facts.primary)
    up = mine.higher_is_better if mine else True
    return sorted(found, key=lambda s: (s.value is None, (-s.value if up else s.value) if s.value is not None else 0.0))


def class_facts(document: Mapping[str, Any], confusion: Confusion | None) -> list[ClassFacts]:
    """Per-class scores of the model, weakest F1 first; classes without an F1 last."""
    listed = [s for s in many(Score, document.get("scores")) if s.label is not None and (s.system or MODEL) == MODEL and s.group is None]
    support = _supports(document, listed, confusion)
    by_label: dict[str, dict[str, Score]] = {}
    for score in listed:
        if score.slice is None and score.label is not None:
            by_label.setdefault(score.label, {}).setdefault(score.name, score)
    found = [ClassFacts(label=label, support=support.get(label, 0), scores=scores) for label, scores in by_label.items()]
    return sorted(found, key=_weakest)


def _weakest(fact: ClassFacts) -> tuple[bool, float, str]:
    main = fact.scores.get("f1")
    value = main.value if main else None
    return (value is None, value if value is not None else 0.0, fact.label)


def _supports(document: Mapping[str, Any], listed: Iterable[Score], confusion: Confusion | None) -> dict[str, int]:
    """Rows of each class: said so, or the row sums of the confusion matrix, or the rows behind its recall, or behind any score."""
    said = mapping(document, "support")
    sums = row_sums(confusion)
    recalls: dict[str, int] = {}
    any_n: dict[str, int] = {}
    for score in listed:
        if score.label is not None:
            any_n.setdefault(score.label, score.n)
            if score.name == "recall":
                recalls[score.label] = score.n
    return any_n | recalls | sums | {str(k): v for k, v in said.items() if isinstance(v, int)}


def row_sums(confusion: Confusion | None) -> dict[str, int]:
    """Rows of each label, where the whole matrix is known."""
    if confusion is None or confusion.matrix is None:
        return {}
    return {label: sum(row) for label, row in zip(confusion.labels, confusion.matrix, strict=True)}


def confusion_facts(document: Mapping[str, Any]) -> Confusion | None:
    """What is taken for what; None where it is not recorded, or not whole."""
    found = mapping(document, "confusion")
    labels, matrix = found.get("labels"), found.get("matrix")
    if not isinstance(labels, list) or not labels:
        return None
    if "pairs" in found:
        return Confusion(labels=[str(label) for label in labels], pairs=_by_rows(_pair(p) for p in found["pairs"] or ()))
    if not isinstance(matrix, list) or len(matrix) != len(labels):
        return None
    if any(not isinstance(row, list) or len(row) != len(labels) or set(map(type, row)) != {int} for row in matrix):
        return None
    names = [str(label) for label in labels]
    return Confusion(labels=names, matrix=matrix if len(labels) <= MATRIX_LABELS else None, pairs=_off_diagonal(names, matrix))


def _pair(found: Any) -> Pair | None:
    return lenient(Pair, found)


def _off_diagonal(labels: list[str], matrix: list[list[int]]) -> list[Pair]:
    return _by_rows(
        Pair(label=label, prediction=labels[j], rows=n)
        for i, (label, row) in enumerate(zip(labels, matrix, strict=True))
        for j, n in enumerate(row)
        if n > 0 and i != j
    )


def _by_rows(pairs: Iterable[Pair | None]) -> list[Pair]:
    return sorted((p for p in pairs if p is not None), key=lambda p: (-p.rows, p.label, p.prediction))[:PAIRS_KEPT]


def calibration_scores(document: Mapping[str, Any]) -> list[Score]:
    """Calibration error, intercept and slope of the model: from the calibration object, or among the scores."""
    found = mapping(document, "calibration")
    inside = [score for key in CALIBRATION_SCORES if (score := lenient(Score, _named(found.get(key), key))) is not None]
    listed = [s for s in many(Score, document.get("scores")) if s.name in CALIBRATION_SCORES and (s.system or MODEL) == MODEL]
    names = {score.name for score in inside}
    return inside + [s for s in _plain([s for s in listed if s.label is None]) if s.name not in names]


def _named(value: Any, name: str) -> Any:
    return {"name": name, **value} if isinstance(value, Mapping) else None


def calibration_facts(document: Mapping[str, Any], bins: list[Any]) -> CalibrationFacts | None:
    """What is known of the probabilities; None where nothing is."""
    found, scores = mapping(document, "calibration"), calibration_scores(document)
    temperature = None if found.get("temperature_applied") is False else real(found, "temperature")
    if not scores and not bins and temperature is None:
        return None
    thresholds = {key: float(value) for key, value in mapping(found, "thresholds").items() if isinstance(value, int | float)}
    return CalibrationFacts(
        scores=scores,
        bins=bins,
        temperature=temperature,
        fitted_on=word(found, "fitted_on"),
        thresholds=thresholds,
        reason=readable(words.decision(word(found, "reason") or ""), 400),
        promised=promised_facts(document),
    )


def mistakes(folder: Folder, how: ShowText) -> list[Mistake]:
    """The most confident errors as evaluate listed them; the text masked, whole, or left out."""
    return [
        Mistake(
            row=str(line.get("row", "")),
            label=_names(line.get("label")),
            prediction=_names(line.get("prediction")),
            p=real(line, "p"),
            text=shown(line.get("text"), how),
            nearest=near_rows(line.get("nearest") or (), how),
            reading=word(line, "reading"),
        )
        for line in islice(folder.lines("evaluate", MISTAKES), MISTAKES_SHOWN)
    ]


def suspects(folder: Folder, how: ShowText) -> list[Mistake]:
    """Of the rows to look at first those that the audit flags; the text masked, whole, or left out."""
    return [
        Mistake(row=str(line.get("at") or line.get("row") or ""), label=_names(line.get("label")), prediction=_names(line.get("likelier")),
                p=real(line, "probability"), text=shown(line.get("text"), how))
        for line in islice(folder.lines("audit", FIRST_SUSPECTS), MISTAKES_SHOWN) if line.get("flagged") is True
    ]  # fmt: skip


def _names(value: Any) -> str:
    """One label, or several of a multi-label row; `no label` where the row has none."""
    if isinstance(value, list):
        return ", ".join(label(item) for item in value) or "no label"
    return "no label" if value is None else str(value)
