"""Multiple choice: what is read as choices, which is right, and which the likelihoods pick."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from goodfit.statistics.sample import Unscorable
from goodfit.tasks.writing.choices import answered_with, choices_of, picked, right_one
from goodfit.tasks.writing.metrics import TEXT_METRICS, against, measure, names_for
from goodfit.tasks.writing.said import Said


@pytest.mark.parametrize(
    ("cell", "choices"),
    [
        ('["red", "blue"]', ("red", "blue")), ('{"text": ["a b", "c"], "label": ["A", "B"]}', ("a b", "c")), ("[1, 2.5]", ("1", "2.5")),
        (None, ()), ("", ()), ("red, blue", ()), ('["one"]', ()), ('["a", "a"]', ()), ('["a", " "]', ()), ('[["a"], "b"]', ()), ("{}", ()),
    ],
)  # fmt: skip
def test_a_cell_of_choices(cell: str | None, choices: tuple[str, ...]) -> None:
    assert choices_of(cell) == choices


def test_the_right_one_is_the_answer_without_the_spaces_around_it() -> None:
    assert right_one((" red", "blue"), "red ") == 0
    assert right_one(("red", "blue"), "green") is None
    assert right_one(("red", "blue"), None) is None


def test_only_the_last_answer_is_another_one() -> None:
    told: dict[str, Any] = {"messages": [
        {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d", "train": False},
    ]}  # fmt: skip
    made = answered_with(told, "e")["messages"]
    assert [(turn["content"], turn.get("train")) for turn in made] == [("a", None), ("b", False), ("c", None), ("e", True)]
    assert told["messages"][1].get("train") is None
    assert answered_with({"prompt": "p", "completion": "q"}, "r") == {"prompt": "p", "completion": "r"}


def test_the_likeliest_as_lm_evaluation_harness_has_it() -> None:
    """acc: argmax(lls); acc_norm: argmax(lls / len(choice)); and per token."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        k = int(rng.integers(2, 6))
        lls, tokens = -rng.gamma(2.0, 4.0, size=k), rng.integers(1, 9, size=k)
        choices = ["x" * int(n) for n in rng.integers(1, 30, size=k)]
        right = int(rng.integers(k))
        characters = np.array([float(len(choice)) for choice in choices])
        wanted = [float(np.argmax(part) == right) for part in (lls, lls / characters, lls / tokens)]
        assert picked(-lls, tokens, choices, right) == wanted


def test_a_choice_that_cannot_be_read_leaves_the_row_out() -> None:
    assert np.isnan(picked(np.array([0.0, 3.0]), np.array([0, 2]), ["a", "b"], 1)).all()


def test_the_three_accuracies_of_rows_with_choices() -> None:
    nothing = [np.nan] * 3

    def said(*rows: list[float]) -> Said:
        return Said(references=["a"] * 50, predictions=["a"] * 50, picked=np.array([*rows] * 10))

    ours = said([1, 0, 1], [1, 1, 1], [0, 0, 0], nothing, [1, 0, 1])
    raw, norm, token = measure(["choice_accuracy", "choice_accuracy_norm", "choice_accuracy_token"], ours)
    assert [score.value for score in (raw, norm, token)] == [0.75, 0.25, 0.75]
    assert raw.n == 40
    assert raw.low is not None
    assert 0.5 < raw.low < 0.75
    assert names_for("auto", ours)[0] == "choice_accuracy"
    verdict = against("choice_accuracy", ours, said([0, 0, 0], [1, 1, 1], [0, 0, 0], nothing, [0, 0, 0]), question="q")
    assert verdict is not None
    assert verdict.answer == "better"
    assert verdict.difference is not None
    assert verdict.difference.value == pytest.approx(0.5)


def test_without_choices_there_is_no_accuracy() -> None:
    plain = Said(references=["a"], predictions=["a"])
    assert "choice_accuracy" not in names_for("auto", plain)
    with pytest.raises(Unscorable, match=r"task\.choices"):
        TEXT_METRICS["choice_accuracy"].rows_of(plain)
    with pytest.raises(Unscorable, match="among its choices"):
        TEXT_METRICS["choice_accuracy"].rows_of(Said(references=["a"], predictions=["a"], picked=np.full((1, 3), np.nan)))
