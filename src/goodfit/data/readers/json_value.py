"""JSON texts as Python values, with what JSON allows and a table does not: half characters, keys that stand twice, endless numbers.

Layer: data. Half of a surrogate pair (a text cut in the middle of an emoji, escaped) is no character: it becomes U+FFFD. Of a key
that an object holds twice the last value counts, as everywhere. Both are counted in `DataFile.met`, and told.
"""

from __future__ import annotations

import json
import re
from typing import Any

from goodfit.data.readers.base import DataFile

REPLACEMENT = "\ufffd"
_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
"""An escaped surrogate, half or whole."""
_HALF = re.compile("[\ud800-\udfff]")
HALVES = "half characters (a text cut inside an emoji, such as \\ud83d) became \ufffd"
TWICE = "JSON objects hold a key twice: its last value counts"


class Decoder:
    """Decodes the JSON of one file."""

    def __init__(self, file: DataFile) -> None:
        self._file = file
        self._odd: list[str] = []
        self._json = json.JSONDecoder(object_pairs_hook=self._object)

    def whole(self, text: str, line: int) -> Any:
        """The value of a text that is one JSON value; JSONDecodeError, RecursionError, DataError (a number too long to be read)."""
        value, end = self.first(text, 0, line)
        if end < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
        self.taken(line)
        return value

    def first(self, text: str, at: int, line: int) -> tuple[Any, int]:
        """The value that begins at `at`, and where it ends; raises what `whole` raises."""
        self._odd.clear()
        try:
            value, end = self._json.raw_decode(text, at)
        except json.JSONDecodeError:
            raise
        except ValueError:  # Python reads whole numbers of up to 4,300 digits
            message, fix = "a number has more than 4,300 digits", "write it as text in double quotes, or delete it"
            raise self._file.error(message, line=line, fix=fix) from None
        if _ESCAPED.search(text, at, end):
            whole = _repaired(value)
            if whole != value:
                self._odd.append(HALVES)
                value = whole
        return value, end

    def taken(self, line: int) -> None:
        """The value found last is used: what was odd about it is counted."""
        for what in dict.fromkeys(self._odd):
            self._file.met.add(what, self._file.name, line)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(pairs)
        if len(out) < len(pairs):
            self._odd.append(TWICE)
        return out


def _repaired(value: Any) -> Any:
    """The same value with every half of a surrogate pair replaced, in keys too."""
    if isinstance(value, str):
        return _HALF.sub(REPLACEMENT, value)
    if isinstance(value, list):
        return [_repaired(item) for item in value]
    if isinstance(value, dict):
        return {_HALF.sub(REPLACEMENT, key): _repaired(item) for key, item in value.items()}
    return value
