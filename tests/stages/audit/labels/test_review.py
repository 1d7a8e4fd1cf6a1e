"""The estimate from people's decisions: weighted by stratum, an interval that covers, and no number where none can be had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from goodfit.stages.audit.labels import ALLOCATION, STRATA, noise_rate
from goodfit.stages.audit.labels.ranking import strata_of
from goodfit.stages.audit.labels.review import stratified


@dataclass
class Said:
    """One decision."""

    row: str
    action: str


def table(n: int) -> pa.Table:
    """Suspects without anything but what the estimate reads."""
    return pa.table({"row": [f"r{i}" for i in range(n)], "stratum": strata_of(np.arange(n))})


def population(n: int, rate: float, sharp: float, rng: np.random.Generator) -> np.ndarray:
    """Which of n rows are wrong, most suspicious first."""
    wrong = np.zeros(n, dtype=bool)
    wrong[rng.permutation(n)[: round(rate * n)]] = True
    return wrong[np.argsort(-(sharp * wrong + rng.normal(size=n)))]


def draw(n: int, total: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of a review, drawn by stratum."""
    stratum = strata_of(np.arange(n))
    return np.concatenate([
        rng.choice(np.flatnonzero(stratum == s), min(round(share * total), int((stratum == s).sum())), replace=False)
        for s, share in enumerate(ALLOCATION)
    ])  # fmt: skip


def decided(wrong: np.ndarray, rows: np.ndarray) -> list[Said]:
    """What a reviewer says who is always right."""
    return [Said(f"r{i}", "relabel" if wrong[i] else "keep") for i in rows]


def coverage(rate: float, sharp: float, tries: int, n: int = 3000) -> tuple[float, float]:
    """Share of intervals that hold the truth, and their mean width."""
    rng = np.random.default_rng([round(1000 * rate), round(10 * sharp)])
    wrong, stratum = population(n, rate, sharp, rng), strata_of(np.arange(n)).astype(np.int64)
    held, widths = 0, []
    for _ in range(tries):
        seen = np.zeros(n, dtype=bool)
        seen[draw(n, 200, rng)] = True
        _, low, high = stratified(wrong, seen, stratum, 0.95)
        held += low <= wrong.mean() <= high
        widths.append(high - low)
    return held / tries, float(np.mean(widths))


def test_shares_are_whole() -> None:
    assert sum(ALLOCATION) == pytest.approx(1)
    assert sum(STRATA) == pytest.approx(1)


@pytest.mark.parametrize(("rate", "sharp"), [(0.05, 2.0), (0.1, 1.0), (0.1, 5.0), (0.2, 0.0)])
def test_the_interval_covers(rate: float, sharp: float) -> None:
    held, width = coverage(rate, sharp, 300)
    assert held >= 0.91
    assert width <= 0.115


@pytest.mark.slow
def test_the_interval_covers_on_a_grid() -> None:
    cells = [coverage(rate, sharp, 2000) for rate in (0.01, 0.02, 0.05, 0.1, 0.2) for sharp in (0, 1, 2, 3, 5)]
    covered, widths = np.array(cells).T
    assert 0.93 <= covered.mean() <= 0.975
    assert covered.min() >= 0.91
    assert widths.mean() <= 0.06


def test_strata_weigh_by_their_size_whatever_was_drawn() -> None:
    wrong = np.zeros(1000, dtype=bool)
    wrong[:50] = True
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.choice(50, 40, replace=False), 50 + rng.choice(100, 20, replace=False), 150 + rng.choice(250, 20, replace=False),
                           400 + rng.choice(600, 20, replace=False)])  # fmt: skip
    score = noise_rate(decided(wrong, rows), table(1000))
    assert score.value == pytest.approx(0.05)
    assert score.low is not None
    assert score.high is not None
    assert score.low <= 0.05 < score.high
    assert (score.n, score.name, score.higher_is_better) == (100, "label_noise", False)


def test_rows_reviewed_from_the_top_are_looked_at_whole() -> None:
    """20 wrong ones on top, all reviewed, then a draw: they count as 20 of 1,000, not as their stratum."""
    wrong = np.zeros(1000, dtype=bool)
    wrong[:20] = True
    rng = np.random.default_rng(1)
    rows = np.union1d(np.arange(20), draw(1000, 200, rng))
    score = noise_rate(decided(wrong, rows), table(1000))
    assert score.value == pytest.approx(0.02)
    assert score.low == pytest.approx(0.02, abs=0.002)


def test_every_row_reviewed_leaves_no_doubt() -> None:
    wrong = np.random.default_rng(0).random(120) < 0.2
    score = noise_rate(decided(wrong, np.arange(120)), table(120))
    assert score.value == score.low == score.high == pytest.approx(wrong.mean())


def test_the_last_decision_counts_and_masks_say_nothing() -> None:
    rng = np.random.default_rng(0)
    rows = draw(1000, 200, rng)
    told = decided(np.ones(1000, dtype=bool), rows) + decided(np.zeros(1000, dtype=bool), rows)
    more = [Said(f"r{i}", "mask") for i in range(1000)] + [Said("unknown", "drop")]
    assert noise_rate(told + more, table(1000)).value == 0


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (np.arange(10), "10 rows were reviewed; it takes 20"),
        (np.arange(60), "only suspicious rows"),
        (np.r_[0:90:3, 150:180, 400:420, 960:1000], "not drawn by chance"),
    ],
    ids=["few", "top", "by hand"],
)
def test_no_number_where_none_can_be_had(rows: np.ndarray, why: str) -> None:
    score = noise_rate(decided(np.zeros(1000, dtype=bool), rows), table(1000))
    assert score.value is None
    assert why in str(score.why_absent)
