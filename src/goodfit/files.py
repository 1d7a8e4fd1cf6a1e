"""Writing files so that nothing half-written ever looks whole.

Layer: beside the nouns (standard library only). Everything that is not an append-only JSONL goes through `write_atomic`: a
temporary name beside the target, flushed to disk, renamed. JSON is written without NaN, sorted by nothing: order is meaning.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from goodfit.errors import machine_error


@contextlib.contextmanager
def write_atomic(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A handle on a temporary file that becomes `path` when the block ends well, and is gone when it does not."""
    encoding = None if "b" in mode else "utf-8"
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with os.fdopen(descriptor, mode, encoding=encoding, newline="" if encoding else None) as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise machine_error(error, "writing", path) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """One JSON document; NaN and infinity are refused."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    with write_atomic(path) as handle:
        handle.write(text + "\n")


def read_json(path: Path) -> Any:
    """The document in `path`."""
    return json.loads(path.read_text(encoding="utf-8"))


def append_jsonl(path: Path, values: list[dict[str, Any]]) -> None:
    """Adds one line per value, flushed before returning."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as handle:
            handle.writelines(json.dumps(v, ensure_ascii=False, allow_nan=False) + "\n" for v in values)
            handle.flush()
    except OSError as error:
        raise machine_error(error, "writing", path) from error


def write_jsonl(path: Path, values: list[dict[str, Any]]) -> None:
    """A whole JSONL file at once, atomically."""
    with write_atomic(path) as handle:
        handle.writelines(json.dumps(v, ensure_ascii=False, allow_nan=False) + "\n" for v in values)


def json_object(path: Path) -> dict[str, Any]:
    """The JSON object of a file that may be absent, damaged or hold something else: then an empty one."""
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Every whole line; a last line that a crash cut short is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    out: list[dict[str, Any]] = []
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            out.append(json.loads(line))
        except json.JSONDecodeError:
            if number < len(lines) - 1:
                raise
    return out


def file_hash(path: Path) -> str:
    """BLAKE2b of a file's content, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "blake2b").hexdigest()


def link_tree(source: Path, target: Path) -> None:
    """A copy of a folder by hard links, or by copies where links are not possible; the target appears whole or not at all."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(source, partial, copy_function=_link_or_copy)
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise machine_error(error, "copying to", target) from error


def _link_or_copy(source: str, target: str) -> str:
    # Append-only files would grow in both runs if they were one file.
    if source.endswith(".jsonl"):
        return str(shutil.copy2(source, target))
    try:
        os.link(source, target)
    except OSError:
        return str(shutil.copy2(source, target))
    return target
