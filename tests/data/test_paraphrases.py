"""Neighbours beyond chance: planted pairs are found, clean vectors stay silent, in sparse and in crowded regions."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.data.paraphrases import FEWEST, neighbours, paraphrases


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def topics(rng: np.random.Generator, n: int, d: int = 64, k: int = 12) -> np.ndarray:
    """Vectors around topics of different width."""
    centres, widths = rng.standard_normal((k, d)), rng.uniform(0.5, 1.5, size=k)
    of = rng.integers(k, size=n)
    return unit(centres[of] + widths[of, None] * rng.standard_normal((n, d)))


def planted(rng: np.random.Generator, n: int, pairs: int, noise: float) -> np.ndarray:
    base = topics(rng, n)
    return np.concatenate([base, unit(base[:pairs] + noise * rng.standard_normal((pairs, base.shape[1])) / 8)])


@pytest.mark.parametrize(("pairs", "noise"), [(40, 0.15), (400, 0.35)])
def test_planted_pairs_are_found_whether_few_or_many(pairs: int, noise: float) -> None:
    """The fewer there are, the nearer they must be: one in ten of those told may be wrong, not one in ten of all."""
    vectors = planted(np.random.default_rng(0), 1000, pairs, noise)
    found = paraphrases(vectors, np.arange(len(vectors)))
    told = set(map(tuple, found.pairs.tolist()))
    truth = {(i, 1000 + i) for i in range(pairs)}
    assert len(told & truth) / len(truth) >= 0.8
    assert len(told & truth) / len(told) >= 0.85
    assert (np.diff(found.excess) <= 1e-9).all()
    assert found.similarity[0] == pytest.approx(float(vectors[found.pairs[0, 0]] @ vectors[found.pairs[0, 1]]), abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_clean_vectors_tell_next_to_nothing(seed: int) -> None:
    vectors = topics(np.random.default_rng(seed), 1500)
    assert len(np.unique(paraphrases(vectors, np.arange(1500)).pairs)) <= 15


@pytest.mark.slow
def test_clean_vectors_tell_nothing_in_nine_of_ten_data_sets() -> None:
    """Benjamini and Hochberg's level, where nothing is there: the chance of any finding."""
    told = sum(len(paraphrases(topics(np.random.default_rng(seed), 800), np.arange(800)).pairs) > 0 for seed in range(300))
    assert told <= 0.14 * 300


def test_rows_of_one_group_are_no_pair() -> None:
    vectors = planted(np.random.default_rng(0), 600, 100, 0.1)
    groups = np.r_[np.arange(600), np.arange(100)]
    assert len(paraphrases(vectors, groups).pairs) <= 5


def test_neighbours_are_those_of_the_whole_product() -> None:
    rng = np.random.default_rng(0)
    vectors, groups = topics(rng, 300), rng.integers(100, size=300)
    vectors[5] = 0
    found = neighbours(vectors, groups, 4)
    whole = vectors @ vectors.T
    whole[groups[:, None] == groups[None]] = -1
    whole[5], whole[:, 5] = -1, -1
    assert np.allclose(found.similarity, -np.sort(-whole, axis=1)[:, :4], atol=1e-6)
    assert (found.similarity[5] == -1).all()
    assert not (found.rows[np.arange(300) != 5][:, 0] == 5).any()


def test_too_few_rows_and_odd_vectors() -> None:
    rng = np.random.default_rng(0)
    assert len(paraphrases(topics(rng, FEWEST - 1), np.arange(FEWEST - 1)).pairs) == 0
    same = np.repeat(topics(rng, 1), 300, axis=0)
    assert len(paraphrases(same, np.arange(300)).pairs) <= 300
    assert len(paraphrases(np.zeros((300, 8), np.float32), np.arange(300)).pairs) == 0
    assert len(paraphrases(topics(rng, 300), np.zeros(300, np.int64)).pairs) == 0
