"""Score, Verdict, Gate: what a number must carry, and what a gate answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from goodfit.errors import SettingsError
from goodfit.score import Gate, Score, Verdict


def test_a_score_has_a_value_or_a_reason() -> None:
    with pytest.raises(ValidationError, match="why_absent"):
        Score(name="auc", n=3)
    with pytest.raises(ValidationError, match="either"):
        Score(name="auc", n=3, value=0.5, why_absent="no")
    with pytest.raises(ValidationError, match="finite"):
        Score(name="auc", n=3, value=float("nan"))
    with pytest.raises(ValidationError, match="above"):
        Score(name="auc", n=3, value=0.5, low=0.6, high=0.4)


def test_an_absent_score_has_no_value_in_json() -> None:
    out = Score(name="roc_auc", n=12, why_absent="n below 20", group={"language": "pl"}).to_json()
    assert "value" not in out
    assert "low" not in out
    assert out["why_absent"] == "n below 20"
    whole = Score(name="macro_f1", n=750, value=0.842, low=0.815, high=0.867).to_json()
    assert whole["label"] is None
    assert "why_absent" not in whole


@pytest.mark.parametrize(
    ("text", "low", "high", "answer"),
    [
        (">= 0.80", 0.81, 0.86, "met"), (">= 0.80", 0.70, 0.79, "missed"), (">= 0.80", 0.78, 0.86, "undecided"), (">= 80%", 0.80, 0.86, "met"),
        ("> 0.80", 0.80, 0.86, "undecided"), ("<= 0.1", 0.02, 0.10, "met"), ("<= 0.1", 0.11, 0.2, "missed"), ("< 0.1", 0.05, 0.1, "undecided"),
    ],
)  # fmt: skip
def test_gates_follow_the_interval(text: str, low: float, high: float, answer: str) -> None:
    score = Score(name="macro_f1", value=(low + high) / 2, low=low, high=high, n=100)
    assert Gate.parse("macro_f1", text).judge(score)["answer"] == answer


def test_an_undecided_gate_says_how_many_rows_it_takes() -> None:
    out = Gate.parse("f1", ">= 0.80").judge(Score(name="f1", value=0.82, low=0.78, high=0.86, n=100))
    assert out["rows_needed"] == 400  # half-width 0.04 must shrink to 0.02


@pytest.mark.parametrize("text", ["0.8", "=> 0.8", ">= eighty", "", ">= 0.8 or so"])
def test_a_gate_that_is_none_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(SettingsError, match=r">= 0\.80"):
        Gate.parse("macro_f1", text)


@given(st.floats(0, 1), st.floats(0, 0.5))
def test_a_gate_never_answers_met_and_missed(value: float, half: float) -> None:
    score = Score(name="x", value=value, low=max(0, value - half), high=min(1, value + half), n=50)
    up, down = (Gate.parse("x", f"{op} 0.5").judge(score)["answer"] for op in (">=", "<"))
    assert (up, down) in {("met", "missed"), ("missed", "met"), ("undecided", "undecided")}


def test_verdict_json_holds_the_difference_whole() -> None:
    difference = Score(name="d", value=0.04, low=0.02, high=0.06, n=750)
    out = Verdict(question="model vs tfidf on macro_f1", answer="better", difference=difference, text="better").to_json()
    assert out["difference"]["value"] == 0.04
    assert set(out) >= {"question", "answer", "margin", "rows_needed", "p", "p_adjusted", "family", "correction", "text"}
