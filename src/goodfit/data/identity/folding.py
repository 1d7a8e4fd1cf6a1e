"""Texts made comparable, with the way back: NFKC, case folded, invisible characters dropped, and where each character came from.

Layer: data. Folding changes lengths (ß -> ss, a ligature -> its letters, a zero-width space -> nothing), so that a place in the folded
text must be led back to the original. ASCII is folded at once; elsewhere only the pieces that change their length are looked at one by
one. A piece holds at most 30 combining marks, as in Unicode's stream-safe format: the time is linear in the length of a text, however
it is made.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

SEPARATOR = r"(?:\s{1,8}|\s?[-‐‑‒–]\s?)"
"""Between the words of a phrase: spaces or a hyphen (African American, African-American)."""
_SEPARATORS = re.compile(SEPARATOR)
_APOSTROPHES = "’‘ʼ＇"
_JAMO = "\u1160-\u11ff\ud7b0-\ud7ff\uff9e-\uffdc"
"""Characters that compose with the one before though they are no marks: Hangul vowels and finals, halfwidth voicing."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text. `starts` and `origins` are the places, there and in the original, where a piece begins; none: the same places."""

    text: str
    starts: tuple[int, ...] = ()
    origins: tuple[int, ...] = ()
    changed: tuple[bool, ...] = ()
    """Whether the piece changed its length: it is then led back as a whole."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original of the characters from `start` to `end` (exclusive, after `start`)."""
        if not self.starts:
            return start, end
        first = bisect_right(self.starts, start) - 1
        begin = self.origins[first] if self.changed[first] else self.origins[first] + start - self.starts[first]
        last = bisect_right(self.starts, end - 1) - 1
        if self.changed[last]:
            return begin, self.origins[last + 1]
        return begin, self.origins[last] + end - self.starts[last]


def fold(text: str) -> Folded:
    """A text, folded: any string, lone surrogates too."""
    if text.isascii():
        return Folded(text.lower())
    odd, pieces = _patterns()
    if odd.search(text) is None:
        return Folded(_same_length(text))
    parts: list[str] = []
    starts, origins, changed = [], [], []
    length = last = 0
    for found in pieces.finditer(text):
        start = found.start()
        if start > last:
            starts.append(length)
            origins.append(last)
            changed.append(False)
            parts.append(_same_length(text[last:start]))
            length += start - last
        starts.append(length)
        origins.append(start)
        changed.append(True)
        parts.append(_folded(found.group()))
        length += len(parts[-1])
        last = found.end()
    parts.append(_same_length(text[last:]))
    starts.append(length)
    origins.append(last)
    changed.append(False)
    return Folded("".join(parts), tuple(starts), tuple(origins), tuple(changed))


def key(form: str) -> str:
    """What a form is looked up by: folded, its words joined by single spaces."""
    return joined(fold(form).text).strip()


def joined(folded: str) -> str:
    """A folded phrase with single spaces between its words."""
    return _SEPARATORS.sub(" ", folded)


def _folded(piece: str) -> str:
    return _folded_whole("".join(c for c in piece if not _invisible(c)))


def _same_length(part: str) -> str:
    """A stretch in which every character is folded to one."""
    out = _folded_whole(part)
    return out if len(out) == len(part) else "".join((_folded(c) or " ")[:1] for c in part)


def _folded_whole(part: str) -> str:
    out = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold())
    for one in _APOSTROPHES:
        out = out.replace(one, "'")
    return out


def _invisible(character: str) -> bool:
    """Zero-width, soft hyphen, direction and byte order marks, variation selectors, the grapheme joiner."""
    code = ord(character)
    if code < 0xAD:
        return False
    return unicodedata.category(character) == "Cf" or 0xFE00 <= code <= 0xFE0F or code == 0x34F or 0xE0100 <= code <= 0xE01EF


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A character that is not folded to exactly one or joins the one before; such a one alone, or any with the marks that follow it."""
    joining, other = [], []
    for code in range(0x80, 0x20000):
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] == "M" or category == "Cf":
            joining.append(code)
        elif category not in ("Cn", "Cs", "Co") and _changes(character):
            other.append(code)
    marks = f"{_ranges(joining)}{_JAMO}\U000e0000-\U000e01ff"
    odd = f"[{marks}{_ranges(other)}]"
    return re.compile(odd), re.compile(f"[\\s\\S][{marks}]{{1,30}}|{odd}")


def _changes(character: str) -> bool:
    folded = character.casefold()
    if len(folded) == 1 and not unicodedata.decomposition(character):
        return len(unicodedata.normalize("NFKC", folded)) != 1
    return len(_folded_whole(character)) != 1


def _ranges(codes: list[int]) -> str:
    out, first = [], 0
    for index, code in enumerate(codes):
        if index + 1 == len(codes) or codes[index + 1] != code + 1:
            out.append(f"\\U{codes[first]:08x}-\\U{code:08x}")
            first = index + 1
    return "".join(out)
