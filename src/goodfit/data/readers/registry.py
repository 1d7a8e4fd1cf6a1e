"""The table of readers: format name -> function, file ending -> format name.

Layer: data.
"""

from __future__ import annotations

from collections.abc import Callable

from goodfit.data.readers.base import DataFile, Opened
from goodfit.errors import nearest

Reader = Callable[[DataFile], Opened]
_OF_ROWS = ("sharegpt", "alpaca", "messages", "openai", "chatml", "chat", "chat_template", "prompt_completion", "completion")
"""What other tools call a format, and is one of rows."""
_READERS: dict[str, Reader] = {}
_SUFFIXES: dict[str, str] = {}


def reader(name: str, *suffixes: str) -> Callable[[Reader], Reader]:
    """Registers a reader under a format name and file endings (with the dot, lower case)."""

    def register(function: Reader) -> Reader:
        _READERS[name] = function
        _SUFFIXES.update(dict.fromkeys(suffixes, name))
        return function

    return register


def reader_of(file: DataFile, name: str) -> Reader:
    """The reader of a format; DataError with the nearest name where there is none."""
    if name not in _READERS:
        close = nearest(name, known_formats())
        fix = f"did you mean {close!r}?" if close else f"one of {', '.join(known_formats())}"
        if name.casefold() in _OF_ROWS:
            fix = "without `format`, which is the file's (csv, jsonl …): how its rows hold conversations is found by itself"
        raise file.error(f"there is no format called {name!r}", key="format", fix=fix)
    return _READERS[name]


def format_of_suffix(suffix: str) -> str | None:
    """The format of a file ending, or None."""
    return _SUFFIXES.get(suffix.lower())


def known_formats() -> tuple[str, ...]:
    """Names of all formats that a file can have."""
    return tuple(_READERS)


def known_suffixes() -> tuple[str, ...]:
    """All file endings that say a format."""
    return tuple(_SUFFIXES)
