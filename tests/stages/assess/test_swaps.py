"""The same text about somebody else, asked of models whose rule is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from goodfit.data.identity.match import Matcher
from goodfit.data.identity.reading import term_list
from goodfit.score import Score
from goodfit.stages.assess.asked import answered
from goodfit.stages.assess.functions import functions_of
from goodfit.stages.assess.population import Population, by_column
from goodfit.stages.assess.swaps import MOST, identity_swap, verdict
from tests.stages.assess.make import LABELS, predictor

GENDER = Matcher(term_list("gender-en", Path()))


def texts(n: int = 300) -> list[str]:
    return [f"{('The woman', 'The man', 'She', 'He')[i % 4]} came by train {i}." for i in range(n)]


def rows(listed: list[str], model: object, functions: tuple[str | None, ...] | None = None) -> Population:
    made = Population(
        name="test", labels=LABELS, multi_label=False, truth=np.zeros(len(listed), np.int64), rows=pa.array([str(i) for i in range(len(listed))]),
        clusters=None, texts=listed, functions=functions,
    )  # fmt: skip
    return answered(made, model)


def swapped(model: object, listed: list[str] | None = None, margin: float = 0.05) -> dict:
    listed = texts() if listed is None else listed
    return identity_swap(rows(listed, model), GENDER, model, margin, 0)


def test_a_model_that_reads_the_term_flips_every_answer() -> None:
    found = swapped(predictor(lambda text: 0.9 if "woman" in text or "She" in text else 0.1))
    assert found["flip_rate"]["value"] == 1.0
    assert found["answer"] == "gap"
    assert found["moved"] == pytest.approx(0.8, abs=1e-3)
    to_women = next(one for one in found["towards"] if one["member"] == "women")
    assert to_women["change"] * (1 if to_women["label"] == "hate" else -1) == pytest.approx(0.8, abs=1e-3)


def test_a_model_that_does_not_read_it_flips_none_and_is_within_the_margin() -> None:
    found = swapped(predictor(lambda text: 0.3 + 0.4 * (len(text) % 2 == 5)))
    assert found["flip_rate"]["value"] == 0.0
    assert found["answer"] == "no_gap_above_margin"


def test_few_texts_are_no_verdict() -> None:
    found = swapped(predictor(lambda text: 0.9), texts(60))
    assert found["answer"] == "not_enough_data"
    assert found["n"] == 60


def test_texts_that_name_nobody_are_not_measured_and_say_why() -> None:
    found = swapped(predictor(lambda text: 0.9), ["rain today"] * 200)
    assert found["answer"] == "not_measured"
    assert "no text names a member" in found["why"]


def test_texts_beyond_the_limit_are_drawn_by_chance() -> None:
    found = swapped(predictor(lambda text: 0.9), texts(MOST + 400))
    assert found["n"] == MOST


def test_examples_have_rows_and_both_texts_and_the_flipped_ones_first() -> None:
    found = swapped(predictor(lambda text: 0.9 if "woman" in text else 0.1))
    first = found["examples"][0]
    assert first["flips"]
    assert first["text"] != first["swapped"]
    assert ("woman" in first["text"]) != ("woman" in first["swapped"])


def score(value: float, low: float, high: float) -> Score:
    return Score(name="flip_rate", value=value, low=low, high=high, n=300)


@pytest.mark.parametrize(
    ("found", "n", "answer"),
    [
        (score(0.2, 0.15, 0.25), 300, "gap"), (score(0.0, 0.0, 0.02), 300, "no_gap_above_margin"), (score(0.05, 0.03, 0.08), 300, "not_enough_data"),
        (score(0.5, 0.4, 0.6), 99, "not_enough_data"), (Score(name="flip_rate", n=9, why_absent="n below 20"), 300, "not_enough_data"),
    ],
)  # fmt: skip
def test_the_interval_decides(found: Score, n: int, answer: str) -> None:
    assert verdict(found, 0.05, n)[0] == answer


def test_functions_are_scored_one_by_one_and_the_worst_stands_first() -> None:
    listed = texts(200)
    made = rows(
        listed, predictor(lambda text: 0.9 if "man" in text and "woman" not in text else 0.1), tuple(("a", "b")[i % 2] for i in range(200))
    )
    axis = by_column("who", pa.array(["x", "y"] * 100), "who")
    found = functions_of(made, [axis])
    assert [one["function"] for one in found] == ["b", "a"]
    assert found[1]["accuracy"]["value"] == 1.0
    assert found[0]["groups"][0]["group"] == {"who": "y"}
    assert functions_of(rows(listed, predictor(lambda _: 0.1)), []) == []
