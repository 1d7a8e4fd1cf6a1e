"""The confident joint by hand and beside cleanlab's, the ranking, the flags, and the range."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from goodfit.stages.audit.labels.flags import agreed, bounds, flagged
from goodfit.stages.audit.labels.joint import confident_joint, counted_joint, off_share, pruned, thresholds
from goodfit.stages.audit.labels.opinion import Subject, opinion_of
from goodfit.stages.audit.labels.ranking import doubt, positions, rank_classes, rank_sets, strata_of
from tests.stages.audit.labels.make import cloud, flipped, subject


def some(seed: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities that mostly agree."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    scores = rng.normal(size=(n, k))
    scores[np.arange(n), labels] += 2
    return labels, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def test_the_joint_by_hand() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.2, 0.8]])
    assert thresholds(labels, chances) == pytest.approx([0.6, 0.75])
    assert counted_joint(labels, chances).tolist() == [[2, 1], [0, 1]]
    assert confident_joint(labels, chances).tolist() == [[2, 1], [0, 2]]
    assert off_share(confident_joint(labels, chances)) == pytest.approx(0.2)
    assert pruned(labels, chances).tolist() == [False, False, True, False, False]


def test_a_class_without_rows_counts_nothing() -> None:
    labels, chances = some(0, 60, 3)
    labels[labels == 2] = 0
    joint = confident_joint(labels, chances)
    assert joint[:, 2].tolist()[:2] == [0, 0]
    assert joint.sum() == pytest.approx(60)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "k"), [(500, 2), (2000, 3), (2000, 10), (3000, 77)])
def test_the_joint_is_cleanlabs(n: int, k: int) -> None:
    count, filters = pytest.importorskip("cleanlab.count"), pytest.importorskip("cleanlab.filter")
    for seed in range(5):
        labels, chances = some(seed, n, k)
        assert (counted_joint(labels, chances) == count.compute_confident_joint(labels, chances, calibrate=False)).all()
        assert np.abs(confident_joint(labels, chances) - count.compute_confident_joint(labels, chances)).max() <= 1  # theirs is rounded
        theirs = filters.find_label_issues(labels, chances, filter_by="prune_by_noise_rate", n_jobs=1)
        ours = pruned(labels, chances)
        assert (ours & theirs).sum() >= 0.9 * max(ours.sum(), theirs.sum())  # theirs rounds cells up to keep the totals of classes


@pytest.mark.parametrize(("classes", "apart"), [(2, 1.0), (3, 1.0), (14, 1.5)])
def test_wrong_labels_come_first_with_the_right_one_suggested(classes: int, apart: float) -> None:
    vectors, labels = cloud(700, classes, apart=apart)
    given, wrong = flipped(labels, 0.1)
    ranking = rank_classes(given, opinion_of(subject(vectors, given)).mixed)
    assert average_precision_score(wrong, ranking.score) > 0.9
    assert (ranking.suggested[wrong] == labels[wrong]).mean() > 0.9
    assert (ranking.suggested != given).all()
    assert (ranking.label == given).all()


def test_confusions_weigh_more_where_classes_are_mistaken_for_each_other() -> None:
    """Class 0 is often given as 1 and never as 2: at equal probabilities a row of label 1 is more doubtful than one of label 2."""
    rng = np.random.default_rng(0)
    true = np.repeat([0, 1, 2], 200)
    given = np.where((true == 0) & (rng.random(600) < 0.3), 1, true)
    chances = np.full((600, 3), 0.05)
    chances[np.arange(600), true] = 0.9
    chances[-1] = chances[399] = [0.45, 0.275, 0.275]
    found = doubt(given, chances)
    assert (given[399], given[-1]) == (1, 2)
    assert found[399] > found[-1]


def test_sets_of_labels_are_ranked_by_their_worst() -> None:
    given = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=bool)
    chances = np.array([[0.9, 0.1, 0.95], [0.9, 0.8, 0.1], [0.1, 0.3, 0.1]])
    ranking = rank_sets(given, chances)
    assert positions(ranking.score).tolist() == [0, 2, 1]
    assert ranking.label.tolist() == [2, 1, 1]
    assert ranking.probability == pytest.approx([0.95, 0.2, 0.3])


def test_strata_are_the_shares_they_say() -> None:
    assert np.bincount(strata_of(np.arange(2000))).tolist() == [100, 200, 500, 1200]
    assert strata_of(np.arange(1)).tolist() == [0]
    assert np.bincount(strata_of(np.arange(50))).tolist() == [3, 5, 12, 30]


@pytest.mark.parametrize(("rate", "apart"), [(0.05, 0.35), (0.1, 0.35), (0.2, 0.35), (0.1, 1.5)])
def test_the_range_holds_what_was_injected(rate: float, apart: float) -> None:
    vectors, labels = cloud(1000, 3, apart=apart)
    given, wrong = flipped(labels, rate)
    one = subject(vectors, given)
    found = bounds(one, opinion_of(one))
    assert found.low <= wrong.mean() <= found.high
    assert found.low <= found.agreed / found.n
    assert found.joint_ends[0] <= found.joint <= found.joint_ends[1]


def test_labels_by_chance_are_not_called_wrong() -> None:
    vectors, _ = cloud(600, 3)
    one = subject(vectors, np.random.default_rng(1).integers(3, size=600))
    found = bounds(one, opinion_of(one))
    assert found.agreed == 0
    assert found.high > 0.5


def test_several_labels_are_flagged_and_bounded() -> None:
    vectors, labels = cloud(900, 4, apart=1.5)
    targets = np.eye(4, dtype=np.float32)[labels]
    rng = np.random.default_rng(0)
    wrong = rng.permutation(900)[:90]
    targets[wrong, rng.integers(4, size=90)] += 1
    targets = np.where(targets == 2, 0, np.minimum(targets, 1)).astype(np.float32)
    one = Subject(vectors, targets, np.arange(900), False)
    opinion = opinion_of(one)
    ranking = rank_sets(targets > 0, opinion.mixed)
    is_wrong = np.zeros(900, bool)
    is_wrong[wrong] = True
    assert average_precision_score(is_wrong, ranking.score) > 0.9
    assert flagged(one, opinion.mixed)[wrong].mean() > 0.8
    assert agreed(one, opinion)[~is_wrong].mean() < 0.01
    found = bounds(one, opinion)
    assert found.low <= 0.1 <= found.high
