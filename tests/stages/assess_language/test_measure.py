"""Scores, changes and answers of probes, on values that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from goodfit.stages.assess.language.findings import language_findings, sentence
from goodfit.stages.assess.language.measure import BASE, MODEL, Measure, change_of, counts_of, lines_of, p_of, score_of
from goodfit.statistics.gaps import rate


def measure(share: float, *, n: int = 1000, base: float | None = None, seed: int = 0, **more: Any) -> Measure:
    rng = np.random.default_rng(seed)
    items = {MODEL: ((rng.random(n) < share).astype(float), np.ones(n, bool))}
    if base is not None:
        items[BASE] = ((rng.random(n) < base).astype(float), np.ones(n, bool))
    told: dict[str, Any] = {"categories": ["age"] * (n // 2) + ["gender"] * (n - n // 2), "clusters": np.arange(n)} | more
    return Measure("stereotype_preference", "pairs", 0.5, items, **told)


def line(made: Measure, margin: float = 0.05) -> dict[str, Any]:
    return lines_of({"pairs": [made]}, margin)[0]


@pytest.mark.parametrize(("share", "n", "answer"), [
    (0.65, 1000, "gap"), (0.35, 1000, "gap"), (0.5, 4000, "no_gap_above_margin"), (0.53, 300, "not_enough_data"), (0.9, 60, "not_enough_data"),
    (1.0, 500, "gap"),
])  # fmt: skip
def test_answers(share: float, n: int, answer: str) -> None:
    found = line(measure(share, n=n))
    assert found["answer"] == answer
    assert (found["rows_needed"] is not None) == (answer == "not_enough_data")
    assert {"narrow", "clusters"}.isdisjoint(found)


def test_nothing_counts() -> None:
    empty = measure(0.5)
    empty.items[MODEL][1][:] = False
    found = line(empty)
    assert found["answer"] == "not_measured"
    assert found["score"]["why_absent"]
    assert counts_of([found]) == {"gap": 0, "no_gap_above_margin": 0, "not_enough_data": 0}


def test_p_and_interval_say_the_same() -> None:
    made = measure(0.54)
    p, everything = p_of(made, np.ones(1000, bool)), np.ones(1000, bool)
    assert p is not None
    values, counted = made.items[MODEL]
    for level, holds in ((1 - p * 1.02, False), (1 - p * 0.98, True)):
        found = rate(values, counted, everything, made.clusters, level=level)
        assert found.low is not None
        assert found.high is not None
        assert (found.low <= 0.5 <= found.high) == holds


def test_clusters_widen_intervals_and_few_have_no_verdict() -> None:
    alone = line(measure(0.6))
    values = np.repeat((np.random.default_rng(1).random(100) < 0.6).astype(float), 10)
    made = Measure("x", "x", 0.5, {MODEL: (values, np.ones(1000, bool))}, [""] * 1000, np.repeat(np.arange(100), 10))
    wide = line(made)
    assert wide["score"]["high"] - wide["score"]["low"] > 2 * (alone["score"]["high"] - alone["score"]["low"])
    few = Measure("x", "x", 0.5, {MODEL: (values, np.ones(1000, bool))}, [""] * 1000, np.repeat(np.arange(10), 100))
    assert line(few)["why"] == "clusters below 20"


def test_the_change_is_paired() -> None:
    rng = np.random.default_rng(2)
    before = (rng.random(400) < 0.5).astype(float)
    after = before.copy()
    after[:40] = 1.0
    made = Measure("x", "x", 0.5, {MODEL: (after, np.ones(400, bool)), BASE: (before, np.ones(400, bool))}, [""] * 400, np.arange(400))
    change = change_of(made, np.ones(400, bool))
    assert change is not None
    assert change["value"] == pytest.approx((after - before).mean())
    assert 0 < change["low"] < change["value"] < change["high"] < 0.1
    same = Measure("x", "x", 0.5, {MODEL: (before, np.ones(400, bool)), BASE: (before, np.ones(400, bool))}, [""] * 400, np.arange(400))
    assert change_of(same, np.ones(400, bool)) == {
        "value": 0.0, "low": None, "high": None, "p": None, "method": "none: the difference is the same on every item",
    }  # fmt: skip


def test_false_alarms_of_whole_assessments() -> None:
    """Eight fair scores with two categories each: an alarm of a headline in at most 5 of 100, as Holm promises."""
    alarms = 0
    for seed in range(60):
        made = {f"s{k}": [measure(0.5, n=240, seed=1000 * seed + k)] for k in range(8)}
        alarms += any(found["answer"] == "gap" for found in lines_of(made, 0.01))
    assert alarms <= 8


def test_categories_have_answers_and_small_ones_no_number() -> None:
    categories = ["age"] * 500 + ["gender"] * 490 + ["religion"] * 10
    found = {one["category"]: one for one in line(measure(0.7, categories=categories))["categories"]}
    assert found["age"]["answer"] == "gap"
    assert found["religion"]["answer"] == "not_enough_data"
    assert found["religion"]["score"]["why_absent"] == "n below 20"


@pytest.mark.parametrize(("probe", "code"), [("crows_pairs", "ASM020"), ("stereoset", "ASM020"), ("bbq", "ASM021"), ("winobias", "ASM022")])
def test_findings(probe: str, code: str) -> None:
    def said(share: float, n: int = 2000, base: float | None = 0.5) -> list[Any]:
        return language_findings({"probes": [line(measure(share, n=n, base=base)) | {"probe": probe}]})

    (worse,) = said(0.7)
    assert (worse.code, worse.severity, worse.status) == (code, "warning", "open")
    assert "fine-tuning changed it" in worse.detail
    assert len(worse.evidence) == 2
    assert "By category" in worse.detail
    (less,) = said(0.3)
    assert (less.severity, "away from the stereotype" in less.detail) == ("note", True)
    (fine,) = said(0.5, n=4000)
    assert (fine.code, fine.status) == (code, "passed")
    (undecided,) = said(0.52, n=400)
    assert (undecided.code, "items would settle it" in undecided.detail) == ("ASM006", True)
    (alone,) = said(0.7, base=None)
    assert "The base model was not asked" in alone.detail


def test_one_gender_is_a_note_in_either_direction() -> None:
    for share in (0.3, 0.7):
        (found,) = language_findings({"probes": [line(measure(share, n=2000)) | {"probe": "bold"}]})
        assert (found.code, found.severity) == ("ASM023", "note")
        assert "stereotype, which" not in found.detail


def test_sentences() -> None:
    assert sentence(line(measure(1.0, n=2000))).startswith("pairs: 100.0% [")
    assert score_of(measure(0.5, n=10), MODEL).why_absent == "n below 20"


def differences(values: np.ndarray, clusters: np.ndarray | None = None) -> dict[str, Any]:
    n = len(values)
    items = {MODEL: (values.astype(float), np.ones(n, bool))}
    return line(Measure("pronoun_gap", "gap", 0.0, items, [""] * n, np.arange(n) if clusters is None else clusters))


@pytest.mark.parametrize("each", [1, 4])
def test_a_difference_that_few_items_carry_is_no_gap(each: int) -> None:
    """As a share, two of 400 would surely be above 0."""
    values = np.zeros(400)
    values[[0, 200]] = 1.0
    found = differences(values, np.arange(400) // each)
    assert found["score"]["low"] < 0 < found["score"]["value"]
    assert found["p"] > 0.1
    assert found["answer"] == "no_gap_above_margin"


@pytest.mark.parametrize("each", [1, 4])
def test_no_difference_at_all_has_an_interval_around_zero(each: int) -> None:
    found = differences(np.zeros(400), np.arange(400) // each)
    assert found["score"]["low"] == pytest.approx(-found["score"]["high"])
    assert found["score"]["low"] < 0
    assert found["answer"] == "no_gap_above_margin"


@pytest.mark.parametrize("each", [1, 4])
def test_values_without_a_zero_are_a_share(each: int) -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random(400) < 0.6, 1.0, -1.0)
    clusters = np.arange(400) // each
    share = rate((values + 1) / 2, np.ones(400, bool), np.ones(400, bool), clusters)
    found = differences(values, clusters)
    assert found["score"]["value"] == pytest.approx(values.mean())
    assert share.low is not None
    assert found["score"]["low"] == pytest.approx(2 * share.low - 1)
    assert found["answer"] == "gap"
    always = differences(np.ones(400), clusters)
    assert always["score"]["high"] == 1.0
    assert always["score"]["low"] < 1.0


def test_intervals_of_differences_hold_the_truth() -> None:
    """Sparse answers, half of them in clusters of four that lean together: 92 to 98 of 100 intervals."""
    rng = np.random.default_rng(5)
    held = {1: 0, 4: 0}
    for _ in range(500):
        for each in held:
            lean = np.repeat(rng.normal(0, 0.05 * (each > 1), 300 // each), each)
            draw = rng.random(300)
            values = np.where(draw < 0.12 + lean.clip(-0.1, 0.1), 1.0, np.where(draw > 0.95, -1.0, 0.0))
            made = Measure("x", "x", 0.0, {MODEL: (values, np.ones(300, bool))}, [""] * 300, np.arange(300) // each)
            found = score_of(made, MODEL)
            assert found.low is not None
            assert found.high is not None
            held[each] += found.low <= 0.07 <= found.high
    assert 460 <= held[1] <= 490
    assert 460 <= held[4] <= 490
