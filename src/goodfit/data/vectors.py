"""VectorStore: vectors by the key of their text, in the cache. What was embedded once is not embedded again.

Layer: data. A store is a folder of shards, each a safetensors file of `keys` (uint64 [k, 2]) and `vectors` (float16 [k, d]); a shard is
written whole under a temporary name, so that a killed process leaves none half. Safe to delete at any time (cache.py bounds its size).
The keys of a shard are read, its vectors are memory-mapped: what earlier data sets left in the cache takes no memory of this one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from goodfit.data import cache
from goodfit.files import write_atomic

MANY = 16
"""Small shards beyond which they are joined into one."""
SMALL = 32 << 20
"""Bytes of a shard that is not joined with others any more."""
LONGEST_HEADER = 1 << 16
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
    _used: set[Path] = field(default_factory=set, repr=False)
    """Shards that were of use: they stay in the cache."""

    @classmethod
    def of(cls, content: str) -> VectorStore:
        """The store of the encoder of this content."""
        return cls(cache.folder(f"embeddings/{hashlib.blake2b(content.encode(), digest_size=12).hexdigest()}"))

    def find(self, keys: Keys) -> Known:
        """The vectors of these keys."""
        here, out = np.zeros(len(keys), np.bool_), np.zeros((len(keys), 0), np.float32)
        for shard in self._shards():
            held, vectors = _read(shard)
            if not len(held):
                continue
            order = np.argsort(held[:, 0], kind="stable")
            place = order[np.minimum(np.searchsorted(held[:, 0], keys[:, 0], sorter=order), len(held) - 1)]
            hit = (held[place] == keys).all(axis=1) & ~here
            if out.shape[1] == 0:
                out = np.zeros((len(keys), vectors.shape[1]), np.float32)
            if hit.any():
                out[hit] = vectors[place[hit]]
                here |= hit
                cache.touch(shard)
                self._used.add(shard)
        return Known(here, out)

    def add(self, keys: Keys, vectors: NDArray[np.float32]) -> None:
        """Keeps vectors [k, d] (as float16); on disk at once, so that a killed run loses little."""
        self._write(keys, vectors.astype(np.float16))

    def close(self) -> None:
        """Joins many small shards into one, and keeps the cache within its size."""
        small = [shard for shard in self._shards() if _size(shard) < SMALL]
        if len(small) > MANY:
            parts = [part for part in map(_read, small) if len(part[0])]
            keys = np.concatenate([part[0] for part in parts])
            _, first = np.unique(keys, axis=0, return_index=True)
            kept = self._write(keys[first], np.concatenate([part[1] for part in parts])[first])
            for shard in small:
                if shard != kept:
                    shard.unlink(missing_ok=True)
        cache.trim(keep=[shard for shard in self._used if shard.exists()])

    def _shards(self) -> list[Path]:
        return sorted(self.folder.glob("*.safetensors"))

    def _write(self, keys: Keys, vectors: NDArray[np.float16]) -> Path:
        name = hashlib.blake2b(keys.tobytes(), digest_size=12).hexdigest()
        path = self.folder / f"{name}.safetensors"
        with cache.writing(path), write_atomic(path, "wb") as file:
            file.write(save({"keys": np.ascontiguousarray(keys), "vectors": np.ascontiguousarray(vectors)}))
        self._used.add(path)
        return path


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read(path: Path) -> tuple[Keys, NDArray[np.float16]]:
    """A shard, its vectors mapped; nothing where it went away or is damaged (it is made again)."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > LONGEST_HEADER:
                raise ValueError("no shard begins like this")
            header = json.loads(file.read(length))
        return np.array(_tensor(path, header["keys"], "U64", 8 + length)), _tensor(path, header["vectors"], "F16", 8 + length)
    except (OSError, ValueError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return np.zeros((0, 2), np.uint64), np.zeros((0, 0), np.float16)


def _tensor(path: Path, said: dict[str, Any], kind: str, begin: int) -> NDArray[Any]:
    """A tensor of a safetensors file as it lies there (the format: an 8-byte length, a JSON header with offsets, the bytes)."""
    if said["dtype"] != kind or len(said["shape"]) != 2:
        raise ValueError(f"{path.name}: not a shard")
    dtype: np.dtype[Any] = np.dtype({"U64": "<u8", "F16": "<f2"}[kind])
    rows, width = (int(size) for size in said["shape"])
    mapped: NDArray[Any] = np.memmap(path, dtype=dtype, mode="r", offset=begin + int(said["data_offsets"][0]), shape=(rows, width))
    return mapped
