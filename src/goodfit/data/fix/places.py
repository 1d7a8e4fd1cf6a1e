"""Where copies are written: beside the data, under a name of their own, never over what is there. Part of fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from goodfit.data.fix.copying import Part, part_of
from goodfit.data.fix.ledger import ledger_of
from goodfit.data.readers import streams
from goodfit.data.readers.hub import is_hub
from goodfit.data.readers.locate import TEXT_FOLDER, locate
from goodfit.data.readers.registry import format_of_suffix
from goodfit.data.source import Columns, Source, file_of
from goodfit.errors import UserError

MARK = "clean"
"""`tickets.csv` -> `tickets.clean.csv`."""


@dataclass(frozen=True)
class Target:
    """One file and where its copy goes."""

    source: int
    """Which of the sources."""
    part: Part
    out: Path


def targets_of(sources: Sequence[Source], columns: Columns, out: Path | None) -> tuple[list[Target], Path]:
    """Every file with its copy's place, and the file or folder that `data` is to name; UserError where that cannot be."""
    parts = [(i, part) for i, source in enumerate(sources) for part in _parts(source, columns)]
    if len(parts) == 1:
        only = parts[0][1]
        place = out or _beside(only)
        _fitting(place, only)
        return [Target(0, only, place)], place
    folder = out or _folder(sources)
    if folder.is_file() or (out is not None and format_of_suffix(out.suffix) is not None):
        raise UserError(f"{folder} is a file, and the data are {len(parts)} files", fix="--out FOLDER")
    names: set[str] = set()
    found = []
    for i, part in parts:
        name = _name(part)
        name = name if name not in names else f"{i + 1}-{name}"
        names.add(name)
        found.append(Target(i, part, folder / name))
    return found, folder


def check_free(targets: Sequence[Target], place: Path, *, force: bool) -> None:
    """UserError where a copy would be the data itself, or stand on something that is there."""
    files = {target.part.file.path.resolve() for target in targets}
    for target in targets:
        for path in (target.out, ledger_of(target.out)):
            if path.resolve() in files:
                raise UserError(f"{path} is the data itself: it is never changed in place", fix="--out OTHER")
            if path.is_dir():
                raise UserError(f"{path} is a folder", fix="--out FILE")
            if path.exists() and not force:
                raise UserError(f"{path} is there already", fix="--force writes over it, or --out OTHER")
    if len(targets) > 1 and place.is_dir() and not force and any(place.iterdir()):
        raise UserError(f"{place} is there already, with files in it", fix="--force writes into it, or --out OTHER")


def _parts(source: Source, columns: Columns) -> list[Part]:
    """The files of a source, in reading order."""
    file = file_of(source, columns.wanted)
    if is_hub(file):
        return [Part(file, "jsonl", converted=True)]
    found = locate(file)
    if found.format == TEXT_FOLDER or not found.folder:
        return [part_of(file, found.format)]
    return [part_of(replace(file, name=found.shown(file, path), format=found.format), found.format) for path in found.files]


def _suffix(part: Part) -> str:
    """The ending of the copy: that of the file, unpacked, where it speaks of the same format."""
    own = "" if is_hub(part.file) or part.file.path.is_dir() else Path(streams.inner_name(part.file)).suffix
    return own if not part.converted and format_of_suffix(own.lower()) == part.kind else f".{part.kind}"


def _stem(part: Part) -> str:
    if is_hub(part.file):
        return "-".join(filter(None, [*part.file.name.removeprefix("hub:").replace(":", "/").split("/"), part.file.split]))
    name = part.file.path.name if part.file.path.is_dir() else Path(streams.inner_name(part.file)).stem
    several = part.converted and part.file.split is not None and part.kind == "jsonl"
    return f"{name}-{part.file.split}" if several else name


def _name(part: Part) -> str:
    return f"{_stem(part)}{_suffix(part)}"


def _beside(part: Part) -> Path:
    folder = Path() if is_hub(part.file) else part.file.path.parent
    return folder / f"{_stem(part)}.{MARK}{_suffix(part)}"


def _folder(sources: Sequence[Source]) -> Path:
    """A folder beside the data: `parts` -> `parts-clean`; for several files `clean`."""
    first = Path(sources[0].path).expanduser()
    if len(sources) == 1 and first.is_dir():
        return (
            first.with_name(f"{first.resolve().name}-{MARK}") if first.name else first.resolve().with_name(f"{first.resolve().name}-{MARK}")
        )
    return (Path() if sources[0].path.startswith("hub:") else first.parent) / MARK


def _fitting(place: Path, part: Part) -> None:
    """UserError where the copy's name speaks of another format."""
    wanted = _suffix(part)
    if format_of_suffix(place.suffix.lower()) != part.kind and place.suffix.lower() != wanted:
        what = f"a {part.kind} file" + (f" (a {part.file.path.suffix or 'folder'} is written as that)" if part.converted else "")
        raise UserError(f"{place}: the copy is {what}", fix=f"--out {place.with_suffix(wanted)}")
