"""A folder of data files of one format, read one after the other as one table (shards).

Layer: data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from goodfit.data.readers.base import Chunk, DataFile, Opened
from goodfit.data.readers.locate import Located
from goodfit.data.readers.registry import Reader


def open_shards(file: DataFile, found: Located, read: Reader) -> Opened:
    """The files as one table; DataError where one lacks a column that the first has."""
    names = [found.shown(file, path) for path in found.files]
    parts = [read(replace(file, name=name, format=found.format)) for name in names]
    first = parts[0]
    for name, part in zip(names, parts):
        lost = [column for column in first.columns if column not in part.columns] if part.complete and first.complete else []
        if lost:
            message = f"column {lost[0]!r} of {names[0]} is not in this file"
            raise replace(file, name=name).error(message, fix="give files with the same columns")
    told = _told([path.name for path in found.files])
    totals = [part.total or 0 for part in parts]

    def chunks(wanted: Sequence[str] | None) -> Iterator[Chunk]:
        before = 0
        for name, part, total in zip(names, parts, totals):
            for chunk in part.chunks(wanted):
                yield replace(chunk, files=[name] * len(chunk.lines), done=before + chunk.done)
            before += total

    rows = [part.rows for part in parts if part.rows is not None]
    return replace(
        first, chunks=chunks, total=sum(totals) or None, rows=sum(rows) if len(rows) == len(parts) else None,
        notes=(*told, *dict.fromkeys(note for part in parts for note in part.notes)),
    )  # fmt: skip


def _told(names: Sequence[str], most: int = 6) -> tuple[str, ...]:
    """Several files are one table only because they lie together: that is said."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (f"{len(names)} files are read as one table: {', '.join(names[:most])}{more}",) if len(names) > 1 else ()
