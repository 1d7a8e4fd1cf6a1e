"""A name for the content of the data: the same bytes give the same name, wherever the files lie.

Layer: data. Streaming, at the speed of the disk. Neither the path nor the times of a file count; in a folder the names inside
it do (they can be labels), and so does the role of a given split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from goodfit.data.progress import OnProgress, Throttle
from goodfit.data.readers import hub
from goodfit.data.readers.base import DataFile
from goodfit.data.readers.locate import locate
from goodfit.data.source import Source

_BLOCK = 1 << 20


def data_fingerprint(sources: Sequence[Source], *, on_progress: OnProgress | None = None) -> str:
    """`b2:` and 32 hex digits of blake2b over the content of all sources in order; DataError where one cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    for source in sources:
        file = DataFile(name=source.path, format=source.format, split=source.split)
        content = hub.fingerprint(file) if hub.is_hub(file) else _content(file, on_progress)
        digest.update(f"{source.split or ''}\0{content}\0".encode())
    return f"b2:{digest.hexdigest()}"


def data_stamp(sources: Sequence[Source]) -> tuple[tuple[int, int], ...]:
    """Sizes and times of all files: tells whether something wrote to them meanwhile. Data sets of the hub have none."""
    files = [DataFile(name=source.path, format=source.format, split=source.split) for source in sources]
    stats = [path.stat() for file in files if not hub.is_hub(file) for path in locate(file).files]
    return tuple((stat.st_size, stat.st_mtime_ns) for stat in stats)


def _content(file: DataFile, on_progress: OnProgress | None) -> str:
    """Hash of one file, or of names and contents of the files of a folder."""
    found = locate(file)
    digest = hashlib.blake2b(digest_size=16)
    progress = Throttle(on_progress, sum(path.stat().st_size for path in found.files), f"hashing {file.name}")
    done = 0
    for path in found.files:
        if found.folder:
            head = f"{found.inner(path)}\0{path.stat().st_size}\0"
            digest.update(head.encode("utf-8", "surrogateescape"))
        for block in _blocks(path, file):
            digest.update(block)
            done += len(block)
            progress.at(done)
    progress.finish()
    return digest.hexdigest()


def _blocks(path: Path, file: DataFile) -> Iterator[bytes]:
    try:
        with path.open("rb") as handle:
            while block := handle.read(_BLOCK):
                yield block
    except OSError as error:
        raise file.error(f"cannot be read ({error.strerror or error})", fix="check its permissions and its disk") from error
