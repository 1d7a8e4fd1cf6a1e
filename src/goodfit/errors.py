"""Every error that Goodfit raises on purpose, drawn.

    GoodfitError                 exit 3 (a bug of ours, unless a subclass says otherwise)
    ├── UserError                exit 2: something the user gave is wrong; the message says what, where, and the remedy
    │   ├── SettingsError        a recipe, an override, a flag (file, line, key)
    │   ├── DataError            a data file or a row (file, line, row, key)
    │   ├── ModelError           a base model, a tokenizer, an adapter
    │   ├── RunError             a run folder: not found, ambiguous, locked, damaged, made by something newer
    │   └── MissingExtra         an optional package; names the `pip install 'goodfit[...]'` line
    ├── AnswerNo                 exit 1: the work was done and the answer is no
    │   ├── Stopped              a finding at or above `fail_on`
    │   └── Diverged             the loss or a gradient was not finite
    ├── MachineError             exit 4: disk, memory, a lost worker
    └── Interrupted              exit 130 / 143: resumable

Nouns layer: standard library only. The CLI turns these into one sentence or one JSON object; nothing else does.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is wrong: a file, its line (header = 1), the row id, the recipe key or column."""

    file: str | None = None
    line: int | None = None
    row: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        """`tickets.csv:118`, or what is known of it."""
        return f"{self.file}:{self.line}" if self.file and self.line else (self.file or "")


class GoodfitError(Exception):
    """The root. `message` says what is wrong; `place` where; `fix` what to do about it."""

    exit_code = 3

    def __init__(self, message: str, *, place: Place | None = None, fix: str | None = None) -> None:
        self.message = message
        self.place = place or Place()
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        """`file:line: message`, then the remedy on a line of its own."""
        where = str(self.place)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}\n  fix: {self.fix}" if self.fix else text

    def to_json(self) -> dict[str, Any]:
        """The `error` object of a result document (SCHEMAS: `goodfit/result/1`)."""
        where = str(self.place)
        return {
            "code": type(self).__name__,
            "message": f"{where}: {self.message}" if where else self.message,
            "file": self.place.file,
            "line": self.place.line,
            "row": self.place.row,
            "key": self.place.key,
            "fix": self.fix,
        }


class UserError(GoodfitError):
    """Something that the user gave is wrong."""

    exit_code = 2


class SettingsError(UserError):
    """A recipe, an override or a flag cannot be understood."""


class DataError(UserError):
    """A data file or one of its rows cannot be used."""


class ModelError(UserError):
    """A base model, tokenizer or adapter cannot be used."""


class RunError(UserError):
    """A run folder is missing, ambiguous, locked, damaged, or newer than this Goodfit."""


class MissingExtra(UserError):
    """A feature needs an optional package."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package", fix=f"pip install 'goodfit[{extra}]'")


class AnswerNo(GoodfitError):
    """The work was done, and the answer is no."""

    exit_code = 1


class Stopped(AnswerNo):
    """A finding at or above `fail_on` ended the path."""


class Diverged(AnswerNo):
    """The loss or a gradient was not finite; the weights written are the last finite ones."""


class MachineError(GoodfitError):
    """The machine could not go on: disk, memory, a lost worker."""

    exit_code = 4


class Interrupted(GoodfitError):
    """The user or the system asked to stop; the run can be resumed."""

    def __init__(self, message: str, *, exit_code: int = 130) -> None:
        super().__init__(message, fix="the same command resumes it")
        self.exit_code = exit_code


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known word closest to `word` (difflib ratio at least `cutoff`), or None: for "did you mean"."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def first_line(error: BaseException) -> str:
    """What another library's error says, without its lists and traces; its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def machine_error(error: OSError, doing: str, path: Path | str) -> GoodfitError:
    """What an `OSError` on a path means to the user: full disk (exit 4), read-only or missing (exit 2)."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MachineError(f"the disk is full while {doing} {path}", fix="free some space; the same command resumes")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(f"no permission while {doing} {path}", fix="choose another folder with --workspace, or change its permissions")
    return MachineError(f"{error.strerror or error} while {doing} {path}")
