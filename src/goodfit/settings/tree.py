"""Paths into nested mappings and lists: look up, set, remove, list the leaves.

Layer: settings; plain functions on plain values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from goodfit.settings.document import Path_


def value_at(values: Any, path: Path_) -> Any:
    """What stands at `path`, or None."""
    for part in path:
        here = part in values if isinstance(values, dict) else isinstance(values, list) and isinstance(part, int) and part < len(values)
        if not here:
            return None
        values = values[part]
    return values


def put(values: Any, path: Path_, value: Any) -> None:
    """Set what stands at `path`, which must have a parent."""
    parent = value_at(values, path[:-1])
    parent[path[-1]] = value


def remove(values: Any, path: Path_) -> None:
    """Take away what stands at `path`, which must be there."""
    parent = value_at(values, path[:-1])
    del parent[path[-1]]


def leaves(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every value that is neither a mapping nor a list, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value


def plain(value: Any) -> Any:
    """Mappings and sequences as dicts with text keys and as lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
