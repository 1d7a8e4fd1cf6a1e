"""The files of those who review: one each in a folder, whose lines are what they said, one whole answer a line.

Part of review; a review of answers, one of suspects and the judging models keep theirs this way.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

from goodfit.errors import RunError, UserError
from goodfit.files import read_jsonl


def reviewer_name(name: str) -> str:
    """The file name of a reviewer: letters, digits, `.`, `_`, `-`, small; UserError where nothing is left or a name is reserved."""
    plain = unicodedata.normalize("NFKC", name).casefold().strip()
    slug = re.sub(r"[^\w.-]+", "-", plain).strip("-._")[:60].strip("-._")
    if not slug or re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", slug):
        raise UserError(f"{name!r} cannot be a reviewer's name", fix="use letters and digits, as in --reviewer anna")
    return slug


def reviewers_in(folder: Path) -> list[str]:
    """Everybody who has a file."""
    return sorted(path.stem for path in folder.glob("*.jsonl") if not path.name.startswith("."))


def file_of(folder: Path, reviewer: str) -> Path:
    """A reviewer's file."""
    return folder / f"{reviewer_name(reviewer)}.jsonl"


def lines_of(path: Path, whole: str = "answer") -> list[Any]:
    """The lines of a file, none where there is none; RunError where it is damaged. `whole`: what a line is."""
    try:
        return list(read_jsonl(path))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is damaged: {error}", fix=f"remove the broken line; every other line is one whole {whole}") from error
