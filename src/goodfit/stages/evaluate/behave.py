"""EVA023: behavioural tests of the user's, asked of the model: what it must answer, what must not matter, what must. Part of evaluate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.data.groups import shared
from goodfit.finding import Finding
from goodfit.monitor.words import count, visible
from goodfit.score import Score
from goodfit.stages.evaluate.questions import Judged, finding
from goodfit.stages.evaluate.scoring import MODEL
from goodfit.statistics import score
from goodfit.tasks.baselines import Answers
from goodfit.tasks.behaviour import TOLERANCE, Case, Suite, Test, cases_of
from goodfit.tasks.predictor import Predictor

EXAMPLES = 5
MOST_AT_ONCE = 2048


@dataclass(frozen=True)
class Behaved:
    """What came of one test."""

    test: Test
    cases: int
    failed: Score
    answer: str
    """passed, failed, undecided, no_cases."""
    examples: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """An entry of `behaviour` of scores.json."""
        return {
            "name": self.test.name, "kind": self.test.kind, "cases": self.cases, "at_most": self.test.at_most,
            "failed": self.failed.to_json(), "answer": self.answer, "examples": self.examples,
        }  # fmt: skip


def behaviour(suite: Suite, rows: Sequence[str], predictor: Predictor, seed: int) -> list[Behaved]:
    """Asks every test; `rows`: texts of validation rows."""
    return [_behaved(test, cases_of(test, suite, rows, seed), predictor) for test in suite.tests]


def _behaved(test: Test, cases: list[Case], predictor: Predictor) -> Behaved:
    if not cases:
        return Behaved(test, 0, score("rate", None, np.zeros(0, bool)).about(name="failure_rate", system=MODEL), "no_cases", [])
    texts = [text for case in cases for text in case.texts]
    answers = _asked(texts, predictor)
    starts = np.r_[0, np.cumsum([len(case.texts) for case in cases])]
    failed = np.array([_fails(test, answers, int(a), int(b), predictor) for a, b in zip(starts, starts[1:], strict=False)])
    units = np.array([case.unit for case in cases])
    clusters = shared(units)
    made = score("rate", None, failed, clusters=clusters).about(name="failure_rate", higher_is_better=False, system=MODEL)
    shown = [] if test.rows else np.flatnonzero(failed)[:EXAMPLES].tolist()  # texts of rows are private
    examples = [_example(cases[i], answers, int(starts[i]), predictor) for i in shown]
    return Behaved(test, len(cases), made, _answer(made, test.at_most), examples)


def _asked(texts: list[str], predictor: Predictor) -> Answers:
    task = predictor.task
    parts = [predictor.probabilities(texts[at : at + MOST_AT_ONCE]) for at in range(0, len(texts), MOST_AT_ONCE)]
    probabilities = np.concatenate(parts)
    return Answers(probabilities, task.decide(probabilities))


def _fails(test: Test, answers: Answers, start: int, stop: int, predictor: Predictor) -> bool:
    told: NDArray[Any] = answers.predictions[start:stop]
    if test.kind == "INV":
        return bool((told[1:] != told[:1]).any())
    assert test.label is not None
    place = predictor.task.labels.index(test.label)
    if test.kind == "MFT":
        wanted = np.arange(predictor.task.n_labels) == place
        return bool((told[0] != wanted).any()) if predictor.task.multi_label else bool(told[0] != place)
    moved = float(answers.probabilities[stop - 1, place] - answers.probabilities[start, place])
    return moved < -TOLERANCE if test.direction == "not_down" else moved > TOLERANCE


def _example(case: Case, answers: Answers, start: int, predictor: Predictor) -> dict[str, Any]:
    """The texts of a failure (two of a case that varies) with what was answered."""
    told = predictor.task.names(answers.predictions[start : start + len(case.texts)])
    differ = [0, *[i for i in range(1, len(case.texts)) if told[i] != told[0]][:1]] if len(case.texts) > 1 else [0]
    differ = [0, 1] if len(case.texts) == 2 else differ
    return {"texts": [case.texts[i] for i in differ], "answers": [told[i] for i in differ]}


def _answer(made: Score, at_most: float) -> str:
    """Failed where more fail than is borne, for certain where that can be told; a test of one template is of that template only."""
    if made.value is None:
        return "undecided"
    if made.value <= at_most:
        return "passed"
    return "failed" if made.low is None or made.low > at_most or at_most == 0 else "undecided"


def behaviours(scored: Judged, found: Sequence[Behaved]) -> Iterator[Finding]:
    """One finding for each test, of the severity that it names where it fails; a note where that cannot be told."""
    code, kind = "EVA023", "behaviour"
    if not found:
        reason = "evaluate.tests names no file"
        yield finding(code, kind, "no behavioural test was asked for", scored, state="not_applicable", reason=reason)
    for one in found:
        name = visible(one.test.name)
        if one.answer == "no_cases":
            reason = "no text is changed by it" if one.test.change else "it has no cases"
            yield finding(code, kind, f"{name}: not asked", scored, state="not_applicable", reason=reason)
            continue
        failures = f"{round((one.failed.value or 0.0) * one.cases):,} of {count(one.cases, 'case')} fail"
        if one.answer == "passed":
            yield finding(code, kind, f"{name}: {failures}", scored, state="passed", evidence=(one.failed,))
            continue
        severity: Any = one.test.severity if one.answer == "failed" else "note"
        example = _shown(one.examples[0]) if one.examples else ""
        yield finding(
            code, kind, f"{name}: {failures}", scored, severity=severity, evidence=(one.failed,), detail=example,
            fix="give training rows of this kind, or say what the model must not be used for",
        )  # fmt: skip


def _shown(example: dict[str, Any]) -> str:
    """`“I do not like it.” is answered positive.`"""
    said = [f"“{visible(text, 120)}” is answered {answer!r}" for text, answer in zip(example["texts"], example["answers"], strict=True)]
    return f"For example {', '.join(said)}."
