"""Files that grow by one line at a time while several people may write: each line is on disk when the call returns.

Layer: data. Reviews and decisions are kept so. A write takes the lock of its file; a last line that a crash tore is cut away by the next
write, since nobody was told that it was saved.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from goodfit.errors import RunError, machine_error

LOCK_SECONDS = 10


def append_line(path: Path, line: dict[str, Any]) -> None:
    """One line, on disk when this returns."""
    append_lines(path, [line])


def append_lines(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Some lines together, on disk when this returns; RunError where another process keeps the file."""
    text = "".join(json.dumps(writable(line), ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
    with locked(path):
        try:
            with path.open("a+b") as handle:
                _cut_torn_line(handle)
                handle.write(text.encode("utf-8"))
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise machine_error(error, "writing", path) from error


def _cut_torn_line(handle: Any) -> None:
    """Cuts a last line without its end, unless it is one whole JSON value, which somebody wrote by hand: that one is ended."""
    size = handle.seek(0, os.SEEK_END)
    if size == 0:
        return
    handle.seek(size - 1)
    if handle.read(1) == b"\n":
        return
    handle.seek(0)
    content = handle.read()
    last = content.rfind(b"\n") + 1
    try:
        json.loads(content[last:])
    except ValueError:
        handle.truncate(last)
    else:
        handle.write(b"\n")


def writable(value: Any) -> Any:
    """Lone surrogates, which a browser can send and no file can hold, as their escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {name: writable(inner) for name, inner in value.items()}
    return [writable(inner) for inner in value] if isinstance(value, list) else value


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The lock of a file, `.<name>.lock` beside it; RunError where it is not to be had for ten seconds."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        with FileLock(str(lock), timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise RunError(f"{path} is being written by another process", fix="wait for it, or end that process") from error
    except OSError as error:
        raise machine_error(error, "locking", path) from error
