"""fix: the story. What people decided is done to a copy, the copy is read back and compared, then it is put in its place. Part of fix."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.decided import check_values, decided_store
from goodfit.data.decisions import Decisions
from goodfit.data.fix.cells import Cells
from goodfit.data.fix.changes import Change, Settled, by_source, changes_of, gone_mask, settled
from goodfit.data.fix.copying import copied
from goodfit.data.fix.ledger import End, ledger_of
from goodfit.data.fix.places import Target, check_free, targets_of
from goodfit.data.labels import vocabulary
from goodfit.data.progress import OnProgress
from goodfit.data.readers import open_table
from goodfit.data.source import Columns, Source, read, with_separator
from goodfit.data.store import RowStore, open_store
from goodfit.errors import DataError, Place, UserError, machine_error

COMPARED = ("text", "label", "conversation", "reason")
"""Columns of which copy and decided rows must be equal, where there are such."""


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    sources: tuple[Source, ...]
    columns: Columns
    labels: tuple[str, ...] | None
    """The classes that the recipe lists."""
    decisions: Decisions
    shown: str
    """The decisions file as people know it."""
    workspace: Path
    out: Path | None = None
    duplicates: bool = False
    force: bool = False


@dataclass(frozen=True)
class Written:
    """One copy."""

    source: str
    copy: Path
    ledger: Path
    end: End


@dataclass(frozen=True)
class Fixed:
    """What was written, and what was not done."""

    place: Path
    """What the recipe's `data` is to name."""
    files: list[Written]
    settled: Settled

    @property
    def counts(self) -> dict[str, int]:
        """Action -> records, over all files."""
        return dict(sum((Counter(one.end.counts) for one in self.files), Counter[str]()))

    def to_json(self) -> dict[str, Any]:
        """For the result document."""
        files = [
            {"source": one.source, "copy": str(one.copy), "ledger": str(one.ledger), "records": one.end.records, "counts": one.end.counts,
             "undo_is_exact": one.end.exact} for one in self.files
        ]  # fmt: skip
        return {"data": str(self.place), "files": files, "unknown": self.settled.unknown, "refused": dict(self.settled.refused)}


def fix(wish: Wish, *, on_progress: OnProgress | None = None) -> Fixed:
    """Writes the copy and its ledger; UserError where there is nothing to do or something in the way, DataError for the data."""
    targets, place = targets_of(wish.sources, wish.columns, wish.out)
    check_free(targets, place, force=wish.force)
    store = open_store(wish.sources, wish.columns, on_progress=on_progress)
    ruled = settled(wish.decisions, store, wish.workspace)
    known = wish.labels or [*vocabulary(store.column("label")).counts, *(c for c in wish.columns.label if len(wish.columns.label) > 1)]
    check_values(ruled.done.values(), wish.columns, [] if wish.columns.turns else list(known), wish.decisions.path)
    decided, _ = decided_store(store, ruled.done, wish.columns)
    changes = changes_of(store, decided, ruled.done, duplicates=wish.duplicates)
    if not changes:
        raise _nothing(wish, ruled)
    gone = gone_mask(changes, len(store))
    if gone.all():
        raise UserError("no row would be left", fix="keep some")
    with _workshop(place if len(targets) == 1 else place / "x") as folder:
        shelves = [folder / str(i) for i in range(len(targets))]
        ends = _write(wish, targets, shelves, by_source(changes, store, len(wish.sources)), on_progress)
        _compare(wish, targets, shelves, (decided, gone), on_progress)
        return Fixed(place, _put(targets, shelves, ends), ruled)


def _nothing(wish: Wish, ruled: Settled) -> UserError:
    if not wish.decisions and not wish.duplicates:
        there = f"{wish.shown} holds none" if wish.decisions.read else "there are none yet"
        return UserError(f"nothing was decided about these rows: {there}", fix="goodfit review RUN --of suspects, or --drop-duplicates")
    why = ["no row repeats another with its label"] if wish.duplicates else []
    why += [f"{ruled.unknown:,} decisions are about rows that are not in the data"] if ruled.unknown else []
    why += [f"{n:,} {reason}" for reason, n in ruled.refused.items()]
    said = "; ".join(why) or "what was decided keeps the rows as they are"
    return UserError(f"nothing is to be changed: {said}", fix="use the data as they are")


class _workshop:
    """A folder beside the copy's place, gone afterwards."""

    def __init__(self, near: Path) -> None:
        self._parent = near.parent
        self._made = not self._parent.exists()
        self._path: Path | None = None

    def __enter__(self) -> Path:
        try:
            self._parent.mkdir(parents=True, exist_ok=True)
            self._path = Path(tempfile.mkdtemp(prefix=".goodfit-fix-", dir=self._parent))
        except OSError as error:
            raise machine_error(error, "writing to", self._parent) from error
        return self._path

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        shutil.rmtree(self._path or "", ignore_errors=True)
        if self._made and error is not None:
            with contextlib.suppress(OSError):  # somebody else has put something into it
                self._parent.rmdir()
        if isinstance(error, OSError):
            raise machine_error(error, "writing to", self._parent) from error


