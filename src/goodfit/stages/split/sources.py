"""Which files the recipe means, and which of their columns. First step of split.

Paths of a recipe are relative to the recipe. A file is opened by a name that works from here, and shown (`at`, manifest) by the
name that the user wrote.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.conversations.reading import Turns
from goodfit.data.discover import discover
from goodfit.data.named import opened, source_of
from goodfit.data.readers.hub import PREFIX
from goodfit.data.source import Columns, Source
from goodfit.recipe import Data, Recipe


def sources_of(data: Data, base: Path) -> tuple[Source, ...]:
    """The sources of a recipe's `data` section, in order, with the role of each given split; `base` is the recipe's folder."""
    if data.path is not None:
        return _one_path(data, base)
    if data.sources:
        return tuple(source_of(entry, opened(entry.path, base), weight=entry.weight) for entry in data.sources)
    given = (("train", data.train), ("valid", data.valid), ("test", data.test))
    return tuple(source_of(data, opened(path, base), split=role) for role, path in given if path is not None)


def columns_of(recipe: Recipe) -> Columns:
    """The columns that the recipe's task, groups and split sections name."""
    task, groups = recipe.task, {axis: group.column for axis, group in recipe.groups.items() if group.column is not None}
    around: dict[str, Any] = {
        "groups": groups, "by": recipe.split.by, "time": recipe.split.time, "annotators": task.annotators, "mask": recipe.data.mask,
    }  # fmt: skip
    if not task.label_columns:
        return Columns(turns=Turns(task.turns, task.template, task.speakers), choices=task.choices, **around)
    return Columns(text=task.text, label=task.label_columns, multi_label=task.multi_label, separator=task.label_separator, **around)


def as_written(data: Data, base: Path) -> dict[str, str]:
    """Name by which a file is opened -> name that the user wrote, where the two differ."""
    written = [data.path, data.train, data.valid, data.test, *(entry.path for entry in data.sources)]
    pairs = {opened(name, base): name for name in written if name is not None}
    return {name: shown for name, shown in pairs.items() if name != shown}


def shown(places: pa.ChunkedArray, names: dict[str, str]) -> pa.ChunkedArray:
    """Places (`file:line`) with every opened name as the user wrote it."""
    for name, written in names.items():
        replacement = written.replace("\\", r"\\") + r"\1"
        places = pc.replace_substring_regex(places, pattern=f"^{re.escape(name)}([:/])", replacement=replacement, max_replacements=1)
    return places


def shown_name(name: str, names: dict[str, str]) -> str:
    """One opened name as the user wrote it (a file inside a given folder keeps the rest of its path)."""
    fitting = [key for key in names if name == key or name.startswith(key + "/")]
    if not fitting:
        return name
    longest = max(fitting, key=len)
    return names[longest] + name[len(longest) :]


def _one_path(data: Data, base: Path) -> tuple[Source, ...]:
    """One table; or the given splits that a folder, a JSON object or a hub id holds side by side."""
    assert data.path is not None
    name = opened(data.path, base)
    folder = name.startswith(PREFIX) or Path(name).expanduser().is_dir()
    found = discover(name, encoding=data.encoding) if data.format is None and (folder or _may_hold_splits(name)) else ()
    return found if folder and found or len(found) > 1 else (source_of(data, name),)


def _may_hold_splits(name: str) -> bool:
    """A file called .json, packed or not."""
    return ".json" in Path(name).suffixes and Path(name).expanduser().is_file()
