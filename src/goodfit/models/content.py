"""Hashes of model files, remembered by size and time: a base model is known by what is in it, not by its name."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from goodfit.data import cache as store
from goodfit.errors import GoodfitError
from goodfit.files import json_object, write_json

_WEIGHTY = ("*.safetensors", "config.json", "tokenizer*", "vocab*", "merges.txt", "*.model", "special_tokens_map.json", "added_tokens.json")


def content_hash(folder: Path) -> str:
    """A hash of the files that decide what the model answers; each file's is remembered by its size and time."""
    files = sorted({path for pattern in _WEIGHTY for path in folder.glob(pattern) if path.is_file()})
    whole = hashlib.blake2b(digest_size=16)
    for path in files:
        whole.update(f"{path.name}\0{file_hash(path)}\n".encode())
    return f"b2:{whole.hexdigest()}"


def file_hash(path: Path) -> str:
    """16 bytes of blake2b over the file, in hex."""
    real = path.resolve()
    state = real.stat()
    key = f"{real}|{state.st_size}|{state.st_mtime_ns}"
    known = _known_hashes()
    if key not in known:
        with real.open("rb") as file:
            known[key] = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        if state.st_size > 1_000_000:
            _remember(known)
    return known[key]


def _hash_file() -> Path:
    return store.root() / "model-hashes.json"


@cache
def _known_hashes() -> dict[str, str]:
    return json_object(_hash_file())


def _remember(known: dict[str, str]) -> None:
    """Keep the newest thousand; a cache that cannot be written costs time, not the run."""
    try:
        write_json(_hash_file(), dict(list(known.items())[-1000:]))
    except GoodfitError:
        return
