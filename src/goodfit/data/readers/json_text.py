"""JSON read piece by piece from a stream of text: one value at a time, whatever the size of the file.

Layer: data. `Scanner` keeps only the text that has not been used yet, and knows the line it stands on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from goodfit.data.readers.base import MAX_ROW, DataFile
from goodfit.data.readers.json_value import Decoder
from goodfit.data.readers.lines import Lines
from goodfit.errors import DataError

_BLOCK = 1 << 20
_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_SHORT = 32
"""An error nearer to the end of what was read than this may only mean that more has to be read."""
_AFTER = (",", "]", "}", " ", "\n", "\r", "\t", ":")


class Scanner:
    """A cursor over a JSON text."""

    def __init__(self, file: DataFile, lines: Lines) -> None:
        self._file = file
        self._lines = lines
        self._decoder = Decoder(file)
        self._buffer = ""
        self._at = 0
        self._ended = False
        self.line = 1
        """Of the cursor."""

    def peek(self) -> str:
        """The next character that is no space, or the empty string at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            assert match is not None
            self._advance(match.end())
            if self._at < len(self._buffer) or not self._more():
                return self._buffer[self._at : self._at + 1]

    def take(self, character: str) -> bool:
        """Steps over `character` if it comes next."""
        if self.peek() != character:
            return False
        self._advance(self._at + 1)
        return True

    def expect(self, character: str, where: str) -> None:
        """Steps over `character`, which must come next."""
        if not self.take(character):
            raise self.error(f"{character!r} is missing {where}; {self.peek()!r} stands here" if self.peek() else "the file ends too early")

    def value(self) -> tuple[Any, int]:
        """The next value and its size in characters."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.first(self._buffer, self._at, self.line)
            except json.JSONDecodeError as error:
                if self._may_go_on(error) and self._more():
                    continue
                raise self._not_json(error) from None
            except RecursionError:
                raise self.error("a value is nested too deeply") from None
            # A number near the end of what was read may go on: `1` may become `1.5e3`.
            if len(self._buffer) - end < _SHORT and self._buffer[end : end + 1] not in _AFTER and self._more():
                continue
            size = end - self._at
            self._decoder.taken(self.line)
            self._advance(end)
            return value, size

    def items(self) -> Iterator[tuple[int, int, Any]]:
        """The items of the list that comes next: line, size, value."""
        self.expect("[", "at the beginning of a list")
        if self.take("]"):
            return
        while True:
            self.peek()
            line = self.line
            value, size = self.value()
            yield line, size, value
            if self.take("]"):
                return
            self.expect(",", "between two items")

    def members(self) -> Iterator[str]:
        """The keys of the object that comes next; the caller reads each value before it asks for the next one."""
        self.expect("{", "at the beginning of an object")
        if self.take("}"):
            return
        while True:
            key, _ = self.value()
            if not isinstance(key, str):
                raise self.error("a key must be text in double quotes")
            self.expect(":", f"after the key {key!r}")
            yield key
            if self.take("}"):
                return
            self.expect(",", "between two keys")

    def error(self, message: str) -> DataError:
        """A DataError at the cursor's line."""
        return self._file.error(message, line=self.line, fix="correct the file at this line; it must be one whole JSON document")

    def _advance(self, to: int) -> None:
        self.line += self._buffer.count("\n", self._at, to)
        self._at = to

    def _more(self) -> bool:
        """Reads on; the unread rest at least doubles, so that a large value costs no more than twice its size."""
        if self._ended:
            return False
        rest = self._buffer[self._at :]
        if len(rest) > MAX_ROW:
            raise self.error(f"a value is longer than {MAX_ROW // 1_000_000} million characters")
        block = self._lines.text.read(max(_BLOCK, len(rest)))
        self._ended = not block
        if "\0" in block:
            raise self.error("a NUL byte stands in the text from here on: the file is damaged")
        self._buffer, self._at = rest + block, 0
        return bool(block)

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._buffer) - _SHORT

    def _not_json(self, error: json.JSONDecodeError) -> DataError:
        line = self.line + self._buffer.count("\n", self._at, error.pos)
        near = self._buffer[max(self._at, error.pos - 15) : error.pos + 15]
        cut = self._ended and error.pos >= len(self._buffer.rstrip()) or error.msg.startswith("Unterminated string")
        fix = "the file is cut off: write or copy it again" if cut else "correct the file at this line"
        return self._file.error(f"it is not JSON: {error.msg}, near {near!r}", line=line, fix=fix)
