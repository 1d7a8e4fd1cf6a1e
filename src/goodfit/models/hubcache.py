"""Models that lie whole in the hub's cache on this machine: nothing is asked of the network, nothing is read but names and small files.

`choose` takes them as candidates; `resolve` finds them by their id. A snapshot counts if its configuration and all its weights are
there as safetensors (links of the cache that point nowhere are files that were never downloaded).
"""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import constants

from goodfit.files import json_object

INDEX = "model.safetensors.index.json"
_PREFIX = "models--"


def cached(root: Path | None = None) -> dict[str, Path]:
    """Hub id -> the folder of its current snapshot, by id; `root`: another cache than the hub's own."""
    folder = Path(constants.HF_HUB_CACHE) if root is None else root
    if not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    for entry in sorted(folder.iterdir()):
        name = entry.name.removeprefix(_PREFIX).replace("--", "/", 1)
        snapshot = _current(entry) if entry.name.startswith(_PREFIX) else None
        if snapshot is not None and whole(snapshot):
            found[name] = snapshot
    return found


def whole(folder: Path) -> bool:
    """Whether the configuration and every safetensors file that belongs to it are there."""
    if not (folder / "config.json").is_file():
        return False
    index = folder / INDEX
    if index.is_file():
        names = set(json_object(index).get("weight_map", {}).values())
        return bool(names) and all((folder / str(name)).is_file() for name in names)
    return any(path.is_file() for path in folder.glob("*.safetensors"))


def _current(entry: Path) -> Path | None:
    """The snapshot that `main` points to, else the one that was made last."""
    reference = entry / "refs" / "main"
    try:
        named = entry / "snapshots" / reference.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        named = None
    if named is not None and named.is_dir():
        return named
    others = [path for path in (entry / "snapshots").glob("*") if path.is_dir()]
    return max(others, key=lambda path: (path.stat().st_mtime, path.name), default=None)
