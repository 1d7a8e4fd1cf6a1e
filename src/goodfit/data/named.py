"""The file that a recipe names: paths are relative to the recipe, a file is opened by a name that works from here. Layer: data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goodfit.data.readers.hub import PREFIX
from goodfit.data.source import Source
from goodfit.recipe import Form


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
