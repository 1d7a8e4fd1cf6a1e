"""The file that a recipe names, and what is masked in it. Paths are relative to the recipe, and opened by a name that works from here.

Layer: data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goodfit.data.readers.hub import PREFIX
from goodfit.data.source import Source
from goodfit.files import read_json
from goodfit.recipe import Form
from goodfit.run import MANIFEST


def opened(written: str, base: Path) -> str:
    """The name by which a file is opened: as written where that works from the current folder too, else with the recipe's folder."""
    path = Path(written).expanduser()
    if written.startswith(PREFIX) or path.is_absolute() or base.resolve() == Path.cwd():
        return written
    whole = (base / path).resolve()
    return str(whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole)


def source_of(form: Form, path: str, **more: Any) -> Source:
    """One file as the recipe says that it is read; `path` as `opened` gives it."""
    return Source(path, format=form.format, encoding=form.encoding, delimiter=form.delimiter, header=form.header, **more)


def masked_kinds(run: Path) -> tuple[str, ...]:
    """What is masked wherever rows of a run are read, as split wrote it down; `run`: its folder."""
    return tuple(read_json(run / "split" / MANIFEST)["columns"].get("mask", ()))
