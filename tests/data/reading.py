"""Short ways to read a file in the tests of data/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from goodfit.data import Columns, Source, open_store, read
from goodfit.data.cache import root
from goodfit.errors import DataError

Write = Callable[[str, str | bytes], str]
TEXT_LABEL = Columns(text=("text",), label=("label",))


def rows(path: str, columns: Columns = TEXT_LABEL, **options: Any) -> list[dict[str, Any]]:
    """All rows of one source as dicts."""
    return [row for batch in read([Source(path, **options)], columns) for row in batch.to_pylist()]


def pairs(path: str, columns: Columns = TEXT_LABEL, **options: Any) -> list[tuple[Any, Any]]:
    return [(row["text"], row["label"]) for row in rows(path, columns, **options)]


def lines(path: str, columns: Columns = TEXT_LABEL, **options: Any) -> list[int]:
    return [int(row["at"].rpartition(":")[2]) for row in rows(path, columns, **options)]


def outcome(act: Callable[[], object]) -> DataError | None:
    """The DataError that `act` ends with, or None where it ends well; any other exception is a failure."""
    try:
        act()
    except DataError as error:
        return error
    return None


def refused(path: str, columns: Columns = TEXT_LABEL, **options: Any) -> DataError:
    """The error that reading this file into the store ends with; nothing may be left in the cache."""
    with pytest.raises(DataError) as caught:
        open_store([Source(path, **options)], columns)
    assert not [p for p in root().rglob("*") if p.is_file()], "a half-written file was left in the cache"
    assert caught.value.fix, f"no remedy: {caught.value.message}"
    assert caught.value.exit_code == 2
    return caught.value
