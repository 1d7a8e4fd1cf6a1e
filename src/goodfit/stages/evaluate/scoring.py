"""Answers -> scores.json: every system's scores with intervals, verdicts against the baselines, gates, confusions, calibration.

Part of evaluate. Nothing is measured here: metrics come from tasks, their intervals and comparisons from statistics. The document is
the `scores` of docs/reference/schemas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.ledger import Looks
from goodfit.recipe import Evaluate
from goodfit.score import Gate, Score, Verdict
from goodfit.stages.evaluate.answering import Answered
from goodfit.statistics.calibration import reliability
from goodfit.statistics.multiple import adjust
from goodfit.statistics.sample import sample_of
from goodfit.statistics.scoring import rare_classes
from goodfit.tasks import metrics
from goodfit.tasks.metrics import MULTI, SINGLE, Outcome

Facts = Mapping[str, Mapping[str, Any]]
"""System -> what it was fitted on and how."""
SCHEMA = "goodfit/scores/1"
MODEL = "model"
LARGEST_MATRIX = 200
"""Classes up to which the confusion matrix is written whole; beyond, the most frequent confusions."""
PAIRS_SHOWN = 200
SCARCE = 30
"""Rows below which a label is named as what is lacking in a comparison."""
SECOND = {SINGLE: "accuracy", MULTI: "micro_f1"}
"""The score that systems are compared on beside the primary one."""


class Headlined:
    """What the scores of one split can be asked for, whatever the task."""

    primary: str
    scores: list[Score]

    def of(self, name: str, system: str = MODEL) -> Score | None:
        """One system's plain score of one kind."""
        return next((s for s in self.scores if s.name == name and s.system == system), None)

    @property
    def headline(self) -> Score:
        """The model's primary score."""
        found = self.of(self.primary)
        assert found is not None
        return found


@dataclass(frozen=True)
class Scored(Headlined):
    """What came of one split."""

    answered: Answered
    primary: str
    scores: list[Score]
    """Plain intervals first, all systems; then those widened for a test set that has judged several models."""
    labels: list[Score]
    """precision, recall, F1 of the model, label by label."""
    calibration: list[Score]
    verdicts: list[Verdict]
    gates: list[dict[str, Any]]
    ledger: Looks | None
    facts: Facts = field(default_factory=dict)
    """System -> what it was fitted on."""

    @property
    def split(self) -> str:
        """Which rows."""
        return self.answered.split

    @property
    def systems(self) -> list[str]:
        """Who answered them, the model first."""
        return list(self.answered.answers)

    def scarce(self) -> str | None:
        """What more rows are lacking of: the rarest label, where it has few."""
        rare = [(name, n) for name, n in rare_classes(self.answered.truth, self.answered.names, least=SCARCE) if n]
        if not rare:
            return None
        return f"score on more rows of {rare[0][0]!r}: there {'is' if rare[0][1] == 1 else 'are'} only {rare[0][1]}"


def score_split(answered: Answered, section: Evaluate, looks: Looks | None, facts: Facts, *, selected: bool) -> Scored:
    """Everything that is said of one split. `selected`: the split chose the step or the thresholds, so that the model's scores flatter."""
    asked = metrics.names_for(section.metrics, metrics.task_kind(answered.task.multi_label))
    wanted = [*asked, *(name for name in section.gates if name not in asked)]
    outcomes = {name: outcome(answered, name) for name in answered.answers}

    def said(scores: Sequence[Score], system: str) -> list[Score]:
        return [s.about(system=system, split=answered.split, selected=selected and system == MODEL) for s in scores]

    scores = [s for name, made in outcomes.items() for s in said(metrics.measure(wanted, made), name)]
    trusted = scores
    if looks is not None and looks.models_scored > 1:
        wider = dataclasses.replace(outcomes[MODEL], level=looks.level_corrected)
        trusted = said(metrics.measure([asked[0], *(g for g in section.gates if g != asked[0])], wider), MODEL)
        scores = [*scores, *trusted]
    return Scored(
        answered, asked[0], scores, said(metrics.measure_labels(outcomes[MODEL]), MODEL),
        said(metrics.measure(["ece", "calibration_slope", "calibration_intercept"], outcomes[MODEL]), MODEL),
        _verdicts(asked[0], outcomes), judged_gates(section.gates, trusted), looks, facts,
    )  # fmt: skip


def outcome(answered: Answered, system: str) -> Outcome:
    """One system's answers as metrics take them."""
    answers = answered.answers[system]
    return Outcome(answered.names, answered.truth, answers.predictions, answers.probabilities, answered.clusters, folds=answered.folds)


