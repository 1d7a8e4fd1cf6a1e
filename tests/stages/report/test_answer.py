"""The word of the first screen: every rule, and which rule wins."""

from __future__ import annotations

from typing import Any

import pytest

from goodfit.finding import Finding
from goodfit.score import Score, Verdict
from goodfit.stages.report.answer import RULES, Known, bar, decide, gate_score
from goodfit.stages.report.schema import GateFacts, Ledger, RunFacts, ScoreFacts, StageFacts

MODEL = Score(name="macro_f1", value=0.84, low=0.81, high=0.87, n=750, system="model", split="test")


def finding(severity: str = "error", kind: str = "leakage", stage: str = "audit", **more: Any) -> Finding:
    return Finding.model_validate({"code": "AUD001", "stage": stage, "severity": severity, "kind": kind, "title": "a title", **more})


def gate(answer: str, rows_needed: int | None = None) -> GateFacts:
    return GateFacts(gate="macro_f1 >= 0.8", answer=answer, rows_needed=rows_needed)


def verdict(answer: str, metric: str = "macro_f1", other: str = "tfidf", rows_needed: int | None = None) -> Verdict:
    return Verdict.model_validate({"question": f"model vs {other} on {metric}", "answer": answer, "text": "x", "rows_needed": rows_needed})


def known(
    *,
    status: str = "done",
    findings: tuple[Finding, ...] = (),
    diverged: bool = False,
    scores: Any = "given",
    stages: tuple[str, ...] = (),
    **facts: Any,
) -> Known:
    given = {
        "on": "test",
        "primary": "macro_f1",
        "scores": [MODEL],
        "verdicts": [verdict("better")],
        "gates": [gate("met")],
        "n": 750,
    } | facts
    held = ScoreFacts.model_validate(given) if scores == "given" else scores
    done = [StageFacts(name=name, state="done") for name in stages]
    error = "the disk is full" if status == "failed" else None
    return Known(RunFacts(id="r", name="r", status=status, error=error, stages=done), findings, held, diverged)


CASES = {
    "better": (known(), "yes"),
    "bar_met": (known(verdicts=[]), "yes"),
    "diverged": (known(diverged=True), "no"),
    "gate_missed": (known(gates=[gate("met"), gate("missed")]), "no"),
    "worse_than_baseline": (known(verdicts=[verdict("better", other="majority"), verdict("worse")]), "no"),
    "stopped": (known(status="stopped", scores=None), "not yet"),
    "error_finding": (known(findings=(finding(),)), "not yet"),
    "no_better": (known(verdicts=[verdict("no_difference")]), "not yet"),
    "group_gap": (known(findings=(finding("warning", "group_gap", "assess"),)), "not yet"),
    "unfinished": (known(findings=(finding("warning", "too_short", "train"),)), "not yet"),
    "not_confirmed": (known(on="valid"), "not yet"),
    "failed": (known(status="failed", scores=None), "cannot tell"),
    "running": (known(status="interrupted", scores=None), "cannot tell"),
    "not_scored": (known(scores=None), "cannot tell"),
    "no_model": (known(status="partial", scores=None, stages=("split", "audit")), "not yet"),
    "gate_undecided": (known(gates=[gate("undecided", 2400)]), "cannot tell"),
    "verdict_open": (known(verdicts=[verdict("cannot_tell", rows_needed=3100)]), "cannot tell"),
    "test_spent": (known(ledger=Ledger(models_scored=40, state="spent")), "cannot tell"),
    "nothing_to_compare": (known(verdicts=[], gates=[]), "cannot tell"),
}


@pytest.mark.parametrize("rule", CASES)
def test_each_rule(rule: str) -> None:
    facts, word = CASES[rule]
    first = decide(facts)[0]
    assert (first.rule, first.word) == (rule, word)
    assert first.text.endswith(".")


