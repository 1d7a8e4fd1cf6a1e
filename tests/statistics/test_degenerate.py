"""Data on which a number barely exists, or does not: never NaN, never a traceback, always a reason."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.errors import SettingsError
from goodfit.statistics import KINDS, Kind, compare, per_class, point, rare_classes, score

ROWS = list(KINDS.values())
NAMES = [f"{kind.name}{'-labels' if kind.multilabel else ''}" for kind in ROWS]


def made_up(kind: Kind, n: int, seed: int = 0, *, classes: int = 3) -> tuple[Any, Any]:
    """Ordinary labels and predictions as the kind needs them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    p = rng.dirichlet(np.ones(classes), n) * 0.5 + 0.5 * np.eye(classes)[np.where(rng.random(n) < 0.8, y, rng.integers(0, classes, n))]
    flags = rng.random((n, 4)) < 0.4
    guessed = flags ^ (rng.random((n, 4)) < 0.2)
    x = rng.random(n)
    made: dict[str, tuple[Any, Any]] = {
        "prediction": (y, p.argmax(axis=1)),
        "probability": (y, p),
        "binary": (flags[:, 0], guessed[:, 0]),
        "multilabel_prediction": (flags, guessed),
        "multilabel_probability": (flags, np.clip(0.2 + 0.6 * guessed + 0.1 * rng.normal(size=flags.shape), 0, 1)),
        "flags": (None, guessed[:, 0]),
        "values": (None, x),
        "pair": (x, x + rng.normal(size=n)),
        "ratio": (rng.integers(0, 40, n), rng.gamma(2, 20, n)),
        "sums": (None, grams(kind, rng.integers(1, 40, (n, 6)), rng)),
    }
    return made[kind.needs]


def grams(kind: Kind, counts: Any, rng: Any) -> Any:
    """Counts of n-grams as chrF (reference, prediction, common, by order) or the share of distinct ones (all, own, shared) takes them."""
    common = rng.integers(0, counts + 1)
    return np.hstack([counts, counts, common]) if kind.name == "chrf" else np.hstack([counts[:, :1], common[:, :1], common[:, :1] * 0.0])


def whole(made: Any) -> None:
    """A Score is a finite value inside its interval, or says why not."""
    if made.value is None:
        assert made.why_absent
        assert made.low is None
        return
    assert math.isfinite(made.value)
    if made.low is None:
        assert made.method.startswith("none: ")
        return
    assert made.low <= made.value <= made.high
    assert made.method


@pytest.mark.parametrize("kind", ROWS, ids=NAMES)
@pytest.mark.parametrize("n", [0, 1, 2, 5, 19, 20, 60, 400])
def test_every_kind_at_every_size(kind: Kind, n: int) -> None:
    made = score(kind.name, *made_up(kind, n))
    whole(made)
    assert made.name == kind.name
    assert (made.value is None) == (n < kind.min_n) or made.why_absent
    if n == 400:
        assert made.value is not None
        assert made.low < made.high
        assert made.unit == kind.unit
        assert made.higher_is_better == kind.higher_is_better


@pytest.mark.parametrize("kind", ROWS, ids=NAMES)
def test_every_kind_with_clusters(kind: Kind) -> None:
    labels, predictions = made_up(kind, 400)
    names = [f"customer {i % 40}" for i in range(400)]
    made = score(kind.name, labels, predictions, clusters=names)
    whole(made)
    assert made.clusters == 40
    assert made.low < made.high
    assert "cluster" in made.method
    few = score(kind.name, labels, predictions, clusters=np.arange(400) % 3)
    assert few.value == pytest.approx(made.value, abs=0.01 if kind.name == "ece" else 0)  # its noise is taken off per cluster
    assert few.low is None
    assert few.method == "none: fewer than 5 clusters"
    one = score(kind.name, labels, predictions, clusters=np.zeros(400))
    assert one.value == few.value or kind.name == "ece"


@pytest.mark.parametrize("kind", ROWS, ids=NAMES)
def test_every_kind_is_reproducible_to_the_bit(kind: Kind) -> None:
    labels, predictions = made_up(kind, 200)
    assert score(kind.name, labels, predictions) == score(kind.name, labels, predictions)
    assert score(kind.name, labels, predictions).value == point(kind.name, labels, predictions)


@pytest.mark.parametrize("kind", ROWS, ids=NAMES)
def test_a_higher_level_gives_a_wider_interval(kind: Kind) -> None:
    labels, predictions = made_up(kind, 300)
    usual, strict = score(kind.name, labels, predictions), score(kind.name, labels, predictions, level=0.995)
    assert strict.low <= usual.low
    assert strict.high >= usual.high
    assert strict.high - strict.low > usual.high - usual.low
    assert strict.level == 0.995


