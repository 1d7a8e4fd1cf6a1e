"""One group against the rest: numbers by hand, intervals and tests that agree, answers, rows needed; families and their omnibus test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from goodfit.statistics.gaps import (
    Axis,
    answer_of,
    correct,
    family_of,
    first_alpha,
    gap,
    power_of,
    rows_for,
    rows_for_equivalence,
    rows_needed,
    smallest_gap,
)
from goodfit.statistics.gaps.difference import Two, limits, statistic
from goodfit.statistics.gaps.family import share_of
from goodfit.statistics.gaps.omnibus import omnibus


def counts(x1: int, n1: int, x0: int, n0: int):
    values = np.r_[np.ones(x1), np.zeros(n1 - x1), np.ones(x0), np.zeros(n0 - x0)]
    return values, np.ones(n1 + n0, bool), np.r_[np.ones(n1, bool), np.zeros(n0, bool)]


def test_value_by_hand() -> None:
    made = gap(*counts(30, 100, 40, 200))
    assert made.value == pytest.approx(0.30 - 0.20)
    assert (made.rate_inside, made.rate_outside, made.n_inside, made.n_outside) == (0.3, 0.2, 100, 200)
    assert made.low < 0.1 < made.high
    assert made.low < made.narrow[0] < made.narrow[1] < made.high
    assert made.score("tpr_gap").n == 100


@pytest.mark.parametrize("difference", [-0.3, -0.05, 0.0, 0.1, 0.4])
def test_likeliest_shares_are_those_of_the_likelihood(difference: float) -> None:
    from goodfit.statistics.gaps.difference import _likeliest

    two = Two(0.3, 50, 0.2, 80)

    def unlikely(p0: float) -> float:
        p1 = p0 + difference
        return -(15 * np.log(p1) + 35 * np.log(1 - p1) + 16 * np.log(p0) + 64 * np.log(1 - p0))

    best = optimize.minimize_scalar(
        unlikely, bounds=(max(1e-9, -difference), min(1, 1 - difference) - 1e-9), method="bounded", options={"xatol": 1e-10}
    )
    assert _likeliest(two, difference) == pytest.approx((best.x + difference, best.x), abs=1e-5)


def test_published_intervals() -> None:
    """56/70 and 48/80 (Newcombe 1998, table II): Miettinen & Nurminen give [0.0528, 0.3382]; the correction for skewness moves that a little."""
    low, high = limits(Two(56 / 70, 70, 48 / 80, 80), 1.959964)
    assert (low, high) == pytest.approx((0.0528, 0.3382), abs=0.003)
    assert statistic(Two(56 / 70, 70, 48 / 80, 80), low) == pytest.approx(1.959964, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_leaves_out_zero_exactly_where_p_is_small(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for i in range(150):
        n = int(rng.integers(100, 400))
        inside, clusters = rng.random(n) < 0.4, rng.integers(0, 40, n) if i % 2 else None
        values = (rng.random(n) < 0.3 + 0.15 * inside).astype(float) if i % 3 else rng.normal(size=n) + 0.3 * inside
        made = gap(values, np.ones(n, bool), inside, clusters)
        assert (made.low > 0 or made.high < 0) == (made.p < 0.05)
        assert made.low <= made.value <= made.high


def test_level_is_held_in_the_tails_by_enumeration() -> None:
    """Rare events, small group: the chance of p < 0.005 is 0.005 at most; without the correction for skewness it is more than doubled."""
    n1, n0, rate = 100, 700, 0.02
    chance1, chance0 = stats.binom.pmf(np.arange(16), n1, rate), stats.binom.pmf(np.arange(40), n0, rate)
    corrected = plain = 0.0
    for x1 in range(16):
        for x0 in range(40):
            weight, pooled = chance1[x1] * chance0[x0], (x1 + x0) / 800
            z = (x1 / n1 - x0 / n0) / np.sqrt(max(pooled * (1 - pooled) * (1 / n1 + 1 / n0), 1e-12))
            plain += weight * (2 * stats.norm.sf(abs(z)) < 0.005)
            corrected += weight * (2 * stats.norm.sf(abs(statistic(Two(x1 / n1, n1, x0 / n0, n0), 0.0))) < 0.005)
    assert corrected <= 0.005 < plain / 1.5


def test_edges() -> None:
    none = gap(*counts(0, 120, 0, 150))
    assert none.value == 0
    assert none.p == 1
    assert none.low < 0 < none.high
    full = gap(*counts(120, 120, 0, 150))
    assert full.value == 1
    assert full.high == 1
    assert full.p < 1e-6
    assert gap(*counts(5, 19, 5, 100)).why_absent == "n below 20"
    assert gap(*counts(5, 10, 0, 0)).why_absent == "no row outside"
    assert gap(*counts(0, 0, 5, 10)).why_absent == "no row inside"
    flat = gap(np.full(300, 0.25), np.ones(300, bool), np.arange(300) < 150)
    assert flat.p is None
    assert flat.method.startswith("none")
    assert answer_of(flat, 0.05, None).answer == "not_enough_data"


def test_unknown_membership_is_on_neither_side() -> None:
    values, everyone, inside = counts(30, 100, 40, 200)
    more = gap(np.r_[values, np.ones(50)], np.ones(350, bool), np.r_[inside, np.zeros(50, bool)], known=np.r_[everyone, np.zeros(50, bool)])
    assert more == gap(values, everyone, inside)


def test_doubled_rows_widen_and_shared_templates_narrow() -> None:
    rng = np.random.default_rng(1)
    inside = np.arange(300) % 2 == 0
    values = (rng.random(300) < 0.3).astype(float)
    once = gap(values, np.ones(300, bool), inside)
    twice = gap(np.repeat(values, 2), np.ones(600, bool), np.repeat(inside, 2), np.repeat(np.arange(300), 2))
    naive = gap(np.repeat(values, 2), np.ones(600, bool), np.repeat(inside, 2))
    assert twice.value == pytest.approx(once.value)
    assert twice.high - twice.low >= 0.98 * (once.high - once.low) > 1.2 * (naive.high - naive.low)
    template = np.arange(300) // 2
    easy = rng.random(150)[template]
    paired = (easy + 0.05 * rng.standard_normal(300) < 0.3).astype(float)
    with_templates, without = gap(paired, np.ones(300, bool), inside, template), gap(paired, np.ones(300, bool), inside)
    assert with_templates.high - with_templates.low < 0.6 * (without.high - without.low)
    assert with_templates.design < 0.4


def test_templates_that_answer_alike() -> None:
    values = np.repeat((np.arange(150) % 3 == 0).astype(float), 2)
    made = gap(values, np.ones(300, bool), np.arange(300) % 2 == 0, np.arange(300) // 2)
    assert made.value == 0
    assert made.p == 1
    assert made.low == pytest.approx(-made.high)
    assert 0 < made.high < 0.05


def test_answers() -> None:
    small, clear, equal, unsure = (
        gap(*c) for c in (counts(30, 90, 40, 400), counts(60, 200, 40, 400), counts(200, 2000, 400, 4000), counts(20, 150, 40, 400))
    )
    few = answer_of(small, 0.05, 0.001)
    assert (few.answer, few.why) == ("not_enough_data", "n inside below 100")
    assert few.rows_needed >= 100
    assert answer_of(clear, 0.05, clear.p).answer == "gap"
    assert answer_of(clear, 0.05, 0.06).answer == "not_enough_data"
    assert answer_of(equal, 0.05, equal.p).answer == "no_gap_above_margin"
    undecided = answer_of(unsure, 0.05, unsure.p)
    assert undecided.answer == "not_enough_data"
    assert undecided.rows_needed > 150
    assert answer_of(gap(*counts(0, 0, 5, 30)), 0.05, None).answer == "not_measured"
    clusters = np.r_[np.arange(200) // 20, 100 + np.arange(400) // 5]
    assert answer_of(gap(*counts(60, 200, 40, 400), clusters), 0.05, 0.001).why == "clusters inside below 20"
    with pytest.raises(ValueError, match="above 0"):
        answer_of(clear, 0.0, 0.01)


def test_a_sure_gap_within_the_margin_does_not_matter() -> None:
    made = gap(*counts(12_000, 100_000, 13_000, 100_000))
    assert made.p < 1e-6
    assert answer_of(made, 0.05, made.p).answer == "no_gap_above_margin"


def test_rows_needed_do_what_they_promise() -> None:
    """With so many rows a gap of the margin is found in about 80% and none is called none in at least 80%."""
    made, rng = gap(*counts(30, 150, 2000, 10_000)), np.random.default_rng(5)
    n = rows_needed(made, 0.05)
    assert 450 < n < 700
    found = none = 0
    for _ in range(200):
        x1, x0 = rng.binomial(n, [0.25, 0.2]), rng.binomial(10_000, 0.2)
        one, other = gap(*counts(int(x1[0]), n, int(x0), 10_000)), gap(*counts(int(x1[1]), n, int(x0), 10_000))
        found += one.p < 0.05
        none += answer_of(other, 0.05, None).answer == "no_gap_above_margin"
    assert found >= 145
    assert none >= 145


def test_planning() -> None:
    assert power_of(200, 200, 0.1, 0.0) == pytest.approx(0.05)
    n = rows_for(0.1, 0.05)
    assert n == pytest.approx(2 * (1.96 + 0.8416) ** 2 * 0.1 * 0.9 / 0.05**2, abs=2)
    assert power_of(n, n, 0.1, smallest_gap(n, n, 0.1)) == pytest.approx(0.8, abs=0.01)
    assert power_of(400, 400, 0.1, 0.1, design=2) == pytest.approx(power_of(200, 200, 0.1, 0.1), abs=0.004)
    assert power_of(120, 840, 0.05, 0.1, 0.05 / 8) == pytest.approx(0.81, abs=0.015)  # 0.81 of 6,000 draws; without skewness 0.855
    assert power_of(120, 840, 0.1, smallest_gap(120, 840, 0.1, 0.01), 0.01) == pytest.approx(0.8, abs=1e-3)
    assert power_of(120, 840, 0.9, -smallest_gap(120, 840, 0.9, design=1.5), design=1.5) == pytest.approx(0.8, abs=1e-3)
    assert smallest_gap(3, 3, 0.5) == 1
    assert rows_for(0.1, 0.05, n_out=100) is None
    assert rows_for(0.1, 0.05, n_out=100_000) < n
    assert rows_for(0.1, 0) is None
    assert rows_for_equivalence(0.1, 0.05) > n
    with pytest.raises(ValueError, match="between 0 and 1"):
        power_of(10, 10, 0.95, 0.1)


def family(values, group, members: int, clusters=None, **more):
    axis = Axis({str(g): group == g for g in range(members)}, clusters=clusters)
    return family_of("axis x error", values, np.ones(len(values), bool), axis, **more)


def test_two_members_are_one_question() -> None:
    rng = np.random.default_rng(0)
    made = family((rng.random(400) < 0.3).astype(float), np.arange(400) % 2, 2)
    assert made.questions == ["0"]
    [made] = correct([made])
    assert made.p_adjusted["0"] == made.p_adjusted["1"]
    assert made.alpha == 0.05


def test_the_rule_of_the_tiers() -> None:
    """Primary: p x Holm x 5/4; secondary: x 5; alone: as plain Holm; small members are not asked; never below the omnibus p."""
    rng = np.random.default_rng(3)
    group, values = np.repeat(np.arange(4), [200, 200, 200, 60]), (rng.random(660) < 0.2).astype(float)
    values[:200] = rng.random(200) < 0.45
    first, second = family(values, group, 4), family(values, group, 4, primary=False)
    assert first.questions == ["0", "1", "2"]
    one, other = correct([first, second])
    assert one.p_adjusted["3"] is None
    least = first.gaps["0"].p
    assert one.p_adjusted["0"] == pytest.approx(max(3 * least * 5 / 4, first.omnibus.p))
    assert other.p_adjusted["0"] == pytest.approx(max(min(3 * least * 5, 1), first.omnibus.p))
    assert (one.alpha, other.alpha) == pytest.approx((0.04 / 3, 0.01 / 3))
    [alone] = correct([first])
    assert alone.alpha == pytest.approx(0.05 / 3)
    assert share_of(False, {True: 0, False: 2}) == 0.05
    assert first_alpha(5, 0.04) == pytest.approx(0.008)


def test_omnibus_is_exact() -> None:
    """Two members that are each other's rest, asked as two: the two-sided hypergeometric mid-p. One question: its own p."""
    values, _, inside = counts(60, 200, 80, 200)
    made = omnibus(values, np.stack([inside, ~inside], 1), [0.03, 0.03])
    law = stats.hypergeom(400, 140, 200)
    wanted = 2 * (law.cdf(59) + law.pmf(60) / 2)
    assert made.method == "permutation"
    assert made.p == pytest.approx(wanted, abs=0.015)
    assert omnibus(values, inside[:, None], [0.03]).p == 0.03
    assert omnibus(np.zeros(400), inside[:, None], [1.0]).p == 1
    assert omnibus(values, np.zeros((400, 0), bool), []).p is None


