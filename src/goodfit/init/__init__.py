"""`goodfit init DATA`: looks at data, guesses the task and the part of every column, writes a commented recipe, and says why.

Layer: above the stages, beside `pipeline`; it reads through `data` only. `profile` measures the columns of a sample, `roles`
gives each a part, `shapes` refuses what this version cannot learn from, `reasons` says why, `write` makes the recipe. Rows that a
model learns to write from (conversations, prompts with answers, plain texts) are read and told by `turns` and `write_turns`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goodfit.data.conversations.reading import Turns
from goodfit.data.discover import discover
from goodfit.data.missing import missing_column
from goodfit.data.peek import peek
from goodfit.data.readers.roles import role_of
from goodfit.data.source import Source
from goodfit.init.profile import Column, profile
from goodfit.init.reasons import Seen, reasons
from goodfit.init.roles import SURE, around, roles
from goodfit.init.shapes import refuse
from goodfit.init.turns import Told, read_first, to_write, turn_reasons
from goodfit.init.write import name_of, recipe_text
from goodfit.init.write_turns import turns_text
from goodfit.recipe import Recipe
from goodfit.settings import parse

__all__ = ["Guess", "guess"]

CLASSES = "classification"
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


def guess(
    path: Path | str, *, relative_to: Path | str = ".", text: Sequence[str] = (), label: str | None = None, kind: str | None = None
) -> Guess:
    """A recipe for the data at `path`, for the folder `relative_to`; `text`, `label` and `kind` (of task) are known already.

    Raises DataError (file, line, what is wrong, what to do) where the data cannot be read, or nothing can be learned from it.
    """
    sources = discover(str(path))
    sample = peek(sources[0], SAMPLE)
    for name in (*text, *(() if label is None else (label,))):
        if name not in sample.names:
            raise missing_column(sample.path, name, sample.names)
    columns = profile(sample)
    found = roles(columns, text=text, label=label)
    seen = Seen(_keys(sources, Path(relative_to)), sample, _beside(sources))
    name = name_of(str(path))
    if kind != CLASSES and label is None and (kind is not None or not text or found.label is None):
        turns = Turns({"text": text[0]} if len(text) == 1 else {})
        reader = to_write(sources[0], columns, found, turns, asked=kind is not None)
        if reader is not None:
            return _to_write(name, seen, columns, read_first(reader, sources[0], turns, SAMPLE))
    refuse(sample.path, columns, found)
    why = reasons(seen, found)
    return _guessed(recipe_text(name, seen, found, why), why, sure=found.label_score >= SURE)


def _to_write(name: str, seen: Seen, columns: Sequence[Column], told: Told) -> Guess:
    """The guess of rows that a model learns to write from."""
    beside = around([column for column in columns if column.name not in told.shape.wanted])
    why = turn_reasons(seen, told, beside)
    return _guessed(turns_text(name, seen, told, beside, why), why, sure=True)


def _guessed(written: str, why: Mapping[str, str], *, sure: bool) -> Guess:
    return Guess(written, parse(written, file="the recipe that was guessed"), tuple(why.values()), sure=sure)


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
