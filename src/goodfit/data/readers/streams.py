"""Bytes of a file, decompressed on the way, with the position in the file on disk for progress.

Layer: data. Compression is known by the first bytes, not by the name: gzip, bzip2, xz, zstd, and zip with a single file in it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

import pyarrow as pa

from goodfit.data.readers.base import DataFile

_MAGIC = {
    b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip",
}  # fmt: skip
SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd", ".zip": "zip"}
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile, pa.ArrowInvalid)


@dataclass(frozen=True)
class ByteStream:
    """Decompressed bytes, and how far the file on disk has been read."""

    content: BinaryIO
    raw: BinaryIO

    def position(self) -> int:
        """Bytes of the file on disk consumed so far (buffers included)."""
        return 0 if self.raw.closed else self.raw.tell()


def compression_of(file: DataFile) -> str | None:
    """`gzip`, `bzip2`, `xz`, `zstd`, `zip` or None, by the first bytes; DataError where the name says one and the bytes do not."""
    with opened_raw(file) as raw:
        head = raw.read(6)
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    named = SUFFIXES.get(file.path.suffix.lower())
    if named and head and found != named:
        fix = f"give it its real ending instead of {file.path.suffix}"
        raise file.error(f"it is called {file.path.suffix} but is not a {named} file", fix=fix)
    return found


def inner_name(file: DataFile) -> str:
    """The name that says the format: without `.gz`; of a zip the name of the file in it."""
    name = file.path.name
    if file.path.suffix.lower() == ".zip":
        with opened_raw(file) as raw, _told(file), zipfile.ZipFile(raw) as archive:
            return _member(file, archive).filename
    return name[: -len(file.path.suffix)] if file.path.suffix.lower() in SUFFIXES else name


@contextmanager
def opened_raw(file: DataFile) -> Iterator[BinaryIO]:
    """The file on disk; DataError where it cannot be opened."""
    try:
        handle = file.path.open("rb")
    except OSError as error:
        raise file.error(f"cannot be read ({error.strerror or error})", fix="check its permissions") from error
    with handle:
        yield handle


@contextmanager
def opened(file: DataFile) -> Iterator[ByteStream]:
    """The content; a damaged or cut-off archive becomes a DataError, whenever it is noticed."""
    kind = compression_of(file)
    with opened_raw(file) as raw, _told(file):
        if kind == "zip":
            with zipfile.ZipFile(raw) as archive, archive.open(_member(file, archive)) as member:
                yield ByteStream(cast(BinaryIO, member), raw)
            return
        yield ByteStream(_decompressed(kind, raw), raw)


def _decompressed(kind: str | None, raw: BinaryIO) -> BinaryIO:
    if kind == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if kind == "bzip2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if kind == "xz":
        return cast(BinaryIO, lzma.LZMAFile(raw))
    if kind == "zstd":
        return cast(BinaryIO, io.BufferedReader(_Zstd(raw)))
    return raw


class _Zstd(io.RawIOBase):
    """pyarrow's decompressor as a file that Python's text layer can read."""

    def __init__(self, raw: BinaryIO) -> None:
        self._inner = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def _told(file: DataFile) -> Iterator[None]:
    fix = "copy or download it again"
    try:
        yield
    except DAMAGED as error:
        raise file.error(f"the compressed file is damaged or cut off ({error})", fix=fix) from error
    except NotImplementedError as error:
        raise file.error(f"the zip file uses a compression that Python does not know ({error})", fix="unpack it first") from error
    except RuntimeError as error:
        if "password" not in str(error) and "encrypt" not in str(error):
            raise
        raise file.error("the zip file is protected by a password", fix="unpack it first") from error
    except OSError as error:
        # bz2 says "Invalid data stream" by an OSError without a number; a failing disk has one.
        message = f"the compressed file is damaged ({error})" if error.errno is None else f"cannot be read ({error.strerror})"
        raise file.error(message, fix=fix) from error


def _member(file: DataFile, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file in a zip; what macOS and folders add does not count."""
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/") and "/." not in f"/{m.filename}"]
    if len(members) != 1:
        names = ", ".join(m.filename for m in members[:5]) or "none"
        raise file.error(f"the zip holds {len(members)} files ({names}), not one", fix="unpack it and name the file, or the folder")
    return members[0]
