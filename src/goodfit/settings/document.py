"""YAML text -> plain values that remember their lines: the first step of reading a recipe.

Layer: settings (PyYAML and the standard library). Scalars follow the core schema of YAML 1.2: only `true` and `false` are
booleans (so `on: test` and `labels: [yes, no]` mean what they say) and `5e-5` is a number. Keys are always text. The text of
every scalar is kept, so that a class called `007` is not lost to a number. What cannot be read is a SettingsError that names the
line; aliases, depth and size are bounded, tags are refused: a recipe is data.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from goodfit.errors import Place, SettingsError, machine_error
from goodfit.settings.syntax import syntax_error

Path_ = tuple[str | int, ...]
"""Keys and list positions from the top of the recipe to a value."""
Scalar = str | int | float | bool | None

LARGEST_FILE = 1_000_000
"""Bytes; a recipe is a page of text, what is larger is something else."""
MOST_NODES = 50_000
"""Values after aliases are expanded: a "billion laughs" file stops here."""
DEEPEST = 40
"""Levels of nesting."""
LONGEST_INTEGER = 100
"""Digits; beyond it a number stays text."""

_NULL = re.compile(r"(?:~|null|Null|NULL|)")
_TRUE = re.compile(r"(?:true|True|TRUE)")
_FALSE = re.compile(r"(?:false|False|FALSE)")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")


class _Plain(yaml.SafeLoader):
    """A loader that guesses no types: every scalar stays text, and any other tag was written by hand."""


_Plain.yaml_implicit_resolvers = {}


def scalar(text: str) -> Scalar:
    """What a plain (unquoted) scalar means in YAML 1.2's core schema, without its octal, hexadecimal and infinite numbers."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INTEGER.fullmatch(text) and len(text) <= LONGEST_INTEGER:
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def dotted(path: Path_) -> str:
    """`data.sources[0].path` for ("data", "sources", 0, "path"); a key that holds a dot is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = f'"{part}"' if "." in part else part
            text += f".{name}" if text else name
    return text


@dataclass(frozen=True)
class Document:
    """The values of a recipe, and where each of them stands."""

    values: dict[str, Any]
    """Mappings, lists and scalars, as plain Python."""
    file: str | None = None
    places: Mapping[Path_, Place] = field(default_factory=dict)
    """Path -> the line of its key (of the item, in a list)."""
    texts: Mapping[Path_, str] = field(default_factory=dict)
    """Path -> the text of a scalar as it was written."""
    problems: tuple[SettingsError, ...] = ()
    """What is wrong already, for example a key that stands twice."""
    given: frozenset[Path_] = frozenset()
    """What came from the command line."""

    def overridden(self, path: Path_) -> bool:
        """Whether the value at `path` came from the command line."""
        return any(path[: len(known)] == known for known in self.given)

    def touched(self, path: Path_) -> bool:
        """Whether the value at `path`, or something inside it, came from the command line."""
        return self.overridden(path) or any(known[: len(path)] == path for known in self.given)

    def place(self, path: Path_) -> Place:
        """Where `path` is written, or the nearest thing above it that is; for an override only its key."""
        if self.touched(path):
            return Place(key=dotted(path))
        for end in range(len(path), -1, -1):
            known = self.places.get(path[:end])
            if known is not None:
                return Place(file=known.file, line=known.line, key=dotted(path))
        return Place(file=self.file, key=dotted(path) or None)


def read_text(path: Path) -> str:
    """The text of a recipe file: UTF-8, or UTF-16 with its mark (as PowerShell writes it)."""
    name = str(path)
    try:
        if path.is_dir():
            raise SettingsError("this is a folder, not a recipe", place=Place(file=name), fix="name the recipe.yaml inside it")
        with path.open("rb") as handle:
            raw = handle.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise SettingsError("there is no such recipe", place=Place(file=name), fix="`goodfit init DATA` writes one") from None
    except OSError as error:
        raise machine_error(error, "reading", path) from error
    if len(raw) > LARGEST_FILE:
        fix = "a recipe is a page of YAML; for a data file, `goodfit init DATA` writes the recipe"
        raise SettingsError("this is too large for a recipe (over 1 MB)", place=Place(file=name), fix=fix)
    return _decode(raw, name)


def _decode(raw: bytes, name: str) -> str:
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not wide and b"\0" in raw:
        fix = "a recipe is a text file; for a data file, `goodfit init DATA` writes the recipe"
        raise SettingsError("this is a binary file, not a recipe", place=Place(file=name), fix=fix)
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = None if wide else raw.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{raw[error.start]:02x} is not {'UTF-16' if wide else 'UTF-8'}"
        raise SettingsError(message, place=Place(file=name, line=line), fix="save the recipe as UTF-8") from None


def compose(text: str, file: str | None = None) -> Document:
    """The values in a YAML text; a SettingsError names the line of what cannot be read."""
    try:
        node = yaml.compose(text, Loader=_Plain)
    except yaml.YAMLError as error:
        raise syntax_error(error, text, file) from None
    except RecursionError:
        raise SettingsError("the brackets are nested too deeply", place=Place(file=file), fix="a recipe needs 3 or 4 levels") from None
    if node is None:
        raise SettingsError("the recipe is empty", place=Place(file=file), fix="`goodfit init DATA` writes one")
    reader = _Reader(file)
    values = reader.value(node, ())
    if not isinstance(values, dict):
        what = "a list" if isinstance(values, list) else "a line of text" if isinstance(values, str) else "a single value"
        fix = "write `key: value` lines; for a data file, `goodfit init DATA` writes the recipe"
        raise SettingsError(f"a recipe is made of `key: value` lines, and this is {what}", place=Place(file=file, line=1), fix=fix)
    return Document(values, file, reader.places, reader.texts, tuple(reader.problems))


class _Reader:
    """Nodes -> values, noting lines and texts on the way."""

    def __init__(self, file: str | None) -> None:
        self.file = file
        self.nodes = 0
        self.places: dict[Path_, Place] = {}
        self.texts: dict[Path_, str] = {}
        self.problems: list[SettingsError] = []

    def value(self, node: yaml.Node, path: Path_) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES or len(path) > DEEPEST:
            raise self._error(node, path, "the recipe unfolds into too many values", "write the values out instead of using & and *")
        self.places.setdefault(path, self._place(node, path))
        if node.tag not in _TAGS:
            raise self._error(node, path, "tags (a word after an exclamation mark) are not read", "remove it, or quote the value")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _scalar(self, node: yaml.ScalarNode, path: Path_) -> Scalar:
        text: str = node.value
        if node.style is not None:
            return text
        self.texts[path] = text
        return scalar(text)

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            here = (*path, key)
            if key in out:
                first = self.places[here].line
                message = f"{dotted(here)} stands twice (first in line {first})"
                self.problems.append(self._error(key_node, here, message, "keep one of the two"))
                continue
            self.places[here] = self._place(key_node, here)
            out[key] = self.value(value_node, here)
        return out

    def _key(self, node: yaml.Node, path: Path_) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, path, "a key must be a word", "curly braces hold `key: value` pairs, square brackets hold lists")
        if node.value == "<<" and node.style is None:
            raise self._error(node, path, "merge keys (<<) are not read", "write the keys out")
        return str(node.value)

    def _place(self, node: yaml.Node, path: Path_) -> Place:
        return Place(file=self.file, line=node.start_mark.line + 1, key=dotted(path) or None)

    def _error(self, node: yaml.Node, path: Path_, message: str, fix: str) -> SettingsError:
        return SettingsError(message, place=self._place(node, path), fix=fix)
