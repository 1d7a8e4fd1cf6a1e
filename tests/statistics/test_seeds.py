"""Two recipes over several seeds: the interval covers where seeds and rows both vary, and a difference of luck is not called one."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.statistics import Question
from goodfit.statistics.seeds import Scored, compare_seeds, parts_of

MEAN = Scored("accuracy", lambda hits, rows: float(hits[rows].mean()))


def drawn(rng: np.random.Generator, *, n: int, seeds: int, gain: float, wobble: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Hits of pairs of models: rows of their own difficulty, each model with a level of its own."""
    ease = rng.normal(0.85, 0.8, n)

    def hits(level: float) -> np.ndarray:
        return (rng.normal(0, 0.6, n) < ease + level).astype(float)

    return [hits(gain + rng.normal(0, wobble)) for _ in range(seeds)], [hits(rng.normal(0, wobble)) for _ in range(seeds)]


def false_verdicts(times: int, *, n: int, seeds: int, wobble: float, others: bool = False) -> float:
    """The share of verdicts where there is no difference."""
    rng = np.random.default_rng(1)
    said = []
    for _ in range(times):
        (a, b), more = drawn(rng, n=n, seeds=seeds, gain=0.0, wobble=wobble), drawn(rng, n=n, seeds=seeds, gain=0.0, wobble=wobble)
        said.append(compare_seeds(MEAN, a, b, np.arange(n), Question(), more if others else ()).answer)
    return sum(answer in ("better", "worse") for answer in said) / times


@pytest.mark.parametrize(("seeds", "wobble"), [(3, 0.0), (3, 0.3), (5, 0.15)])
def test_no_difference_is_called_one_in_a_twentieth_at_most(seeds: int, wobble: float) -> None:
    assert false_verdicts(150, n=200, seeds=seeds, wobble=wobble) <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 400])
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("wobble", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("others", [False, True])
def test_false_verdicts_over_the_grid(n: int, seeds: int, wobble: float, others: bool) -> None:
    assert false_verdicts(1000, n=n, seeds=seeds, wobble=wobble, others=others) <= 0.055 + 2 * 0.007


def test_a_clear_gain_is_seen() -> None:
    rng = np.random.default_rng(2)
    seen = sum(
        compare_seeds(MEAN, *drawn(rng, n=400, seeds=3, gain=0.5, wobble=0.03), np.arange(400), Question()).answer == "better"
        for _ in range(60)
    )
    assert seen >= 50, seen


def test_the_parts_of_the_variance_are_those_that_were_put_in() -> None:
    rng = np.random.default_rng(3)
    still = [parts_of(MEAN.measure, *drawn(rng, n=400, seeds=5, gain=0, wobble=0.0), np.arange(400)) for _ in range(40)]
    moved = [parts_of(MEAN.measure, *drawn(rng, n=400, seeds=5, gain=0, wobble=0.3), np.arange(400)) for _ in range(40)]
    assert np.mean([p.of_seeds for p in moved]) > 4 * np.mean([p.of_seeds for p in still])
    values = np.var([p.value for p in still])
    assert 0.5 < np.mean([p.of_rows for p in still]) / values < 2.5


def test_whole_clusters_are_the_unit() -> None:
    rng = np.random.default_rng(4)
    a, b = drawn(rng, n=60, seeds=3, gain=0, wobble=0)
    copies, clusters = [np.repeat(x, 8) for x in (*a, *b)], np.repeat(np.arange(60), 8)
    alone = parts_of(MEAN.measure, a, b, np.arange(60)).of_rows
    together = parts_of(MEAN.measure, copies[:3], copies[3:], clusters).of_rows
    assert together == pytest.approx(alone, rel=0.3), "eight copies of a row know no more than one"


def test_too_few_rows_and_lower_is_better() -> None:
    few = compare_seeds(MEAN, [np.ones(20)] * 2, [np.zeros(20)] * 2, np.arange(20), Question())
    assert few.answer == "cannot_tell"
    assert few.difference is not None
    assert few.difference.value is None
    loss = Scored("loss", MEAN.measure, unit="nats", higher_is_better=False)
    rng = np.random.default_rng(5)
    a, b = ([rng.normal(level, 0.1, 100) for _ in range(3)] for level in (0.5, 1.0))
    assert compare_seeds(loss, a, b, np.arange(100), Question()).answer == "better"
    same = [np.ones(50)] * 3
    assert compare_seeds(MEAN, same, same, np.arange(50), Question()).answer == "cannot_tell"
