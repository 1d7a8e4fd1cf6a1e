"""The cache: files that can be made again, keyed by content, bounded in size, safe to delete at any time.

Layer: data (tokens, embeddings and converted models of later layers use it too). It lies in `$GOODFIT_CACHE`, by default in
`~/.cache/goodfit`; `$GOODFIT_CACHE_GB` bounds it (default 20). A file's modification time is its last use.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from goodfit.errors import GoodfitError, MachineError, UserError

DEFAULT_GB = 20.0
STALE_TEMPORARY = 24 * 3600.0
"""Seconds after which a temporary file is one that a killed process left behind."""


def root() -> Path:
    """The cache's folder (it may not exist yet)."""
    given = os.environ.get("GOODFIT_CACHE")
    if given:
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "goodfit"


def folder(name: str) -> Path:
    """The sub-folder `name`, made if need be."""
    path = root() / name
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def limit_bytes() -> int:
    """How much the cache may hold."""
    text = os.environ.get("GOODFIT_CACHE_GB", "")
    try:
        gigabytes = float(text) if text else DEFAULT_GB
    except ValueError:
        raise UserError(f"GOODFIT_CACHE_GB is {text!r}, which is not a number", fix="for example GOODFIT_CACHE_GB=20") from None
    return int(gigabytes * 1e9)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Says, for a full or a read-only cache, which setting moves it."""
    try:
        yield
    except OSError as error:
        raise _explained(error, path) from error
    except (MachineError, UserError) as error:
        if isinstance(error.__cause__, OSError):
            raise _explained(error.__cause__, path) from error.__cause__
        raise


def touch(path: Path) -> None:
    """Marks a file as just used."""
    with contextlib.suppress(OSError):
        os.utime(path)


def trim(*, keep: Sequence[Path] = (), limit: int | None = None) -> list[Path]:
    """Deletes the files used longest ago until the cache is within its limit, and temporaries a day old; gives what went."""
    kept = {path.resolve() for path in keep}
    now = time.time()
    files = [(entry.stat(), entry) for entry in root().rglob("*") if entry.is_file()] if root().exists() else []
    total = sum(stat.st_size for stat, _ in files)
    bound = limit_bytes() if limit is None else limit
    gone: list[Path] = []
    for stat, path in sorted(files, key=lambda item: item[0].st_mtime):
        stale = path.name.endswith(".tmp") and now - stat.st_mtime > STALE_TEMPORARY
        over = total > bound and not path.name.endswith(".tmp") and path.resolve() not in kept
        if stale or over:
            with contextlib.suppress(OSError):  # in use on another system, or gone already
                path.unlink()
                total -= stat.st_size
                gone.append(path)
    return gone


def _explained(error: OSError, path: Path) -> GoodfitError:
    fix = "set GOODFIT_CACHE to a folder with room that you may write to"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MachineError(f"the disk is full while writing the cache {path}", fix=fix)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return UserError(f"the cache {path} cannot be written ({error.strerror})", fix=fix)
    return MachineError(f"{error.strerror or error} while writing the cache {path}", fix=fix)
