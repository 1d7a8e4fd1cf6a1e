"""Where the terms of a list stand in texts.

Layer: data. One pattern for all forms, a tree of their letters, the longest first, over folded texts (`folding`). A term begins and ends
at the edge of a word: an apostrophe and a hyphen are edges (woman's, he's, l'homme, ex-wife), an underscore and a digit are not. In
languages that are written without spaces there are no edges, except for forms in other scripts. A match inside an excluded phrase
does not count. Not known to it: names, slang spellings, forms without their apostrophe (hes), links and e-mail addresses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from goodfit.data.identity.folding import SEPARATOR, fold, joined, key
from goodfit.data.identity.terms import TermList, each_form

Texts: TypeAlias = Sequence[str | None] | pa.Array | pa.ChunkedArray
WITHOUT_SPACES = frozenset({"zh", "ja", "th", "km", "lo", "my", "yue"})
"""Languages whose words are not set apart."""


@dataclass(frozen=True, slots=True)
class Match:
    """One term in a text."""

    start: int
    """Offset in the text as it was given, in characters."""
    end: int
    """Exclusive."""
    member: int
    """Place of the member in the list."""
    form: str
    """As the list writes it."""
    paradigm: int | None
    """Place among the member's paradigms; None: unpaired."""
    slots: tuple[int, ...]
    """Every slot of the paradigm in which the form stands."""
    ambiguous: bool
    """The list says that the form also means something else."""

    @property
    def slot(self) -> int:
        """The first slot of the form."""
        return self.slots[0]


@dataclass(frozen=True, slots=True)
class _Term:
    member: int
    form: str
    paradigm: int | None
    slots: tuple[int, ...]
    ambiguous: bool


class Matcher:
    """Finds the terms of a list. A form that the list has twice counts for the place where it stands first (`lint` tells of it)."""

    def __init__(self, terms: TermList) -> None:
        self.list = terms
        self.spaced = terms.language.split("-")[0].lower() not in WITHOUT_SPACES
        self._terms = _table(terms)
        self._pattern = _compiled(self._terms, self.spaced)
        phrases = dict.fromkeys(key(phrase) for phrase in terms.exclude)
        self._excluded = _compiled(phrases, self.spaced, overlapping=True) if phrases else None

    def find(self, text: str) -> list[Match]:
        """The terms in a text, from left to right, without overlap."""
        folded = fold(text)
        return [
            Match(*folded.span(start, end), term.member, term.form, term.paradigm, term.slots, term.ambiguous)
            for start, end, term in self._hits(folded.text)
        ]

    def members(self, texts: Texts) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which members each text mentions, bool [n, K]; a missing text mentions none."""
        rows: list[int] = []
        columns: list[int] = []
        for number, text in enumerate(each_text(texts)):
            if text:
                for member in {term.member for _, _, term in self._hits(fold(text).text)}:
                    rows.append(number)
                    columns.append(member)
        found = np.zeros((len(texts), len(self.list.members)), dtype=np.bool_)
        found[rows, columns] = True
        return found

    def _hits(self, text: str) -> Iterator[tuple[int, int, _Term]]:
        """(start, end, term) in a folded text."""
        excluded: list[tuple[int, int]] | None = None
        passed, reach = 0, -1
        for found in self._pattern.finditer(text):
            start, end = found.span()
            if self.spaced and _marked(text, start, end):
                continue
            if self._excluded is not None:
                if excluded is None:
                    excluded = [one.span(1) for one in self._excluded.finditer(text)]
                while passed < len(excluded) and excluded[passed][0] <= start:
                    reach = max(reach, excluded[passed][1])
                    passed += 1
                if end <= reach:
                    continue
            word = found.group()
            yield start, end, self._terms.get(word) or self._terms[joined(word)]


def each_text(texts: Texts) -> Iterator[str | None]:
    """The texts one by one, whatever holds them."""
    if isinstance(texts, pa.ChunkedArray):
        for chunk in texts.chunks:
            yield from chunk.to_pylist()
    elif isinstance(texts, pa.Array):
        yield from texts.to_pylist()
    else:
        yield from texts


def _table(terms: TermList) -> dict[str, _Term]:
    ambiguous = {key(form) for form in terms.ambiguous}
    found: dict[str, _Term] = {}
    for member, paradigm, slot, form in each_form(terms):
        name = key(form)
        known = found.get(name)
        if known is None:
            found[name] = _Term(member, form, paradigm, (slot,), name in ambiguous)
        elif (known.member, known.paradigm) == (member, paradigm) and paradigm is not None:
            found[name] = _Term(member, known.form, paradigm, (*known.slots, slot), known.ambiguous)
    return found


def _marked(text: str, start: int, end: int) -> bool:
    """Whether a combining mark stands beside a match: it is then part of a longer word."""
    before = text[start - 1 : start]
    after = text[end : end + 1]
    return any(c and not c.isascii() and unicodedata.category(c)[0] == "M" for c in (before, after))


def _compiled(keys: Iterable[str], spaced: bool, *, overlapping: bool = False) -> re.Pattern[str]:
    """One pattern for many keys, the longest first; `overlapping`: group 1 of an empty match, at every place where one begins."""
    keys = list(keys)
    edged = [one for one in keys if spaced or _alphabetic(one)]
    joint = [one for one in keys if not (spaced or _alphabetic(one))]
    branches = [f"(?<!\\w){_tree(edged)}(?!\\w)"] if edged else []
    branches += [_tree(joint)] if joint else []
    body = "|".join(branches)
    return re.compile(f"(?=({body}))" if overlapping else body)


def _alphabetic(form: str) -> bool:
    """Whether a form of an unspaced language is written in ASCII, so that its edges are seen."""
    return form.isascii()


def _tree(keys: Sequence[str]) -> str:
    """A pattern that matches any of the keys, the longest that fits: `(?:he(?:r(?:s)?)?|…)`."""
    root: dict[str, Any] = {}
    for one in keys:
        node = root
        for character in one:
            node = node.setdefault(character, {})
        node[""] = {}
    return _written(root)


def _written(node: dict[str, Any]) -> str:
    branches = []
    for character, inner in node.items():
        if character:
            sign = SEPARATOR if character == " " else re.escape(character)
            branches.append(sign + _written(inner))
    if not branches:
        return ""
    if len(branches) == 1 and "" not in node:
        return branches[0]
    return f"(?:{'|'.join(branches)}){'?' if '' in node else ''}"
