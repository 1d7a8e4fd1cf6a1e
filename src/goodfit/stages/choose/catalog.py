"""The catalog: good models of the hub by task, each with its source and the day it was seen. Part of choose.

`catalog.yaml` beside this file, extended by a file of the user's in the same form (`choose.catalog`). It is for finding models; what a
model is like on the user's rows is measured.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from goodfit.errors import Place, SettingsError
from goodfit.settings.document import Document, compose, read_text

FILE = Path(__file__).with_name("catalog.yaml")


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Entry(BaseModel):
    """A model of the hub."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Annotated[str, Field(pattern=r"^[\w.\-]+(/[\w.\-]+)?$")]
    """Its id on the hub."""
    tasks: Annotated[tuple[Literal["classification", "generation"], ...], BeforeValidator(_listed)]
    """What it is a base model for."""
    languages: Annotated[tuple[str, ...], BeforeValidator(_listed)]
    """ISO 639-1 codes; `multilingual` beside them where the list is long."""
    parameters: Annotated[int, Field(gt=0)]
    """All of its weights."""
    context: Annotated[int, Field(gt=0)]
    """Tokens that it reads at most."""
    license: str
    """As its card says."""
    source: Annotated[str, Field(pattern=r"^https?://")]
    """Where these facts stand."""
    seen: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """The day on which they were read."""
    downloads: Annotated[int, Field(ge=0)] | None = None
    """In a month, as the page said; not known where it is left out."""
    downloads_from: str | None = None
    """The page that said so."""
    note: str = ""
    """A sentence for people."""


def catalog(path: str | None, folder: Path) -> tuple[Entry, ...]:
    """The entries of the user's file (relative to the recipe's folder), then Goodfit's own; SettingsError where the file is wrong."""
    own = _read(FILE)
    if path is None:
        return own
    theirs = _read(folder / Path(path).expanduser())
    named = {entry.id for entry in theirs}
    return (*theirs, *(entry for entry in own if entry.id not in named))


@cache
def _read(path: Path) -> tuple[Entry, ...]:
    if not path.is_file():
        raise SettingsError(f"choose.catalog: there is no file {path}", fix="paths start from the recipe's folder")
    document = compose(read_text(path), str(path))
    for problem in document.problems:
        raise problem
    models = document.values.get("models")
    if not isinstance(models, list):
        raise _wrong(document.place(()), "a catalog is a list under the key `models`")
    return tuple(_entry(document, number, value) for number, value in enumerate(models))


def _entry(document: Document, number: int, value: object) -> Entry:
    try:
        return Entry.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = first["msg"][0].lower() + first["msg"][1:]
        raise _wrong(document.place(("models", number)), f"{where}: {said}" if where else said) from error


def _wrong(place: Place, what: str) -> SettingsError:
    return SettingsError(what, place=place, fix="a model is {id, tasks, languages, parameters, context, license, source, seen}")
