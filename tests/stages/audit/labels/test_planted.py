"""Labels changed on purpose: what the flags find of them tells how many flags are real, and it comes true."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.stages.audit.labels.flags import flagged
from goodfit.stages.audit.labels.opinion import Subject, opinion_of
from goodfit.stages.audit.labels.planted import Found, changed, look_for_planted, precision
from tests.stages.audit.labels.make import cloud, flipped, subject


@pytest.mark.parametrize("apart", [0.25, 0.5, 1.5])
def test_the_expected_share_of_real_flags_comes_true(apart: float) -> None:
    vectors, labels = cloud(2000, 3, apart=apart)
    given, wrong = flipped(labels, 0.08)
    one = subject(vectors, given)
    opinion = opinion_of(one)
    flags = flagged(one, opinion.mixed)
    found = look_for_planted(one, opinion)
    said = precision(found.recall, 0.08, 2000, int(flags.sum()))
    assert said == pytest.approx(wrong[flags].mean(), abs=0.08)
    low, high = (precision(end, 0.08, 2000, int(flags.sum())) for end in found.ends)
    assert low <= said <= high


def test_the_original_is_left_alone_and_copies_are_changed_as_asked() -> None:
    vectors, labels = cloud(300, 4)
    one = subject(vectors, labels)
    before = one.targets.copy()
    rng = np.random.default_rng(0)
    rows = np.arange(40)
    made = changed(one, opinion_of(one).mixed, rows, rows % 2 == 1, rng)
    assert (one.targets == before).all()
    assert (made.sum(axis=1) == 1).all()
    assert (made[:40].argmax(axis=1) != labels[:40]).all()
    assert (made[40:] == before[40:]).all()


def test_sets_lose_or_swap_a_label() -> None:
    vectors, labels = cloud(300, 4)
    targets = np.eye(4, dtype=np.float32)[labels]
    targets[:10] = 0
    targets[10:20] = 1
    one = Subject(vectors, targets, np.arange(300), False)
    made = changed(one, opinion_of(one).mixed, np.arange(60), np.arange(60) % 2 == 1, np.random.default_rng(0))
    assert (made[:60] != targets[:60]).any(axis=1).all()
    assert set(np.unique(made)) == {0, 1}


def test_ends_span_both_kinds_and_nothing_planted_says_nothing() -> None:
    found = Found((90, 100), (50, 100))
    assert found.recall == pytest.approx(0.7)
    assert found.ends[0] < 0.5 < 0.9 < found.ends[1]
    assert Found((0, 0), (0, 0)).ends == (0, 1)
    assert precision(0.7, 0.1, 1000, 0) == 0
    assert precision(1.0, 0.5, 1000, 100) == 1
