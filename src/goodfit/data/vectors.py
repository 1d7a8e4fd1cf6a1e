"""VectorStore: vectors by the key of their text, in the cache. What was embedded once is not embedded again.

Layer: data. A store is a folder of shards, each a safetensors file of `keys` (uint64 [k, 2]) and `vectors` (float16 [k, d]); a shard is
written whole under a temporary name, so that a killed process leaves none half. Safe to delete at any time (cache.py bounds its size).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from goodfit.data import cache
from goodfit.files import write_atomic

MANY = 16
"""Shards beyond which they are joined into one."""
Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class Known:
    """What a store knows of n keys."""

    here: NDArray[np.bool_]
    """[n]"""
    vectors: NDArray[np.float32]
    """[n, d], zeros where it does not know; [n, 0] where it knows none."""


@dataclass
class VectorStore:
    """The vectors of one encoder."""

    folder: Path

    @classmethod
    def of(cls, content: str) -> VectorStore:
        """The store of the encoder of this content."""
        return cls(cache.folder(f"embeddings/{hashlib.blake2b(content.encode(), digest_size=12).hexdigest()}"))

    def find(self, keys: Keys) -> Known:
        """The vectors of these keys."""
        here, out = np.zeros(len(keys), np.bool_), np.zeros((len(keys), 0), np.float32)
        for held, vectors in map(_read, self._shards()):
            if not len(held):
                continue
            order = np.argsort(held[:, 0], kind="stable")
            place = order[np.minimum(np.searchsorted(held[:, 0], keys[:, 0], sorter=order), len(held) - 1)]
            hit = (held[place] == keys).all(axis=1) & ~here
            if out.shape[1] == 0:
                out = np.zeros((len(keys), vectors.shape[1]), np.float32)
            out[hit] = vectors[place[hit]]
            here |= hit
        return Known(here, out)

    def add(self, keys: Keys, vectors: NDArray[np.float32]) -> None:
        """Keeps vectors [k, d] (as float16); on disk at once, so that a killed run loses little."""
        self._write(keys, vectors.astype(np.float16))

    def close(self) -> None:
        """Joins many shards into one, and keeps the cache within its size."""
        shards = self._shards()
        if len(shards) > MANY:
            parts = [part for part in map(_read, shards) if len(part[0])]
            keys = np.concatenate([part[0] for part in parts])
            _, first = np.unique(keys, axis=0, return_index=True)
            kept = self._write(keys[first], np.concatenate([part[1] for part in parts])[first])
            for shard in shards:
                if shard != kept:
                    shard.unlink(missing_ok=True)
        cache.trim(keep=self._shards())

    def _shards(self) -> list[Path]:
        return sorted(self.folder.glob("*.safetensors"))

    def _write(self, keys: Keys, vectors: NDArray[np.float16]) -> Path:
        name = hashlib.blake2b(keys.tobytes(), digest_size=12).hexdigest()
        path = self.folder / f"{name}.safetensors"
        with cache.writing(path), write_atomic(path, "wb") as file:
            file.write(save({"keys": np.ascontiguousarray(keys), "vectors": np.ascontiguousarray(vectors)}))
        return path


def _read(path: Path) -> tuple[Keys, NDArray[np.float16]]:
    """A shard; nothing where it went away or is damaged (it is made again)."""
    try:
        held = load_file(path)
        cache.touch(path)
        return held["keys"], held["vectors"]
    except (OSError, SafetensorError, KeyError):
        path.unlink(missing_ok=True)
        return np.zeros((0, 2), np.uint64), np.zeros((0, 0), np.float16)
