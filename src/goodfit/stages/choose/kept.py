"""What choose has measured, kept in the cache as arrays and a few facts. A damaged file is as if it were not there. Part of choose."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.data import cache
from goodfit.files import write_atomic

FOLDER = "choose"
_FACTS = "facts"
Kept = tuple[dict[str, NDArray[Any]], dict[str, Any]]


def place(key: str) -> Path:
    """The file of a key (`b2:…`), in a folder that exists."""
    return cache.folder(FOLDER) / f"{key.removeprefix('b2:')}.npz"


def get(path: Path) -> Kept | None:
    """Arrays and facts, or None; no pickle is ever read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(bytes(file[_FACTS]).decode("utf-8"))
            arrays = {name: file[name] for name in file.files if name != _FACTS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    cache.touch(path)
    return (arrays, facts) if isinstance(facts, dict) else None


def put(path: Path, arrays: dict[str, Any], facts: dict[str, Any]) -> None:
    """Writes the file, whole or not at all."""
    whole: dict[str, Any] = {_FACTS: np.frombuffer(json.dumps(facts).encode(), np.uint8)} | arrays
    with cache.writing(path), write_atomic(path, "wb") as handle:
        np.savez(handle, **whole)
