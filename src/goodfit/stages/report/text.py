"""Text that came from data or from a model, made safe to read: control characters visible, rows masked, lengths bounded.

Part of the report stage. Nothing here escapes HTML or Markdown (the renderers do, each for its own language); this is about
characters that would lie to the reader in any language: bidirectional overrides, zero-width and other invisible ones, and about
texts that are private: `mask` keeps the shape of a row and gives away nothing else.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Literal

ShowText = Literal["masked", "full", "none"]

TEXT_SHOWN = 400
"""Characters of a row that the report shows."""
NAME_SHOWN = 120
"""Characters of a label name, a file name or a title that the report shows."""

_SUSPECT = re.compile(r"\\u[dD]|NaN|Infinity|[eE]\+?[0-9]{3}")
_INLINE = re.compile(r"([\\`*_\[\]|~$>])")
_BLOCK = re.compile(r"^(\d*)([-+#=.)])")
_JOINERS = {"\u200c", "\u200d"}  # spelling of Persian and of many emoji: harmless, and ugly when spelled out
_BLANKS = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and signs that print nothing
_BLANK_RUN = re.compile(r"^\s+|\s+$|\s{2,}|[^\S ]")
_SPACES = {"\t": " ", "\r": "", "\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n", "\x85": "\n"}


def visible(text: object) -> str:
    """The text with every character that the eye would miss spelled out, as in `⟨U+202E⟩`.

    Controls (Cc), format characters (Cf: bidirectional overrides, zero-width spaces, tags), surrogates and private use are spelled
    out. Line breaks stay, tabs become spaces, the zero-width joiner and non-joiner stay.
    """
    return "".join(_seen(c) for c in str(text))


def _seen(character: str) -> str:
    if character in _SPACES:
        return _SPACES[character]
    if character == "\n" or character in _JOINERS or not _unseen(character):
        return character
    return f"⟨U+{ord(character):04X}⟩"


def _unseen(character: str) -> bool:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co"):
        return True
    # Unassigned code points are new emoji more often than not; the noncharacters never are.
    return character in _BLANKS or ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF


def name(text: object, limit: int = NAME_SHOWN) -> str:
    """A label, a column, a title on one line: visible characters, at most `limit` of them."""
    return shorten(" ".join(visible(text).split()), limit)


def markdown(text: object, limit: int = NAME_SHOWN) -> str:
    """A text inside Markdown: one line, controls visible, nothing of it read as markup or as HTML."""
    safe = _INLINE.sub(r"\\\1", name(text, limit).replace("&", "&amp;").replace("<", "&lt;"))
    return _BLOCK.sub(r"\1\\\2", safe)


def label(text: object, limit: int = NAME_SHOWN) -> str:
    """A label on one line; where it has spaces at an end, or several in a row, in quotes with these shown: `'Lieferung␣'`.

    Labels are compared sign by sign: two that differ in spaces only are two labels, and must not look like one.
    """
    shown = visible(text).replace("\n", "⏎")
    if shown == " ".join(shown.split()):
        return shorten(shown, limit)
    spaced = _BLANK_RUN.sub(lambda found: "␣" * len(found[0]), shown)
    return f"'{shorten(spaced, limit - 2)}'"


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters; what was cut is marked by an ellipsis."""
    return text if len(text) <= limit else text[: max(1, limit - 1)].rstrip() + "…"


def mask(text: str) -> str:
    """The shape of a text without its content: letters become x (capitals X), digits 0; spaces and punctuation stay.

    Combining marks are dropped, so that the number of signs of a script with vowel marks is kept and nothing of them is told.
    """
    out = []
    for character in text:
        category = unicodedata.category(character)
        if category[0] == "L":
            out.append("X" if category in ("Lu", "Lt") else "x")
        elif category[0] == "N":
            out.append("0")
        elif category[0] != "M":
            out.append(character)
    return "".join(out)


def shown(text: object, how: ShowText) -> str | None:
    """A row's text as `report.show_text` wants it: masked, in full (bounded), or None."""
    if how == "none" or text is None:
        return None
    # Cut before masking: a row may be 50 MB.
    whole = str(text)
    cut = whole[: TEXT_SHOWN + 1]
    return shorten(visible(mask(cut) if how == "masked" else cut), TEXT_SHOWN)


def read_json(text: str) -> Any:
    """A JSON document as `clean` leaves it; a document without anything to clean (nearly all) is not walked."""
    value = json.loads(text)
    return clean(value) if _SUSPECT.search(text) else value


def clean(value: Any) -> Any:
    """A JSON value without lone surrogates (they cannot be written as UTF-8) and without NaN or infinity (null instead)."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if not value.isascii() else value
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {clean(str(k)): clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean(v) for v in value]
    return value
