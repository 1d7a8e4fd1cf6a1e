"""`goodfit init DATA`: looks at data, guesses the task and the part of every column, writes a commented recipe, and says why.

Layer: above the stages, beside `pipeline`; it reads through `data` only. `profile` measures the columns of a sample, `roles`
gives each a part, `shapes` refuses what this version cannot learn from, `reasons` says why, `write` makes the recipe.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goodfit.data.discover import discover
from goodfit.data.missing import missing_column
from goodfit.data.peek import peek
from goodfit.data.readers.roles import role_of
from goodfit.data.source import Source
from goodfit.init.profile import profile
from goodfit.init.reasons import Seen, reasons
from goodfit.init.roles import SURE, roles
from goodfit.init.shapes import refuse
from goodfit.init.write import name_of, recipe_text
from goodfit.recipe import Recipe
from goodfit.settings import parse

__all__ = ["Guess", "guess"]

SAMPLE = 20_000
"""Rows that are looked at: files are often sorted by label, and a shorter look would miss classes."""


@dataclass(frozen=True)
class Guess:
    """What `init` made of some data."""

    recipe_text: str
    """A commented recipe that `settings.parse` reads."""
    recipe: Recipe
    reasons: tuple[str, ...]
    """What was guessed and why, one sentence each, the most important first."""
    sure: bool
    """False where the label is only the best of what there is."""


def guess(path: Path | str, *, relative_to: Path | str = ".", text: Sequence[str] = (), label: str | None = None) -> Guess:
    """A recipe for the data at `path`, for the folder `relative_to`; `text` and `label` are columns that are known already.

    Raises DataError (file, what is wrong, what to do) where the data cannot be read, or is not for sorting texts into classes.
    """
    sources = discover(str(path))
    sample = peek(sources[0], SAMPLE)
    for name in (*text, *(() if label is None else (label,))):
        if name not in sample.names:
            raise missing_column(sample.path, name, sample.names)
    columns = profile(sample)
    found = roles(columns, text=text, label=label)
    refuse(sample.path, columns, found)
    seen = Seen(_keys(sources, Path(relative_to)), sample, _beside(sources))
    why = reasons(seen, found)
    written = recipe_text(name_of(str(path)), seen, found, why)
    recipe = parse(written, file=f"the recipe guessed for {path}")
    return Guess(written, recipe, tuple(why.values()), sure=found.label_score >= SURE)


def _keys(sources: Sequence[Source], folder: Path) -> dict[str, str]:
    """The keys of the data section; relative paths as seen from the folder of the recipe."""
    return {source.split or "path": _from(folder, source.path) for source in sources}


def _from(folder: Path, path: str) -> str:
    if path.startswith("hub:") or Path(path).is_absolute() or path.startswith("~"):
        return path
    return Path(os.path.relpath(path, folder)).as_posix()


def _beside(sources: Sequence[Source]) -> tuple[str, ...]:
    """Files in the folder of a training file that are named like its validation and test files."""
    path = Path(sources[0].path)
    if len(sources) > 1 or not path.is_file() or role_of(path.name) != "train":
        return ()
    return tuple(sorted(p.name for p in path.parent.iterdir() if p.suffix == path.suffix and role_of(p.name) in ("valid", "test")))
