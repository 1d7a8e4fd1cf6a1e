"""A column that is not there: what there is, and the nearest name.

Layer: data. One wording for files, recipes and rows that a program hands over.
"""

from __future__ import annotations

from collections.abc import Sequence

from goodfit.errors import DataError, Place, nearest


def missing_column(name: str, column: str, there: Sequence[str], *, hint: str | None = None) -> DataError:
    """`column 'queue' not found; the file has: …; did you mean …`."""
    shown = ", ".join(repr(c) for c in there[:20]) + (f" and {len(there) - 20} more" if len(there) > 20 else "")
    close = nearest(column, there) or next((c for c in there if c.casefold() == column.casefold()), None)
    fix = hint or (f"did you mean {close!r}?" if close else "name one of these columns in the recipe (task, groups, split)")
    return DataError(f"column {column!r} not found; the file has: {shown}", place=Place(file=name, key=column), fix=fix)
