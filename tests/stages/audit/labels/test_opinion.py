"""The second reader: the regression is scikit-learn's, folds keep classes and groups, neighbours leave near-duplicates out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from goodfit.stages.audit.labels.folds import FOLDS, folds_of
from goodfit.stages.audit.labels.linear import fit
from goodfit.stages.audit.labels.neighbours import neighbours_of
from goodfit.stages.audit.labels.opinion import Subject, opinion_of, out_of_fold
from tests.stages.audit.labels.make import cloud, flipped, subject


@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_the_regression_is_that_of_scikit_learn(strength: float) -> None:
    vectors, labels = cloud(300, 4)
    ours = fit(vectors, np.eye(4, dtype=np.float32)[labels], strength, exclusive=True).chances(vectors)
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(vectors, labels).predict_proba(vectors)
    assert np.abs(ours - theirs).max() < 0.01
    assert np.allclose(ours.sum(axis=1), 1, atol=1e-5)


def test_several_labels_are_a_regression_each() -> None:
    vectors, labels = cloud(300, 4)
    targets = (np.eye(4)[labels] + np.eye(4)[(labels * 7 + 1) % 4] > 0).astype(np.float32)
    ours = fit(vectors, targets, 1.0, exclusive=False).chances(vectors)
    for k in range(4):
        theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=5000).fit(vectors, targets[:, k]).predict_proba(vectors)[:, 1]
        assert np.abs(ours[:, k] - theirs).max() < 0.01


def test_scores_without_bounds_do_not_overflow() -> None:
    vectors = np.array([[1e4, 0], [-1e4, 0]] * 20, dtype=np.float32)
    for exclusive in (True, False):
        chances = fit(vectors, np.eye(2, dtype=np.float32)[[0, 1] * 20], 1e6, exclusive=exclusive).chances(vectors)
        assert np.isfinite(chances).all()


def test_folds_hold_every_class_and_whole_groups() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.choice(4, size=900, p=[0.7, 0.2, 0.08, 0.02])
    groups = np.where(rng.random(900) < 0.3, rng.integers(40, size=900), 1000 + np.arange(900))
    fold = folds_of(kinds, groups, 3)
    assert all(len(set(fold[groups == g])) == 1 for g in np.unique(groups))
    assert np.bincount(fold, minlength=FOLDS).min() > 900 / FOLDS * 0.75
    alone = folds_of(kinds, np.arange(900), 3)
    for kind in range(4):
        counts = np.bincount(alone[kinds == kind], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
    assert (folds_of(kinds, groups, 3) == fold).all()
    assert (folds_of(kinds, groups, 4) != fold).any()


def test_neighbours_are_those_of_a_search_row_by_row() -> None:
    vectors, _ = cloud(700, 3)
    groups = np.arange(700) // 2
    found = neighbours_of(vectors, groups, k=5)
    for i in (0, 1, 333, 699):
        near = vectors @ vectors[i]
        near[groups == groups[i]] = -9
        assert set(found.rows[i]) == set(np.argsort(-near)[:5])
    targets = np.eye(3, dtype=np.float32)[np.arange(700) % 3]
    assert np.allclose(found.shares(targets).sum(axis=1), 1, atol=1e-5)


def test_a_row_without_a_neighbour_gets_the_share_of_all() -> None:
    vectors, _ = cloud(20, 2)
    shares = neighbours_of(vectors, np.zeros(20, int)).shares(np.eye(2, dtype=np.float32)[[0] * 5 + [1] * 15])
    assert np.allclose(shares, [0.25, 0.75])


def test_the_opinion_is_of_models_that_never_saw_the_row() -> None:
    """Labels by chance: whoever saw them would do better than chance."""
    vectors, _ = cloud(600, 2, d=300)
    labels = np.random.default_rng(99).integers(2, size=600)
    opinion = opinion_of(subject(vectors, labels))
    assert (opinion.linear.argmax(axis=1) == labels).mean() < 0.56
    one = subject(vectors, labels)
    warm, _ = out_of_fold(one, vectors, opinion.fold, 1.0, opinion.first)
    cold, _ = out_of_fold(one, vectors, opinion.fold, 1.0)
    assert np.abs(warm - cold).max() < 0.02


def test_near_duplicates_do_not_vouch_for_each_other() -> None:
    """Each row stands three times with the same wrong label: apart the copies hide it, as groups they do not."""
    vectors, labels = cloud(150, 3)
    given, wrong = flipped(labels, 0.1)
    copies = np.repeat(np.arange(150), 3)
    apart, together = (
        opinion_of(subject(vectors[copies], given[copies], groups=groups)).mixed for groups in (np.arange(450), copies)
    )  # fmt: skip
    rows = np.flatnonzero(wrong[copies])
    trusted = [chances[rows, given[copies][rows]].mean() for chances in (apart, together)]
    assert trusted[1] < 0.7 * trusted[0]


def test_it_is_the_same_again() -> None:
    vectors, labels = cloud(200, 3)
    first, second = opinion_of(subject(vectors, labels, 5)), opinion_of(subject(vectors, labels, 5))
    assert (first.mixed == second.mixed).all()


def test_several_labels_with_rows_that_have_none() -> None:
    vectors, labels = cloud(200, 3)
    targets = np.eye(3, dtype=np.float32)[labels]
    targets[:20] = 0
    opinion = opinion_of(Subject(vectors, targets, np.arange(200), False))
    assert np.isfinite(opinion.mixed).all()
    assert (opinion.mixed[np.arange(20), labels[:20]] > 0.5).mean() > 0.9
