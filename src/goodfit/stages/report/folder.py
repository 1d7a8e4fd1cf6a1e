"""Reading a run folder for the report: tolerant, bounded, and honest about what could not be read.

Part of the report stage. A report comes out of any run: finished, stopped by a finding, failed, interrupted, still running, or
damaged. So nothing here raises on a file that is absent or broken; what was broken is kept in `damaged` and told to the reader.
Only a folder that is no run at all is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from yaml import YAMLError, safe_load

from goodfit.errors import RunError
from goodfit.finding import Finding
from goodfit.run import FINDINGS, RECORD, RESOLVED
from goodfit.score import Score, Verdict
from goodfit.stages.report.text import clean, read_json

STAGES = ("split", "audit", "choose", "prepare", "tune", "train", "evaluate", "assess")
"""The stages of this version whose files the report reads, in the order of the path."""

M = TypeVar("M", bound=BaseModel)


@dataclass
class Folder:
    """One run folder, opened for reading only."""

    path: Path
    damaged: dict[str, str] = field(default_factory=dict)
    """File (relative to the run) -> what is wrong with it."""

    @classmethod
    def open(cls, path: Path) -> Folder:
        """The run in `path`; a RunError where there is none."""
        if not path.is_dir():
            raise RunError(f"{path} is not a folder", fix="goodfit list")
        if not (path / RECORD).is_file() and not any((path / stage).is_dir() for stage in STAGES):
            raise RunError(f"{path} is not a run: it has no {RECORD}", fix="goodfit list")
        return cls(path)

    def has(self, *parts: str) -> bool:
        """Whether the file is there."""
        return self.path.joinpath(*parts).is_file()

    def document(self, *parts: str) -> dict[str, Any]:
        """A JSON object, or an empty dict where the file is absent or damaged."""
        text = self.text(*parts)
        if text is None:
            return {}
        try:
            value = read_json(text)
        except (ValueError, RecursionError) as error:
            self._damaged(parts, f"not JSON: {str(error).splitlines()[0]}")
            return {}
        return value if isinstance(value, dict) else self._not_an_object(parts)

    def settings(self) -> dict[str, Any]:
        """`resolved.yaml` as plain values, or an empty dict."""
        text = self.text(RESOLVED)
        if text is None:
            return {}
        try:
            value = clean(safe_load(text))
        except (YAMLError, RecursionError, ValueError) as error:
            self._damaged((RESOLVED,), f"not YAML: {str(error).splitlines()[0]}")
            return {}
        return value if isinstance(value, dict) else self._not_an_object((RESOLVED,))

    def text(self, *parts: str) -> str | None:
        """The whole file, or None."""
        file = self.path.joinpath(*parts)
        try:
            return file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            self._damaged(parts, "not UTF-8")
        except OSError as error:
            self._damaged(parts, error.strerror or "not readable")
        return None

    def lines(self, *parts: str) -> Iterator[dict[str, Any]]:
        """Every whole object of a JSONL file; a last line that a crash cut short is left out without a word."""
        file = self.path.joinpath(*parts)
        try:
            with file.open(encoding="utf-8", errors="replace") as handle:
                yield from self._objects(parts, handle)
        except FileNotFoundError:
            return
        except OSError as error:
            self._damaged(parts, error.strerror or "not readable")

    def _objects(self, parts: tuple[str, ...], handle: Iterator[str]) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            try:
                value = read_json(line)
            except (ValueError, RecursionError):
                if line.endswith("\n"):
                    self._damaged(parts, f"line {number} is not JSON")
                continue
            if isinstance(value, dict):
                yield value

    def findings(self, record: Mapping[str, Any]) -> list[Finding]:
        """The findings of every stage that left some, in the order of the path, each once."""
        known = [*STAGES, *(name for name in mapping(record, "stages") if name not in STAGES and name.isidentifier())]
        found: dict[str, Finding] = {}
        for stage in known:
            for line in self.lines(stage, FINDINGS):
                finding = lenient(Finding, line)
                if finding is None:
                    self._damaged((stage, FINDINGS), f"{line.get('code', 'a line')} is not a finding of this version")
                else:
                    found[finding.id] = finding
        return list(found.values())

    def _not_an_object(self, parts: tuple[str, ...]) -> dict[str, Any]:
        self._damaged(parts, "not a mapping")
        return {}

    def _damaged(self, parts: tuple[str, ...], why: str) -> None:
        self.damaged.setdefault("/".join(parts), why)


def lenient(model: type[M], value: Any) -> M | None:
    """A noun from a dict of a file, keys that this version does not know left out; None where it is not one."""
    if not isinstance(value, Mapping):
        return None
    known = {f.alias or name for name, f in model.model_fields.items()}
    kept = {key: item for key, item in value.items() if key in known}
    for key, inner in (("difference", Score), ("verdict", Verdict), ("evidence", Score)):
        if key in kept and kept[key] is not None:
            kept[key] = many(inner, kept[key]) if isinstance(kept[key], list) else lenient(inner, kept[key])
    try:
        return model.model_validate(kept)
    except ValidationError:
        return None


def many(model: type[M], values: Any) -> list[M]:
    """Those of a list that are the noun."""
    if not isinstance(values, list):
        return []
    return [found for value in values if (found := lenient(model, value)) is not None]


def mapping(record: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The mapping under a path of keys, or an empty one."""
    value: Any = record
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else {}


def mappings(record: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """The mappings of a list under a key; nothing where it is none."""
    found = record.get(key)
    yield from (one for one in found if isinstance(one, Mapping)) if isinstance(found, list) else ()


def counts(record: Mapping[str, Any], *keys: str) -> dict[str, int]:
    """The mapping under a path of keys with only its whole numbers."""
    return {str(k): v for k, v in mapping(record, *keys).items() if isinstance(v, int) and not isinstance(v, bool)}


def whole(record: Mapping[str, Any], key: str) -> int | None:
    """A whole number, or None."""
    value = record.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def real(record: Mapping[str, Any], key: str) -> float | None:
    """A number, or None."""
    value = record.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def word(record: Mapping[str, Any], key: str) -> str | None:
    """A text, or None."""
    value = record.get(key)
    return value if isinstance(value, str) else None
