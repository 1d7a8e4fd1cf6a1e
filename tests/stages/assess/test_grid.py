"""The questions, before a single answer is read."""

from __future__ import annotations

import pytest

from goodfit.errors import SettingsError
from goodfit.recipe import Assess, Recipe
from goodfit.stages.assess.grid import LABELS, grid_of
from goodfit.stages.assess.plan import check_axes

COUNTS = {"none": 700, "hate": 300}


def names(section: Assess, labels: tuple[str, ...] = ("none", "hate"), *, primary: bool = True) -> list[str]:
    grid = grid_of(section, labels, COUNTS, multi_label=False)
    return [one.name for one in grid.measures if one.primary is primary]


def test_by_itself_errors_are_declared_and_everything_else_is_looked_at() -> None:
    assert names(Assess()) == ["error"]
    assert names(Assess(), primary=False) == ["tpr of 'hate'", "fpr of 'hate'", "ppv of 'hate'", "selection of 'hate'", "bias of 'hate'"]


def test_a_label_that_has_consequences_has_harms_of_its_own() -> None:
    assert names(Assess(label="none")) == ["error", "fpr of 'none'", "fnr of 'none'"]
    assert "tpr of 'none'" not in names(Assess(label="none"), primary=False), "it says what fnr says"


def test_of_two_labels_the_rarer_one_is_looked_at() -> None:
    assert grid_of(Assess(), ("a", "b"), {"a": 3, "b": 9}, multi_label=False).labels == ("a",)
    assert grid_of(Assess(), ("a", "b"), {"a": 3, "b": 9}, multi_label=True).labels == ("a", "b")


def test_of_many_labels_the_most_frequent_are_looked_at_and_the_others_named() -> None:
    labels = tuple(f"l{i}" for i in range(9))
    grid = grid_of(Assess(), labels, {label: 100 - i for i, label in enumerate(labels)}, multi_label=False)
    assert grid.labels == labels[:LABELS]
    assert grid.left_out == labels[LABELS:]


def test_declared_measures_replace_those_of_auto() -> None:
    assert names(Assess(metrics=("tpr", "ppv"), label="hate")) == ["tpr of 'hate'", "ppv of 'hate'"]
    assert names(Assess(metrics="accuracy")) == ["accuracy"]
    assert "error" not in names(Assess(metrics="accuracy"), primary=False)


def test_no_question_stands_twice() -> None:
    for section in (Assess(), Assess(label="hate"), Assess(metrics=("fpr", "tnr", "error"))):
        grid = grid_of(section, ("none", "hate"), COUNTS, multi_label=False)
        assert len({(one.metric, one.label) for one in grid.measures}) == len(grid.measures)


def recipe(**assess: object) -> Recipe:
    return Recipe.model_validate({
        "task": {"text": "t", "label": "l"}, "data": {"path": "d.csv"},
        "groups": {"region": {"column": "r"}, "gender": {"terms": "gender-en"}}, "assess": assess,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("assess", "words"),
    [
        ({"by": ["regoin"]}, "did you mean 'region'"),
        ({"by": ["region x gendre"]}, "did you mean 'gender'"),
        ({"why": {"age": "x"}}, "groups names region, gender"),
        ({"harms": {"fprr": "x"}}, "did you mean 'fpr'"),
    ],
)
def test_what_there_is_not_is_said_with_what_there_is(assess: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_axes(recipe(**assess))
    assert words in f"{caught.value} {caught.value.fix}"


def test_axes_of_suites_count_too() -> None:
    suites = {"s": {"path": "s.csv", "text": "t", "label": "l", "groups": {"target": {"column": "x"}}}}
    check_axes(recipe(suites=suites, by=["target x gender"]))


@pytest.mark.parametrize("axis", [{}, {"column": "a", "terms": "gender-en"}])
def test_an_axis_is_known_in_exactly_one_way(axis: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one of column and terms"):
        Recipe.model_validate({"task": {"text": "t", "label": "l"}, "data": {"path": "d"}, "groups": {"x": axis}})


def test_an_axis_is_not_called_like_an_intersection() -> None:
    with pytest.raises(ValueError, match="intersections of two axes"):
        Recipe.model_validate({"task": {"text": "t", "label": "l"}, "data": {"path": "d"}, "groups": {"a x b": {"column": "c"}}})
