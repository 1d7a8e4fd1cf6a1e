"""What n rows can show: the figures are those that the intervals and tests then have."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import populations
from goodfit.statistics import half_width, half_width_auc, half_width_macro, half_width_mean, score, smallest_difference, smallest_gap
from goodfit.statistics.power import careful_deviation, careful_discordance, rows_for_paired


def test_half_width_of_a_share_is_that_of_the_score() -> None:
    y = np.zeros(500, dtype=int)
    made = score("accuracy", y, (np.arange(500) >= 400).astype(int))
    assert half_width(500, 0.8) == pytest.approx((made.high - made.low) / 2)
    assert half_width(500, 0.8, design=4.0) == pytest.approx(half_width(125, 0.8))
    assert half_width(500, 0.8, level=0.99) > half_width(500, 0.8)


@pytest.mark.parametrize("skew", [0, 1])
def test_half_width_of_macro_f1_is_near_that_of_the_score(skew: float) -> None:
    rng = np.random.default_rng(0)
    widths, expected = [], []
    for _ in range(8):
        y, p, _ = populations.draw_classes(5, 0.8, skew, 600)(rng)
        made = score("macro_f1", y, p)
        widths.append((made.high - made.low) / 2)
        expected.append(half_width_macro(np.bincount(y), 0.8))
    assert np.mean(expected) == pytest.approx(np.mean(widths), rel=0.25)


def test_half_width_of_macro_f1_leaves_empty_classes_out() -> None:
    assert half_width_macro([100, 100, 0], 0.8) == half_width_macro([100, 100], 0.8)
    assert half_width_macro([190, 10], 0.8) > 1.5 * half_width_macro([100, 100], 0.8)
    with pytest.raises(ValueError, match="no class has rows"):
        half_width_macro([0, 0])


def test_half_widths_of_a_mean_and_an_auc_are_near_those_of_the_score() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    made = score("mean", None, x)
    assert half_width_mean(200, float(x.std(ddof=1))) == pytest.approx((made.high - made.low) / 2, rel=0.02)
    y, p, _ = populations.draw_scores(0.3, 0.85, 1000)(rng)
    made = score("roc_auc", y, p)
    assert half_width_auc(int(y.sum()), int((1 - y).sum())) == pytest.approx((made.high - made.low) / 2, rel=0.2)


def test_smallest_gap_is_found_four_times_of_five() -> None:
    gap = smallest_gap(200, 300, 0.8)
    rng = np.random.default_rng(0)
    a, b = rng.binomial(200, 0.8 - gap, 2000), rng.binomial(300, 0.8, 2000)
    pooled = (a + b) / 500
    z = (a / 200 - b / 300) / np.sqrt(pooled * (1 - pooled) * (1 / 200 + 1 / 300))
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.05)
    assert smallest_gap(5, 5, 0.5) > 0.4
    assert smallest_gap(1, 1, 0.5) == 1.0
    assert smallest_gap(10_000, 10_000, 0.8) < 0.02


def test_smallest_difference_is_the_inverse_of_rows_needed() -> None:
    for discordance in (0.05, 0.2):
        gap = smallest_difference(1000, discordance)
        assert rows_for_paired(gap, discordance) == pytest.approx(1000, abs=2)
    assert smallest_difference(5, 0.1) == 0.1


def test_pilot_bounds_are_upper_bounds() -> None:
    rng = np.random.default_rng(0)
    seen = rng.binomial(300, 0.1, 2000) / 300
    assert np.mean([careful_discordance(q, 300) >= 0.1 for q in seen]) == pytest.approx(0.8, abs=0.06)
    deviations = np.std(rng.normal(size=(2000, 40)), axis=1, ddof=1)
    assert np.mean([careful_deviation(s, 40) >= 1 for s in deviations]) == pytest.approx(0.8, abs=0.04)
    assert careful_deviation(1.0, 100_000) == pytest.approx(1, abs=0.01)
