"""Words of a text in any language, and n-grams of them as numbers.

Part of tasks/writing. On ASCII text the words are those of rouge-score (lower case, runs of letters and digits). Elsewhere rouge-score
drops every letter beyond a-z; here letters, digits and marks of all scripts count. Scripts that write no spaces (Han, kana, Thai, Lao,
Khmer, Myanmar) give one word per character, so that an n-gram of words exists there too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import regex
from numpy.typing import NDArray

Ints = NDArray[np.int64]

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Signs of the scripts that write no spaces between words."""
_WORD = regex.compile(rf"(?V1)[{UNSPACED}]\p{{M}}*+|[[\p{{L}}\p{{N}}\p{{M}}]--[{UNSPACED}]]++")
_ASCII_WORD = regex.compile(r"[a-z0-9]+")


def words(text: str) -> list[str]:
    """The words, in lower case."""
    lower = text.lower()
    return (_ASCII_WORD if lower.isascii() else _WORD).findall(lower)


class Vocabulary:
    """Words as whole numbers 0, 1, 2 …, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def learn(self, text: str) -> Ints:
        """The words of a text as numbers [w]; new words get new numbers."""
        known = self._numbers
        return np.fromiter((known.setdefault(word, len(known)) for word in words(text)), dtype=np.int64)

    def known(self, text: str) -> Ints:
        """The words of a text as numbers [w], -1 for those never learned."""
        known = self._numbers
        return np.fromiter((known.get(word, -1) for word in words(text)), dtype=np.int64)


def windows(numbers: Ints, n: int) -> Ints:
    """All n-grams of the numbers in order: [max(w - n + 1, 0), n], a view."""
    if len(numbers) < n:
        return np.empty((0, n), dtype=np.int64)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(numbers, n))


def characters(text: str) -> Ints:
    """The code points of a text [c]; half a surrogate pair is one too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)


def lengths(texts: Sequence[str]) -> Ints:
    """Words per text [n]."""
    return np.array([len(words(text)) for text in texts], dtype=np.int64)
