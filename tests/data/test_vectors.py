"""Vectors in the cache: found again by the text's key, whatever was killed, damaged or deleted in between."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from goodfit.data.vectors import MANY, VectorStore


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "cache"))


def _keys(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**63, (n, 2)).astype(np.uint64)


def test_what_was_added_is_found_in_another_process_s_store() -> None:
    keys, vectors = _keys(50), np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    VectorStore.of("encoder").add(keys[:30], vectors[:30])
    known = VectorStore.of("encoder").find(keys[::-1])
    assert known.here.tolist() == [False] * 20 + [True] * 30
    np.testing.assert_allclose(known.vectors[20:], vectors[:30][::-1], rtol=1e-3)
    assert not known.vectors[:20].any()
    assert not VectorStore.of("another encoder").find(keys).here.any()


def test_an_empty_store_knows_nothing() -> None:
    known = VectorStore.of("encoder").find(_keys(3))
    assert known.vectors.shape == (3, 0)
    assert not known.here.any()


def test_many_shards_become_one_and_nothing_is_lost() -> None:
    store, keys = VectorStore.of("encoder"), _keys(MANY + 3)
    vectors = np.arange(len(keys) * 2, dtype=np.float32).reshape(-1, 2)
    for at in range(len(keys)):
        store.add(keys[at : at + 1], vectors[at : at + 1])
    store.close()
    assert len(list(store.folder.glob("*.safetensors"))) == 1
    known = store.find(keys)
    assert known.here.all()
    np.testing.assert_array_equal(known.vectors, vectors)


def test_a_damaged_shard_is_made_again() -> None:
    store, keys = VectorStore.of("encoder"), _keys(4)
    store.add(keys, np.ones((4, 2), np.float32))
    shard = next(store.folder.glob("*.safetensors"))
    os.truncate(shard, 20)
    assert not store.find(keys).here.any()
    store.add(keys, np.ones((4, 2), np.float32))
    assert store.find(keys).here.all()
