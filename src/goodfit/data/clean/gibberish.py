"""Gibberish: letters that no language puts side by side (keyboard mash), and one sign or syllable over and over.

Layer: data. For the Latin script: the mean level of a text's pairs of letters (letters.txt: 31 languages; a pair's level rises by one
from one in 10,000 to one in ten), under the language that fits best. Sentences of 60 languages that are not all in the table stay
above 7 in 99 of 100 cases; keys struck at random lie at about 5.5. Numbers, addresses, words in capitals and identifiers are left
out, so that code and lists of codes are not judged. Texts in other scripts are judged for repetition only.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.clean.columns import Mask, matching
from goodfit.data.clean.language import identified

TABLE = Path(__file__).with_name("letters.txt")
LEAST_PAIRS = 10
"""Pairs of letters without which nothing is said."""
LEAST_KEYS = 7
"""Letters side by side on a keyboard without which nothing is said: `qwer` may be a name."""
MASH = 6.4
"""Mean level below which the letters are struck at random."""
WITHOUT = 7.0
"""The same without the text's rarest word, which may be an abbreviation or a name."""
SHARE = 0.6
"""Share of a text's letters that must be judged."""
SURE = 0.9
"""Probability of a language from which a text is a text, whatever its letters."""
PREFILTER = 8.2
"""The same by the generous table, from which no text is looked at."""
LOOKED_AT = 400
"""Characters of a text that are looked at."""
BEGINNING = 48
"""Characters that show whether a text repeats itself."""
REPEATED = 0.9
"""Share of bytes equal to the one a few before."""
_LETTERS = {"ß": "s", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "a", "œ": "o", "ð": "d", "þ": "t", "ə": "e", "ŋ": "n", "ħ": "h",
            "ɓ": "b", "ɗ": "d", "ƙ": "k", "ɛ": "e", "ɔ": "o", "ƴ": "y"}  # fmt: skip
_NOT_WORDS = re.compile(r"\S*(?:://|www\.|[@#\\/_=<>{}()\[\]$])\S*|\S*\d\S*")
_WORD = re.compile(r"[^\W\d_]+")
_ROWS = tuple(
    row + " " + row[::-1]
    for row in (
        "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm", "йцукенгшщзхъ", "фывапролджэ",
        "ячсмитьбю",
    )
)  # fmt: skip
"""Keys side by side, there and back."""
_KEYS = r"(?i)asdf|sdfg|dfgh|fghj|ghjk|hjkl|lkjh|kjhg|fdsa|qwer|zxcv|xcvb|cvbn|uiop|poiu|йцук|цуке|фыва|ывап|прол|ячсм"
"""The same for RE2."""
_RUN = re.compile(r"(.)\1{2,}")
_ONCE = re.compile(r"\s*(?:(?P<unit>\S{1,8}?)(?P=unit){3,}|(?P<word>\S{1,8})(?:\s{1,3}(?P=word)){5,})")
_LAUGHS = re.compile(r"(?i)(?=(.)(?!\1))(?:[ahejioxkw]{2,4}|[ахе]{2,4})|lo+l|[哈呵嘿ㅋㅎㅠㅜ草笑w5هחהk]|rs|[^\w\s]+")


def gibberish(texts: pa.Array) -> Mask:
    """Texts that are struck at random, or one sign or syllable over and over, [n]."""
    out = np.zeros(len(texts), dtype=bool)
    cut = pc.utf8_slice_codeunits(texts, 0, LOOKED_AT)
    for i in np.flatnonzero(_unusual(cut) | matching(cut, _KEYS) | _repeating(pc.utf8_slice_codeunits(cut, 0, BEGINNING))):
        text = cut[int(i)].as_py()
        out[i] = is_repeated(text) or is_along_keys(text) or is_mash(text)
    return out


def is_mash(text: str) -> bool:
    """Whether the letters of a text are struck at random."""
    words = [word for word in _WORD.findall(_NOT_WORDS.sub(" ", text)) if word[1:].islower() and len(word) > 1]
    codes = [folded(_RUN.sub(r"\1", word)) for word in words]
    (level, pairs), judged, letters = usual(codes), sum(map(len, words)), sum(map(str.isalpha, text))
    if pairs < LEAST_PAIRS or judged < SHARE * letters or level >= MASH or usual(_without_rarest(codes))[0] >= WITHOUT:
        return False
    return identified(text).probability < SURE or identified(text).code == ""


