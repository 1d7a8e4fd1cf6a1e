"""Data that this version cannot learn from: said plainly, with what would do, before a recipe is written.

Layer: init. Numbers as targets, no labels, no text; each a DataError with what to do.
"""

from __future__ import annotations

from collections.abc import Sequence

from goodfit.errors import DataError, Place
from goodfit.init import hints
from goodfit.init.profile import Column
from goodfit.init.roles import SURE, Roles, looks_continuous

_NAME_IT = (
    "name it: `goodfit init DATA --label COLUMN`; or, for a model that writes such texts, `goodfit init DATA --text COLUMN`, "
    "`task: {kind: generation, prompt: COLUMN, completion: COLUMN}` in a recipe"
)


def refuse(path: str, columns: Sequence[Column], found: Roles) -> None:
    """DataError where these rows are not for sorting texts into classes."""
    if not found.text:
        raise _error(path, f"no column holds text (the columns are {_listed(columns)})", "name the column of the texts: task.text")
    number = _number(columns, found)
    if number is not None:
        raise _for_numbers(path, number)
    if found.switches:
        return
    if found.label is None:
        raise _without_label(path, columns, found)
    if found.label in found.text:
        raise _error(path, f"{found.label.name!r} is the only column", "add a column with the class of each row")


def _number(columns: Sequence[Column], found: Roles) -> Column | None:
    """A column of many numbers that is named like a target, where nothing else is."""
    if found.label_score >= SURE:
        return None
    measured = [c for c in columns if c not in found.text and looks_continuous(c)]
    named = [c for c in measured if set(c.words) & (hints.LABEL | hints.WEAK_LABEL | {"value", "y", "points", "toxicity"})]
    return named[0] if named else measured[0] if measured and found.label is None and len(columns) == 2 else None


def _for_numbers(path: str, column: Column) -> DataError:
    message = (
        f"the column {column.name!r} holds {column.distinct:,} different numbers: a target to measure, not classes; "
        "this version of Goodfit sorts texts into classes"
    )
    return _error(path, message, "turn the numbers into a few classes in a column of their own (low, middle, high)", column.name)


def _without_label(path: str, columns: Sequence[Column], found: Roles) -> DataError:
    text = found.text[-1].name
    rest = [column for column in columns if column not in found.text]
    if not rest:
        return _error(path, f"there is a text ({text!r}) and no label beside it", "add a column with the class of each row")
    message = f"no column beside {text!r} looks like a label, a few names that come again (the others are {_listed(rest)})"
    return _error(path, message, _NAME_IT)


def _listed(columns: Sequence[Column]) -> str:
    return _quoted([column.name for column in columns])


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _error(path: str, message: str, fix: str, column: str | None = None) -> DataError:
    return DataError(message, place=Place(file=path, key=column), fix=fix)
