"""Consensus of annotators: equal to the method written out in loops, and nearer to the truth than the majority where one is better."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.statistics.annotators import consensus, dawid_skene, doubt, majority, without


def _raters(
    seed: int, n: int = 400, classes: int = 3, right: tuple[float, ...] = (0.9, 0.8, 0.7, 0.55), missing: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(classes, n, p=np.r_[0.5, np.full(classes - 1, 0.5 / (classes - 1))])
    codes = np.stack([np.where(rng.random(n) < p, truth, (truth + rng.integers(1, classes, n)) % classes) for p in right], axis=1)
    codes[rng.random(codes.shape) < missing] = -1
    return truth, codes


def _written_out(codes: np.ndarray, classes: int, steps: int) -> np.ndarray:
    """Dawid & Skene 1979, equations 2.3 to 2.5, row by row without smoothing."""
    n, raters = codes.shape
    t = np.zeros((n, classes))
    for i in range(n):
        said = codes[i][codes[i] >= 0]
        t[i] = np.bincount(said, minlength=classes) / len(said)
    for _ in range(steps):
        p = t.mean(axis=0)
        pi = np.zeros((raters, classes, classes))
        for k in range(raters):
            for j in range(classes):
                for label in range(classes):
                    pi[k, j, label] = sum(t[i, j] for i in range(n) if codes[i, k] == label)
                pi[k, j] /= max(pi[k, j].sum(), 1e-300)
        for i in range(n):
            likely = p.copy()
            for k in range(raters):
                if codes[i, k] >= 0:
                    likely = likely * pi[k, :, codes[i, k]]
            t[i] = likely / likely.sum()
    return t


def test_it_is_the_published_method() -> None:
    _, codes = _raters(0, n=120, missing=0.1)
    codes = codes[(codes >= 0).any(axis=1)]
    found = dawid_skene(codes, 3, smoothing=0.0)
    np.testing.assert_allclose(found.chances, _written_out(codes, 3, 100), atol=1e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of pandas, about their code
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_is_crowd_kits(seed: int) -> None:
    """The same chances and confusions as crowd-kit's `DawidSkene`, which is kept from ending early (its bound may fall between steps)."""
    crowd, frames = pytest.importorskip("crowdkit.aggregation"), pytest.importorskip("pandas")
    _, codes = _raters(seed)
    codes = codes[(codes >= 0).any(axis=1)]
    tasks, workers = np.nonzero(codes >= 0)
    table = frames.DataFrame({"task": tasks, "worker": workers, "label": codes[tasks, workers]})
    theirs = crowd.DawidSkene(n_iter=400, tol=-1.0).fit(table)
    ours = dawid_skene(codes, 3, smoothing=0.0)
    np.testing.assert_allclose(ours.chances, theirs.probas_.sort_index()[[0, 1, 2]].fillna(0).to_numpy(), atol=2e-3)
    assert ours.confusion is not None
    for worker in range(4):
        rows = theirs.errors_.loc[worker].reindex([0, 1, 2])[[0, 1, 2]].fillna(0).to_numpy()  # label by true class
        np.testing.assert_allclose(ours.confusion[worker], rows.T, atol=2e-3)


def test_a_good_annotator_counts_more_than_two_bad_ones() -> None:
    better = []
    for seed in range(20):
        truth, codes = _raters(seed, right=(0.97, 0.55, 0.55, 0.55), missing=0.0)
        found = consensus(codes, 3)
        assert found.method == "dawid_skene"
        assert found.confusion is not None
        np.testing.assert_allclose(found.confusion.sum(axis=2), 1)
        better.append((found.label == truth).mean() - (majority(codes, 3).argmax(axis=1) == truth).mean())
    assert np.mean(better) > 0.1


@pytest.mark.parametrize("shape", ["two labels a row", "a few rows each"])
def test_too_few_labels_are_counted_only(shape: str) -> None:
    _, codes = _raters(1, n=400 if shape == "two labels a row" else 15, missing=0.0)
    if shape == "two labels a row":
        codes[:, 2:] = -1
    assert consensus(codes, 3).method == "majority"


def test_rows_without_a_label_have_the_shares_of_all() -> None:
    codes = np.array([[0, 0, -1], [1, 0, 0], [-1, -1, -1]])
    np.testing.assert_allclose(majority(codes, 2), [[1, 0], [2 / 3, 1 / 3], [0.8, 0.2]])
    assert np.isfinite(dawid_skene(codes, 2).chances).all()


@pytest.mark.parametrize("labels", [2, 4])
def test_what_a_consensus_must_be_expected_to_get_wrong(labels: int) -> None:
    """Of two labels a row the majority's, of four Dawid and Skene's: expected and real mistakes of the sure rows."""
    expected, real = 0.0, 0
    for seed in range(40):
        truth, codes = _raters(seed, n=400, right=(0.9, 0.9, 0.9, 0.9), missing=0.0)
        codes[:, labels:] = -1
        found = consensus(codes, 3)
        sure = found.chances.max(axis=1) >= 0.9
        expected += float(doubt(found, codes)[sure].sum())
        real += int((found.label != truth)[sure].sum())
    assert real > 20
    assert real <= 1.7 * expected  # Dawid and Skene's is too sure of itself; AUD070 allows for it
    assert expected <= 3 * real


def test_the_others_majority_leaves_one_out_and_ties_undecided() -> None:
    codes = np.array([[0, 1, 1], [1, 0, 1], [0, -1, -1], [0, 0, 0]])
    assert without(codes, 0, 2).tolist() == [1, -1, -1, 0]
