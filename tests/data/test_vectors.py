"""Vectors in the cache: found again by the text's key, whatever was killed, damaged or deleted in between."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from goodfit.data import vectors as vectors_of_texts
from goodfit.data.vectors import MANY, VectorStore
from goodfit.memory import resident_bytes


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


def test_large_shards_are_left_alone_when_small_ones_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors_of_texts, "SMALL", 2000)
    store, keys = VectorStore.of("encoder"), _keys(100 + MANY + 1)
    vectors = np.random.default_rng(0).normal(size=(len(keys), 16)).astype(np.float16).astype(np.float32)
    store.add(keys[:100], vectors[:100])
    (large,) = store.folder.glob("*.safetensors")
    before = large.stat().st_mtime_ns
    for at in range(100, len(keys)):
        store.add(keys[at : at + 1], vectors[at : at + 1])
    store.close()
    assert len(list(store.folder.glob("*.safetensors"))) == 2
    assert large.stat().st_mtime_ns == before
    np.testing.assert_array_equal(store.find(keys).vectors, vectors)


def test_what_others_left_takes_no_memory_and_may_go() -> None:
    """Of a shard of 60 MB three vectors are asked for."""
    if not Path("/proc/self/statm").is_file():
        pytest.skip("how much is held is read from /proc")
    store, keys = VectorStore.of("encoder"), _keys(100_000)
    store.add(keys, np.ones((len(keys), 300), np.float32))
    mine = _keys(3, seed=1)
    store.add(mine, np.full((3, 300), 2, np.float32))
    fresh = VectorStore.of("encoder")
    fresh.find(mine)
    before = resident_bytes()
    known = fresh.find(np.concatenate([mine, keys[:3]]))
    assert resident_bytes() - before < 20_000_000
    assert known.vectors[:, 0].tolist() == [2, 2, 2, 1, 1, 1]
    mine_only = VectorStore.of("encoder")
    mine_only.find(mine)
    assert len(mine_only._used) == 1


@pytest.mark.parametrize("what", ["cut short", "cut in its vectors", "of another kind", "not a shard at all"])
def test_a_damaged_shard_is_made_again(what: str) -> None:
    store, keys = VectorStore.of("encoder"), _keys(4)
    store.add(keys, np.ones((4, 2), np.float32))
    shard = next(store.folder.glob("*.safetensors"))
    if what == "cut short":
        os.truncate(shard, 20)
    elif what == "cut in its vectors":
        os.truncate(shard, shard.stat().st_size - 3)
    elif what == "of another kind":
        shard.write_bytes(save({"keys": keys, "vectors": np.ones((4, 2), np.float32)}))
    else:
        shard.write_bytes(b"\xff" * 100)
    assert not store.find(keys).here.any()
    store.add(keys, np.ones((4, 2), np.float32))
    assert store.find(keys).here.all()
