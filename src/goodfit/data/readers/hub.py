"""Data sets of the Hugging Face hub, through `datasets` (an extra), where there is a network or a copy in its cache.

Layer: data. Written `hub:owner/name`, `hub:owner/name:config`, in both cases with the split that the source's role asks for.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from typing import Any

from goodfit.data.readers.base import CHUNK_ROWS, DataFile, Opened
from goodfit.data.readers.tables import opened_table
from goodfit.errors import MissingExtra

PREFIX = "hub:"
ROLE_NAMES = {"train": ("train",), "valid": ("validation", "valid", "val", "dev"), "test": ("test", "eval")}


def is_hub(file: DataFile) -> bool:
    """True where the name speaks of the hub."""
    return file.format == "hub" or file.name.startswith(PREFIX)


def open_hub(file: DataFile) -> Opened:
    """The rows of one split of a hub data set; MissingExtra without `datasets`, DataError where it cannot be reached."""
    table = _load(file)

    def batches(wanted: list[str] | None) -> Iterator[Any]:
        view = table.with_format("arrow", columns=wanted) if wanted is not None else table.with_format("arrow")
        for part in view.iter(batch_size=CHUNK_ROWS):
            yield from part.to_batches()

    return opened_table(file, table.features.arrow_schema, batches, rows=len(table))


def fingerprint(file: DataFile) -> str:
    """A name for the content: the hash that `datasets` keeps of how the rows were made, and their number."""
    table = _load(file)
    text = f"{file.name}\0{table._fingerprint}\0{len(table)}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def roles(file: DataFile) -> tuple[str, ...]:
    """Which of train, valid and test the data set has."""
    found = _load_all(file)
    return tuple(role for role, names in ROLE_NAMES.items() if any(name in found for name in names))


def _load(file: DataFile) -> Any:
    """The split that the source's role asks for; without a role the only one, or train."""
    found = _load_all(file)
    names = ROLE_NAMES.get(file.split or "train", ())
    split = next((name for name in names if name in found), None)
    if split is None and file.split is None and len(found) == 1:
        split = next(iter(found))
    if split is None:
        raise file.error(f"it has no split for {file.split or 'train'}; it has {', '.join(found)}", fix="name another data set or config")
    return found[split]


def _load_all(file: DataFile) -> Any:
    name, _, config = file.name.removeprefix(PREFIX).partition(":")
    fix = "check the id and the network, or download the files and give their path; offline, only cached data sets work"
    try:
        return _load_cached(name, config or None)
    except ImportError:
        raise MissingExtra(f"the hub data set {file.name}", "hub") from None
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise file.error(f"the hub data set cannot be loaded ({reason[:200]})", fix=fix) from error


@functools.lru_cache(maxsize=4)
def _load_cached(name: str, config: str | None) -> Any:
    import datasets  # noqa: PLC0415  an extra: absent in a plain install

    return datasets.load_dataset(name, config)