@pytest.mark.parametrize("kind", ["permutation_of_clusters", "permutation_within_clusters", "smallest_p", "permutation"])
def test_what_is_exchanged_follows_the_clusters(kind: str) -> None:
    rng = np.random.default_rng(0)
    group = np.arange(480) % 4
    values, clusters = (rng.random(480) < 0.2).astype(float), np.arange(480) // 4
    if kind == "permutation_of_clusters":
        group = (clusters % 4).copy()
    elif kind == "smallest_p":
        group = np.where(rng.random(480) < 0.7, clusters % 4, group)
    elif kind == "permutation":
        values, clusters = rng.random(480), None
    made = family(values, group, 4, clusters)
    assert made.omnibus.method == kind
    assert made.omnibus == family(values, group, 4, clusters).omnibus
    planted = family(np.where(group == 0, rng.random(480) < 0.85, values).astype(float), group, 4, clusters)
    assert planted.omnibus.p < 0.01


def test_no_gap_anywhere_raises_few_alarms_and_a_large_one_is_found() -> None:
    """The long simulation is benchmarks/gaps.py; this one has fixed seeds: at most 5% plus two standard errors."""
    alarms = found = 0
    for seed in range(120):
        rng = np.random.default_rng([seed, 1])
        group, values = np.repeat(np.arange(5), 150), (rng.random(750) < 0.15).astype(float)
        clusters = None if seed % 2 else np.arange(750) % 150
        planted = np.where(group == 0, rng.random(750) < 0.40, values).astype(float)
        for name, seen in (("null", values), ("planted", planted)):
            [made] = correct([family(seen, group, 5, clusters, seed=seed)])
            calls = [m for m, g in made.gaps.items() if answer_of(g, 0.05, made.p_adjusted[m]).answer == "gap"]
            alarms += name == "null" and bool(calls)
            found += name == "planted" and "0" in calls
    assert alarms <= 10
    assert found >= 118
