"""Lines of a text file in any encoding, counted as an editor counts them, with errors that name the line.

Layer: data. A line ends at a line feed (at a carriage return in files that have no line feed); U+2028, form feeds and the like
do not end one. Line ends are kept, since a quoted csv field may hold them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from goodfit.data.readers import encoding as encodings
from goodfit.data.readers import streams
from goodfit.data.readers.base import MAX_ROW, DataFile
from goodfit.errors import DataError

HEAD_CHARACTERS = 1 << 18


@dataclass
class Lines:
    """An iterator over lines that knows where it is."""

    file: DataFile
    text: io.TextIOBase
    stream: streams.ByteStream
    encoding: str
    number: int = 0
    """Of the line handed out last; the first is 1."""
    characters: int = 0
    """Handed out so far."""

    def __iter__(self) -> Iterator[str]:
        readline = self.text.readline
        try:
            while line := readline(MAX_ROW + 1):
                self.number += 1
                self.characters += len(line)
                if "\0" in line or len(line) > MAX_ROW:
                    raise self._refused(line)
                yield line
        except UnicodeDecodeError:
            raise encodings.explain_undecodable(self.file, self.encoding) from None

    def position(self) -> int:
        """Bytes of the file on disk consumed so far."""
        return self.stream.position()

    def _refused(self, line: str) -> DataError:
        if "\0" in line:
            fix = "remove it, or export the file again"
            return self.file.error("a NUL byte stands here: the file is damaged or not a text", line=self.number, fix=fix)
        fix = "write one row per line, with line breaks between them"
        return self.file.error(f"this line is longer than {MAX_ROW // 1_000_000} million characters", line=self.number, fix=fix)


@dataclass(frozen=True)
class TextFile:
    """A text file with its encoding found."""

    file: DataFile
    encoding: str
    head: str
    """The first characters (up to HEAD_CHARACTERS), to sniff a dialect from."""
    whole: bool
    """True where `head` is all of it."""
    size: int
    """Bytes on disk."""

    @contextmanager
    def lines(self) -> Iterator[Lines]:
        """The lines from the beginning."""
        newline = "\r" if "\r" in self.head and "\n" not in self.head else "\n"
        with streams.opened(self.file) as stream:
            text = io.TextIOWrapper(stream.content, encoding=self.encoding, errors=encodings.errors_of(self.encoding), newline=newline)
            yield Lines(self.file, text, stream, self.encoding)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about the encoding."""
        if self.file.encoding is not None or self.encoding != "cp1252":
            return ()
        return (f"not UTF-8: read as {self.encoding} (Western European); name `encoding` if letters look wrong",)


def open_text(file: DataFile) -> TextFile:
    """Finds the encoding and reads the head; DataError for an empty or binary file, or mixed encodings."""
    size = file.path.stat().st_size
    encoding = encodings.detect(file)
    with streams.opened(file) as stream:
        text = io.TextIOWrapper(stream.content, encoding=encoding, errors=encodings.errors_of(encoding), newline="")
        try:
            head = text.read(HEAD_CHARACTERS)
            whole = not text.read(1)
        except UnicodeDecodeError:
            raise encodings.explain_undecodable(file, encoding) from None
    if whole and not head.strip("\ufeff \t\r\n\0"):
        raise file.error("it is empty", fix="give a file with rows in it")
    return TextFile(file, encoding, head.removeprefix("\ufeff"), whole, size)
