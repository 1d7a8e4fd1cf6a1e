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
from goodfit.data.clean.language import identified

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
_ONE_BYTE = r"[\x{80}-\x{FF}]{4}"
"""Runs of the upper half of the Latin table, in which no language writes words."""
_RUNS = re.compile(r"[\x80-\xff\u0152-\u0192\u02c6\u02dc\u2013-\u2122]{3,}")
_TABLES: dict[str, frozenset[str]] = {
    "windows-1251": frozenset({"ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "mn", "tt"}), "koi8-r": frozenset({"ru", "bg"}),
    "gb18030": frozenset({"zh"}), "big5": frozenset({"zh", "yue"}), "shift_jis": frozenset({"ja"}), "euc-jp": frozenset({"ja"}),
    "euc-kr": frozenset({"ko"}), "iso8859-7": frozenset({"el"}), "windows-1255": frozenset({"he"}),
    "windows-1256": frozenset({"ar", "fa", "ur"}),
}  # fmt: skip
"""Table -> the languages that are written with it."""
LIKELY = 0.6
"""Probability of its language from which a text of another alphabet is believed: no Latin text comes near."""
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
    for i, text in suspects(texts, _COULD_BE + "|" + _ONE_BYTE):
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
    """The text as it was before it was decoded by the wrong table; the same text where it is sound.

    UTF-8 that was read by a one-byte table: ftfy. A text of another alphabet that was read as Latin: every table is tried, and believed
    where the text is then surely in a language that is written with it.
    """
    inside = sum(map(len, _RUNS.findall(text)))
    if inside > 0.5 * len(text.replace(" ", "")) and (other := _of_another_alphabet(text)).how:
        return other
    fixed = fix_encoding_and_explain(text)
    named = [step[1] for step in fixed.explanation or () if step[0] in ("encode", "decode")]
    if len(named) > 1:
        return Mended(fixed.text, f"{named[1]} read as {named[0].removeprefix('sloppy-')}")
    return Mended(fixed.text, "parts decoded by another table" if fixed.text != text else "")


def _of_another_alphabet(text: str) -> Mended:
    best, sure = Mended(text, ""), LIKELY
    for read_as in ("latin-1", "windows-1252"):
        for table, languages in _TABLES.items():
            mended = _recoded(text, read_as, table)
            found = identified(mended)
            if found.code in languages and found.probability > sure:
                best, sure = Mended(mended, f"{table} read as {read_as}"), found.probability
    return best


def _recoded(text: str, read_as: str, table: str) -> str:
    """The text by another table; nothing where it cannot be."""
    try:
        return text.encode(read_as).decode(table)
    except UnicodeError:
        return ""


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
