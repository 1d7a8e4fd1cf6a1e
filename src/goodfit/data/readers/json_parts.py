"""A JSON object with lists in it: which of them is the table, and which are given splits. Nothing is left out without a word.

Layer: data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from goodfit.data.readers.base import DataFile
from goodfit.data.readers.roles import by_role, role_of
from goodfit.errors import DataError

DATA_KEYS = frozenset({"data", "rows", "records", "examples", "items"})
"""Keys under which people keep the rows of a table."""
_ROLES = ("train", "valid", "test")


@dataclass(frozen=True)
class Top:
    """What the object at the top of a file holds: key -> number of items."""

    lists: Mapping[str, int]
    """Lists of objects: each could be the rows."""
    columns: Mapping[str, int]
    """Lists of values (or objects by row number): together they could be the columns."""

    @property
    def given(self) -> dict[str, str]:
        """Role -> key, where two or more lists are named as given splits, train among them."""
        found = by_role(self.lists)
        one_each = all(len(keys) == 1 for keys in found.values())
        return {role: found[role][0] for role in _ROLES if role in found} if one_each and "train" in found and len(found) > 1 else {}


def choose(file: DataFile, top: Top) -> str | None:
    """The key of the list that is the table; None where the columns are. DataError where that cannot be told."""
    if top.given:
        return _part(file, top)
    named = [key for key in top.lists if key.lower() in DATA_KEYS]
    roles = [key for key in top.lists if role_of(key) is not None]
    likely = named or roles
    if len(likely) == 1 and not (named and roles):
        return likely[0]
    if not likely and _are_columns(file, top):
        return None
    if len(top.lists) == 1:
        return next(iter(top.lists))
    message = f"it holds several lists of objects ({_shown(top.lists)}), and none is surely the table"
    raise file.error(message, fix="keep one list a file, or call the one with the rows 'data' and the others otherwise")


def note(top: Top, chosen: str | None) -> tuple[str, ...]:
    """What stands in the file and is not read."""
    left = {key: n for key, n in top.lists.items() if key != chosen and key not in top.given.values()}
    left |= {key: n for key, n in top.columns.items() if chosen is not None}
    where = "the columns" if chosen is None else repr(chosen)
    return (f"read from {where}; not from {_shown(left)}",) if left else ()


def _part(file: DataFile, top: Top) -> str:
    """The list of the split that is asked for."""
    if file.split in top.given:
        return top.given[file.split]
    if file.split is not None:
        raise file.error(f"it has no list for {file.split}; it has {_shown(top.lists)}", fix="give another file for this split")
    told = ", ".join(f"{role}: {file.name}" for role in top.given)
    message = f"it holds several parts ({_shown(top.lists)}); reading them as one table would mix them"
    raise file.error(message, fix=f"name it for each part: data: {{{told}}}; or keep one list a file")


def _are_columns(file: DataFile, top: Top) -> bool:
    """True where the lists of values are a table by themselves; DataError where a list of objects is as long as they are."""
    lengths = set(top.columns.values())
    if len(top.columns) < 2 or len(lengths) > 1:
        return False
    if lengths & set(top.lists.values()):
        raise _both(file, top)
    return True


def _both(file: DataFile, top: Top) -> DataError:
    message = f"it holds columns ({_shown(top.columns)}) and lists of objects ({_shown(top.lists)})"
    return file.error(message, fix='give a list of objects [{"text": …}, …], or columns of plain values only')


def _shown(lists: Mapping[str, int], most: int = 6) -> str:
    keys: Sequence[str] = list(lists)
    return ", ".join(f"{key!r} {lists[key]:,}" for key in keys[:most]) + (f" and {len(keys) - most} more" if len(keys) > most else "")