@pytest.mark.parametrize("kind", ROWS, ids=NAMES)
def test_every_kind_where_all_is_right_all_is_wrong_or_all_is_alike(kind: Kind) -> None:
    labels, predictions = made_up(kind, 100)
    if kind.needs in ("prediction", "binary", "multilabel_prediction"):
        wrong = (labels + 1) % 3 if kind.needs == "prediction" else ~labels
        constant = np.zeros_like(predictions)
        for answers in (labels, wrong, constant, constant == 0 if kind.needs != "prediction" else constant + 2):
            whole(score(kind.name, labels, answers))
            whole(score(kind.name, labels, answers, clusters=np.arange(100) % 10))
        perfect = score(kind.name, labels, labels)
        best = 1.0 if kind.higher_is_better else 0.0
        assert perfect.value == best
        assert perfect.high - perfect.low > 0.005
        worst = score(kind.name, labels, wrong)
        if kind.name == "mcc":
            assert worst.method == "none: no row changes the value"
        else:
            assert worst.low < worst.high
    elif kind.needs.endswith("probability"):
        for fill in (0.0, 0.5, 1.0):
            whole(score(kind.name, labels, np.full_like(predictions, fill)))
        sure = np.eye(3)[labels] if labels.ndim == 1 else labels.astype(float)
        for answers in (sure, 1 - sure, np.float32(sure)):
            whole(score(kind.name, labels, answers))
    else:
        whole(score(kind.name, labels, np.zeros_like(predictions)))
        whole(score(kind.name, labels, np.ones_like(predictions)))


@pytest.mark.parametrize("kind", [k for k in ROWS if "predict" in k.needs or "prob" in k.needs], ids=lambda k: f"{k.name}-{k.needs}")
def test_every_kind_where_one_class_is_all_there_is(kind: Kind) -> None:
    labels, predictions = made_up(kind, 100)
    for only in (np.zeros_like(labels), np.ones_like(labels)):
        whole(score(kind.name, only, predictions))
    if kind.name in ("roc_auc", "pr_auc"):
        assert score(kind.name, np.zeros_like(labels), predictions).why_absent == "only one class among the labels"
        assert compare(kind.name, np.zeros_like(labels), predictions, predictions).answer == "cannot_tell"


def test_perfect_ranking_has_a_lower_end_near_the_rule_of_three() -> None:
    y = np.arange(200) < 40
    made = score("roc_auc", y.astype(int), y + np.linspace(0, 0.5, 200))
    assert (made.value, made.high) == (1.0, 1.0)
    assert made.low == pytest.approx(1 - 3 / 40, abs=0.02)
    assert score("pr_auc", y.astype(int), y + np.linspace(0, 0.5, 200)).low < 0.95
    assert score("roc_auc", y.astype(int), -1.0 * y).value == 0.0


def test_scores_without_ranking_have_no_interval() -> None:
    made = score("roc_auc", np.arange(100) % 2, np.full(100, 0.3))
    assert made.value == 0.5
    assert made.low is None


def test_binary_ranking_needs_five_of_each() -> None:
    assert score("roc_auc", (np.arange(100) < 4).astype(int), np.linspace(0, 1, 100)).why_absent == "fewer than 5 rows of one class"
    assert score("roc_auc", (np.arange(100) < 5).astype(int), np.linspace(0, 1, 100)).value == 0.0


def test_calibration_slope_needs_mistakes() -> None:
    y = np.arange(100) % 2
    assert score("calibration_slope", y, np.eye(2)[y] * 0.8 + 0.1).why_absent == "fewer than 5 decisions are wrong"
    same = np.where(np.arange(100)[:, None] < 80, np.eye(2)[y], np.eye(2)[1 - y]) * 0.8 + 0.1
    assert score("calibration_slope", y, same).why_absent == "every decision has the same confidence"


def test_confident_mistakes_cost_a_finite_loss() -> None:
    y = np.zeros(50, dtype=int)
    p = np.tile(np.array([[0.0, 1.0]], dtype=np.float32), (50, 1))
    p[:25] = [1.0, 0.0]
    made = score("log_loss", y, p)
    assert made.value == pytest.approx(0.5 * -np.log(np.finfo(np.float32).eps), rel=1e-5)
    whole(made)


def test_classes_without_rows_or_predictions_say_so() -> None:
    y, p = np.array([0] * 30 + [1] * 30), np.array([0] * 30 + [0] * 28 + [2] * 2)
    recall, precision, f1 = (per_class(kind, y, p, names=["a", "b", "c", "d"]) for kind in ("recall", "precision", "f1"))
    assert [s.why_absent for s in recall] == [None, None, "no rows of this class", "no rows of this class"]
    assert [s.why_absent for s in precision] == [None, "never predicted", None, "never predicted"]
    assert [s.why_absent for s in f1] == [None, None, "no rows of this class", "no rows of this class"]
    assert f1[1].value == 0.0
    assert f1[1].high > 0.05
    assert [s.value for s in per_class("f1", y, y, names=["a", "b"])] == [1.0, 1.0]
    assert all(s.low > 0.85 for s in per_class("f1", y, y, names=["a", "b"]))


