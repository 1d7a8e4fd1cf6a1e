"""What a recipe asks of its task is known to be possible before anything is read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from goodfit.errors import SettingsError
from goodfit.recipe import Recipe
from goodfit.settings import parse
from goodfit.tasks.foresee import foresee


@pytest.mark.parametrize(
    ("section", "multi_label", "message"),
    [
        ({"metrics": ["macro_f"]}, False, "evaluate.metrics: 'macro_f' is not a score.*did you mean macro_f1"),
        ({"metrics": ["subset_accuracy"]}, False, "not a score of a single-label task"),
        ({"metrics": ["accuracy"]}, True, "not a score of a multi-label task"),
        ({"metrics": ["recall"]}, False, "reported for every label without asking"),
        ({"gates": {"f2": ">= 0.1"}}, False, "evaluate.gates: 'f2'"),
    ],
)
def test_unknown_metrics_are_answered(section: dict[str, Any], multi_label: bool, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        foresee(Recipe.model_validate({"data": {"path": "a.csv"}, "task": {"multi_label": multi_label}, "evaluate": section}))
    assert re.search(message, str(caught.value), re.DOTALL), str(caught.value)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"evaluate": {"baselines": "tfidf"}}, "no baseline 'tfidf'.*there are base, few_shot, retrieval"),
        ({"evaluate": {"baselines": ["bse"]}}, "did you mean 'base'"),
        ({"train": {"metric_for_best_model": "los"}}, "did you mean loss"),
    ],
)
def test_what_generation_has(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        foresee(Recipe.model_validate({"data": {"path": "a.jsonl"}, "task": {"kind": "generation"}, **sections}))
    assert re.search(message, str(caught.value), re.DOTALL), str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tune: {trials: 4, space: {peft.r: [4, 8]}}", "while peft.method is full"),
        ("tune: {trials: 4, space: {train.neftune_noise_alpha: [1.0, 5.0]}}", "where task.kind is classification"),
        ("peft: {method: lora}\ntune: {trials: 4, space: {train.freeze: [none, 2]}}", "beside which all is frozen"),
        ("task: {kind: generation}\ntune: {trials: 4, space: {train.class_weights: [none, balanced]}}", "where task.kind is generation"),
    ],
)
def test_a_search_over_what_changes_nothing_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        foresee(parse(f"data: {{path: a.csv}}\n{text}\n"))
    foresee(parse("data: {path: a.csv}\ntune: {trials: 4, space: {peft.method: [full, lora], peft.r: [4, 8]}}\n"))
    foresee(parse("data: {path: a.csv}\ntune: false\n"))
