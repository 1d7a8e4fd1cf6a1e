"""Counting in a column of texts, marking rows, dividing a text into spans: what the scanners of this package share. Layer: data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Counts = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
SIGN = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
"""A sign of Chinese, Japanese or Korean, which says more than a letter."""


def counted(texts: pa.Array, pattern: str) -> Counts:
    """How often RE2 finds a pattern in each text, [n]; 0 where the text is missing."""
    out: Counts = pc.count_substring_regex(texts, pattern=pattern).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int32)
    return out


def matching(texts: pa.Array, pattern: str) -> Mask:
    """Whether RE2 finds a pattern in each text, [n]; not where the text is missing."""
    out: Mask = pc.match_substring_regex(texts, pattern).fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    return out


def suspects(texts: pa.Array, pattern: str) -> Iterator[tuple[int, str]]:
    """Place and text of those in which RE2 finds a pattern."""
    for i in np.flatnonzero(matching(texts, pattern)):
        yield int(i), str(texts[int(i)])


def claim(taken: bytearray, begin: int, end: int) -> bool:
    """Takes a span of a text of `len(taken)` characters, unless some of it is taken: what is found in many places is compared once."""
    if any(taken[begin:end]):
        return False
    taken[begin:end] = b"\1" * (end - begin)
    return True
