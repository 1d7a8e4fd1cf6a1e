"""A folder with one sub-folder of txt files per class: the folder's name is the label, each file is a row.

Layer: data. Columns: `text`, `label`, `file`. Classes and files are read in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from goodfit.data.readers import encoding as encodings
from goodfit.data.readers.base import CHUNK_CHARACTERS, CHUNK_ROWS, Chunk, DataFile, Opened

COLUMNS = ("text", "label", "file")


def files_of(folder: Path) -> list[Path]:
    """The txt files, one level below the folder, ordered by class and name."""
    return sorted(p for p in folder.glob("*/*.txt") if p.is_file() and not p.name.startswith(".") and not p.parent.name.startswith("."))


def open_text_folder(file: DataFile) -> Opened:
    """A folder of txt files per class."""
    files = files_of(file.path)
    if not files:
        raise file.error("it holds no txt files in sub-folders", fix="expected: FOLDER/<label>/<any name>.txt")

    def chunks(wanted: Sequence[str] | None) -> Iterator[Chunk]:
        names = [name for name in COLUMNS if wanted is None or name in wanted]
        rows: list[tuple[str, str, str]] = []
        size = done = 0
        for path in files:
            text = read_text(file, path)
            rows.append((text, path.parent.name, path.relative_to(file.path).as_posix()))
            size += len(text)
            done += 1
            if len(rows) == CHUNK_ROWS or size > CHUNK_CHARACTERS:
                yield _chunk(file, rows, names, done)
                rows, size = [], 0
        if rows:
            yield _chunk(file, rows, names, done)

    return Opened(columns=COLUMNS, chunks=chunks, typed=False, total=len(files), rows=len(files))


def read_text(file: DataFile, path: Path) -> str:
    """The text of one file, without the line break at its end; an empty file is an empty text."""
    inner = replace(file, name=str(Path(file.name) / path.relative_to(file.path)))
    try:
        if not path.stat().st_size:
            return ""
        encoding = encodings.detect(inner)
        return path.read_text(encoding=encoding, errors=encodings.errors_of(encoding)).removeprefix("\ufeff").rstrip("\n")
    except UnicodeDecodeError:
        raise encodings.explain_undecodable(inner, encoding) from None
    except OSError as error:
        raise inner.error(f"cannot be read ({error.strerror or error})", fix="check its permissions") from error


def _chunk(file: DataFile, rows: list[tuple[str, str, str]], names: list[str], done: int) -> Chunk:
    columns = dict(zip(COLUMNS, zip(*rows)))
    files = [str(Path(file.name) / inner) for inner in columns["file"]]
    return Chunk({name: columns[name] for name in names}, [1] * len(rows), files=files, done=done)
