"""The measures of features: against reference implementations, known answers, and rows that stand several times."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression

from goodfit.stages.choose import measures, probe
from goodfit.stages.choose.resample import as_bools, macro_f1, weights


def made(n: int = 400, d: int = 40, k: int = 5, *, gap: float = 0.6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian classes in an uneven space: features float32 [n, d], targets bool [n, k]."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    x = gap * rng.normal(size=(k, d))[y] + rng.normal(size=(n, d))
    return (x * np.linspace(0.2, 3, d)).astype(np.float32), np.eye(k, dtype=bool)[y]


def reference_log_me(f: np.ndarray, y: np.ndarray) -> float:
    """LogME as its authors wrote it (You et al. 2021), one label after another, by the SVD of the features."""
    n = len(f)
    _, s, vh = np.linalg.svd(f, full_matrices=False)
    s, v, out = s**2, vh.T, []
    for label in range(y.shape[1]):
        target, alpha, beta = y[:, label], 1.0, 1.0
        turned = vh @ (f.T @ target)
        for _ in range(200):
            gamma = (beta * s / (alpha + beta * s)).sum()
            m = v @ (turned * beta / (alpha + beta * s))
            residual = ((target - f @ m) ** 2).sum()
            alpha, beta = gamma / (m @ m), (n - gamma) / residual
        m = v @ (turned * beta / (alpha + beta * s))
        residual = ((target - f @ m) ** 2).sum()
        whole = len(s) * np.log(alpha) + n * np.log(beta) - np.log(alpha + beta * s).sum() - beta * residual - alpha * (m @ m)
        out.append((whole - n * np.log(2 * np.pi)) / (2 * n))
    return float(np.mean(out))


def test_log_me_is_that_of_its_authors() -> None:
    features, targets = made()
    points = measures.cloud(features)
    assert points.points.shape == (400, 40)
    assert measures.log_me(points, targets) == pytest.approx(reference_log_me(points.points, targets - targets.mean(axis=0)), abs=1e-4)


def test_h_score_is_the_trace_of_the_shrunken_ratio() -> None:
    features, targets = made()
    points = measures.cloud(features)
    fitted = LedoitWolf(assume_centered=True).fit(points.points)
    means = (targets / targets.sum(axis=0)) @ (targets.T @ points.points)
    expected = (1 - fitted.shrinkage_) * np.trace(np.linalg.solve(fitted.covariance_, means.T @ means / len(features)))
    assert measures.h_score(points, targets) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("of", [measures.h_score, measures.log_me])
def test_weights_are_rows_that_stand_several_times(of: object) -> None:
    features, targets = made()
    points = measures.cloud(features)
    w = np.random.default_rng(1).integers(0, 3, len(features)).astype(float)
    index = np.repeat(np.arange(len(w)), w.astype(int))
    assert of(points, targets, w) == pytest.approx(of(measures.Cloud(points.points[index], points.shrinkage), targets[index]), rel=1e-9)


@pytest.mark.parametrize("several", [False, True])
def test_all_measures_prefer_features_that_know_the_labels(several: bool) -> None:
    good, targets = made(600, gap=0.5)
    bad = np.random.default_rng(3).normal(size=good.shape).astype(np.float32)
    if several:
        targets = targets | np.roll(targets, 1, axis=1)
    for of in (measures.h_score, measures.log_me):
        assert of(measures.cloud(good), targets) > of(measures.cloud(bad), targets)
    clusters = np.arange(len(good))
    fold = probe.folds_of(targets, clusters, 0)
    one = np.ones((1, len(good)), np.float32)
    scores = []
    for features in (good, bad):
        said = probe.probe(features, targets, fold, multi_label=several).predictions(multi_label=several)
        near = measures.neighbours(features, targets, clusters)
        answers = near >= 0.5 if several else near.argmax(axis=1)
        scores.append([float(macro_f1(targets, as_bools(given, targets.shape[1]), one)[0]) for given in (said, answers)])
    assert (np.array(scores[0]) > np.array(scores[1]) + 0.1).all()


def test_width_does_not_make_a_score() -> None:
    """Random features of 16 and of 384 columns are worth the same: nothing."""
    rng, (_, targets) = np.random.default_rng(0), made(500)
    narrow, wide = (measures.cloud(rng.normal(size=(500, d)).astype(np.float32)) for d in (16, 384))
    assert abs(measures.log_me(narrow, targets) - measures.log_me(wide, targets)) < 0.02
    assert measures.h_score(wide, targets) < 0.2


def test_neighbours_never_ask_their_own_cluster() -> None:
    features, targets = made(200)
    copies = np.concatenate([features, features])
    twice, clusters = np.concatenate([targets, targets]), np.tile(np.arange(200), 2)
    near = measures.neighbours(copies, twice, clusters)
    alone = measures.neighbours(copies, twice, np.arange(400))
    assert (near.argmax(axis=1) == twice.argmax(axis=1)).mean() < (alone.argmax(axis=1) == twice.argmax(axis=1)).mean()
    assert np.isfinite(measures.neighbours(features, targets, np.zeros(200, np.int64))).all()


def test_the_probe_is_a_logistic_regression() -> None:
    features, targets = made(500, gap=0.3)
    x = probe.standardised(features)
    ours = probe.fit_linear(x, targets.astype(np.float32), 1.0, multi_label=False)
    theirs = LogisticRegression(C=1.0, max_iter=1000).fit(x[:, :-1], targets.argmax(axis=1))
    p, q = probe.answers(x, ours, multi_label=False), theirs.predict_proba(x[:, :-1])
    assert np.abs(p - q).mean() < 0.01
    assert (p.argmax(axis=1) == q.argmax(axis=1)).mean() > 0.98


def test_folds_keep_clusters_whole_and_classes_spread() -> None:
    targets = np.eye(3, dtype=bool)[np.repeat([0, 1, 2], [200, 50, 10])]
    clusters = np.arange(260) // 2
    fold = probe.folds_of(targets, clusters, 0)
    assert all(len(set(fold[clusters == c].tolist())) == 1 for c in np.unique(clusters))
    assert (np.array([targets[fold == k].sum(axis=0) for k in range(probe.FOLDS)])[:, 2] > 0).all()


def test_draws_are_shared_whole_clusters() -> None:
    w = weights(np.repeat(np.arange(50), 2), 3)
    assert (w == weights(np.repeat(np.arange(50), 2), 3)).all()
    assert (w[:, ::2] == w[:, 1::2]).all()
    assert (w.sum(axis=1) == 100).all()


def test_macro_f1_of_a_draw() -> None:
    truth, said = np.eye(2, dtype=bool)[[0, 0, 1, 1]], np.eye(2, dtype=bool)[[0, 1, 1, 1]]
    assert macro_f1(truth, said, np.ones((1, 4), np.float32))[0] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert macro_f1(truth, said, np.array([[1, 0, 0, 0]], np.float32))[0] == pytest.approx(1.0)
