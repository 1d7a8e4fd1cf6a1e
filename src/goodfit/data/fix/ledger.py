"""The ledger of a cleaned copy: `<copy>.ledger.jsonl`, one line per record that was changed or left out, with what stood there before.

Part of fix. The first line says what was copied, the last line how many records there were and what the files contain (a ledger without it
is not whole). In between, in file order:

    {"record": 117, "row": "9f1c…", "at": "tickets.csv:118", "action": "relabel", "columns": {"queue": ["bug", "billing"]},
     "by": "anna", "reason": "…", "time": "…", "decision": "decisions.jsonl:12", "was": "…", "offset": 20413, "length": 61}

`record` counts the file's records from 0, `columns` holds old and new cells, `was` the record as it stood: its characters, or one row of an
Arrow stream in base64. In text files `length` bytes at `offset` of the copy stand for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from goodfit.errors import DataError, Place, machine_error

SCHEMA = "goodfit/fix/1"
SUFFIX = ".ledger.jsonl"
How = Literal["text", "lines", "table"]
"""What the copy is: csv or tsv; jsonl; parquet or Arrow."""


def ledger_of(copy: Path) -> Path:
    """Where the ledger of a copy stands."""
    return copy.with_name(copy.name + SUFFIX)


@dataclass(frozen=True)
class Entry:
    """One record that was changed or left out."""

    record: int
    row: str
    at: str
    action: str
    """`relabel`, `mask`, `drop`, or `duplicate`."""
    columns: dict[str, tuple[Any, Any]]
    """Column -> old and new cell."""
    by: str
    reason: str
    time: str
    decision: str | None
    """`decisions.jsonl:12`; None where no decision was asked for."""
    was: str
    offset: int | None = None
    """Text files: byte of the copy at which the record stands, or stood."""
    length: int = 0
    """Its bytes there."""

    @property
    def gone(self) -> bool:
        """The record is not in the copy."""
        return self.action in ("drop", "duplicate")

    def to_json(self) -> dict[str, Any]:
        """The line of the ledger."""
        return {**self.__dict__, "columns": {name: list(cells) for name, cells in self.columns.items()}}


@dataclass(frozen=True)
class Head:
    """What was copied: the first line."""

    source: str
    """The file as the user names it."""
    copy: str
    """Name of the copy, beside the ledger."""
    how: How
    encoding: str | None
    """Of text files, as Python calls it."""
    kind: str
    """`csv`, `tsv`, `jsonl`, `parquet`, `arrow`: the format of the copy."""
    converted: bool
    """The source is of another format: undoing gives its rows in the format of the copy."""
    time: str


@dataclass(frozen=True)
class End:
    """The last line."""

    records: int
    """Of the source."""
    counts: dict[str, int]
    """Action -> records; `kept`: those that stand in the copy as they were."""
    copy_hash: str
    source_hash: str
    exact: bool
    """Undoing gives the source byte for byte (unpacked, where it was compressed); else row for row."""


class LedgerWriter:
    """Writes a ledger line by line."""

    def __init__(self, handle: IO[str], head: Head) -> None:
        self._handle = handle
        self._line({"schema": SCHEMA, **head.__dict__})

    def add(self, entry: Entry) -> None:
        """One more record."""
        self._line(entry.to_json())

    def end(self, end: End) -> None:
        """The last line."""
        self._line({"end": True, **end.__dict__})

    def _line(self, value: dict[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
        self._handle.write(text.encode("utf-8", "backslashreplace").decode() + "\n")


class Ledger:
    """A ledger on disk; DataError (file, line) where it is not whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        first, last = None, None
        for line, value in self._lines():
            first = first or value
            last = (line, value)
        if first is None or first.get("schema") != SCHEMA:
            raise self._error("it is no ledger of a cleaned copy", 1)
        if last is None or not last[1].get("end"):
            raise self._error("the ledger is cut off", last[0] if last else 1)
        try:
            self.head = Head(**{key: first[key] for key in Head.__dataclass_fields__})
            self.end = End(**{key: last[1][key] for key in End.__dataclass_fields__})
        except (KeyError, TypeError):
            raise self._error("the ledger is damaged", last[0]) from None

    def entries(self) -> Iterator[Entry]:
        """In file order, read as they are asked for."""
        for line, value in self._lines():
            if "record" not in value:
                continue
            try:
                columns = {name: (cells[0], cells[1]) for name, cells in value["columns"].items()}
                yield Entry(**{key: value[key] for key in Entry.__dataclass_fields__ if key != "columns"}, columns=columns)
            except (KeyError, TypeError, IndexError, AttributeError):
                raise self._error("this line of the ledger is damaged", line) from None

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with self.path.open(encoding="utf-8") as handle:
                for number, line in enumerate(handle, start=1):
                    value = json.loads(line)
                    if not isinstance(value, dict):
                        raise self._error("this line of the ledger is damaged", number)
                    yield number, value
        except (ValueError, RecursionError):
            raise self._error("it is no ledger, or damaged", None) from None
        except OSError as error:
            raise machine_error(error, "reading", self.path) from error

    def _error(self, message: str, line: int | None) -> DataError:
        fix = f"give the file that ends in {SUFFIX}, as `goodfit audit --fix` wrote it"
        return DataError(message, place=Place(file=str(self.path), line=line), fix=fix)


def decisions_in(path: Path) -> set[tuple[str, str, str]]:
    """Row, action and time of every decision that a copy holds already; empty where the file is no such copy."""
    if not path.is_file():
        return set()
    return {(entry.row, entry.action, entry.time) for entry in Ledger(path).entries() if entry.decision is not None}
