"""The recipe: what its sections promise to the stages."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from goodfit.recipe import Recipe, view
from goodfit.settings import from_mapping, parse
from goodfit.settings.keys import keys


def recipe(**sections: object) -> Recipe:
    return from_mapping({"data": {"path": "rows.csv"}, **sections})


def test_a_recipe_is_frozen_and_strict() -> None:
    made = recipe()
    with pytest.raises(ValidationError):
        made.seed = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        made.train.learning_rate = 1e-3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Recipe.model_validate({"data": {"path": "x"}, "unknown": 1})


def test_every_key_has_a_default_but_the_data() -> None:
    required = [key.path for key in keys() if key.field.is_required()]
    assert required == ["data", "data.sources[].path", "prepare.mix.path", "assess.suites.NAME.path"]


def test_every_key_has_help() -> None:
    assert [key.path for key in keys() if not key.help] == []


def test_a_recipe_as_json_reads_back_equal() -> None:
    made = recipe(task={"text": ["a", "b"], "label": "y", "labels": {"0": "no", "1": "yes"}}, audit=False, train={"freeze": 2})
    assert Recipe.model_validate(made.to_json()) == made


def test_one_text_column_is_a_list_of_one() -> None:
    assert recipe(task={"text": "body", "label": "y"}).task.text == ("body",)
    assert recipe(evaluate={"metrics": "accuracy"}).evaluate.metrics == ("accuracy",)


def test_labels_come_in_the_order_they_are_written() -> None:
    assert parse("data: {path: x}\ntask: {labels: {b: second, a: first}}").task.label_names == ("b", "a")
    assert recipe().task.label_names is None


@pytest.mark.parametrize(
    "data", [{}, {"path": "a", "train": "b"}, {"valid": "a"}, {"test": "a"}, {"path": "a", "sources": [{"path": "b"}]}]
)
def test_there_is_one_way_to_name_the_data(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate({"data": data})


def test_a_stage_sees_what_it_declared_and_nothing_else() -> None:
    seen = view(recipe(), ("task", "train"))
    assert seen.task.label == "label"
    with pytest.raises(AttributeError, match="reads task, train of the recipe, not 'split'"):
        _ = seen.split
    with pytest.raises(AssertionError):
        view(recipe(), ("nonsense",))