def part_of(made: Outcome, part: NDArray[np.bool_]) -> Outcome:
    """The outcome of some of the rows [n]."""
    return dataclasses.replace(
        made, truth=made.truth[part], predictions=made.predictions[part], probabilities=made.probabilities[part],
        clusters=None if made.clusters is None else made.clusters[part],
    )  # fmt: skip


def _verdicts(primary: str, outcomes: Mapping[str, Outcome]) -> list[Verdict]:
    """The model against each baseline on the primary score, then on the second; corrected together."""
    kinds = dict.fromkeys([primary, SECOND[outcomes[MODEL].task]])
    asked = [
        metrics.against(kind, outcomes[MODEL], made, question=f"{MODEL} vs {name} on {kind}")
        for name, made in outcomes.items() if name != MODEL
        for kind in kinds
    ]  # fmt: skip
    return adjust([verdict for verdict in asked if verdict is not None], "baselines")


def judged_gates(gates: Mapping[str, str], trusted: Sequence[Score]) -> list[dict[str, Any]]:
    """Each gate judged by the interval that is trusted: the widened one where the test set has judged several models."""
    out = []
    for name, text in gates.items():
        found = next(s for s in trusted if s.name == name and s.system == MODEL)
        out.append(Gate.parse(name, text).judge(found) | {"level": found.level})
    return out


def document(scored: Scored, *, run: str, kind: str, rows: str) -> dict[str, Any]:
    """scores.json."""
    answered = scored.answered
    out: dict[str, Any] = {
        "schema": SCHEMA, "run": run, "task": kind, "on": answered.split, "n": len(answered), "rows": rows,
        "labels": list(answered.task.labels), "primary": scored.primary,
        "systems": {name: _system(name, scored.facts) for name in answered.answers},
        "scores": [s.to_json() for s in (*scored.scores, *scored.labels)],
        "verdicts": [v.to_json() for v in scored.verdicts],
        "gates": scored.gates, "support": support(answered), "calibration": _calibration(scored),
        "predictions": "evaluate/predictions.parquet",
    }  # fmt: skip
    if not answered.task.multi_label:
        out["confusion"] = confusion(answered)
    if answered.unknown:
        out["unknown_labels"] = {"labels": list(answered.unknown), "rows": answered.unknown_rows}
    if scored.ledger is not None:
        out["ledger"] = scored.ledger.to_json()
    return out


def _system(name: str, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Its kind: this run's model, a baseline, or as its facts say (file, run, folder: brought by the user)."""
    return {"kind": "run" if name == MODEL else "baseline", **facts.get(name, {})}


def support(answered: Answered) -> dict[str, int]:
    """Label -> rows that carry it."""
    truth, classes = answered.truth, len(answered.names)
    counts = truth.sum(axis=0) if answered.task.multi_label else np.bincount(truth, minlength=classes)
    return dict(zip(answered.names, counts.tolist(), strict=True))


def confusion(answered: Answered) -> dict[str, Any]:
    """Rows by label (down) and prediction (across); with many classes the most frequent confusions instead."""
    names, predictions = answered.names, answered.answers[MODEL].predictions
    cells, counts = np.unique(answered.truth * len(names) + predictions, return_counts=True)
    if len(names) <= LARGEST_MATRIX:
        matrix = np.zeros(len(names) ** 2, dtype=np.int64)
        matrix[cells] = counts
        return {"labels": list(names), "matrix": matrix.reshape(len(names), -1).tolist()}
    wrong = np.flatnonzero(cells // len(names) != cells % len(names))
    top = wrong[np.argsort(-counts[wrong], kind="stable")[:PAIRS_SHOWN]]
    pairs = [
        {"label": names[cells[i] // len(names)], "prediction": names[cells[i] % len(names)], "rows": int(counts[i])} for i in top.tolist()
    ]
    return {"labels": list(names), "pairs": pairs}


def _calibration(scored: Scored) -> dict[str, Any]:
    """Calibration scores of the model, bins for a reliability plot, and what was fitted on validation."""
    decision = scored.answered.task.decision
    truth, probabilities, clusters = outcome(scored.answered, MODEL).within
    bins = []
    if len(truth):
        needs = "multilabel_probability" if truth.ndim == 2 else "probability"
        bins = [dataclasses.asdict(b) for b in reliability(sample_of(needs, truth, probabilities, clusters))]  # type: ignore[arg-type]
    return {s.name: s.to_json() for s in scored.calibration} | {
        "bins": bins, "temperature": decision.temperature, "temperature_applied": decision.temperature_applied,
        "fitted_on": decision.fitted_on, "reason": decision.reason, "thresholds": _thresholds(scored.answered),
    }  # fmt: skip


def _thresholds(answered: Answered) -> dict[str, float] | None:
    thresholds = answered.task.decision.thresholds
    return None if thresholds is None else dict(zip(answered.task.labels, thresholds, strict=True))
