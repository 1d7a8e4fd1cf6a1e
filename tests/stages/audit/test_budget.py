"""The alarm budget: on clean data the whole audit warns at most once in twenty times, and a check's notes are rarer than its level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goodfit.stages.audit.checks.artefacts import NOTE, cross_predict, folds_of, judge
from goodfit.stages.audit.seen import Sampled
from goodfit.stages.audit.surface import surface_of
from tests.stages.audit.make import audit_rows, clean_rows, clean_texts


def shape(seed: int) -> tuple[int, int]:
    """Rows and classes of the seed's data set: enough rows that no class is small for lack of data."""
    rng = np.random.default_rng(seed)
    classes = int(rng.choice([2, 3, 5, 10]))
    return max(int(rng.choice([250, 400, 800, 1500])), 60 * classes), classes


def alarms(folder: Path, seeds: range) -> tuple[int, int]:
    """How many of these clean data sets get a warning, and how many a note."""
    warned = noted = 0
    for seed in seeds:
        n, classes = shape(seed)
        (folder / str(seed)).mkdir()
        done, _ = audit_rows(folder / str(seed), clean_rows(seed, n, classes, topics=seed % 2 == 0))
        severities = {f.severity for f in done.findings if f.status == "open"}
        warned += bool(severities - {"note"})
        noted += "note" in severities
    return warned, noted


def test_a_few_clean_data_sets_raise_no_warning(tmp_path: Path) -> None:
    warned, noted = alarms(tmp_path, range(8))
    assert warned == 0
    assert noted <= 2


@pytest.mark.slow
def test_the_whole_audit_warns_on_at_most_five_percent_of_clean_data(tmp_path: Path) -> None:
    warned, noted = alarms(tmp_path, range(100, 400))
    assert warned <= 0.05 * 300
    assert noted <= 0.20 * 300


@pytest.mark.slow
def test_the_look_of_labels_given_by_chance_is_noted_in_less_than_one_in_a_hundred() -> None:
    noted = beyond = 0
    for seed in range(400):
        n, classes = shape(seed)
        rng = np.random.default_rng(seed)
        labels = rng.choice(classes, size=n, p=rng.dirichlet(np.full(classes, 3.0)))
        low = lower_end(clean_texts(rng, labels, topics=False), labels, np.arange(n), seed)
        noted += low >= NOTE
        beyond += low > 0
    assert noted <= 4
    assert beyond <= 12  # the interval itself, at 99%: cross-validated guesses are not quite independent


@pytest.mark.slow
def test_with_customers_the_level_holds_too() -> None:
    """Labels and looks both differ by customer; rows are then not independent."""
    noted = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        customers = np.repeat(np.arange(60), 12)
        labels = (rng.random(60)[customers] + 0.3 * rng.standard_normal(720) > 0.5).astype(np.int64)
        shouts = rng.random(60) < 0.5
        texts = [t.upper() if shouts[c] else t for t, c in zip(clean_texts(rng, labels, topics=False), customers)]
        noted += lower_end(texts, labels, customers, seed) >= NOTE
    assert noted <= 4


def lower_end(texts: list[str], labels: np.ndarray, clusters: np.ndarray, seed: int) -> float:
    """Lower end of the look's gain over the commonest class."""
    import pyarrow as pa

    sample = Sampled(pa.array([str(i) for i in range(len(texts))]), pa.array(texts), labels, clusters, pa.array(["a.csv"] * len(texts)))
    fold = folds_of(clusters, seed)
    verdict, _ = judge(sample, cross_predict(surface_of(sample.texts, sample.files).features, labels, fold)[0], fold)
    assert verdict.difference is not None
    assert verdict.difference.low is not None
    return verdict.difference.low
