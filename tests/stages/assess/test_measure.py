"""Rates and gaps: the numbers by hand, planted gaps, null data, and a grid of which nothing falls through."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from goodfit.recipe import Assess
from goodfit.schemas.assess import Gap
from goodfit.stages.assess.findings import counted, findings, sentence, worse
from goodfit.stages.assess.grid import Grid, grid_of
from goodfit.stages.assess.measure import Measured, group_of, measured
from goodfit.stages.assess.population import Population, by_column, by_terms, crossed
from goodfit.stages.assess.probe import PROBE
from goodfit.stages.assess.rows import MODEL
from goodfit.stages.assess.wholes import beside_base, rankings_of, wholes_of
from tests.stages.assess.make import LABELS, population

GRID = grid_of(Assess(label="hate"), LABELS, {"none": 6, "hate": 4}, multi_label=False)


def ask(*populations: Population, grid: Grid = GRID, margin: float = 0.05) -> Measured:
    return measured([(one, one.axes) for one in populations], grid, margin, 0)


def line(found: Measured, name: str, member: str, label: str | None = "hate") -> dict:
    return next(g for g in found.gaps if g["name"] == name and g["label"] == label and member in g["group"].values())


def test_a_gap_is_the_rate_inside_minus_the_rate_of_the_rest() -> None:
    rows = population(600, wrong={"north": 0.3, "south": 0.1})
    found = line(ask(rows), "error_gap", "north", None)
    inside = rows.axes[0].inside[:, rows.axes[0].members.index("north")]
    wrong = rows.said[MODEL] != rows.truth
    assert found["rate"] == pytest.approx(wrong[inside].mean())
    assert found["value"] == pytest.approx(wrong[inside].mean() - wrong[~inside].mean())
    assert found["n"] == inside.sum()
    assert found["low"] < found["value"] < found["high"]


def test_false_alarms_count_rows_of_the_other_classes_only() -> None:
    rows = population(600, wrong={"north": 0.3, "south": 0.1})
    found = line(ask(rows), "fpr_gap", "north")
    others = (rows.truth == 0) & rows.axes[0].inside[:, rows.axes[0].members.index("north")]
    assert found["n"] == others.sum()
    assert found["rate"] == pytest.approx((rows.said[MODEL][others] == 1).mean())


def test_a_planted_gap_is_found_and_the_group_that_is_worse_off_is_named_first() -> None:
    found = ask(population(3000, wrong={"north": 0.3, "south": 0.1, "east": 0.1}))
    gap = line(found, "error_gap", "north", None)
    assert gap["answer"] == "gap"
    assert worse(gap)
    assert "north" in sentence(gap)
    assert found.gaps[0]["answer"] == "gap"
    assert found.gaps[0]["primary"]
    assert counted(found.gaps, 0)["gap"] >= 1


def test_where_groups_are_alike_nothing_is_called_a_gap() -> None:
    called = 0
    for seed in range(20):
        rows = population(900, wrong={"north": 0.2, "south": 0.2, "east": 0.2}, seed=seed)
        called += any(one["answer"] == "gap" for one in ask(rows).gaps)
    assert called <= 2


def test_many_rows_without_a_gap_show_that_there_is_none_above_the_margin() -> None:
    found = ask(population(8000, wrong={"north": 0.1, "south": 0.1}))
    assert line(found, "error_gap", "north", None)["answer"] == "no_gap_above_margin"


def test_few_rows_are_no_verdict_and_say_how_many_it_would_take() -> None:
    gap = line(ask(population(240, wrong={"north": 0.2, "south": 0.2})), "error_gap", "north", None)
    assert gap["answer"] == "not_enough_data"
    assert gap["rows_needed"] > gap["n"]


def test_small_cells_are_not_told_apart() -> None:
    rows = population(300, wrong={"north": 0.2})
    rows = dataclasses.replace(rows, axes=(by_column("place", pa.array(["few"] * 7 + ["north"] * 293), "place"),))
    found = ask(rows)
    gap = line(found, "error_gap", "few", None)
    assert (gap["value"], gap["n"], gap["rate"]) == (None, None, None)
    assert gap["answer"] == "not_enough_data"
    score = next(one for one in found.rates if one.group == {"place": "few"} and one.name == "error")
    assert score.value is None


def test_every_question_of_the_grid_ends_somewhere() -> None:
    rows = population(500, wrong={"north": 0.2, "south": 0.1, "east": 0.3})
    empty = dataclasses.replace(rows, name="nobody", axes=(by_column("none", pa.array([None] * 500, pa.string()), "none"),))
    strange = dataclasses.replace(rows, name="one class", truth=np.zeros(500, np.int64))
    found = measured([(rows, rows.axes), (strange, strange.axes)], GRID, 0.05, 0)
    asked = {
        (one.name, axis.title, member, m.name)
        for one in (rows, strange)
        for axis in one.axes
        for member in axis.members
        for m in GRID.measures
    }
    told = {(g["set"], g["axis"], " x ".join(g["group"].values()), g["name"].removesuffix("_gap") + (f" of {g['label']!r}" if g["label"] else ""))
            for g in found.gaps}  # fmt: skip
    lost = [one for one in asked - told if not any(one[0] in m["what"] and one[3] in m["what"] for m in found.not_measured)]
    assert not lost
    assert not measured([(empty, ())], GRID, 0.05, 0).gaps


def test_members_that_are_left_out_are_named() -> None:
    rows = population(400, wrong={"north": 0.2, "south": 0.1})
    axis = dataclasses.replace(rows.axes[0], left_out=("atlantis",))
    found = measured([(rows, [axis])], GRID, 0.05, 0)
    assert any("atlantis" in one["what"] for one in found.not_measured)


def test_the_lines_are_what_the_schema_says() -> None:
    for one in ask(population(900, wrong={"north": 0.3, "south": 0.1})).gaps:
        Gap.model_validate(one)


def test_an_intersection_names_both_members() -> None:
    rows = population(2400, wrong={"north": 0.1, "south": 0.1})
    other = by_column("age", pa.array(["old", "old", "young", "young"] * 600), "age")
    both = crossed(rows.axes[0], other)
    found = measured([(rows, [both])], GRID, 0.05, 0)
    assert {tuple(one["group"]) for one in found.gaps} == {("place", "age")}
    assert group_of(both, both.members[0]) == {"place": "north", "age": "old"}


def test_a_member_whose_name_has_an_x_in_it_is_no_intersection() -> None:
    axis = by_column("place", pa.array(["a x b", "c"]), "place")
    assert group_of(axis, "a x b") == {"place": "a x b"}


def test_clusters_widen_what_repeats() -> None:
    rows = population(900, wrong={"north": 0.25, "south": 0.15})
    places = np.repeat(np.arange(900), 4)
    axis = rows.axes[0]
    again = dataclasses.replace(
        rows, truth=rows.truth[places], said={MODEL: rows.said[MODEL][places]}, probabilities={MODEL: rows.probabilities[MODEL][places]},
        rows=rows.rows.take(pa.array(places)), clusters=places,
        axes=(dataclasses.replace(axis, inside=axis.inside[places], known=axis.known[places]),),
    )  # fmt: skip
    once, four = (line(ask(one), "error_gap", "north", None) for one in (rows, again))
    assert four["value"] == pytest.approx(once["value"])
    assert (four["high"] - four["low"]) == pytest.approx(once["high"] - once["low"], rel=0.1)


def test_the_base_model_stands_beside_every_gap() -> None:
    rows = population(900, wrong={"north": 0.3, "south": 0.1})
    rows.said[PROBE], rows.probabilities[PROBE] = rows.truth.copy(), rows.probabilities[MODEL]
    gap = line(ask(rows), "error_gap", "north", None)
    assert gap["base"]["value"] == 0.0
    assert {one.system for one in ask(rows).rates} == {MODEL, PROBE}


def test_numbers_for_a_whole_axis_take_off_what_chance_gives() -> None:
    alike = population(600, wrong=dict.fromkeys("abcdef", 0.2))
    found = {one["name"]: one for one in wholes_of(alike, alike.axes, GRID, 0)}
    assert found["largest_error_difference"]["raw"] > 0.05
    assert found["largest_error_difference"]["low"] == 0.0
    apart = population(3000, wrong={"north": 0.35, "south": 0.1})
    found = {one["name"]: one for one in wholes_of(apart, apart.axes, GRID, 0)}
    assert found["largest_error_difference"]["value"] == pytest.approx(0.25, abs=0.04)
    assert found["largest_error_difference"]["highest"] == "north"
    assert {"demographic_parity_difference", "equal_opportunity_difference", "equalised_odds_difference", "fped", "fned"} <= set(found)


def test_rankings_are_given_for_members_with_both_classes() -> None:
    rows = population(900, wrong={"north": 0.3, "south": 0.1})
    found = rankings_of(rows, rows.axes, GRID)
    assert {one["name"] for one in found} == {"subgroup_auc", "bpsn_auc", "bnsp_auc"}
    north, south = (
        next(one for one in found if one["name"] == "subgroup_auc" and one["group"] == {"place": p}) for p in ("north", "south")
    )
    assert north["value"] < south["value"]


def test_at_equal_false_alarms_a_model_that_says_less_does_not_look_fairer() -> None:
    rows = population(3000, wrong={"north": 0.3, "south": 0.1})
    rows.said[PROBE], rows.probabilities[PROBE] = np.zeros_like(rows.truth), rows.probabilities[MODEL] * 0.4
    rows.probabilities[PROBE][:, 0] = 1 - rows.probabilities[PROBE][:, 1]
    found = beside_base(rows, rows.axes, GRID)
    assert found
    for one in found:
        assert one["base"]["value"] == pytest.approx(one["model"]["value"], abs=1e-9), "the same ranking, the same decisions"


def test_findings_speak_of_what_was_found() -> None:
    found = ask(population(3000, wrong={"north": 0.3, "south": 0.1, "east": 0.1}))
    document = {"gaps": found.gaps, "probes": [], "functions": []}
    plan = {
        "after_unsealing": False,
        "power": [],
        "minimum_n": {"rate": 20, "verdict": 100},
        "data": {"associations": []},
        "margin": 0.05,
        "lists": [],
    }
    said = findings(document, plan)
    gaps = [one for one in said if one.code == "ASM005"]
    assert gaps
    assert all(one.severity == "warning" for one in gaps)
    assert "points" in gaps[0].title
    assert gaps[0].evidence[0].group == {"place": "north"}


def test_where_all_is_within_the_margin_a_passed_finding_says_so() -> None:
    found = ask(population(20000, wrong={"north": 0.05, "south": 0.05}), grid=grid_of(Assess(), LABELS, {"hate": 1}, multi_label=False))
    plan = {
        "after_unsealing": False,
        "power": [],
        "minimum_n": {"rate": 20, "verdict": 100},
        "data": {"associations": []},
        "margin": 0.05,
        "lists": [],
    }
    said = findings({"gaps": found.gaps, "probes": [], "functions": []}, plan)
    assert [one.status for one in said if one.code == "ASM005"] == ["passed"]


def test_several_labels_a_row() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((900, 2)) < 0.4
    said = truth ^ (rng.random((900, 2)) < 0.15)
    rows = Population(
        name="test", labels=("a", "b"), multi_label=True, truth=truth, rows=pa.array([str(i) for i in range(900)]), clusters=None,
        axes=(by_column("place", pa.array(["n", "s"] * 450), "place"),), said={MODEL: said},
        probabilities={MODEL: np.where(said, 0.8, 0.2).astype(np.float32)}, texts=["t"] * 900,
    )  # fmt: skip
    grid = grid_of(Assess(), ("a", "b"), {"a": 5, "b": 5}, multi_label=True)
    found = ask(rows, grid=grid)
    gap = line(found, "error_gap", "n", None)
    inside = rows.axes[0].inside[:, 0]
    assert gap["rate"] == pytest.approx((truth != said).any(axis=1)[inside].mean())
    assert {one["label"] for one in found.gaps} == {None, "a", "b"}
    rms = [one for one in wholes_of(rows, rows.axes, grid, 0) if one["name"] == "gap_rms"]
    assert [one["group"] for one in rms] == [{"place": "n"}, {"place": "s"}]


def test_all_mentions_together_are_called_so() -> None:
    rows = population(3000, wrong={"a": 0.3, "b": 0.1})
    _, whole = by_terms("gender", ["women"], rows.axes[0].inside[:, :1], "gender-en")
    gap = next(one for one in measured([(rows, [whole])], GRID, 0.05, 0).gaps if one["name"] == "error_gap")
    assert "texts with any term of gender" in sentence(gap)
    assert gap["group"] == {"gender": "(any)"}
