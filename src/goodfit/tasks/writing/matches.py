r"""Answers that are right or wrong as a whole: exact, numeric and pattern match.

Part of tasks/writing. Shapes: n rows.

Numbers, read by these rules: the last number of the text counts, after the last `####` where there is one (GSM8K). Commas before groups of
three digits are thousands (`1,234`), as are points where several such groups stand or a decimal comma follows (`1.234.567`,
`1.234,56`), apostrophes and narrow or non-breaking spaces; another comma is a decimal one (`3,5`). `1.234` is a decimal. A minus counts
where no letter or digit stands before it (`10-5` ends in 5); currency signs may stand between. `%` is left out of account: 50% is 50,
not 0.5. `3/4` is a fraction, `1/2/2024` is not.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import deque
from collections.abc import Sequence

import numpy as np
import regex
from numpy.typing import NDArray

from goodfit.errors import SettingsError

Flags = NDArray[np.bool_]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.,])[-+−–])?(?P<currency>[$€£¥₹]\s?(?P<inner>[-−])?)?"
    r"(?:(?P<fraction>(?<![\d/])\d{1,15}/\d{1,15}(?![\d/]))"
    r"|(?P<plain>\d+(?:[.,'’_\u00a0\u202f]\d+)*)(?P<power>[eE][-+]?\d{1,4}(?!\w))?)"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:(?P<mark>[.,])\d{3})(?:(?P=mark)\d{3})*(?P<rest>[.,]\d+)?")
MOST_DIGITS = 400
"""A run of more characters is no number: no float holds it."""
PATTERN_SECONDS = 1.0
"""Time that a pattern may take on one row."""


def squad_normal(text: str) -> str:
    """The text as SQuAD's evaluation compares it: lower case, without ASCII punctuation and English articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(predictions: Sequence[str], references: Sequence[str]) -> Flags:
    """Equal after SQuAD's normalisation [n]; where nothing of the reference is left by it, the texts themselves are compared (NFC)."""
    return np.array([_same(p, r) for p, r in zip(predictions, references, strict=True)], dtype=np.bool_)


def _same(prediction: str, reference: str) -> bool:
    wanted = squad_normal(reference)
    if wanted:
        return squad_normal(prediction) == wanted
    return unicodedata.normalize("NFC", prediction.strip()) == unicodedata.normalize("NFC", reference.strip())


def last_number(text: str) -> float | None:
    """The last number of a text, None where there is none."""
    found = _last(text.rsplit("####", 1)[-1]) or _last(text)
    if found is None:
        return None
    value = _value(found)
    minus = (found["sign"] or found["inner"] or "+") != "+"
    return None if value is None or not math.isfinite(value) else -value if minus else value


def ends_in_number(text: str) -> bool:
    """Whether no letter stands after the last number of a text."""
    found = _last(text)
    return found is not None and not any(c.isalnum() for c in text[found.end() :])


def _last(text: str) -> re.Match[str] | None:
    return next(iter(deque(_NUMBER.finditer(text), maxlen=1)), None)


def _value(found: re.Match[str]) -> float | None:
    if found["fraction"]:
        over, under = found["fraction"].split("/")
        return int(over) / int(under) if int(under) else None
    digits = re.sub(r"['’_\u00a0\u202f]", "", found["plain"])
    if len(digits) > MOST_DIGITS:
        return None
    grouped = _THOUSANDS.fullmatch(digits)
    if grouped and (grouped["mark"] == "," or grouped["rest"] or digits.count(".") > 1):
        mark, rest = grouped["mark"], grouped["rest"] or ""
        if not rest.startswith(mark):
            return float(digits[: len(digits) - len(rest)].replace(mark, "") + rest.replace(",", ".") + (found["power"] or ""))
    if digits.count(",") == 1 and "." not in digits:
        digits = digits.replace(",", ".")
    parts = re.split(r"[.,]", digits)
    whole = digits if len(parts) <= 2 else parts[-1]
    return float(whole.replace(",", ".") + (found["power"] or ""))


def numeric_match(predictions: Sequence[str], references: Sequence[str], *, tolerance: float = 1e-6) -> tuple[Flags, Flags]:
    """(right, applies), each [n]: the last numbers agree within `tolerance` of their size; applies where the reference has one."""
    wanted = [last_number(text) for text in references]
    said = [last_number(text) for text in predictions]
    right = [
        ours is not None and theirs is not None and math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=1e-9)
        for ours, theirs in zip(said, wanted, strict=True)
    ]
    return np.array(right, dtype=np.bool_), np.array([number is not None for number in wanted], dtype=np.bool_)


def regex_match(predictions: Sequence[str], references: Sequence[str] | None, pattern: str) -> tuple[Flags, Flags]:
    """(right, applies), each [n].

    A pattern with a group: what the group holds in the last place where the pattern stands must be the same in the prediction and in the
    reference (white space at the ends left out); rows whose reference does not show the pattern do not apply. A pattern without a group,
    or no references: the pattern must stand in the prediction, every row applies. SettingsError for a broken or a runaway pattern.
    """
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise SettingsError(f"{pattern!r} is no regular expression: {error}", fix="escape special characters with a backslash") from None
    said = [_caught(compiled, text) for text in predictions]
    if references is None or compiled.groups == 0:
        return np.array([text is not None for text in said], dtype=np.bool_), np.ones(len(said), dtype=np.bool_)
    wanted = [_caught(compiled, text) for text in references]
    right = [ours is not None and ours == theirs for ours, theirs in zip(said, wanted, strict=True)]
    return np.array(right, dtype=np.bool_), np.array([text is not None for text in wanted], dtype=np.bool_)


def _caught(compiled: regex.Pattern[str], text: str) -> str | None:
    """What the first group holds (the whole match where there is none) in the last place; None where the pattern does not stand."""
    try:
        found = next(iter(deque(compiled.finditer(text, timeout=PATTERN_SECONDS), maxlen=1)), None)
    except TimeoutError:
        raise SettingsError(
            f"the pattern {compiled.pattern!r} takes more than {PATTERN_SECONDS:g} s on one answer",
            fix="nested repetition such as (a+)+ makes it explode; name the repeated characters once",
        ) from None
    if found is None:
        return None
    return (found[1] or "").strip() if compiled.groups else str(found[0])
