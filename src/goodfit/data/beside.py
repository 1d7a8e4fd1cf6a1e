"""Which decisions go with some data: the file that the recipe names, else `decisions.jsonl` beside the recipe, or beside the data.

Layer: data. A file that is found (not named) counts only if it is one of ours, for there are data sets of that name. Decisions that a
cleaned copy holds already (`goodfit audit --fix` left a ledger beside it) are not applied to it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from goodfit.data.decisions import NAME, Decisions, looks_like_decisions, read_decisions
from goodfit.data.fix.ledger import decisions_in, ledger_of
from goodfit.data.named import opened
from goodfit.data.readers.hub import PREFIX
from goodfit.errors import DataError, Place
from goodfit.recipe import Data


@dataclass(frozen=True)
class Beside:
    """Where the decisions of some data stand, or would."""

    path: Path | None
    """None where the recipe says `decisions: false`."""
    shown: str
    """As people know it."""
    there: bool
    named: bool
    """The recipe names it."""
    strange: str | None = None
    """A file of that name that is none of ours."""


def place(data: Data, base: Path, *, guessed: bool = False) -> Beside:
    """The decisions file of a recipe's `data` section; `guessed`: there is no recipe file, so that it stands beside the data."""
    if data.decisions is False:
        return Beside(None, "", there=False, named=True)
    if data.decisions is not None:
        path = Path(opened(data.decisions, base)).expanduser()
        if path.is_dir() or _among(path, _files(data, base)):
            where = Place(file=data.decisions, key="data.decisions")
            raise DataError("it is no file of decisions", place=where, fix=f"name a file, such as {NAME}")
        return Beside(path, data.decisions, there=path.is_file(), named=True)
    strange = None
    candidates = _candidates(data, base, guessed=guessed)
    for path in candidates:
        if not path.is_file() or _among(path, _files(data, base)):
            continue
        if looks_like_decisions(path):
            return Beside(path, str(path), there=True, named=False, strange=strange)
        strange = str(path)
    free = [path for path in candidates if not path.exists()] or [path.with_name(f"goodfit-{NAME}") for path in candidates]
    return Beside(free[0], str(free[0]), there=False, named=False, strange=strange)


def decisions_of(data: Data, base: Path, *, guessed: bool = False) -> tuple[Decisions, Beside]:
    """The decisions that go with some data and where they stand; DataError with the line for a file that cannot be read."""
    found = place(data, base, guessed=guessed)
    if found.path is None or not found.there:
        return Decisions(found.path), found
    decisions = read_decisions(found.path, found.shown)
    done = {entry for name in _files(data, base) for entry in decisions_in(ledger_of(Path(name)))}
    return decisions.without(done) if done else decisions, found


def _candidates(data: Data, base: Path, *, guessed: bool) -> list[Path]:
    """Beside the recipe, then beside the data; the other way round where there is no recipe."""
    local = [Path(name).parent for name in _files(data, base)]
    folders = [*local[:1], base] if guessed else [base, *local[:1]]
    paths = [Path(opened(str(folder / NAME), Path.cwd())) for folder in folders]
    paths = [*dict.fromkeys(_near(path) for path in paths)]
    return [*paths, *(path.with_name(f"goodfit-{NAME}") for path in paths)]


def _near(path: Path) -> Path:
    """As seen from the current folder, where it lies in there."""
    whole = path.resolve()
    return whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole


def _among(path: Path, files: list[str]) -> bool:
    return any(path.resolve() == Path(name).resolve() for name in files)


def _files(data: Data, base: Path) -> list[str]:
    """The files and folders of the data by the names that open them; nothing of the hub."""
    written = [data.path, data.train, data.valid, data.test, *(entry.path for entry in data.sources)]
    names = [opened(name, base) for name in written if name is not None]
    return [str(Path(name).expanduser()) for name in names if not name.startswith(PREFIX)]
