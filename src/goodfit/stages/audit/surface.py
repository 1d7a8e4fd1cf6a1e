"""What a text looks like without reading it: length, punctuation, case, digits, first word, source. Features for AUD011.

Every feature is computed by Arrow over whole columns; a row of 20,000 costs microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.stages.audit.scene import numpy_of

Matrix = npt.NDArray[np.float32]
Column = tuple[str, str, npt.NDArray[np.float64]]
"""Family, name, one value per text."""
FIRST_WORDS = 30
"""Commonest first words that get a feature of their own."""
COMMON = 20
"""Rows that a first word or a source needs for it."""
SOURCES = 50
"""Files beyond which the file says too little of a row to be a source."""
_COUNTED = {
    "punctuation": {
        "!": "!", "?": "?", ".": ".", ",": ",", ":": ":", ";": ";", "-": "-", "(": "(", '"': '"', "'": "'", "…": "…", "/": "/", "*": "*",
        "\n": "line breaks", "  ": "double spaces",
    },
    "markup": {"@": "@", "#": "#", "http": "links", "<": "<", "&": "&", "$": "$", "%": "%"},
}  # fmt: skip
"""Family -> what is counted in every text, as log(1 + n) -> its name."""
_SHARES = (
    ("case", r"\p{Lu}", "share of capitals"), ("digits", r"\p{Nd}", "share of digits"), ("punctuation", r"\p{P}", "share of punctuation"),
    ("markup", r"[^\x00-\x7f]", "share of characters beyond ASCII"), ("markup", r"\p{So}", "share of emoji and symbols"),
)  # fmt: skip
_FLAGS = (
    ("case", r"^\s*\p{Lu}", "begins with a capital"), ("case", r"^\P{Lu}*$", "no capitals"),
    ("case", r"\b\p{Lu}{3,}\b", "a word in capitals"), ("digits", r"\d{4,}", "a long number"), ("digits", r"^\s*\d", "begins with a digit"),
    ("punctuation", r"\.\s*$", "ends with ."), ("punctuation", r"\?\s*$", "ends with ?"), ("punctuation", r"!\s*$", "ends with !"),
    ("punctuation", r"[\p{L}\p{Nd}]\s*$", "ends without punctuation"), ("punctuation", r"^\s", "a space before the text"),
    ("punctuation", r"\s$", "a space after the text"), ("punctuation", r"[!?]{2,}", "!! or ??"), ("markup", r"^\W", "begins with a sign"),
)  # fmt: skip


@dataclass(frozen=True)
class Surface:
    """Features of n texts, shape (n, f): standardised, clipped at 8 standard deviations."""

    features: Matrix
    families: tuple[str, ...]
    """The family of every feature."""
    names: tuple[str, ...]
    """Every feature in words."""

    def only(self, family: str) -> Matrix:
        """The features of one family."""
        return self.features[:, [name == family for name in self.families]]


def surface_of(texts: pa.Array, files: pa.Array) -> Surface:
    """The features of some texts. First words and sources are chosen by their frequency; labels are not looked at."""
    columns = [*_lengths(texts), *_marks(texts), *_one_hot(_first_words(texts), "first word", FIRST_WORDS)]
    if 1 < len(pc.unique(files)) <= SOURCES:
        columns += _one_hot(files, "source", SOURCES)
    kept = [(family, name, column) for family, name, column in columns if np.ptp(column) > 0]
    if not kept:
        return Surface(np.zeros((len(texts), 0), np.float32), (), ())
    matrix = np.stack([(column - column.mean()) / column.std() for _, _, column in kept], axis=1)
    return Surface(
        np.clip(matrix, -8, 8).astype(np.float32), tuple(family for family, _, _ in kept), tuple(name for _, name, _ in kept)
    )  # fmt: skip


def _lengths(texts: pa.Array) -> list[Column]:
    length = numpy_of(pc.utf8_length(texts)).astype(np.float64)
    words = numpy_of(pc.count_substring_regex(texts, pattern=r"\S+")).astype(np.float64)
    each = length / np.maximum(words, 1)
    return [("length", "characters", np.log1p(length)), ("length", "words", np.log1p(words)), ("length", "length of words", each)]


def _marks(texts: pa.Array) -> list[Column]:
    length = np.maximum(numpy_of(pc.utf8_length(texts)), 1)
    counted = [
        (family, f"number of {name}", np.log1p(numpy_of(pc.count_substring(texts, pattern=pattern))))
        for family, patterns in _COUNTED.items()
        for pattern, name in patterns.items()
    ]
    shares = [(family, name, numpy_of(pc.count_substring_regex(texts, pattern=pattern)) / length) for family, pattern, name in _SHARES]
    flags = [
        (family, name, numpy_of(pc.match_substring_regex(texts, pattern=pattern)).astype(np.float64)) for family, pattern, name in _FLAGS
    ]
    return [*counted, *shares, *flags]


def _first_words(texts: pa.Array) -> pa.Array:
    found = pc.extract_regex(texts, pattern=r"^\s*(?P<word>[\p{L}\p{M}\p{N}']+)")
    return pc.utf8_lower(pc.struct_field(found, "word"))


def _one_hot(values: pa.Array, family: str, most: int) -> list[Column]:
    counted = pc.value_counts(values).to_pylist()
    common = sorted(((c["counts"], c["values"]) for c in counted if c["values"] is not None and c["counts"] >= COMMON), reverse=True)
    return [
        (family, f"{family} {value!r}", numpy_of(pc.equal(values, value).fill_null(False)).astype(np.float64)) for _, value in common[:most]
    ]
