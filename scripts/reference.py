"""The reference pages that are made from the code: `python -m scripts.reference --write`, and `--check` in the tests.

A page that differs from what the code says fails `--check`; nobody edits these pages by hand.
"""

from __future__ import annotations

import argparse
import sys
import types
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from goodfit.settings.foreign_words import OURS
from goodfit.settings.keys import Key, keys, nested
from scripts.published import pages

ROOT = Path(__file__).resolve().parent.parent
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "nothing"}

RECIPE_INTRODUCTION = """\
# The recipe

A recipe is a YAML file, one section per stage. `goodfit init DATA` writes a commented one after looking at the data;
`goodfit check RECIPE` prints it with every default filled in, and where each value comes from.

- Only `true` and `false` are booleans, and `5e-5` is a number (YAML 1.2). Where text is wanted, a number stays as it is
  written: a class may be called `007` or `yes`.
- `auto`: the stage decides from what it measures, and writes the value to `resolved.yaml` in the run.
- Paths are relative to the folder of the recipe.
- On the command line, `key.sub=value` overrides a key: `goodfit run recipe.yaml train.num_train_epochs=2`. An empty value
  takes a key back to its default; a key that holds a dot is quoted (`train.class_weights."v1.0"=2`).
- A key that does not exist is an error, which names the right one; so is the word of another tool (last section).
"""


def recipe_reference() -> str:
    """docs/reference/recipe.md: every section, key, kind of value, default and help text."""
    parts = [RECIPE_INTRODUCTION, _table("At the top", "", [key for key in keys() if key.section == "" and key.holds is None])]
    parts += [_section(key) for key in keys() if key.holds is not None]
    parts.append(_other_tools())
    return "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {"docs/reference/recipe.md": recipe_reference} | pages()
"""Page -> what makes it."""


def _section(key: Key) -> str:
    shape, model = nested(key.field.annotation)
    assert model is not None
    pattern = key.path + {"one": "", "list": "[]", "named": ".NAME"}[shape]
    inside = [inner for inner in keys() if inner.section == pattern and (inner.holds is None or nested(inner.field.annotation)[0] != "one")]
    help_text = key.help
    own = (model.__doc__ or "").strip()
    if own not in help_text:
        help_text += f" {own}" if help_text else own
    if _may_be_false(key.field.annotation):
        help_text += f" `{key.name}: false` leaves the stage out, and the report says so."
    return _table(f"`{pattern}`", help_text, inside)


def _table(title: str, text: str, rows: Iterable[Key]) -> str:
    lines = [f"## {title}", "", *([text, ""] if text else []), "| key | value | default | what it does |", "|---|---|---|---|"]
    for key in rows:
        cells = (f"`{key.name}`", kind(key.field.annotation, key.field.metadata), _default(key), key.help)
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def kind(annotation: Any, bounds: Iterable[Any] = ()) -> str:
    """An annotation in words: `` `auto` or a number above 0 ``."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return kind(arguments[0], [*arguments[1:], *bounds])
    if origin in (typing.Union, types.UnionType):
        known = dict.fromkeys(kind(argument, bounds) for argument in arguments if argument is not type(None))
        return " or ".join(known)
    if origin is Literal:
        return " or ".join(f"`{_yaml(value)}`" for value in arguments)
    if origin in (tuple, list):
        inner = kind(arguments[0])
        one = any(type(bound).__name__ == "BeforeValidator" for bound in bounds)
        return f"{inner}, or a list" if one else f"list of {inner}"
    if origin is dict:
        return f"names, each with {kind(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return PLAIN[annotation] + _bounds(bounds)


def _bounds(bounds: Iterable[Any]) -> str:
    words = []
    for bound in (inner for given in bounds for inner in (given.metadata if isinstance(given, FieldInfo) else [given])):
        for name, word in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most")):
            limit = getattr(bound, name, None)
            if isinstance(bound, annotated_types.BaseMetadata) and limit is not None:
                words.append(f"{word} {f'{limit:g}' if limit < 10**9 else f'2^{limit.bit_length() - 1}'}")
    return f" {' and '.join(words)}" if words else ""


def _default(key: Key) -> str:
    value = key.field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "must be given"
    return f"`{_yaml(value)}`" if value is not None else "nothing"


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_yaml, value))}]"
    return '""' if value == "" else f"{value:g}" if isinstance(value, float) else str(value)


def _may_be_false(annotation: Any) -> bool:
    return any(typing.get_args(argument) == (False,) for argument in typing.get_args(annotation))


def _other_tools() -> str:
    lines = [
        "## Words of other tools",
        "",
        "What other tools call these keys; a recipe that uses one of these words is answered with ours.",
        "",
    ]
    lines += ["| here | elsewhere |", "|---|---|"]
    known = {key.path for key in keys()}
    lines += [f"| `{ours}` | {', '.join(f'`{word}`' for word in words.split())} |" for ours, words in OURS.items() if ours in known]
    return "\n".join(lines) + "\n"


def stale() -> list[str]:
    """The pages that differ from what the code says."""
    return [page for page, make in PAGES.items() if not (ROOT / page).is_file() or (ROOT / page).read_text(encoding="utf-8") != make()]


def main() -> int:
    """Writes the pages, or says which of them are stale (exit 1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write the pages")
    what.add_argument("--check", action="store_true", help="exit 1 if a page is stale")
    if parser.parse_args().check:
        found = stale()
        sys.stdout.write("".join(f"{page} is stale: python -m scripts.reference --write\n" for page in found))
        return int(bool(found))
    for page, make in PAGES.items():
        (ROOT / page).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / page).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
