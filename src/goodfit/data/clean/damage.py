"""Damaged signs: texts that were decoded by the wrong table (mojibake), signs that were lost, and signs that nobody sees.

Layer: data. RE2 leaves the few texts that could be damaged; ftfy (Apache-2.0) then says whether a text is, and what it was. It is
careful by design: it changes only what is far likelier to be mojibake than meant, in about 20 encodings, also where it happened twice.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from ftfy import fix_encoding_and_explain

from goodfit.data.clean.columns import Counts, counted, matching, suspects

LONGEST = 20_000
"""Characters of a text that are looked at for mojibake; what is decoded wrongly is so from the start."""
_LATER = r"\x{80}-\x{BF}\x{0152}-\x{0192}\x{02C6}-\x{02DD}\x{2013}-\x{2122}"
_COULD_BE = (
    r"[\x{80}-\x{84}\x{86}-\x{9f}]"
    rf"|[\x{{C2}}-\x{{F4}}\x{{0102}}-\x{{017F}}][{_LATER}]"
    rf"|[\x{{0420}}\x{{0421}}][{_LATER}\x{{0401}}-\x{{040F}}\x{{0451}}-\x{{045F}}\x{{0490}}\x{{0491}}]"
    rf"|[\x{{039E}}\x{{039F}}][{_LATER}\x{{0384}}-\x{{038F}}\x{{2015}}]"
    r"|[\x{221A}\x{AC}][\x{80}-\x{FF}\x{2020}-\x{2265}]|\x{201A}\x{C4}|[\x{251C}\x{252C}\x{0393}][\x{80}-\x{FF}\x{2500}-\x{2593}]"
)
"""What a first and a later byte of UTF-8 are read as, in the tables of western and central Europe, Russian, Greek, MacRoman and DOS."""
_TRANSCODED = {"fix_c1_controls": "windows-1252 read as latin-1"}
LOST = r"\x{FFFD}"
INVISIBLE: dict[str, tuple[str, str]] = {
    "control": ("control characters", r"[\x{00}-\x{08}\x{0B}\x{0C}\x{0E}-\x{1F}\x{7F}-\x{84}\x{86}-\x{9F}]"),
    "zero_width": ("zero-width characters", r"[\x{200B}\x{2060}-\x{2064}\x{FEFF}\x{00AD}\x{180E}\x{034F}\x{115F}\x{1160}\x{3164}\x{FFA0}]"),
    "direction": ("characters that turn the direction of reading", r"[\x{202A}-\x{202E}\x{2066}-\x{2069}]"),
    "hidden": (
        "characters of a hidden alphabet (tags, private use, noncharacters)",
        r"[\x{E0001}\x{E0020}-\x{E007F}\p{Co}\x{FDD0}-\x{FDEF}]",
    ),
}
"""Kind -> what it is, and its signs for RE2. Joiners (U+200C, U+200D), direction marks and variation selectors belong to spelling."""
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
_RIGHT_TO_LEFT = r"[\p{Hebrew}\p{Arabic}\p{Syriac}\p{Thaana}\p{Nko}]"


def mojibake(texts: pa.Array, *, tables: Counter[str] | None = None) -> Counts:
    """How many signs of each text were decoded wrongly (the difference in length to what it was), [n]; 0 where it is sound.

    `tables` counts the texts by how they were decoded: `utf-8 read as windows-1252`.
    """
    out = np.zeros(len(texts), dtype=np.int32)
    for i, text in suspects(texts, _COULD_BE):
        mended = repaired(text[:LONGEST])
        if mended.how:
            out[i] = max(1, len(text[:LONGEST]) - len(mended.text))
            if tables is not None:
                tables[mended.how] += 1
    return out


class Mended(NamedTuple):
    """A text as it was before it was decoded by the wrong table."""

    text: str
    how: str
    """`utf-8 read as windows-1252`; empty where the text is sound, and the same."""


def repaired(text: str) -> Mended:
    """The text as it was before it was decoded by the wrong table; the same text where it is sound."""
    fixed = fix_encoding_and_explain(text)
    named = [step[1] for step in fixed.explanation or () if step[0] in ("encode", "decode")]
    if len(named) > 1:
        return Mended(fixed.text, f"{named[1]} read as {named[0].removeprefix('sloppy-')}")
    wrong = fixed.explanation and fixed.text != text
    return Mended(fixed.text, _TRANSCODED.get(fixed.explanation[0][1], "decoded wrongly")) if wrong else Mended(text, "")


def lost(texts: pa.Array) -> Counts:
    """How many signs of each text could not be decoded and were replaced (U+FFFD), [n]."""
    return counted(texts, LOST)


def invisible(texts: pa.Array) -> dict[str, Counts]:
    """Kind of INVISIBLE -> how many of its signs each text has, [n].

    Signs that turn the direction are left where the text has letters that are written from the right; a byte order mark at the
    very beginning and the flags of England, Scotland and Wales are what they are.
    """
    out = {kind: counted(texts, pattern) for kind, (_, pattern) in INVISIBLE.items()}
    if out["direction"].any():
        out["direction"][matching(texts, _RIGHT_TO_LEFT)] = 0
    for i in np.flatnonzero(out["hidden"]):
        out["hidden"][i] -= sum(len(flag) - 1 for flag in _FLAG.findall(texts[int(i)].as_py()))
    return out
