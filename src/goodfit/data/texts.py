"""Plain texts of files that carry no labels: what is not to be forgotten, what production looks like.

Layer: data. A table gives its text columns; a .txt or .md file gives the blocks between its blank lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from goodfit.data.readers import open_table
from goodfit.data.readers.base import DataFile
from goodfit.data.source import join_text
from goodfit.errors import DataError

TEXT = "text"
SHORTEST_CELL = 20
"""Characters of a cell that is taken for a text where no column is named: names, ids and numbers are shorter."""
PLAIN = (".txt", ".md", ".text")


@dataclass(frozen=True)
class Wanted:
    """Which texts of files are taken."""

    key: str
    """The recipe's, for errors: `evaluate.retain`."""
    most: int
    columns: tuple[str, ...] = ()
    """Those that make a text where a table has them; else `text`, else its only column."""
    shortest: int = 1
    """Characters."""


def sample_texts(paths: Sequence[str], base: Path, wanted: Wanted, seed: int) -> list[str]:
    """Different texts of the files, each with the same chance, in the order of their draw (reservoir sampling, Vitter 1985).

    DataError where a file cannot be read, has no such column, or all files together no text that is wanted.
    """
    kept: list[str] = []
    rng, seen = np.random.default_rng([seed, 0xF06]), 0
    for path in paths:
        for text in _texts(wanted.key, base / Path(path).expanduser(), wanted.columns):
            if len(text) < wanted.shortest:
                continue
            seen += 1
            if len(kept) < wanted.most:
                kept.append(text)
            elif (place := int(rng.integers(seen))) < wanted.most:
                kept[place] = text
    if paths and not kept:
        what = f"{wanted.key}: there is no text of {wanted.shortest} characters in {', '.join(paths)}"
        raise DataError(what, fix="give files with texts")
    return list(dict.fromkeys(kept))


def placed_texts(path: str, base: Path, key: str, columns: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Every text of a file with the line where its row begins: of the named columns joined where the file has them all; else each cell
    of a column of texts by itself (a question and its answer are two texts). DataError where it cannot be read or has none.
    """
    whole = base / Path(path).expanduser()
    file = DataFile(str(whole))
    if whole.suffix.lower() in PLAIN:
        number = 0
        for number, block in enumerate(_blocks(key, whole), 1):
            yield number, block
        if not number:
            raise file.error(f"{key}: it has no text", fix="give a file with texts")
        return
    opened = open_table(file)
    named = columns if columns and set(columns) <= set(opened.columns) else ()
    found = False
    for chunk in opened.chunks(list(named or opened.columns)):
        for i in range(len(chunk.lines)):
            cells = [_cell(chunk.values.get(name), i) for name in named or opened.columns]
            texts = ["\n".join(cell for cell in cells if cell)] if named else [cell for cell in cells if len(cell) >= SHORTEST_CELL]
            yield from ((chunk.lines[i], text) for text in texts if text)
            found = found or any(texts)
    if not found:
        raise file.error(f"{key}: it has no text", fix=f"name the column of the texts {TEXT!r}")


def _cell(values: Sequence[object] | None, i: int) -> str:
    value = None if values is None else values[i]
    return "" if value is None else str(value).strip()


def _texts(key: str, path: Path, columns: tuple[str, ...]) -> Iterator[str]:
    if path.suffix.lower() in PLAIN:
        yield from _blocks(key, path)
        return
    file = DataFile(str(path))
    opened = open_table(file)
    wanted = columns if columns and set(columns) <= set(opened.columns) else (TEXT,)
    if not set(wanted) <= set(opened.columns):
        if len(opened.columns) != 1:
            named = " and ".join(map(repr, columns or (TEXT,)))
            raise file.error(f"{key}: it has no column {named}", fix=f"name the column of the texts {TEXT!r}")
        wanted = tuple(opened.columns)
    for chunk in opened.chunks(list(wanted)):
        cells = [[None if cell is None else str(cell) for cell in chunk.values.get(name, [None] * len(chunk.lines))] for name in wanted]
        yield from (text.strip() for text in join_text(cells) if text)


def _blocks(key: str, path: Path) -> Iterator[str]:
    """The blocks between blank lines."""
    block: list[str] = []
    try:
        with path.open(encoding="utf-8", errors="replace") as handle:
            for line in handle:
                if line.strip():
                    block.append(line)
                elif block:
                    yield "".join(block).strip()
                    block = []
    except OSError as error:
        raise DataError(f"{key}: {path} cannot be read ({error.strerror or error})", fix="check the path") from error
    if block:
        yield "".join(block).strip()
