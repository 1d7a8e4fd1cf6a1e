"""`key.sub=value` from the command line, set into what the recipe says.

Layer: settings. There is no flag per key: every key of the recipe can be set this way, and is answered like one in the file.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from goodfit.errors import Place, SettingsError
from goodfit.settings.document import Document, Path_, compose, dotted, scalar
from goodfit.settings.tree import remove, value_at

_PATHS = ("data.path", "data.train", "data.valid", "data.test", "data.decisions")
_WORD = r'(?:"[^"]*"|[^.\[\]"=]+)'
_KEY = re.compile(rf"{_WORD}(?:\.{_WORD}|\[\d+\])*")
_PART = re.compile(rf"\[(?P<index>\d+)\]|(?P<word>{_WORD})")
_FORM = "write key.sub=value, for example train.num_train_epochs=2"


def override(document: Document, overrides: Sequence[str]) -> Document:
    """The document with the overrides set, a later one over an earlier one; an empty value takes a key back to its default."""
    values, texts, given = copy.deepcopy(document.values), dict(document.texts), set(document.given)
    for text in overrides:
        path, written = _split(text)
        path = _positions(values, path)
        value, spelled = _read(text, written)
        texts = {known: word for known, word in texts.items() if known[: len(path)] != path}
        texts |= {path + known: word for known, word in spelled.items()}
        _set(values, path, value, text)
        given.add(path)
    return replace(document, values=values, texts=texts, given=frozenset(given))


def written(overrides: Sequence[str], *path: str) -> list[str]:
    """What the overrides write at a key, before there is a recipe for them: the texts of a list, one text, or none."""
    document = override(Document({}), [text for text in overrides if text.startswith(f"{dotted(path)}=")])
    return [text for known, text in document.texts.items() if known[: len(path)] == path and text]


def from_here(overrides: Sequence[str], folder: Path) -> tuple[str, ...]:
    """The overrides with data paths that exist in the current folder (as a shell completes them) as seen from the recipe's folder.

    To be called once, on what was typed: what it gives means the same in every current folder, so it can be recorded.
    """
    return tuple(_from_here(text, folder) for text in overrides)


def _from_here(text: str, folder: Path) -> str:
    key, _, value = text.partition("=")
    value = value.strip()
    here = Path(value).expanduser()
    if key.strip() not in _PATHS or not value or value.startswith("hub:") or here.is_absolute() or not here.exists():
        return text
    try:
        return f"{key}={Path(os.path.relpath(here, folder)).as_posix()}"
    except ValueError:  # another drive, on Windows
        return f"{key}={here.resolve()}"


def _split(text: str) -> tuple[Path_, str]:
    key, equals, value = text.partition("=")
    key = key.strip().lstrip("-")
    if not equals or not _KEY.fullmatch(key):
        raise SettingsError(f"{text!r} is not of the form key=value", fix=_FORM)
    return tuple(int(m["index"]) if m["index"] else m["word"].strip('"') for m in _PART.finditer(key)), value.strip()


def _positions(values: Any, path: Path_) -> Path_:
    """`sources.0.weight` is `sources[0].weight` where a list stands."""
    out: Path_ = ()
    for part in path:
        in_list = isinstance(value_at(values, out), list)
        out = (*out, int(part) if in_list and isinstance(part, str) and part.isdecimal() else part)
    return out


def _read(override_text: str, written: str) -> tuple[Any, dict[Path_, str]]:
    """The value, and the spelling of its scalars; only what begins with a bracket or a quote is YAML with structure."""
    if written[:1] not in ("[", "{", '"', "'"):
        return scalar(written), {(): written}
    try:
        document = compose(f"value: {written}")
    except SettingsError as error:
        raise SettingsError(f"{override_text}: {error.message}", fix=error.fix) from None
    return document.values["value"], {path[1:]: word for path, word in document.texts.items()}


def _set(values: dict[str, Any], path: Path_, value: Any, text: str) -> None:
    inner: Any = values
    for position, part in enumerate(path[:-1]):
        if isinstance(inner, dict) and not isinstance(inner.get(str(part)), dict | list):
            if inner.get(str(part)) not in (None, False):  # `audit: false` in the file, `audit.ignore=…` here: the later word counts
                raise _nowhere(path[: position + 1], text)
            inner[str(part)] = {}
        inner = value_at(inner, (part,))
        if inner is None:
            raise _nowhere(path[: position + 1], text)
    if isinstance(inner, list) and not (isinstance(path[-1], int) and path[-1] < len(inner)):
        raise _nowhere(path, text)
    if value is not None:
        inner[path[-1]] = value
    elif value_at(inner, path[-1:]) is not None:
        remove(inner, path[-1:])


def _nowhere(path: Path_, text: str) -> SettingsError:
    return SettingsError(f"{text}: there is nothing at {dotted(path)} that could hold this", place=Place(key=dotted(path)), fix=_FORM)
