"""Texts made comparable, in three widths. Vectorised over Arrow arrays; nothing becomes a Python string.

    normalise             the same up to case, all punctuation, spaces and invisible characters: the wide net, in which nothing leaks
    without_case          the same up to case and spaces
    without_ordinary      up to ordinary punctuation too: what tells `:)` from `:(`, `-5` from `5`, `3/6` from `3*6` and `?` from `!` stays

Layer: data (methods 2, tier 1).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_APOSTROPHES = r"['’‘ʼ`´＇]"
_DROPPED = r"[\p{Cf}\x{FE00}-\x{FE0F}\x{034F}]"
"""Zero-width, soft hyphen, direction marks, byte order mark, variation selectors."""
_SPACES = r"[\p{P}\p{Z}\s\p{Cc}]+"


def normalise(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Normalised texts (null stays null): NFKC, lower case, no invisible characters, no punctuation, single spaces.

    Apostrophes vanish (don't = dont); other punctuation becomes a space (check-in = check in). Symbols stay: `+ $ € 😀` carry
    meaning. A text that consists of punctuation only becomes the empty string; see `text_keys`.
    """
    out = pc.utf8_normalize(texts, form="NFKC")
    out = pc.utf8_normalize(pc.utf8_lower(out), form="NFKC")
    for pattern, replacement in ((_APOSTROPHES, ""), (_DROPPED, ""), (_SPACES, " ")):
        out = pc.replace_substring_regex(out, pattern=pattern, replacement=replacement)
    return pc.utf8_trim(out, characters=" ")


_QUOTES = r"(^|[^\p{N}])['’‘ʼ`´＇\"“”„«»‹›]+"
"""Not after a number: 5' and 5\" are measures."""
_BRACKETS = r"(^|\s)[(\[{](\p{L}[^()\[\]{}]*)[)\]}]"
"""A pair around words; one alone may be a mouth, and a pair around a number a minus."""
_ENDS = r"([\p{L}\p{M}\p{N}])[.,…،।]+(\s|$)"
_COLONS = r"([\p{L}\p{M}]{2}|\p{N})[:;؛]+(\s|$)"
"""After two letters: `D:` is a face."""
_EAST_ASIAN = r"([\p{L}\p{M}\p{N}])[。、，；：．]+"
_HYPHENS = r"(\p{L})\s?[-‐‑‒–—_]+\s?(\p{L})"
_ORDINARY = (
    (_QUOTES, r"\1"), (_BRACKETS, r"\1\2"), (_COLONS, r"\1\2"), (_ENDS, r"\1\2"), (_EAST_ASIAN, r"\1 "),
    (_HYPHENS, r"\1 \2"), (_HYPHENS, r"\1 \2"),
)  # fmt: skip
"""Quotes, brackets around words, marks at the end of a word, hyphens between letters: what a text can lose and say the same."""


def without_case(texts: pa.Array) -> pa.Array:
    """Texts in one case, with single spaces, without invisible characters (null stays null)."""
    lower = pc.replace_substring_regex(pc.utf8_lower(pc.utf8_normalize(texts, form="NFC")), pattern=_DROPPED, replacement="")
    return pc.utf8_trim(pc.replace_substring_regex(lower, pattern=r"[\p{Z}\s\p{Cc}]+", replacement=" "), characters=" ")


def without_ordinary(texts: pa.Array) -> pa.Array:
    """Texts in one case, with single spaces, without ordinary punctuation (null stays null)."""
    out = without_case(texts)
    for pattern, replacement in _ORDINARY:
        out = pc.replace_substring_regex(out, pattern=pattern, replacement=replacement)
    return without_case(out)


def normalise_text(text: str) -> str:
    """One text, normalised."""
    return str(normalise(pa.array([text], pa.string()))[0])
