"""A text template over columns: `Question: {question}` -> the prompt of a row.

Layer: data. Names in braces are columns, taken literally; there is no code, no attribute, no format. A brace of the text itself is
written twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goodfit.errors import Place, SettingsError, nearest

KEY = "task.template"
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class PromptTemplate:
    """A parsed template; make it with `parse`."""

    parts: tuple[tuple[str, str | None], ...]
    """(text, the column that follows it or None)."""

    @classmethod
    def parse(cls, text: str, columns: Sequence[str], *, key: str = KEY) -> PromptTemplate:
        """SettingsError for a brace that is left open, an empty one, a column that is not there (with the nearest name)."""
        parts: list[tuple[str, str | None]] = []
        literal, at = "", 0
        for match in _TOKEN.finditer(text):
            literal += text[at : match.start()]
            at = match.end()
            if match[0] in ("{{", "}}"):
                literal += match[0][0]
                continue
            parts.append((literal, _column(match, text, columns, key)))
            literal = ""
        parts.append((literal + text[at:], None))
        if len(parts) == 1:
            raise SettingsError("the template names no column", place=Place(key=key), fix=f"name one in braces: {_example(columns)}")
        return cls(tuple(parts))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns named, each once, in order."""
        return tuple(dict.fromkeys(column for _, column in self.parts if column is not None))

    def fill(self, values: Mapping[str, str | None]) -> str:
        """The text with the values in place; a missing one leaves nothing. Braces in values are text."""
        return "".join([text + (values.get(column) or "") if column is not None else text for text, column in self.parts])


def _column(match: re.Match[str], text: str, columns: Sequence[str], key: str) -> str:
    name: str | None = match[1]
    near = text[max(0, match.start() - 10) : match.end() + 10]
    if name is None:
        fix = "close it, or write a brace of the text itself twice: {{ or }}"
        raise SettingsError(f"the template has a single {match[0]!r} near {near!r}", place=Place(key=key), fix=fix)
    if name in columns:
        return name
    if not name.strip():
        raise SettingsError(f"the template has empty braces near {near!r}", place=Place(key=key), fix=f"name a column: {_example(columns)}")
    close = name.strip() if name.strip() in columns else nearest(name.strip(), columns)
    there = ", ".join(repr(c) for c in columns[:20])
    fix = f"did you mean {{{close}}}?" if close else f"name one of: {there}; a brace of the text itself is written twice"
    raise SettingsError(f"the template names the column {name!r}; the data has: {there}", place=Place(key=key), fix=fix)


def _example(columns: Sequence[Any]) -> str:
    return f"{{{columns[0]}}}" if columns else "{question}"