def test_every_rule_of_the_page_is_a_case() -> None:
    import goodfit.stages.report.answer as module

    assert module.__doc__ is not None
    documented = {word.strip("`") for word in module.__doc__.split() if word.startswith("`") and "_" in word or word.strip("`,") in CASES}
    assert {name.strip("`,") for name in documented} >= set(CASES)
    assert len(RULES) == len(CASES) - 4  # yes is two answers without a rule; failed, running and not_scored are one rule


def test_a_number_alone_decides_nothing() -> None:
    for value in (0.01, 0.5, 1.0):
        score = MODEL.model_copy(update={"value": value, "low": value, "high": value})
        assert decide(known(scores=ScoreFacts(on="test", primary="macro_f1", scores=[score])))[0].rule == "nothing_to_compare"
        assert decide(known(scores=known().scores.model_copy(update={"scores": [score]})))[0].rule == "better"  # type: ignore[union-attr]


def test_no_comes_before_not_yet_before_cannot_tell() -> None:
    words = [
        r.word for r in decide(known(findings=(finding(),), gates=[gate("undecided"), gate("missed")], verdicts=[verdict("cannot_tell")]))
    ]
    assert words == ["no", "not yet", "cannot tell", "cannot tell"]


def test_rows_needed_are_named() -> None:
    assert "about 2,400 rows would tell" in decide(CASES["gate_undecided"][0])[0].text
    assert "about 3,100 rows would tell" in decide(CASES["verdict_open"][0])[0].text


def test_a_run_of_the_data_alone_says_so() -> None:
    quiet = decide(CASES["no_model"][0])[0].text
    assert quiet == "No model was trained yet: the run ends with audit; nothing stands against the data so far."
    loud = decide(known(status="partial", scores=None, stages=("split", "audit"), findings=(finding("warning", "leakage", "audit"),)))
    assert "ends with audit; 1 finding to look at first" in loud[0].text
    trained = decide(known(status="partial", scores=None, stages=("split", "audit", "train")))
    assert (trained[0].word, trained[0].rule) == ("cannot tell", "running")


@pytest.mark.parametrize("status", ["muted", "passed", "not_applicable"])
def test_only_open_findings_count(status: str) -> None:
    assert decide(known(findings=(finding(status=status, reason="because"),)))[0].word == "yes"


def test_notes_of_an_unfinished_training_do_not_count() -> None:
    assert decide(known(findings=(finding("note", "too_short", "train"),)))[0].word == "yes"


def test_secondary_metrics_do_not_decide_where_the_primary_was_compared() -> None:
    assert decide(known(verdicts=[verdict("better"), verdict("worse", metric="accuracy")]))[0].word == "yes"
    assert decide(known(verdicts=[verdict("worse", metric="accuracy")]))[0].word == "no"


def test_a_primary_score_that_could_not_be_measured_says_why() -> None:
    absent = Score(name="macro_f1", n=3, system="model", why_absent="n below 20")
    first = decide(known(scores=ScoreFacts(on="test", primary="macro_f1", scores=[absent])))[0]
    assert (first.word, first.rule) == ("cannot tell", "not_scored")
    assert first.text == "The macro F1 could not be measured: 3 rows; at least 20 are needed."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("macro_f1 >= 0.8", "macro F1 ≥ 80%"),
        ("log_loss <= 0.35", "log-loss ≤ 0.35"),
        ("mcc > 0.5", "Matthews correlation > 0.5"),
        ("a gate of the future", "a gate of the future"),
        ("x >= y", "x >= y"),
    ],
)
def test_bars_in_words(text: str, shown: str) -> None:
    assert bar(text) == shown


def test_the_measured_value_of_a_bar() -> None:
    assert gate_score({"gate": "macro_f1 >= 0.8", "value": 0.842, "low": 0.815, "high": 0.867}) == "84.2% [81.5, 86.7]"
    assert gate_score({"gate": "log_loss <= 0.3", "value": 0.28, "low": None, "high": None}) == "0.280"
