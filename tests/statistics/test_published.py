"""Intervals and tests give the published figures, and reduce to one another where theory says so."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

from benchmarks import populations
from goodfit.statistics import benjamini_hochberg, bootstrap, compare, counted, holm, score
from goodfit.statistics.bootstrap import Units, bca, leave_one_out, pulls_of, resample, units_of
from goodfit.statistics.influence import spread, spread_of
from goodfit.statistics.proportions import mcnemar_midp, mean_of_shares, normal_quantile, tango, wilson
from goodfit.statistics.sample import Sample


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
)
def test_wilson_as_in_newcombe_1998(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("only_a", "only_b", "n", "low", "high"), [(6, 16, 161, -0.1240, -0.0054), (1, 7, 21, -0.5173, -0.0260)])
def test_tango_and_midp_as_in_fagerland_2014(only_a: int, only_b: int, n: int, low: float, high: float) -> None:
    assert tango(only_a, only_b, n) == pytest.approx((low, high), abs=1.2e-4)
    assert tango(only_b, only_a, n) == pytest.approx((-high, -low), abs=1.2e-4)


def test_midp_as_in_fagerland_2014() -> None:
    assert mcnemar_midp(6, 16) == pytest.approx(0.034690, abs=1e-6)
    assert mcnemar_midp(1, 7) == pytest.approx(stats.binomtest(1, 8).pvalue - stats.binom.pmf(1, 8, 0.5))
    assert mcnemar_midp(0, 0) == 1.0


def test_tango_at_the_edges() -> None:
    z2 = normal_quantile(0.95) ** 2
    assert tango(0, 0, 100) == pytest.approx((-z2 / (100 + z2), z2 / (100 + z2)))
    low, high = tango(100, 0, 100)
    assert high == 1.0
    assert low == pytest.approx((100 - z2) / (100 + z2), abs=1e-6)
    assert tango(0, 100, 100)[0] == -1.0


def test_mean_of_one_share_is_wilson() -> None:
    for hits in (0, 1, 37, 99, 100):
        made = mean_of_shares(np.array([float(hits)]), np.array([100.0]), normal_quantile(0.95))
        assert made == pytest.approx(wilson(hits, 100), abs=1e-9)


def test_mean_of_shares_widens_for_a_rare_class_without_a_miss() -> None:
    z = normal_quantile(0.95)
    rare = mean_of_shares(np.array([235.0, 10.0]), np.array([240.0, 10.0]), z)
    common = mean_of_shares(np.array([235.0, 240.0]), np.array([240.0, 240.0]), z)
    assert common[0] - rare[0] > 0.05
    assert rare[1] <= 1.0


def test_mean_of_shares_holds_the_estimate_for_any_counts() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        of = rng.integers(1, 60, size=rng.integers(1, 12)).astype(float)
        hits = rng.binomial(of.astype(int), rng.choice([0.0, 0.05, 0.5, 0.95, 1.0])).astype(float)
        low, high = mean_of_shares(hits, of, 1.96)
        assert 0 <= low <= np.mean(hits / of) <= high <= 1
        assert high - low > 0


def test_unclustered_t_is_students() -> None:
    x = np.random.default_rng(0).normal(size=50)
    about = spread((x - x.mean()) / 50, None)
    assert about.error == pytest.approx(stats.sem(x))
    assert spread_of(np.ones(40)).degrees == 39
    assert spread_of(np.array([1.0] + [1e-9] * 99)).degrees == pytest.approx(1.5, abs=0.05)


def test_clusters_of_one_row_are_rows_and_of_equal_rows_count_once() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=60)
    alone, named = score("mean", None, x), score("mean", None, x, clusters=[f"row {i}" for i in range(60)])
    assert named == alone
    tripled = score("mean", None, np.repeat(x, 3), clusters=np.repeat(np.arange(60), 3))
    assert (tripled.low, tripled.high) == pytest.approx((alone.low, alone.high))
    flags = x > 0.5
    once, thrice = score("rate", None, flags), score("rate", None, np.repeat(flags, 3), clusters=np.repeat(np.arange(60), 3))
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=0.05)


def test_bca_agrees_with_scipy() -> None:
    x = np.random.default_rng(3).gamma(1.0, size=60)
    units = units_of(sparse.csr_array(np.stack([x, np.ones(60)], axis=1)), None, np.random.default_rng(0))
    assert isinstance(units, Units)
    assert units.n == 60

    def mean(sums: np.ndarray) -> np.ndarray:
        return sums[..., 0] / sums[..., 1]

    draws = resample(units, mean, 20_000, np.random.default_rng(1))
    made = bca(float(x.mean()), draws, pulls_of(leave_one_out(units, mean), units), units.counts, 1.96)
    theirs = stats.bootstrap((x,), np.mean, n_resamples=20_000, method="BCa", random_state=np.random.default_rng(2)).confidence_interval
    assert made == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_rows_of_one_sort_are_counted_not_listed() -> None:
    rows = sparse.csr_array(np.array([[1.0, 0, 1], [0, 1, 0], [1, 0, 1], [1, 0, 1]]))
    units = units_of(rows, None, np.random.default_rng(0))
    assert sorted(units.counts.tolist()) == [1, 3]
    assert units.total().tolist() == [3, 1, 3]


def test_pooled_units_give_the_width_of_single_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 400, 9000)
    p = np.where(rng.random(9000) < 0.6, y, rng.integers(0, 400, 9000))
    single = score("mcc", y, p)
    monkeypatch.setattr(bootstrap, "MOST_SORTS", 1000)
    pooled = score("mcc", y, p)
    assert pooled.value == single.value
    assert pooled != single
    assert pooled.high - pooled.low == pytest.approx(single.high - single.low, rel=0.1)
    monkeypatch.setattr(bootstrap, "MOST_SORTS", 50)
    clusters = np.arange(9000) // 3
    blocks = score("mcc", y, p, clusters=clusters)
    assert blocks.clusters == 3000
    assert blocks.high - blocks.low == pytest.approx(single.high - single.low, rel=0.15)


def test_draws_grow_with_the_level() -> None:
    assert [bootstrap.draws_for(level) for level in (0.5, 0.95, 0.99, 0.995, 0.9999)] == [2000, 2000, 10_000, 20_000, 20_000]


def test_extrapolated_quantiles_follow_the_normal() -> None:
    draws = np.random.default_rng(0).normal(3, 2, size=2000)
    for z in (-4.0, -2.0, 0.0, 2.0, 4.0):
        assert bootstrap.normal_tailed_quantile(draws, z) == pytest.approx(3 + 2 * z, abs=0.8)


def test_fixed_class_counts_take_bias_off_macro_f1() -> None:
    """With as many rows of each class as in the sample, macro-F1 of many small classes is less biased than with random counts."""
    sample = Sample(*populations.draw_classes(40, 0.6, 0, 300)(np.random.default_rng(0))[:2])
    units = units_of(counted.class_rows(sample), None, np.random.default_rng(0))
    without = leave_one_out(units, counted.macro_f1)
    plain = (units.n - 1) * (np.average(without, weights=units.counts) - float(counted.macro_f1(units.total())))
    strata = np.asarray(units.sums[:, :40].argmax(axis=1)).ravel()
    within = bootstrap.bias_within(units, counted.macro_f1, strata)
    assert plain < within < 0.01
    assert abs(bootstrap.bias_within(units, counted.balanced_accuracy, strata)) < 1e-9


def test_corrections() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))
    assert holm([]).tolist() == []


def test_paired_t_is_scipys() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=300), rng.normal(0.1, size=300)
    made, theirs = compare("mean", None, a, b), stats.ttest_rel(a, b)
    assert made.p == pytest.approx(theirs.pvalue, rel=0.02)
    assert made.difference is not None
    assert (made.difference.low, made.difference.high) == pytest.approx(tuple(theirs.confidence_interval()), rel=0.02)


def test_paired_delong_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(250) < 0.4).astype(int)
    a, b = rng.normal(size=(2, 250)) + 1.0 * y
    won = [(s[y == 1][:, None] > s[y == 0][None, :]).astype(float) for s in (a, b)]
    by_positive, by_negative = won[0].mean(1) - won[1].mean(1), won[0].mean(0) - won[1].mean(0)
    error = np.sqrt(by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative))
    made = compare("roc_auc", y, a, b)
    assert made.difference is not None
    assert made.difference.value == pytest.approx(won[0].mean() - won[1].mean())
    assert made.p == pytest.approx(2 * stats.norm.sf(abs(made.difference.value) / error), rel=0.02)