def test_rare_classes_are_named_rarest_first() -> None:
    y = np.repeat([0, 1, 2, 3], [50, 4, 9, 1])
    assert rare_classes(y, ["a", "b", "c", "d", "e"]) == [("e", 0), ("d", 1), ("b", 4)]
    assert rare_classes(y, ["a", "b", "c", "d"], least=10) == [("d", 1), ("b", 4), ("c", 9)]
    assert rare_classes(np.array([[True, False], [True, True]]), ["x", "y"], least=2) == [("y", 1)]


@pytest.mark.parametrize(
    ("kind", "labels", "predictions", "message"),
    [
        ("accuracy", [0, 1, 2], [0, 1], "3 labels, 2 predictions"),
        ("accuracy", [0, -1], [0, 1], "counted from 0"),
        ("accuracy", [0.5, 1], [0, 1], "whole numbers"),
        ("accuracy", [0, 1], [[0.2, 0.8], [0.1, 0.9]], "whole numbers"),
        ("log_loss", [0, 2], [[0.2, 0.8], [0.1, 0.9]], "label 2 among probabilities of 2 classes"),
        ("log_loss", [0, 1], [[0.2, 0.8], [0.1, math.nan]], "row 1 is not a finite number"),
        ("log_loss", [0, 1] * 20, [[2.0, -1.0]] * 40, "between 0 and 1"),
        ("ece", [0, 1] * 40, [[2.0, -1.0]] * 80, "between 0 and 1"),
        ("macro_f1", [[True, False]], [[0.5, 0.1]], "true and false"),
        ("macro_f1", [[True, False]], [[True]], "shape"),
        ("rate", None, [0, 1, 2], "true and false"),
        ("bounded_mean", None, [2.0] * 50, "between 0 and 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(kind: str, labels: Any, predictions: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(kind, labels, np.array(predictions))


def test_clusters_must_be_as_many_as_rows() -> None:
    with pytest.raises(ValueError, match="3 clusters for 2 rows"):
        score("accuracy", [0, 1], [0, 1], clusters=["a", "b", "c"])


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="macro_f") as caught:
        score("macro_f", [0], [0])
    assert caught.value.fix == "did you mean macro_f1?"
    with pytest.raises(SettingsError, match="multi-label"):
        score("mcc", [[True]], [[True]])


def test_names_must_cover_the_classes() -> None:
    with pytest.raises(ValueError, match="2 names for 3 classes"):
        per_class("f1", [0, 1, 2], [0, 1, 2], names=["a", "b"])
    with pytest.raises(ValueError, match="not given per class"):
        per_class("accuracy", [0], [0], names=["a"])


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    classes=st.integers(2, 6),
    n=st.integers(1, 60),
    kind=st.sampled_from(["accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc", "kappa", "macro_f1_common"]),
    clustered=st.booleans(),
)
def test_any_small_confusion_gives_a_whole_score(data: st.DataObject, classes: int, n: int, kind: str, clustered: bool) -> None:
    column = st.lists(st.integers(0, classes - 1), min_size=n, max_size=n)
    y, p = np.array(data.draw(column)), np.array(data.draw(column))
    made = score(kind, y, p, clusters=np.array(data.draw(column)) if clustered else None)
    whole(made)
    renamed = score(kind, classes - 1 - y, classes - 1 - p)
    plain = score(kind, y, p)
    assert (renamed.value is None) == (plain.value is None)
    if plain.value is not None:
        assert renamed.value == pytest.approx(plain.value)


def test_clusters_of_one_share_each_know_no_more_than_there_are_clusters() -> None:
    flags, clusters = np.array([1, 0] * 15, dtype=bool), np.arange(30) // 2
    made = score("rate", None, flags, clusters=clusters)
    assert (made.low, made.high) == pytest.approx((0.267, 0.733), abs=0.03)


@settings(max_examples=40, deadline=None)
@given(
    scores=st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.50001, 1.0]), min_size=20, max_size=60),
    kind=st.sampled_from(["roc_auc", "pr_auc", "log_loss", "brier", "ece", "calibration_slope", "calibration_intercept"]),
    seed=st.integers(0, 5),
)
def test_any_coarse_probabilities_give_a_whole_score(scores: list[float], kind: str, seed: int) -> None:
    y = np.random.default_rng(seed).integers(0, 2, len(scores))
    whole(score(kind, y, np.array(scores)))
    whole(score(kind, y, np.array(scores), clusters=np.arange(len(scores)) // 4))
