"""Settings: a recipe file and `key=value` overrides -> a Recipe, or one error that says everything that is wrong with them.

Layer: settings (after the nouns). `document` reads the YAML, `overrides` sets the command line's words into it, `validation`
makes the Recipe, `problems` the sentences; `keys` knows every key, `foreign` the words of other tools. Paths inside a recipe are
relative to the recipe's folder and stay as written, so that a project can be moved.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from goodfit.recipe import Recipe
from goodfit.settings.document import Document, compose, read_text, scalar
from goodfit.settings.overrides import from_here, override, written
from goodfit.settings.tree import leaves, plain, put
from goodfit.settings.validation import validate

__all__ = ["Loaded", "dump", "from_here", "from_mapping", "from_text", "inline", "load", "parse", "read", "written"]


@dataclass(frozen=True)
class Loaded:
    """A recipe, and where each of its values comes from."""

    recipe: Recipe
    text: str
    """The file as it was read (empty for a mapping)."""
    document: Document

    def source(self, *path: str | int) -> str:
        """`recipe.yaml:12`, `command line` or `default`, for a key given as ("train", "learning_rate")."""
        if self.document.overridden(path):
            return "command line"
        place = self.document.places.get(path)
        return "default" if place is None else str(place) or "given"


def load(path: Path | str, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a file, with overrides of the form `key.sub=value`; a SettingsError tells all that is wrong."""
    return read(path, overrides).recipe


def parse(text: str, overrides: Sequence[str] = (), *, file: str | None = None) -> Recipe:
    """The recipe in a YAML text; `file` names it in errors."""
    return from_text(text, file, overrides).recipe


def read(path: Path | str, overrides: Sequence[str] = ()) -> Loaded:
    """Like `load`, and keeps the text and where each value comes from."""
    return from_text(read_text(Path(path)), str(path), overrides)


def from_text(text: str, file: str | None = None, overrides: Sequence[str] = ()) -> Loaded:
    """Like `read`, for a YAML text, for example the one that `init` has just written."""
    recipe, document = validate(override(compose(text, file), overrides))
    return Loaded(recipe, text, document)


def from_mapping(values: Mapping[str, Any], file: str | None = None) -> Recipe:
    """A recipe from nested mappings, with the same messages (without lines)."""
    tree = plain(values)
    texts = {path: str(leaf).lower() if isinstance(leaf, bool) else str(leaf) for path, leaf in leaves(tree) if leaf is not None}
    return validate(Document(tree, file, texts=texts))[0]


def dump(recipe: Recipe, resolved: Mapping[str, Any] | None = None) -> str:
    """The recipe as YAML with every default filled in, and what stages made of `auto` (dotted key -> value).

    It reads back as a recipe, equal where nothing was resolved, and means the same to readers of YAML 1.1 and 1.2.
    """
    values = recipe.to_json()
    for key, value in (resolved or {}).items():
        put(values, tuple(key.split(".")), plain(value))
    return str(yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def inline(value: Any) -> str:
    """A value on one line, as YAML that reads back as it is: text is quoted where it has to be."""
    text: str = yaml.dump(plain(value), Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=math.inf, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


_OTHER_NUMBER = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class _Dumper(yaml.SafeDumper):
    """Quotes text that a YAML 1.2 reader would take for a number; PyYAML alone quotes for YAML 1.1 only."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    number = not isinstance(scalar(text), str) or _OTHER_NUMBER.fullmatch(text)
    style = '"' if not text.isprintable() else "'" if number else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text_node)
