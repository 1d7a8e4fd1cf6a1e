"""What lies at a path: which files make up the source, and in which format; clear errors for what is no data.

Layer: data. The fingerprint of the data and the readers both begin here, so that they speak of the same files.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from goodfit.data.decisions import NAME, looks_like_decisions
from goodfit.data.fix.ledger import SUFFIX
from goodfit.data.readers import streams, text_folder
from goodfit.data.readers.base import DataFile
from goodfit.data.readers.dialect import DELIMITERS
from goodfit.data.readers.registry import format_of_suffix, known_formats
from goodfit.data.readers.roles import role_of
from goodfit.errors import DataError, nearest

ARROW = "arrow"
TEXT_FOLDER = "txt-folder"
GUESSED = frozenset({"", ".txt", ".dat", ".data"})
"""Endings that say nothing: the content decides."""
_SAVED = frozenset({"dataset_info.json", "state.json", "dataset_dict.json", "dataset_infos.json"})
_HOW = "give csv, tsv, jsonl, json, parquet, arrow, xlsx, a folder of txt files per class, or hub:owner/name"


@dataclass(frozen=True)
class Located:
    """The files of a source, in reading order."""

    format: str
    files: tuple[Path, ...]
    folder: bool
    """True where the source is a folder or a pattern: several files may make it up."""
    base: Path
    """What the names inside the source are relative to."""

    def inner(self, path: Path) -> str:
        """The name of a file inside the source."""
        return path.relative_to(self.base).as_posix()

    def shown(self, file: DataFile, path: Path) -> str:
        """The name of a file as the user would write it."""
        above = Path(file.name) if self.base == file.path else Path(file.name).parent
        return str(above / self.inner(path))


def locate(file: DataFile) -> Located:
    """The files at `file.path` and their format; DataError where it is missing, unreadable, empty or no data.

    The last part of the path may be a pattern: `data/train-*.parquet`.
    """
    found = _located(file)
    for path in found.files:
        if _not_unicode(str(path)):
            shown = path.name.encode("utf-8", "backslashreplace").decode()
            raise file.error(f"the name of the file {shown} is not UTF-8: it cannot be written down", fix="rename it")
    return found


def _not_unicode(name: str) -> bool:
    return not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name)


def _located(file: DataFile) -> Located:
    path = file.path
    try:
        folder = path.is_dir()
        there = folder or path.exists()
    except OSError as error:  # a name too long, a folder that may not be entered
        raise file.error(f"cannot be read ({error.strerror or error})", fix="check the path and its permissions") from error
    if not there:
        matches = sorted(p for p in path.parent.glob(path.name) if p.is_file()) if "*" in path.name and path.parent.is_dir() else []
        if not matches:
            raise _missing(file)
        return _shards(file, matches, path.parent)
    if folder:
        return _folder(file)
    if not path.is_file():
        raise file.error("it is neither a file nor a folder", fix="give a file")
    if not path.stat().st_size:
        raise file.error("it is empty (0 bytes)", fix="give a file with rows in it")
    _refuse_stand_in(file)
    return Located(_format_of(file), (path,), folder=False, base=path.parent)


def _refuse_stand_in(file: DataFile) -> None:
    """DataError for what often lies where the data should be: a Git LFS pointer, a web page."""
    with streams.opened_raw(file) as raw:
        head = raw.read(64).lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        raise file.error("it is a Git LFS pointer, not the data itself", fix="git lfs pull, or download the file from its page")
    if head.startswith((b"<!doctype html", b"<html")):
        raise file.error("it is a web page, not data", fix="download the raw file (often a button or link called Raw or Download)")


def data_files(folder: Path) -> list[Path]:
    """The files in a folder whose ending says a format, without hidden files, decisions on rows, and the metadata of saved data sets."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "_")) and p.name not in _SAVED)
    files = [p for p in files if not (p.name.endswith(NAME) and looks_like_decisions(p)) and not p.name.endswith(SUFFIX)]
    return [p for p in files if format_of_suffix(_inner_suffix(p)) is not None]


def _inner_suffix(path: Path) -> str:
    compressed = path.suffix.lower() in streams.SUFFIXES
    return Path(path.stem).suffix if compressed else path.suffix


def _format_of(file: DataFile) -> str:
    if file.format is not None:
        return file.format
    suffix = Path(streams.inner_name(file)).suffix.lower()
    found = format_of_suffix(suffix)
    if found is not None:
        return found
    if suffix in GUESSED:
        shown = _by_content(file)
        if shown is not None:
            return shown
        message = "it has no columns that can be told apart"
        if (sign := _label_after(file)) is not None:
            fix = f"its lines look like text{sign}label: data: {{path: {file.name}, format: csv, delimiter: {sign!r}, header: false}}"
            raise file.error(message, fix=fix)
    else:
        message = f"files that end in {suffix} are not read"
    if suffix in (".xls", ".ods", ".numbers"):
        raise file.error(message, fix="save it as .xlsx, or as csv (UTF-8)")
    raise file.error(message, fix=f"{_HOW}; or name its format (format: {' | '.join(known_formats())})")


def _by_content(file: DataFile) -> str | None:
    """The format that the first 64 KB show beyond doubt."""
    with streams.opened(file) as stream:
        head = stream.content.read(1 << 16)
    for magic, name in ((b"PAR1", "parquet"), (b"ARROW1", ARROW)):
        if head.startswith(magic):
            return name
    text = head.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    if text.startswith("["):
        return "json"
    lines = [line for line in text.split("\n") if line.strip()]
    if text.startswith("{"):
        return "jsonl" if _is_object(lines[0]) else "json"
    return _delimited(lines if len(head) < 1 << 16 else lines[:-1])


