"""What a recipe asks of its task is known to be possible before anything is read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from goodfit.errors import SettingsError
from goodfit.recipe import Recipe
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
