"""What a path holds: one table, or given splits (train, valid, test) side by side.

Layer: data. `goodfit init` and verbs on DATA begin here; a recipe names its files and does not need it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from goodfit.data.readers import hub, json_table
from goodfit.data.readers.base import DataFile
from goodfit.data.readers.locate import data_files, locate, several_parts
from goodfit.data.readers.roles import role_of
from goodfit.data.source import ROLES, Source

_INNER = "data"
"""Sub-folder in which hub repositories keep their files."""


def discover(path: str, *, encoding: str | None = None) -> tuple[Source, ...]:
    """One source, or one per given split with its role.

    Given splits are known by sub-folders or files whose names hold a word such as train, valid (validation, val, dev), test (eval),
    also in a sub-folder `data`, also in shards (`train-00000-of-00003.parquet`); a data set that `datasets` saved with its splits is
    of the first kind, one JSON object has them as keys, and a data set of the hub by name. DataError where nothing readable is
    there, or where it cannot be told which file is the training set.
    """
    file = DataFile(name=path, encoding=encoding)
    if hub.is_hub(file):
        roles = hub.roles(file)
        return tuple(Source(path, split=role) for role in roles) if len(roles) > 1 and roles[0] == "train" else (Source(path),)
    if file.path.is_dir():
        for folder in (path, str(Path(path) / _INNER)):
            found = _by_role(folder)
            if "train" in found:
                return tuple(Source(found[role], split=role) for role in ROLES if role in found)
        locate(file)
    elif locate(file).format == "json":
        roles = json_table.given_splits(file)
        return tuple(Source(path, split=role, encoding=encoding) for role in roles) or (Source(path, encoding=encoding),)
    return (Source(path, encoding=encoding),)


def _by_role(folder: str) -> dict[str, str]:
    """Role -> path, for the files or sub-folders of a folder that are named by roles."""
    top = Path(folder).expanduser()
    if not top.is_dir():
        return {}
    files: dict[str, list[str]] = defaultdict(list)
    for path in data_files(top):
        role = role_of(path.name)
        if role is not None:
            files[role].append(path.name)
    if files and "train" not in files:
        return {}
    out = {role: str(Path(folder) / _as_one(top, names)) for role, names in files.items()}
    for path in sorted(top.iterdir()):
        role = role_of(path.name)
        if role is not None and path.is_dir() and not files:
            out.setdefault(role, str(Path(folder) / path.name))
    return out


def _as_one(folder: Path, names: Sequence[str]) -> str:
    """One file's name, or a pattern for the shards of a split; DataError where these are no shards (`train_clean`, `train_noisy`)."""
    if len(names) == 1:
        return names[0]
    suffixes = "".join(Path(names[0]).suffixes[-2:] if names[0].endswith((".gz", ".bz2", ".xz", ".zst")) else [Path(names[0]).suffix])
    before = _common(names).rstrip("0123456789")
    after = _common([name[::-1] for name in names])[::-1].lstrip("0123456789")
    for pattern in (f"{before}*{suffixes}", f"{before}*{after}"):
        if len({re.sub(r"\d+", "0", name) for name in names}) == 1 and {p.name for p in folder.glob(pattern)} == set(names):
            return pattern
    raise several_parts(DataFile(name=str(folder)), sorted(path.name for path in data_files(folder)))


def _common(names: Sequence[str]) -> str:
    """What all begin with."""
    length = next((i for i, letters in enumerate(zip(*names)) if len(set(letters)) > 1), min(map(len, names)))
    return names[0][:length]
