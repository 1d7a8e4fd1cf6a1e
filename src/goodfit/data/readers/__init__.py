"""Readers: one small file per format. This page is the table of them, and decides which one reads a path.

Layer: data. A reader is registered with `@reader(name, suffixes)`: a function `DataFile -> Opened` (base.py); those of other
packages come through the same door and are held to the same contract tests. The format is the one the user names, else that
of the file's ending, else (no ending, .txt, .dat, .data) what the content shows beyond doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from goodfit.data.readers import delimited, json_table, tables, text_folder, xlsx
from goodfit.data.readers.base import DataFile, Opened
from goodfit.data.readers.folder import open_shards
from goodfit.data.readers.hub import is_hub, open_hub
from goodfit.data.readers.locate import ARROW, TEXT_FOLDER, Located, locate
from goodfit.data.readers.registry import known_formats, reader, reader_of

__all__ = ["DataFile", "Located", "Opened", "known_formats", "locate", "open_table", "reader"]


def open_table(file: DataFile) -> Opened:
    """Opens a file, a folder or a hub id: columns now, rows when asked. DataError (file, line, fix) or MissingExtra."""
    if is_hub(file):
        return open_hub(file)
    found = locate(file)
    if found.folder and found.format == TEXT_FOLDER:
        opened = text_folder.open_text_folder(file)
    elif found.folder:
        opened = open_shards(file, found, reader_of(file, found.format))
    else:
        opened = reader_of(file, found.format)(file)
    if opened.complete and not opened.columns:
        raise file.error("it has no rows", fix="give a file with rows in it")
    return opened


def _register() -> None:
    """The readers that come with the package."""
    builtin: dict[str, tuple[tuple[str, ...], Callable[[DataFile], Opened]]] = {
        "csv": ((".csv",), partial(delimited.open_delimited, default=",")),
        "tsv": ((".tsv", ".tab"), partial(delimited.open_delimited, default="\t")),
        "jsonl": ((".jsonl", ".ndjson"), json_table.open_json_lines),
        "json": ((".json",), json_table.open_json),
        "parquet": ((".parquet", ".pq"), tables.open_parquet),
        ARROW: ((".arrow", ".feather", ".ipc"), tables.open_arrow),
        "xlsx": ((".xlsx", ".xlsm"), xlsx.open_xlsx),
    }
    for name, (suffixes, function) in builtin.items():
        reader(name, *suffixes)(function)


_register()