def _label_after(file: DataFile) -> str | None:
    """The sign behind which every line of a plain text ends in one of few short names: `Profit rose .@positive`."""
    with streams.opened(file) as stream:
        lines = [line for line in stream.content.read(1 << 16).decode("utf-8", "replace").split("\n") if line.strip()][:-1]
    for sign in ("@", "|", "~", "^", ";", "#"):
        ends = [line.rsplit(sign, 1)[1].strip() for line in lines if line.count(sign) == 1]
        if len(ends) >= max(2, 0.95 * len(lines)) and len(set(ends)) <= 0.2 * len(ends) and max(map(len, ends)) <= 40:
            return sign
    return None


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _delimited(lines: list[str]) -> str | None:
    """`tsv` or `csv` where every line splits into the same number of fields (two or more)."""
    if len(lines) < 2:
        return None
    if lines[0].count("\t") and len({line.count("\t") for line in lines}) == 1:
        return "tsv"
    for delimiter in DELIMITERS:
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=delimiter, strict=True) if row}
        except csv.Error:
            continue
        if len(widths) == 1 and widths.pop() > 1:
            return "csv"
    return None


def _missing(file: DataFile) -> DataError:
    path = file.path
    fix = "check the path; paths in a recipe are relative to the recipe"
    if not path.parent.is_dir():
        fix = f"there is no folder {str(path.parent)!r} either; paths in a recipe are relative to the recipe"
    elif close := _close_name(path.parent, path.name):
        fix = f"did you mean {str(Path(file.name).with_name(close))!r}?"
    if "/" in file.name and not path.suffix and not path.is_absolute():
        fix += f"; a data set of the hub is written hub:{file.name}"
    return file.error("no such file or folder", fix=fix)


def _close_name(folder: Path, name: str) -> str | None:
    try:
        return nearest(name, [p.name for p in folder.iterdir()])
    except OSError:
        return None


def _folder(file: DataFile) -> Located:
    path = file.path
    if (path / "dataset_dict.json").is_file():
        raise several_parts(file, sorted(p.name for p in path.iterdir() if p.is_dir()))
    if (path / "state.json").is_file():
        return Located(ARROW, _saved_files(file), folder=True, base=path)
    files = data_files(path) or (data_files(path / "data") if (path / "data").is_dir() else [])
    if files:
        return _shards(file, files, path)
    texts = text_folder.files_of(path)
    deeper = [p.parent.parent.name for p in path.glob("*/*/*.txt")]
    inner = [p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith((".", "_")) and data_files(p)]
    if len(deeper) > len(texts) or inner:
        raise several_parts(file, sorted({*inner, *deeper}))
    if texts:
        return Located(TEXT_FOLDER, tuple(texts), folder=True, base=path)
    raise _no_data(file)


def _no_data(file: DataFile) -> DataError:
    """A folder without data files; of texts and labels in two files what to do with them."""
    plain = sorted(p.name for p in file.path.glob("*.txt") if p.is_file() and not p.name.startswith((".", "_")))
    labels = next((name for name in sorted(plain, key=lambda name: role_of(name) != "train") if "label" in name.lower()), None)
    texts = next((name for name in plain if labels and name == labels.lower().replace("labels", "text").replace("label", "text")), None)
    if labels is None or texts is None:
        return file.error("it is a folder without data files", fix=f"{_HOW}, or a folder of such files")
    message = f"it holds texts and labels in separate txt files ({texts}, {labels}), and no table"
    name = Path(labels.lower().replace("labels", "").replace("label", "")).stem.strip("-_. ") or "data"
    fix = f"join them line by line into one file, for example: paste {texts} {labels} > {name}.tsv, and read it with header: false"
    return file.error(message, fix=fix)


def _shards(file: DataFile, files: list[Path], base: Path) -> Located:
    if len({role_of(p.name) for p in files}) > 1:
        raise several_parts(file, [p.relative_to(base).as_posix() for p in files])
    formats = {format_of_suffix(_inner_suffix(p)) or "" for p in files}
    if len(formats) > 1:
        names = ", ".join(p.name for p in files[:6])
        raise file.error(f"it holds files of several formats: {names}", fix="name one file, or list them under data.sources")
    return Located(file.format or formats.pop(), tuple(files), folder=True, base=base)


def _saved_files(file: DataFile) -> tuple[Path, ...]:
    """The Arrow files that `datasets` saved, in the order that state.json gives."""
    try:
        state = json.loads((file.path / "state.json").read_text(encoding="utf-8"))
        files = tuple(file.path / entry["filename"] for entry in state["_data_files"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise file.error("state.json of the saved data set is damaged", fix="save the data set again") from error
    gone = next((p for p in files if not p.is_file()), None)
    if gone is not None or not files:
        raise file.error(f"the saved data set lacks {gone.name if gone else 'its Arrow files'}", fix="copy the whole folder again")
    return files


def several_parts(file: DataFile, names: list[str]) -> DataError:
    """The error for parts that are not one table: `names` are the files or sub-folders."""
    by_role: dict[str, str] = {}
    for name in names:
        role = role_of(Path(name).name)
        if role is not None:
            by_role.setdefault(role, f"{file.name.rstrip('/')}/{name}")
    told = ", ".join(f"{role}: {by_role[role]}" for role in ("train", "valid", "test") if role in by_role)
    shown = ", ".join(names[:6])
    fix = f"name them: data: {{{told}}}" if "train" in by_role else "name one of them, or list them under data.sources"
    return file.error(f"it holds several parts ({shown}); reading them as one table would mix them", fix=fix)
