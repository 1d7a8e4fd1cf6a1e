"""Sets of labels: quantiles and RAPS as written out, coverage by its Beta law, per class, several labels; an oracle where it is installed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from goodfit.statistics.conformal import as_promised, labels_found, lac, law, per_class, quantile, raps


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def draw(n: int, classes: int, rng: np.random.Generator, sharp: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are badly calibrated, and labels."""
    z = rng.normal(size=(n, classes))
    y = np.array([rng.choice(classes, p=p) for p in softmax(1.5 * z)])
    return softmax(sharp * 1.5 * z), y


def test_the_quantile_is_a_rank() -> None:
    scores = np.arange(1, 101) / 100
    assert quantile(scores, 0.1) == 0.91  # ceil(101 * 0.9) = 91
    assert quantile(scores, 0.5) == 0.51
    assert quantile(scores[:8], 0.1) == math.inf
    assert quantile(scores[:9], 0.1) == 0.09
    np.testing.assert_array_equal(per_class(scores, np.arange(100) % 2, 3, 0.1), [0.91, 0.92, math.inf])


def test_raps_as_written_out() -> None:
    rng = np.random.default_rng(0)
    p = softmax(rng.normal(size=(50, 6)))
    found = raps(p, 0.05, 2)
    for i in range(50):
        for label in range(6):
            before = [j for j in range(6) if p[i, j] > p[i, label]]
            rank = len(before) + 1
            assert found[i, label] == pytest.approx(p[i, before].sum() + p[i, label] + 0.05 * max(0, rank - 2))


@pytest.mark.parametrize("way", ["lac", "raps"])
def test_coverage_follows_its_beta_law(way: str) -> None:
    rng = np.random.default_rng(1)
    score = lac if way == "lac" else lambda p: raps(p, 0.01, 2)
    n, alpha, seen = 200, 0.1, []
    big_p, big_y = draw(20_000, 5, rng)
    strange = score(big_p)[np.arange(len(big_y)), big_y]
    for _ in range(300):
        p, y = draw(n, 5, rng)
        q = quantile(score(p)[np.arange(n), y], alpha)
        seen.append((strange <= q).mean())
    assert stats.kstest(seen, stats.beta(*law(n, alpha)).cdf).pvalue > 0.01
    assert law(500, 0.1) == (451, 50)


def test_chance_under_the_law() -> None:
    rng = np.random.default_rng(0)
    p = [as_promised(int(rng.binomial(300, rng.beta(*law(200, 0.1)))), 300, 200, 0.1) for _ in range(2000)]
    assert np.mean(np.array(p) <= 0.01) <= 0.015
    assert as_promised(100, 300, 200, 0.1) < 1e-6
    assert as_promised(0, 10, 5, 0.1) == 1.0


def test_labels_found_keeps_the_mean_missed_share() -> None:
    rng = np.random.default_rng(2)
    missed = []
    for _ in range(200):
        z = rng.normal(size=(1300, 6))
        p = 1 / (1 + np.exp(-2 * z))
        y = rng.random(p.shape) < 1 / (1 + np.exp(-z))
        cut = labels_found(p[:300], y[:300], 0.1)
        sizes = np.maximum(y[300:].sum(axis=1), 1)
        missed.append(((y[300:] & (p[300:] < cut)).sum(axis=1) / sizes).mean())
    assert 0.085 < np.mean(missed) <= 0.1 + 3 * np.std(missed) / np.sqrt(200)
    assert labels_found(np.zeros((5, 3)), np.ones((5, 3)), 0.1) == 0.0  # too few rows: every label
    assert labels_found(np.full((100, 3), 0.4), np.zeros((100, 3)), 0.1) == 1.0
