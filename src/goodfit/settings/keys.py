"""Every key that a recipe can hold, read off `recipe`: for error messages, `check`, and the generated reference.

Layer: settings. Nothing is listed twice: a key added to a section of the recipe appears here by itself.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from goodfit.recipe import Recipe

Shape = Literal["one", "list", "named"]
"""How a section stands in a key: itself, as items of a list, or under names that the user chooses."""


@dataclass(frozen=True)
class Key:
    """One key of the recipe."""

    section: str
    """Where it stands: "" (the top), `train`, `data.sources[]`, `groups.NAME`."""
    name: str
    field: FieldInfo
    holds: type[BaseModel] | None
    """The section that it holds, if it holds one."""

    @property
    def path(self) -> str:
        """`train.learning_rate`, `data.sources[].path`, `groups.NAME.column`."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def help(self) -> str:
        """The text under the key in `recipe`; of a section, its docstring."""
        return (self.field.description or (self.holds.__doc__ if self.holds else None) or "").strip()


@cache
def keys() -> tuple[Key, ...]:
    """All keys in the order of the recipe, each section followed by what it holds."""
    return tuple(_walk(Recipe, ""))


def _walk(model: type[BaseModel], section: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        shape, inner = nested(field.annotation)
        key = Key(section, name, field, inner)
        yield key
        if inner is not None:
            yield from _walk(inner, key.path + {"one": "", "list": "[]", "named": ".NAME"}[shape])


def nested(annotation: Any) -> tuple[Shape, type[BaseModel] | None]:
    """The section inside an annotation such as `Audit | Literal[False]`, `tuple[DataSource, ...]`, `dict[str, GroupAxis]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "one", annotation
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return nested(arguments[0])
    if origin in (tuple, list) and arguments:
        return "list", nested(arguments[0])[1]
    if origin is dict:
        return "named", nested(arguments[1])[1]
    if origin in (typing.Union, types.UnionType):
        for argument in arguments:
            shape, model = nested(argument)
            if model is not None:
                return shape, model
    return "one", None


def section_of(path: tuple[str | int, ...]) -> str:
    """The section pattern of a place in a recipe: ("data", "sources", 0) -> `data.sources[]`; "" where nothing matches."""
    model: type[BaseModel] | None = Recipe
    pattern, parts = "", list(path)
    while parts and model is not None:
        name = str(parts.pop(0))
        field = model.model_fields.get(name)
        if field is None:
            return ""
        shape, model = nested(field.annotation)
        pattern = f"{pattern}.{name}" if pattern else name
        if parts and shape != "one" and model is not None:
            parts.pop(0)
            pattern += "[]" if shape == "list" else ".NAME"
    return pattern


def names_in(section: str) -> tuple[str, ...]:
    """The keys of one section, in order."""
    return tuple(key.name for key in keys() if key.section == section)


def sections_with(name: str) -> tuple[str, ...]:
    """The sections that have a key of this name ("" is the top of the recipe)."""
    return tuple(key.section for key in keys() if key.name == name)