def is_along_keys(text: str) -> bool:
    """Whether most of a text is words of four letters or more that lie side by side on a keyboard."""
    words = [word.lower() for word in _WORD.findall(text)]
    along = [word for word in words if len(word) > 3 and any(word in row for row in _ROWS)]
    return sum(map(len, along)) >= max(LEAST_KEYS, SHARE * sum(map(len, words)))


def _without_rarest(words: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """One word may be an abbreviation, or a name."""
    rarest = min(range(len(words)), key=lambda i: usual(words[i : i + 1])[0])
    return words if len(words) == 1 else words[:rarest] + words[rarest + 1 :]


def is_repeated(text: str) -> bool:
    """Whether a text is one sign or syllable over and over; laughter and rows of punctuation are not."""
    found = _ONCE.match(text)
    return (
        found is not None
        and found.end() >= REPEATED * len(text.rstrip())
        and found.end() >= 8
        and not _LAUGHS.fullmatch(found[1] or found[2])
    )


def usual(words: list[tuple[int, ...]]) -> tuple[float, int]:
    """Mean level of all pairs of letters in the language that fits best, and how many pairs there are (9.0 and 0 for none)."""
    pairs = [(a, b) for word in words for a, b in zip(word, word[1:]) if a >= 0 and b >= 0]
    if not pairs:
        return 9.0, 0
    first, second = np.array(pairs).T
    return float(_tables()[:, first, second].mean(axis=1).max()), len(pairs)


def folded(text: str) -> tuple[int, ...]:
    """Letters as 0 (a) to 25 (z), without accents; -1 for any other sign."""
    plain = unicodedata.normalize("NFKD", "".join(_LETTERS.get(c, c) for c in text.lower()))
    return tuple(ord(c) - 97 if "a" <= c <= "z" else -1 for c in plain if not unicodedata.combining(c))


# -- which texts to look at: over whole columns, read from the Arrow buffers ------------------------------------------------


def _unusual(texts: pa.Array) -> Mask:
    """Texts whose pairs of plain letters are rarer than words ever are, by the most generous language of each pair, or nearly so."""
    data, offsets = _bytes(texts)
    if not len(data):
        return np.zeros(len(texts), dtype=bool)
    codes = _CODES[data]
    # Row 26 and column 26 hold zeros: a pair with another sign counts for nothing.
    known = (codes[:-1] < 26) & (codes[1:] < 26)
    level = _common()[codes[:-1], codes[1:]]
    pairs, total = _sums(known, offsets), _sums(level, offsets)
    return (pairs >= LEAST_PAIRS) & (total < PREFILTER * pairs)


def _repeating(texts: pa.Array) -> Mask:
    """Texts in which nearly every byte equals the one 1 to 8 before."""
    data, offsets = _bytes(texts)
    length = np.diff(offsets)
    out = np.zeros(len(texts), dtype=bool)
    for lag in range(1, 9):
        if len(data) > lag:
            same = _sums(data[lag:] == data[:-lag], np.minimum(offsets, len(data) - lag))
            out |= (length >= 8) & (same >= REPEATED * (length - 2 * lag)) & (length > 3 * lag)
    return out


def _bytes(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The UTF-8 bytes of all texts one after another, and where each begins [n + 1]."""
    array = pa.concat_arrays([texts.fill_null("")])
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32, count=len(array) + 1).astype(np.int64) if len(array) else np.zeros(1, np.int64)
    whole = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, np.uint8)
    return whole[bounds[0] : bounds[-1]], bounds - bounds[0]


def _sums(values: npt.NDArray[np.generic], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sum of the values between each two offsets, [n]."""
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
    ends = np.minimum(offsets, len(values))
    out: npt.NDArray[np.int64] = running[ends[1:]] - running[ends[:-1]]
    return out


_CODES = np.full(256, 26, dtype=np.uint8)
for _place in range(26):
    _CODES[ord("a") + _place] = _CODES[ord("A") + _place] = _place


@lru_cache(maxsize=1)
def _tables() -> npt.NDArray[np.int8]:
    """Levels [languages, 26, 26]."""
    lines = TABLE.read_text(encoding="utf-8").split()[1::2]
    return np.array([[int(c) for c in line] for line in lines], dtype=np.int8).reshape(-1, 26, 26)


@lru_cache(maxsize=1)
def _common() -> npt.NDArray[np.int8]:
    """For each pair its level in the language where it is commonest, with a row and a column of zeros for other signs."""
    return np.pad(_tables().max(axis=0), ((0, 1), (0, 1)))