def _write(
    wish: Wish, targets: Sequence[Target], shelves: Sequence[Path], changes: list[dict[int, Change]], on_progress: OnProgress | None
) -> list[End]:
    """Copies every file into a folder of its own, under its final name."""
    columns = with_separator(wish.columns, [open_table(target.part.file) for target in targets], [])
    ends: list[End] = []
    start = source = 0
    for target, shelf in zip(targets, shelves, strict=True):
        if target.source != source:
            start, source = 0, target.source
        shelf.mkdir()
        place = shelf / target.out.name
        own = {record - start: change for record, change in changes[target.source].items() if record >= start}
        cells = Cells(target.part.file, open_table(target.part.file), columns)
        end = copied(target.part, own, cells, (place, ledger_of(place)), decisions=wish.shown, on_progress=on_progress)
        ends.append(end)
        start += end.records
    return ends


def _compare(
    wish: Wish, targets: Sequence[Target], shelves: Sequence[Path], meant: tuple[RowStore, Any], on_progress: OnProgress | None
) -> None:
    """Reads the copies as the recipe would, and compares them with the rows as decided; DataError for the first that differs."""
    sources = [_as_read(wish.sources[t.source], shelf / t.out.name, t) for t, shelf in zip(targets, shelves, strict=True)]
    store, gone = meant
    names = [name for name in COMPARED if name in store.schema().names]
    blank = any(target.part.converted and target.part.kind == "csv" for target in targets)
    row, place = 0, Place(file=str(targets[0].out))
    fix = "name encoding, delimiter, header and task.label_separator in the recipe, so that the copy is read as the data are"
    try:
        found = (_plain(batch.select(names), blank=blank) for batch in read(sources, wish.columns, on_progress=on_progress))
        for mine, theirs in _paired((_plain(batch, blank=blank) for batch in _kept(store, gone, names)), found):
            if mine is None or theirs is None or not mine.equals(theirs):
                message = f"the copy would not be read as it was decided, from record {row + _first(mine, theirs) + 1:,} on"
                raise DataError(f"{message}: nothing was written", place=place, fix=fix)
            row += len(mine)
    except DataError as error:
        if error.place.file == place.file:
            raise
        line = None if error.place.line is None else f" at line {error.place.line:,}"
        raise DataError(f"the copy could not be read{line or ''} ({error.message}): nothing was written", place=place, fix=fix) from error


def _plain(batch: pa.RecordBatch, *, blank: bool) -> pa.RecordBatch:
    """For a comparison: in csv a missing text is an empty one."""
    if not blank:
        return batch
    return batch.set_column(0, batch.schema.field(0), pc.fill_null(batch.column(0), ""))


def _as_read(source: Source, path: Path, target: Target) -> Source:
    """The copy as a source like the one that it was made from."""
    if target.part.converted:
        return Source(str(path), weight=source.weight, split=source.split)
    given = source.format if source.format in ("csv", "tsv") else None
    return replace(source, path=str(path), format=given)


def _kept(store: RowStore, gone: Any, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in store.batches(names):
        part = gone[start : start + len(batch)]
        start += len(batch)
        yield batch.filter(pa.array(~part)) if part.any() else batch


def _paired(left: Iterator[pa.RecordBatch], right: Iterator[pa.RecordBatch]) -> Iterator[tuple[Any, Any]]:
    """Both streams in pieces of equal length; None where one has ended before the other."""
    a = b = None
    while True:
        a = _next(a, left)
        b = _next(b, right)
        if a is None and b is None:
            return
        if a is None or b is None:
            yield a, b
            return
        n = min(len(a), len(b))
        yield a.slice(0, n), b.slice(0, n)
        a, b = a.slice(n), b.slice(n)


def _next(held: pa.RecordBatch | None, stream: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    while held is None or not len(held):
        held = next(stream, None)
        if held is None:
            return None
    return held


def _first(mine: pa.RecordBatch | None, theirs: pa.RecordBatch | None) -> int:
    """The first row in which the two differ."""
    if mine is None or theirs is None:
        return 0
    for i in range(len(mine)):
        if any(mine.column(k)[i] != theirs.column(k)[i] for k in range(mine.num_columns)):
            return i
    return 0


def _put(targets: Sequence[Target], shelves: Sequence[Path], ends: Sequence[End]) -> list[Written]:
    """Moves every copy and its ledger to their place."""
    out = []
    for target, shelf, end in zip(targets, shelves, ends, strict=True):
        place = shelf / target.out.name
        place.replace(target.out)
        ledger_of(place).replace(ledger_of(target.out))
        out.append(Written(target.part.file.name, target.out, ledger_of(target.out), end))
    return out
