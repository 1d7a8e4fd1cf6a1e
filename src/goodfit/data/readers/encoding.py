"""Which encoding a text file is in: a byte order mark, else UTF-8 if all of it is, else Western European if it looks like it.

Layer: data. The rule depends on the file alone, never on what happens to be installed. A file that is partly UTF-8 is an error
that names the line; one in another single-byte or an East Asian encoding has to be named by the user, since guessing wrong
would be silent.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from goodfit.data.readers import streams
from goodfit.data.readers.base import DataFile
from goodfit.errors import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\x7fELF", b"\x80\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"ARROW1")
"""First bytes of pdf, png, jpeg, programs, pickles, old office files, parquet, Arrow."""
_FIVE = "goodfit-cp1252"
"""Decodes the five bytes that cp1252 leaves undefined as latin-1 does (control characters), as web browsers do."""
_BLOCK = 1 << 20
_HEAD = 1 << 16
STRAY = 0.01
"""At most this share of the lines with non-ASCII bytes may be UTF-8 by chance in a file that is not."""
DENSE = 0.25
"""A Western text has fewer non-ASCII letters than this share."""
SUSPECT = 0.2
"""At most this share of the non-ASCII characters may stand where a Western text would not have them."""
_NO_FILES = frozenset({"idna", "punycode", "undefined", "unicode-escape", "unicode_escape", "raw-unicode-escape", "utf-7"})
"""Encodings that Python knows, and no file of texts is in: some decode to half characters, some raise what no text raises."""
_SAVE = "save the file as UTF-8, or name its encoding (data: {sources: [{path: …, encoding: cp1251}]})"
_HIGH = re.compile(r"[^\x00-\x7f]")
_PLAIN = re.compile(r"[A-Za-z]")
_ACCENTED = re.compile(r"[^\W\d_A-Za-z]")


def detect(file: DataFile) -> str:
    """The encoding's name for Python; DataError for a binary, a mixed, or an unknown one. Reads the whole file once."""
    if file.encoding is not None:
        return _known(file, file.encoding)
    with streams.opened(file) as stream:
        head = stream.content.read(_HEAD)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    wide = _without_mark(head)
    if wide:
        return wide
    refuse_binary(file, head)
    with streams.opened(file) as stream:
        if _all_utf8(stream.content):
            return "utf-8"
    return _not_utf8(file)


def refuse_binary(file: DataFile, head: bytes) -> None:
    """DataError where the first bytes are no text: a known kind of file, many zeros, or control characters that are not UTF-8."""
    start = head[:4096]
    zeros, control = start.count(0), sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in start)
    many = control if not _all_utf8(io.BytesIO(start), cut=True) else zeros
    if many > 0.05 * len(start) or head.startswith(_BINARY):
        raise file.error("it is a binary file, not a text", fix="give a csv, tsv, jsonl, json, parquet, arrow or xlsx file")


def errors_of(encoding: str) -> str:
    """The error handler with which a text in this encoding is decoded: strict, but for the gaps of cp1252."""
    return _FIVE if encoding == "cp1252" else "strict"


def explain_undecodable(file: DataFile, encoding: str) -> DataError:
    """The error for a file that is not in the encoding that it was said to be in."""
    if encoding.startswith(("utf-16", "utf-32")):  # their line ends are not single bytes
        return file.error(f"it is cut off or not {encoding}", fix="export the file again, as UTF-8")
    with streams.opened(file) as stream:
        line = next((number for number, text in _byte_lines(stream.content) if not _decodes(text, encoding)), None)
    return file.error(f"this line is not {encoding}", line=line, fix="correct `encoding`, or leave it out")


def _known(file: DataFile, name: str) -> str:
    try:
        found = codecs.lookup(name)
    except LookupError:
        found = None
    if found is None or not getattr(found, "_is_text_encoding", True) or found.name in _NO_FILES:
        raise file.error(f"there is no encoding called {name!r}", fix="for example utf-8, utf-16, cp1252, latin-1, shift_jis")
    return found.name


def _without_mark(head: bytes) -> str | None:
    """UTF-16 without a byte order mark, known by every second byte being zero."""
    half = len(head) // 2
    if half < 2:
        return None
    even, odd = head[0::2].count(0) / half, head[1::2].count(0) / half
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.1 else None


def _all_utf8(stream: BinaryIO, *, cut: bool = False) -> bool:
    """True where every byte is UTF-8; with `cut` the last character may be incomplete."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := stream.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=not cut)
    except UnicodeDecodeError:
        return False
    return True


def _byte_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(_BLOCK * 64):
        number += 1
        yield number, line


def _decodes(text: bytes, encoding: str = "utf-8") -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _not_utf8(file: DataFile) -> str:
    """A file with bytes that are not UTF-8: mixed, Western single-byte, or one that the user has to name."""
    good: list[int] = []
    bad: list[tuple[int, bytes]] = []
    count_good = count_bad = 0
    sample = bytearray()
    with streams.opened(file) as stream:
        for number, line in _byte_lines(stream.content):
            if line.isascii():
                continue
            if _decodes(line):
                count_good += 1
                good = good or [number]
            else:
                count_bad += 1
                bad = bad or [(number, line)]
                if len(sample) < _BLOCK:
                    sample += line
    if count_good > STRAY * count_bad:
        raise _mixed(file, (count_good, good[0]), (count_bad, bad[0]))
    return _western(file, bytes(sample), bad[0][0])


def _mixed(file: DataFile, good: tuple[int, int], bad: tuple[int, tuple[int, bytes]]) -> DataError:
    """Names the first line of the rarer kind, and the byte."""
    fix = "bring all of the file to UTF-8 (for example: open it, correct that line, save as UTF-8)"
    (n_good, first_good), (n_bad, (first_bad, line)) = good, bad
    if n_bad > n_good:
        message = f"the encodings are mixed: {n_good:,} lines are UTF-8, the first of them this one; {n_bad:,} are not (line {first_bad})"
        return file.error(message, line=first_good, fix=fix)
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        near = line[max(0, error.start - 20) : error.start + 10].decode("cp1252", "replace")
        what = f"byte 0x{line[error.start]:02X} at column {error.start + 1}, near {near!r}"
    message = f"the encodings are mixed: this line is not UTF-8 ({what}), while {n_good:,} lines are; {n_bad:,} like it"
    return file.error(message, line=first_bad, fix=fix)


def _western(file: DataFile, sample: bytes, line: int) -> str:
    """cp1252; DataError where the text does not look Western."""
    text = sample.decode("cp1252", _FIVE)
    high, accented = len(_HIGH.findall(text)), len(_ACCENTED.findall(text))
    dense = accented > DENSE * (accented + len(_PLAIN.findall(text))) and accented >= 8
    if dense or _suspects(text) > SUSPECT * high:
        raise file.error("it is not UTF-8, and its encoding cannot be told for sure (first such line)", line=line, fix=_SAVE)
    return "cp1252"


_INSIDE = re.compile(r"(?<=[^\W\d_])[^\x00-\x7f\w’‘´`·…–—\xa0\xad](?=[^\W\d_])")
_UPPER_AFTER_LOWER = re.compile(r"(?<=[a-z])[À-ÖØ-ÞŠŽŸ]")


def _suspects(text: str) -> int:
    """Characters where a Western text has none: symbols inside a word, a capital with an accent after a small letter."""
    return len(_INSIDE.findall(text)) + len(_UPPER_AFTER_LOWER.findall(text))


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(_FIVE, _as_latin_1)
