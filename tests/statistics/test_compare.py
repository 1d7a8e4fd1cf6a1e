"""Two systems on the same rows: the words, their direction, the rows needed, the false answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import coverage, populations
from goodfit.score import Verdict
from goodfit.statistics import Question, adjust, compare, per_class, rows_for_mean, rows_for_paired, score
from goodfit.statistics.comparing import answer_of
from goodfit.statistics.table import KINDS, Kind
from tests.statistics.test_degenerate import NAMES, ROWS, made_up


def two(n: int, first: float, second: float, *, classes: int = 4, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    answers = [np.where(rng.random(n) < p, y, (y + rng.integers(1, classes, n)) % classes) for p in (first, second)]
    return y, answers[0], answers[1]


@pytest.mark.parametrize("kind", ["accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc", "kappa", "error_rate"])
@pytest.mark.parametrize("clustered", [False, True])
def test_a_clear_winner_wins_and_the_loser_loses(kind: str, clustered: bool) -> None:
    y, a, b = two(600, 0.9, 0.75)
    clusters = np.arange(600) // 10 if clustered else None
    forth, back = compare(kind, y, a, b, clusters=clusters), compare(kind, y, b, a, clusters=clusters)
    assert (forth.answer, back.answer) == ("better", "worse")
    assert forth.p == pytest.approx(back.p, abs=0.01)
    assert forth.p < 0.01
    assert forth.difference.value == pytest.approx(-back.difference.value)
    assert forth.difference.value == pytest.approx(score(kind, y, a).value - score(kind, y, b).value)
    assert forth.rows_needed is None
    assert forth.text.startswith("better by ")
    assert back.text.startswith("worse by ")
    assert "on the same 600 rows" in forth.text
    assert ("(60 clusters)" in forth.text) == clustered


def test_less_loss_is_better() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    good, bad = (np.clip(0.5 + strength * (2 * y - 1) + 0.1 * rng.normal(size=400), 0.01, 0.99) for strength in (0.35, 0.1))
    made = compare("log_loss", y, good, bad)
    assert made.answer == "better"
    assert made.difference.value < 0
    assert made.difference.higher_is_better is False
    assert made.text.startswith("better by 0.")
    assert "nats" in made.text


@pytest.mark.parametrize("kind", ROWS, ids=NAMES)
@pytest.mark.parametrize("clustered", [False, True])
def test_a_system_is_never_better_than_itself(kind: Kind, clustered: bool) -> None:
    labels, predictions = made_up(kind, 200)
    clusters = np.arange(200) % 20 if clustered else None
    made = compare(kind.name, labels, predictions, predictions.copy(), clusters=clusters)
    assert made.answer == "cannot_tell"
    assert made.rows_needed is None
    assert made.text.startswith("cannot tell")
    assert made.difference.value in (0.0, None)


@pytest.mark.parametrize("kind", ROWS, ids=NAMES)
@pytest.mark.parametrize("clustered", [False, True])
def test_every_kind_compares_two_systems(kind: Kind, clustered: bool) -> None:
    (labels, a), (_, b) = made_up(kind, 300, seed=0), made_up(kind, 300, seed=1)
    clusters = np.arange(300) % 30 if clustered else None
    made = compare(kind.name, labels, a, b, clusters=clusters)
    again = compare(kind.name, labels, a, b, clusters=clusters)
    assert made == again
    if kind.right_at is not None:
        assert "neither more nor less is better" in made.text
        return
    assert made.difference.low <= made.difference.value <= made.difference.high
    assert made.answer in ("better", "worse", "cannot_tell")
    expected = score(kind.name, labels, a, clusters=clusters).value - score(kind.name, labels, b, clusters=clusters).value
    assert made.difference.value == pytest.approx(expected, abs=1e-9)


def test_too_few_rows_or_clusters_give_no_verdict() -> None:
    y, a, b = two(29, 0.99, 0.01)
    assert compare("accuracy", y, a, b).text == "cannot tell: 29 rows, a verdict takes at least 30"
    y, a, b = two(300, 0.99, 0.01)
    few = compare("accuracy", y, a, b, clusters=np.arange(300) % 9)
    assert few.answer == "cannot_tell"
    assert few.difference.why_absent == "9 clusters, a verdict takes at least 10"
    assert compare("accuracy", [], [], []).answer == "cannot_tell"


def test_systems_must_answer_the_same_rows() -> None:
    with pytest.raises(ValueError, match="predictions"):
        compare("accuracy", [0, 1], [0, 1], [0, 1, 1])


def test_margin_and_equivalence_are_declared_not_guessed() -> None:
    y, a, b = two(4000, 0.85, 0.83)
    assert compare("accuracy", y, a, b).answer == "better"
    assert compare("accuracy", y, a, b, question=Question("?", margin=0.02)).answer == "cannot_tell"
    alike = y.copy()
    alike[:5] = (alike[:5] + 1) % 4
    assert compare("accuracy", y, y, alike, question=Question("?", margin=0.002)).answer == "cannot_tell"
    same = compare("accuracy", y, y, alike, question=Question("?", margin=0.002, equivalence=0.01))
    assert same.answer == "no_difference"
    assert same.text.startswith("no difference that matters (within 1.00 points)")
    assert same.margin == 0.002


def test_the_sentence_is_the_published_form() -> None:
    y, a, b = two(750, 0.92, 0.80, seed=3)
    made = compare("macro_f1", y, a, b, question=Question("model vs tfidf on macro_f1"))
    assert made.question == "model vs tfidf on macro_f1"
    d = made.difference
    assert made.text == f"better by {100 * d.value:.1f} points [{100 * d.low:.1f}, {100 * d.high:.1f}] on the same 750 rows"
    assert d.name == "macro_f1_difference"
    assert d.method == "paired_bootstrap"


def test_the_answer_never_claims_more_than_the_exact_test() -> None:
    for seed in range(60):
        y, a, b = two(60, 0.8, 0.65, seed=seed)
        for kind in ("accuracy", "macro_f1"):
            made = compare(kind, y, a, b)
            if made.answer in ("better", "worse"):
                assert made.p <= 0.05
            assert (made.answer == "cannot_tell") == (made.difference.low <= 0 <= made.difference.high)


def test_a_tiny_but_firm_difference_is_not_printed_as_zero() -> None:
    y, a, b = two(60_000, 0.9, 0.9)
    b = np.where(np.arange(60_000) < 40, (y + 1) % 4, a)
    made = compare("accuracy", y, a, b)
    assert made.answer == "better"
    assert "[0.0," not in made.text


@pytest.mark.parametrize("kind", ["accuracy", "macro_f1", "balanced_accuracy", "mcc"])
@pytest.mark.parametrize("clustered", [False, True])
def test_always_right_against_always_wrong(kind: str, clustered: bool) -> None:
    y = np.arange(200) % 4
    made = compare(kind, y, y, (y + 1) % 4, clusters=np.arange(200) // 10 if clustered else None)
    assert made.answer == "better"
    assert made.p < 0.001
    assert made.difference.value > 0.99
    assert made.difference.low > 0.5
    assert made.difference.low < 0.999 or kind == "mcc"


def test_a_class_only_one_system_predicts() -> None:
    y, a, b = two(300, 0.9, 0.8, classes=3)
    b[:20] = 7
    made = compare("macro_f1", y, a, b)
    assert made.difference.value == pytest.approx(score("macro_f1", y, a).value - score("macro_f1", y, b).value)
    assert compare("f1", y == 7, a == 7, b == 7).difference.why_absent == "no rows of this class"


def test_family_correction_demotes_what_no_longer_holds() -> None:
    asked = []
    for seed, gap in enumerate((0.13, 0.05, 0.0, 0.0, 0.0, 0.0)):
        y, a, b = two(700, 0.75 + gap, 0.75, seed=18 + seed)
        asked.append(compare("accuracy", y, a, b, question=Question(f"{seed}")))
    firm = [v.answer for v in asked]
    assert firm[:2] == ["better", "better"]
    corrected = adjust(asked, "baselines")
    assert corrected[0].answer == "better"
    assert corrected[1].answer == "cannot_tell"
    assert [v.family for v in corrected] == ["baselines"] * 6
    assert {v.correction for v in corrected} == {"holm"}
    for before, after in zip(asked, corrected, strict=True):
        assert after.p_adjusted >= before.p
        if before.answer == "better" and after.p_adjusted > 0.05:
            assert after.answer == "cannot_tell"
            assert "correcting for 6 comparisons" in after.text
    assert adjust(asked[:1], "one")[0].p_adjusted == asked[0].p
    untested = asked[0].model_copy(update={"p": None})
    assert adjust([untested, asked[1]], "two", correction="benjamini_hochberg")[0].answer == "better"
    assert adjust([], "none") == []


def test_a_family_keeps_a_firm_answer_that_has_no_p() -> None:
    made = adjust([Verdict(question="q", answer="better", text="t")], "f")
    assert made[0].answer == "better"
    assert made[0].p_adjusted is None


def test_answers_without_an_interval_are_open() -> None:
    y, a, b = two(100, 0.9, 0.5)
    difference = compare("accuracy", y, a, b).difference.model_copy(update={"low": None, "high": None})
    assert answer_of(difference, 0.0, 0.5) == "cannot_tell"


# --- rows needed -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gap", "rows"), [(0.05, 312), (0.03, 870), (0.02, 1960), (0.01, 7847), (0.005, 31394)])
def test_rows_for_paired_as_tabulated(gap: float, rows: int) -> None:
    assert rows_for_paired(gap, 0.10) == pytest.approx(rows, rel=0.005)


def test_no_rows_settle_no_difference() -> None:
    assert rows_for_paired(0.0, 0.1) is None
    assert rows_for_mean(0.0, 1.0) is None
    assert rows_for_mean(1e-9, 1.0) is None


def paired_flags(rng: np.random.Generator, n: int, gap: float, discordance: float) -> tuple[Any, Any]:
    """Two yes/no columns that differ on `discordance` of the rows, `gap` in favour of the first."""
    u = rng.random(n)
    only_a, only_b = (discordance + gap) / 2, (discordance - gap) / 2
    both = rng.random(n) < 0.7
    return np.where(u < only_a, True, np.where(u < only_a + only_b, False, both)), np.where(
        u < only_a, False, np.where(u < only_a + only_b, True, both)
    )


def test_that_many_rows_do_give_the_answer_four_times_of_five() -> None:
    rng = np.random.default_rng(0)
    for gap, discordance in ((0.05, 0.1), (0.08, 0.3)):
        n = rows_for_paired(gap, discordance)
        found = [compare("rate", None, *paired_flags(rng, n, gap, discordance)).answer == "better" for _ in range(400)]
        assert 0.73 <= np.mean(found) <= 0.88
    n = rows_for_mean(0.2, 1.0)
    found = [compare("mean", None, rng.normal(0.2, 1, n), np.zeros(n)).answer == "better" for _ in range(400)]
    assert 0.73 <= np.mean(found) <= 0.88


def test_rows_needed_of_a_verdict_are_enough() -> None:
    """From a pilot that cannot tell, the rows asked for show a difference of the size seen at least four times of five."""
    rng = np.random.default_rng(1)
    a, b = paired_flags(rng, 200, 0.04, 0.15)
    pilot = compare("rate", None, a, b)
    assert pilot.answer == "cannot_tell"
    gap, discordance = pilot.difference.value, float(np.mean(a != b))
    found = [compare("rate", None, *paired_flags(rng, pilot.rows_needed, gap, discordance)).answer == "better" for _ in range(300)]
    assert np.mean(found) >= 0.75


def test_rows_needed_grow_as_the_difference_shrinks() -> None:
    y, a, b = two(300, 0.80, 0.78, seed=5)
    made = compare("macro_f1", y, a, b)
    assert made.answer == "cannot_tell"
    assert made.rows_needed > 300
    assert "rows would settle a difference of this size" in made.text


# --- two equally good systems --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("null", [x for x in coverage.nulls() if x.quick], ids=lambda x: f"{x.kind}, {x.about}")
def test_equally_good_systems_are_not_told_apart(null: coverage.Null) -> None:
    drawn = "f1" in null.kind or null.kind in ("mcc", "balanced_accuracy", "precision", "recall", "ece")
    assert coverage.false_answers(null, 40 if drawn else 300, seed=2) <= (0.15 if drawn else 0.09)


@pytest.mark.slow
@pytest.mark.parametrize("null", list(coverage.nulls()), ids=lambda x: f"{x.kind}, {x.about}")
def test_equally_good_systems_are_told_apart_in_at_most_five_percent(null: coverage.Null) -> None:
    assert coverage.false_answers(null, 1000) <= 0.055 + 2 * np.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize("clustered", [False, True])
def test_sharper_than_right_is_worse_calibrated(clustered: bool) -> None:
    """Logits of the true log-odds, and the same doubled: the second is overconfident, by the error that it has on many rows."""
    rng = np.random.default_rng(0)
    y = rng.random(2000) < 0.5
    noise = rng.normal(size=(2, 2000)) * 0.5
    first, second = ((2 * y - 1) + rng.normal(size=2000) + noise) * 2 / 1.25
    clusters = np.arange(2000) // 4 if clustered else None
    made = compare("ece", y.astype(int), 1 / (1 + np.exp(-first)), 1 / (1 + np.exp(-2 * second)), clusters=clusters)
    assert made.answer == "better"
    assert made.difference.low < -0.09 < made.difference.high
    assert made.difference.method == ("paired_mover_clustered" if clustered else "paired_mover")


def test_pairs_help() -> None:
    """On the same rows a difference is seen that two independent intervals would not show."""
    draw = populations.two_classifiers(3, 400)
    y, a, b = draw(np.random.default_rng(4))[:3]
    better = np.where((np.arange(400) < 28) & (a == b), y, a)
    one, other = score("accuracy", y, better), score("accuracy", y, b)
    if one.low < other.high:
        assert compare("accuracy", y, better, b).difference.high - compare("accuracy", y, better, b).difference.low < (
            one.high - one.low + other.high - other.low
        )


def test_kinds_of_the_table_have_a_comparison_and_names() -> None:
    for (name, _), kind in KINDS.items():
        assert kind.name == name
        assert kind.family.interval
        assert kind.family.test
        assert kind.about
    assert len(per_class("f1", [0, 1], [0, 1], names=["a", "b"])) == 2


def test_rows_needed_are_more_than_there_are_or_not_named() -> None:
    """75 rows, 3 of the rare class, all right: macro-F1 leads by 51 points, and what lacks is rows of that class."""
    y = np.array([0] * 72 + [1] * 3)
    made = compare("macro_f1", y, y, np.zeros_like(y), clusters=np.arange(75) % 73)
    assert made.answer == "cannot_tell"
    assert made.rows_needed is None
    assert "rows would settle" not in made.text
    assert made.text.endswith("; the rarest class has only 3 rows")


def test_rows_needed_exceed_the_rows_measured_whatever_is_drawn() -> None:
    for seed in range(40):
        y, a, b = two(60, 0.85, 0.7, classes=3, seed=seed)
        for kind in ("macro_f1", "accuracy", "mcc"):
            made = compare(kind, y, a, b, clusters=np.arange(60) // 2)
            assert made.rows_needed is None or made.rows_needed > 60, (seed, kind)
