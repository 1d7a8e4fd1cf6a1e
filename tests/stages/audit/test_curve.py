"""Learning curves: what was measured is what a probe reaches, and forecasts hold on curves whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.stages.audit.curve import Curve, Probe, forecast, learning_curve, macro_f1, micro_f1, sizes_of
from goodfit.stages.audit.curve.measure import REPEATS, fit
from tests.stages.audit.make import audit_rows, clean_texts, finding

SIZES = np.unique(np.round(np.geomspace(32, 1000, 8)).astype(np.int64))


def _curve(truth: Any, rng: np.random.Generator, *, run: float = 0.3, level: float = 0.01) -> Curve:
    """Five noisy repeats of a known curve; one run scatters by `run` / sqrt(n), a repeat's level by `level`."""
    noise = rng.normal(size=(REPEATS, len(SIZES))) * run / np.sqrt(SIZES) + rng.normal(size=(REPEATS, 1)) * level
    return Curve(SIZES, np.array([truth(n) for n in SIZES]) + noise)


TRUTHS = {
    "power law": lambda n: 1 - 0.10 - 1.2 * n**-0.5,
    "no asymptote": lambda n: 1 - 1.5 * n**-0.35,
    "steep": lambda n: 1 - 0.25 - 3.0 * n**-0.8,
    "flat": lambda n: 0.7,
    "hill": lambda n: 1 - (0.1 + 0.4 / (1 + n / 300)),
    "exponential": lambda n: 1 - 0.15 - 0.4 * np.exp(-n / 500),
}


@pytest.mark.parametrize("form", TRUTHS)
def test_the_interval_holds_four_times_the_rows(form: str) -> None:
    """Of 150 curves of each known form at least 90% of the 95% intervals hold the truth (one run's own noise taken off it)."""
    rng, hits, seen, truth = np.random.default_rng(3), [], 0, TRUTHS[form]
    for _ in range(150):
        found = forecast(_curve(truth, rng), np.array([4000]), rng)
        seen += found.answer == "forecast"
        hits.append(found.answer == "forecast" and found.low[0] <= truth(4000) <= found.high[0])
    assert np.mean(hits) >= 0.9
    assert seen >= 148


def test_a_gain_is_surer_than_the_levels_that_it_lies_between() -> None:
    rng = np.random.default_rng(0)
    found = forecast(_curve(TRUTHS["power law"], rng, level=0.05), np.array([1000, 2000]), rng)
    value, low, high = found.gain(1, 0)
    assert low < TRUTHS["power law"](2000) - TRUTHS["power law"](1000) < high
    assert high - low < 0.7 * (found.high[0] - found.low[0])
    assert low <= value <= high


def test_a_flat_curve_promises_nothing() -> None:
    gains = [forecast(_curve(TRUTHS["flat"], rng), np.array([1000, 2000]), rng).gain(1, 0) for rng in map(np.random.default_rng, range(30))]
    assert np.mean([low > 0.01 for _, low, _ in gains]) <= 0.04
    assert np.median([value for value, _, _ in gains]) < 0.01


def test_a_curve_that_falls_is_none() -> None:
    rng = np.random.default_rng(0)
    assert forecast(_curve(lambda n: 0.8 - 0.1 * (n > 500), rng), np.array([2000]), rng).answer == "not_a_curve"


def test_few_sizes_are_no_curve_and_nobody_sees_further_than_four_times() -> None:
    rng = np.random.default_rng(0)
    few = Curve(SIZES[:3], np.full((REPEATS, 3), 0.5))
    assert forecast(few, np.array([100]), rng).answer == "too_few_sizes"
    with pytest.raises(ValueError, match="4 times the largest size, 1000"):
        forecast(_curve(TRUTHS["flat"], rng), np.array([4001]), rng)


def test_the_same_seed_gives_the_same_forecast() -> None:
    curve = _curve(TRUTHS["hill"], np.random.default_rng(5))
    one, other = (forecast(curve, np.array([2000]), np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one.draws, other.draws)


@pytest.mark.parametrize(("n", "classes"), [(100, 2), (5000, 2), (5000, 77), (160, 77), (20_000, 5), (17, 2)])
def test_sizes_rise_to_all_rows(n: int, classes: int) -> None:
    sizes = sizes_of(n, classes)
    assert sizes[-1] == n
    assert (np.diff(sizes) > 0).all()
    assert len(sizes) == 1 or sizes[0] >= 2 * classes


def _measured(*args: Any, **more: Any) -> tuple[Curve, list[Curve | None]]:
    found = learning_curve(*args, **more)
    assert found is not None
    return found


def test_a_cluster_that_holds_most_rows_leaves_no_curve() -> None:
    probe = _blobs(400)
    clusters = np.where(np.arange(400) < 390, 0, np.arange(400))
    assert learning_curve(Probe(probe.vectors, probe.targets, clusters, 3), macro_f1, seed=0) is None


def _blobs(n: int, classes: int = 3, seed: int = 0) -> Probe:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, n)
    vectors = rng.normal(size=(n, 12)) + 1.5 * np.eye(12)[targets]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Probe(vectors.astype(np.float32), targets, np.arange(n), classes)


def test_the_last_point_is_what_the_probe_reaches() -> None:
    probe = _blobs(600)
    curve, classes = _measured(probe, macro_f1, seed=0)
    fresh = _blobs(5000, seed=1)
    reached = macro_f1(fresh.targets, fit(probe.vectors, probe.targets).predict(fresh.vectors))
    assert curve.sizes[-1] == 480
    assert curve.mean[-1] == pytest.approx(reached, abs=0.05)
    assert curve.mean[-1] > curve.mean[0]
    assert all(one is not None for one in classes)
    for one in classes:
        assert one is not None
        assert 0 <= one.mean.min() <= one.mean.max() <= 1


def test_rows_of_a_cluster_are_never_learned_and_scored() -> None:
    """Vectors that name their cluster, labels by cluster: only a leak could tell them."""
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(60), 10)
    vectors = np.eye(60, dtype=np.float32)[clusters]
    probe = Probe(vectors, rng.integers(0, 2, 60)[clusters], clusters, 2)
    curve, _ = _measured(probe, macro_f1, seed=0)
    assert curve.mean[-1] < 0.6


def test_several_labels_and_a_class_that_nobody_has() -> None:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(400, 10)).astype(np.float32)
    targets = np.stack([hidden[:, 0] > 0, hidden[:, 1] > 0.5, np.zeros(400, bool)], axis=1)
    curve, classes = _measured(Probe(hidden, targets, np.arange(400), 3), micro_f1, seed=0)
    assert curve.mean[-1] > 0.8
    assert classes[2] is None


def _rows(n: int, *, topics: bool) -> list[dict[str, str]]:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, n)
    return [{"text": text, "label": "abc"[k]} for text, k in zip(clean_texts(rng, labels, topics=topics), labels, strict=True)]


def test_the_check_says_what_twice_the_rows_would_bring(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, _rows(400, topics=True))
    said = finding(done, "AUD044")
    assert said.status in {"open", "passed"}
    assert "twice the rows" in said.title
    assert "tfidf_svd" in said.detail
    gain = said.evidence[0]
    assert gain.low is not None
    assert gain.high is not None
    assert (said.status == "open") == (gain.low > 0.01)


def test_the_check_promises_nothing_where_labels_are_noise(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, _rows(400, topics=False))
    assert finding(done, "AUD044").status == "passed"


def test_the_check_does_not_guess_from_few_rows(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, _rows(60, topics=True))
    said = finding(done, "AUD044")
    assert said.status == "not_applicable"
    assert "100 training rows" in (said.reason or "")
