"""Estimates equal those of scikit-learn and scipy; influences equal what leaving a row out does."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from goodfit.statistics import averages, calibration, per_class, point, ranking, score
from goodfit.statistics.sample import Sample


def classified(seed: int, n: int = 200, classes: int = 4, accuracy: float = 0.7):
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(classes, 2.0))
    y = rng.choice(classes, size=n, p=share)
    return y, np.where(rng.random(n) < accuracy, y, rng.integers(0, classes, n))


def tagged(seed: int, n: int = 150, labels: int = 6):
    rng = np.random.default_rng(seed)
    y = rng.random((n, labels)) < 0.25
    return y, y ^ (rng.random((n, labels)) < 0.1)


def probabilities(seed: int, n: int = 200, classes: int = 4, *, ties: bool = False):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    z = rng.normal(size=(n, classes))
    z[np.arange(n), y] += 1.2
    if ties:
        z = np.round(z)
    return y, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


SINGLE = {
    "accuracy": metrics.accuracy_score,
    "error_rate": lambda y, p: 1 - metrics.accuracy_score(y, p),
    "micro_f1": lambda y, p: metrics.f1_score(y, p, average="micro"),
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "macro_f1": lambda y, p: metrics.f1_score(y, p, average="macro"),
    "weighted_f1": lambda y, p: metrics.f1_score(y, p, average="weighted"),
    "mcc": metrics.matthews_corrcoef,
    "kappa": metrics.cohen_kappa_score,
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", SINGLE)
def test_single_label(kind: str, seed: int) -> None:
    y, p = classified(seed, classes=2 + 3 * seed)
    assert score(kind, y, p).value == pytest.approx(SINGLE[kind](y, p), abs=1e-12)
    assert point(kind, y, p) == pytest.approx(SINGLE[kind](y, p), abs=1e-12)


def test_macro_f1_when_a_class_is_never_seen_or_only_predicted() -> None:
    y, p = classified(1, classes=5)
    only_predicted = np.where(np.arange(len(p)) == 7, 9, p)
    assert score("macro_f1", y, only_predicted).value == pytest.approx(
        metrics.f1_score(y, only_predicted, average="macro", zero_division=0)
    )


def test_macro_f1_of_common_classes_is_the_mean_over_those_with_ten_rows() -> None:
    y, p = classified(3, n=120, classes=12)
    common = np.flatnonzero(np.bincount(y, minlength=12) >= 10)
    assert 0 < len(common) < 12
    assert score("macro_f1_common", y, p).value == pytest.approx(metrics.f1_score(y, p, labels=common, average="macro"))


@pytest.mark.parametrize("seed", range(3))
def test_per_class(seed: int) -> None:
    y, p = classified(seed, classes=5)
    expected = metrics.precision_recall_fscore_support(y, p, labels=range(5), zero_division=0)
    for row, kind in enumerate(("precision", "recall", "f1")):
        made = per_class(kind, y, p, names=list("abcde"))
        assert [s.value for s in made] == pytest.approx(list(expected[row]))
        assert [s.label for s in made] == list("abcde")
    assert [s.n for s in per_class("f1", y, p, names=list("abcde"))] == list(expected[3])


MULTI = {
    "macro_f1": lambda y, p: metrics.f1_score(y, p, average="macro"),
    "micro_f1": lambda y, p: metrics.f1_score(y, p, average="micro"),
    "weighted_f1": lambda y, p: metrics.f1_score(y, p, average="weighted"),
    "samples_f1": lambda y, p: metrics.f1_score(y, p, average="samples", zero_division=1.0),
    "subset_accuracy": metrics.accuracy_score,
    "hamming_loss": metrics.hamming_loss,
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", MULTI)
def test_multi_label(kind: str, seed: int) -> None:
    y, p = tagged(seed)
    assert score(kind, y, p).value == pytest.approx(MULTI[kind](y, p), abs=1e-12)
    for made, j in zip(per_class("f1", y, p, names=list("abcdef")), range(6), strict=True):
        assert made.value == pytest.approx(metrics.f1_score(y[:, j], p[:, j]))


@pytest.mark.parametrize("ties", [False, True])
def test_binary_ranking(ties: bool) -> None:
    y, p = probabilities(2, classes=2, ties=ties)
    assert score("roc_auc", y, p).value == pytest.approx(metrics.roc_auc_score(y, p[:, 1]))
    assert score("pr_auc", y, p[:, 1]).value == pytest.approx(metrics.average_precision_score(y, p[:, 1]))


@pytest.mark.parametrize("ties", [False, True])
def test_ranking_of_several_classes_and_labels(ties: bool) -> None:
    y, p = probabilities(3, classes=5, ties=ties)
    hot = np.eye(5, dtype=bool)[y]
    for labels in (y, hot):
        assert score("roc_auc", labels, p).value == pytest.approx(metrics.roc_auc_score(hot, p, average="macro"))
        assert score("pr_auc", labels, p).value == pytest.approx(metrics.average_precision_score(hot, p, average="macro"))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_losses(dtype: type) -> None:
    y, p = probabilities(4, classes=5)
    p = p.astype(dtype)
    p[0] = [0, 0, 0, 0, 1] if y[0] != 4 else [1, 0, 0, 0, 0]
    assert score("log_loss", y, p).value == pytest.approx(metrics.log_loss(y, p, labels=range(5)), rel=1e-6)
    assert score("brier", y, p).value == pytest.approx(np.mean(((np.eye(5)[y] - p) ** 2).sum(axis=1)), rel=1e-5)
    y2, p2 = probabilities(4, classes=2)
    assert score("brier", y2, p2).value == pytest.approx(metrics.brier_score_loss(y2, p2[:, 1]))
    assert score("log_loss", y2, p2[:, 1]).value == pytest.approx(metrics.log_loss(y2, p2))


def test_losses_of_labels_are_means_over_labels() -> None:
    y, _ = tagged(1)
    p = np.clip(np.random.default_rng(0).random(y.shape), 0.01, 0.99)
    expected = np.mean([metrics.log_loss(y[:, j], p[:, j]) for j in range(y.shape[1])])
    assert score("log_loss", y, p).value == pytest.approx(expected)
    assert score("brier", y, p).value == pytest.approx(np.mean((y - p) ** 2))


def test_correlations() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    y = np.round(x + rng.normal(size=80), 1)
    expected = stats.pearsonr(x, y)
    made = score("pearson", x, y)
    interval = expected.confidence_interval(0.95)
    assert (made.value, made.low, made.high) == pytest.approx((expected.statistic, interval.low, interval.high), rel=1e-6)
    assert score("spearman", x, y).value == pytest.approx(stats.spearmanr(x, y).statistic)


def test_slope_is_that_of_logistic_regression() -> None:
    y, p = probabilities(5, n=600, classes=3)
    made = calibration.decisions(Sample(y, p))
    x = np.log(made.confidence / (1 - made.confidence))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = LogisticRegression(C=1e10, tol=1e-10, max_iter=1000).fit(x[:, None], made.right)
    assert score("calibration_slope", y, p).value == pytest.approx(fitted.coef_[0, 0], rel=1e-4)


def naive_delong(y: np.ndarray, s: np.ndarray) -> tuple[float, float]:
    """AUC and its variance from the definition: every positive against every negative."""
    wins = (s[y == 1][:, None] > s[y == 0][None, :]) + 0.5 * (s[y == 1][:, None] == s[y == 0][None, :])
    by_positive, by_negative = wins.mean(axis=1), wins.mean(axis=0)
    return wins.mean(), by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative)


@pytest.mark.parametrize("ties", [False, True])
def test_delong_variance_is_that_of_the_definition(ties: bool) -> None:
    y, p = probabilities(6, classes=2, ties=ties)
    value, influence, _ = ranking.roc_auc(Sample(y, p))
    auc, variance = naive_delong(y, p[:, 1])
    assert value == pytest.approx(auc)
    assert np.sum(influence**2) * len(y) / (len(y) - 1) == pytest.approx(variance)


@pytest.mark.parametrize("ties", [False, True])
def test_bias_of_average_precision_is_near_that_of_the_jackknife(ties: bool) -> None:
    y, p = probabilities(8, n=300, classes=2, ties=ties)
    made = ranking.precision_of_class(y == 1, p[:, 1])
    without = [ranking.precision_of_class(np.delete(y == 1, i), np.delete(p[:, 1], i)).value for i in range(300)]
    assert made.bias == pytest.approx(299 * (np.mean(without) - made.value), rel=0.5)
    assert made.bias > 0


@pytest.mark.parametrize(
    "curve", [ranking.roc_auc, ranking.pr_auc, averages.pearson, averages.spearman, calibration.slope, calibration.intercept]
)
def test_influence_is_what_leaving_a_row_out_does(curve) -> None:
    rng = np.random.default_rng(1)
    if curve in (averages.pearson, averages.spearman):
        x = rng.normal(size=300)
        sample = Sample(x, x + rng.normal(size=300))
    else:
        sample = Sample(*probabilities(7, n=300, classes=2))
    value, influence, _ = curve(sample)
    assert influence.sum() == pytest.approx(0, abs=1e-8)
    for i in range(0, 300, 37):
        rest = np.delete(np.arange(300), i)
        without = curve(Sample(sample.labels[rest], sample.predictions[rest])).value
        assert influence[i] == pytest.approx(value - without, abs=0.06 * np.abs(influence).max())
