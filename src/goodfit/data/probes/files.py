"""Lines of a set's file with their numbers; what is wrong is one DataError with file, line and fix. Part of data.probes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from goodfit.errors import DataError, Place, machine_error

LARGEST = 256 * 2**20
"""Bytes of a file, unpacked."""
LONGEST_CELL = 1_000_000
SHOWN = 5


def error(path: Path, message: str, fix: str, line: int | None = None) -> DataError:
    """What every reader raises."""
    return DataError(message, place=Place(file=str(path), line=line), fix=fix)


def files_in(path: Path, endings: Sequence[str], fix: str) -> list[Path]:
    """The file itself, or the files of a folder with one of these endings, in order; DataError where there is none."""
    if path.is_file():
        return [path]
    found = sorted(one for one in path.iterdir() if one.is_file() and one.name.endswith(tuple(endings))) if path.is_dir() else []
    if not found:
        wanted = " or ".join(f"*{ending}" for ending in endings)
        raise error(path, f"there is no file {wanted} in it" if path.is_dir() else "there is no such file", fix)
    return found


def text_of(path: Path) -> str:
    """A UTF-8 file as text, packed (.gz) or not; never more than LARGEST bytes of it are in memory."""
    try:
        with path.open("rb") as handle:
            raw = (gzip.GzipFile(fileobj=handle) if path.suffix == ".gz" else handle).read(LARGEST + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as broken:
        raise error(path, f"it is no whole gzip file: {broken}", "download it again") from None
    except OSError as failed:
        raise machine_error(failed, "reading", path) from failed
    if len(raw) > LARGEST:
        raise error(path, f"it has more than {LARGEST:,} bytes", "make it several files in a folder")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        raise error(path, f"byte 0x{raw[wrong.start]:02x} is not UTF-8", "save it as UTF-8", line) from None


def json_of(path: Path) -> Any:
    """A file that is one JSON document."""
    return _parsed(text_of(path), path, None)


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and object of every line that is not blank."""
    for number, line in enumerate(text_of(path).split("\n"), 1):
        if not line.strip():
            continue
        found = _parsed(line, path, number)
        if not isinstance(found, dict):
            raise error(path, "the line is no JSON object", "one object on each line, as published", number)
        yield number, found


def _parsed(text: str, path: Path, line: int | None) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as wrong:
        at = getattr(wrong, "lineno", 1) if line is None else line
        raise error(path, f"it is no JSON: {getattr(wrong, 'msg', 'nested too deep')}", "download the file again", at) from None


def table(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line (header = 1) and cells of every row of a csv (or, by its ending, a tsv); DataError where a needed column is absent."""
    reader = csv.reader(io.StringIO(text_of(path), newline=""), delimiter="\t" if path.suffix == ".tsv" else ",")
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in needed if name not in header]
        if missing:
            there = ", ".join(name[:40] for name in header[:SHOWN]) or "nothing"
            raise error(path, f"there is no column {missing[0]!r} (it has {there})", f"the file as published: {', '.join(needed)}", 1)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(header):
                    raise error(path, f"{len(cells)} cells where the header has {len(header)}", "download the file again", reader.line_num)
                yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as wrong:
        raise error(path, f"it is no csv: {wrong}", "download the file again", reader.line_num) from None
    finally:
        csv.field_size_limit(before)


def string(found: dict[str, Any], key: str, path: Path, line: int | None) -> str:
    """A text that is there and not blank."""
    value = found.get(key)
    if not isinstance(value, str) or not value.strip():
        there = "is absent" if key not in found else "is no text" if not isinstance(value, str) else "is blank"
        raise error(path, f"{key!r} {there}", "the file as published", line)
    return value


def some(items: Sequence[Any], path: Path) -> None:
    """DataError where nothing was found."""
    if not items:
        raise error(path, "it holds nothing", "leave the suite out, or download the file again")
