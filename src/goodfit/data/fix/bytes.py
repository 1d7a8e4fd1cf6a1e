"""Bytes on their way to a file: hashed, in the encoding of the source, with its byte order mark. Part of fix."""

from __future__ import annotations

import codecs
import hashlib
from typing import IO

from goodfit.data.readers import streams
from goodfit.data.readers.base import DataFile

_MARKS = {
    "utf-8-sig": ((codecs.BOM_UTF8, "utf-8"),),
    "utf-16": ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
    "utf-32": ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
}
"""Encodings whose decoder takes a mark away -> mark, and the encoding without it."""
_BLOCK = 1 << 20


class Sink:
    """Writes to a handle (or to none) and hashes what it writes."""

    def __init__(self, handle: IO[bytes] | None = None) -> None:
        self._handle = handle
        self._digest = hashlib.blake2b(digest_size=16)
        self.position = 0
        """Bytes written so far."""

    def write(self, data: bytes) -> None:
        """Some more bytes."""
        self._digest.update(data)
        self.position += len(data)
        if self._handle is not None:
            self._handle.write(data)

    @property
    def hash(self) -> str:
        """`b2:…` of all that was written."""
        return f"b2:{self._digest.hexdigest()}"


class TextSink(Sink):
    """The same for text."""

    def __init__(self, file: DataFile, encoding: str, handle: IO[bytes] | None = None, *, mark: bytes = b"") -> None:
        super().__init__(handle)
        self._file = file
        self._encoding = encoding
        if mark:
            self.write(mark)

    def text(self, text: str) -> None:
        """Some more text; DataError where the encoding has no such character."""
        try:
            self.write(text.encode(self._encoding))
        except UnicodeEncodeError as error:
            if self._encoding != "cp1252":
                letter = error.object[error.start]
                fix = "decide for a text that this file can hold, or save the file as UTF-8 first"
                raise self._file.error(f"{letter!r} cannot be written in {self._encoding}", fix=fix) from None
            self.write(b"".join(self._western(letter) for letter in text))

    def _western(self, letter: str) -> bytes:
        """One character of a file that was read as cp1252, whose five gaps are control characters."""
        try:
            return letter.encode("cp1252")
        except UnicodeEncodeError:
            if ord(letter) < 256:
                return letter.encode("latin-1")
        fix = "decide for a text that this file can hold, or save the file as UTF-8 first"
        raise self._file.error(f"{letter!r} cannot be written in cp1252", fix=fix)


def written_as(file: DataFile, encoding: str) -> tuple[str, bytes]:
    """The encoding in which a file is written as it stands, and its byte order mark."""
    if encoding not in _MARKS:
        return encoding, b""
    with streams.opened(file) as stream:
        head = stream.content.read(4)
    for mark, plain in _MARKS[encoding]:
        if head.startswith(mark):
            return plain, mark
    return _MARKS[encoding][0][1], b""


def content_hash(file: DataFile) -> str:
    """`b2:…` of a file's content, unpacked where it is compressed."""
    sink = Sink()
    with streams.opened(file) as stream:
        while block := stream.content.read(_BLOCK):
            sink.write(block)
    return sink.hash
