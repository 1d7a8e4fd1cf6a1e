"""TF-IDF features of words and character n-grams, in bounded memory.

Part of tasks.baselines, used by tfidf.py. The vocabulary and the weights come from at most VOCABULARY_CHARACTERS of training
text; all rows are then turned into features batch by batch, so that memory is that of the sparse matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

VOCABULARY_CHARACTERS = 5_000_000
LONGEST_TEXT = 20_000
"""Characters of a text that are looked at."""
BATCH = 4096
WORDS = r"(?u)\b\w+\b|[^\w\s]"
"""Words of any length, and each punctuation mark or emoji: `!`, `?` and `:)` carry sentiment."""


class TfidfFeatures:
    """Word 1-2-grams beside character 2-5-grams within words, each with sublinear term frequency and unit length."""

    def __init__(self, most: int, min_df: int) -> None:
        half = max(1, most // 2)
        common = {"sublinear_tf": True, "min_df": min_df, "max_features": half, "dtype": np.float32}
        self._parts = [
            TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORDS, **common),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common),
        ]
        self._used: list[Any] = []

    def fit(self, texts: Sequence[str]) -> TfidfFeatures:
        """Learn the vocabulary. A part that finds nothing (no word at all, no n-gram twice) is left out."""
        self._used = []
        for part in self._parts:
            try:
                part.fit(texts)
            except ValueError:  # "empty vocabulary" or "no terms remain": says scikit-learn
                continue
            self._used.append(part)
        return self

    @property
    def n_features(self) -> int:
        """Columns of the matrix; at least 1 (a column of zeros, where no feature was found)."""
        return max(1, sum(len(part.vocabulary_) for part in self._used))

    def transform(self, texts: Sequence[str]) -> Any:
        """Texts -> float32 CSR [n, n_features]."""
        if not self._used:
            return sparse.csr_matrix((len(texts), 1), dtype=np.float32)
        parts = [part.transform(texts) for part in self._used]
        return sparse.hstack(parts, format="csr", dtype=np.float32)


def gather(text: pa.ChunkedArray, index: NDArray[np.int64]) -> list[str]:
    """The texts at `index` (rising), cut at LONGEST_TEXT characters.

    Chunk by chunk: Arrow's own `take` would first copy all chunks into one, which has no room for more than 2 GB of text.
    """
    ends = np.cumsum([len(chunk) for chunk in text.chunks])
    out: list[str] = []
    for number, chunk in enumerate(text.chunks):
        first = int(ends[number]) - len(chunk)
        inside = index[np.searchsorted(index, first) : np.searchsorted(index, ends[number])] - first
        if len(inside):
            out += pc.utf8_slice_codeunits(chunk.take(pa.array(inside)), 0, LONGEST_TEXT).to_pylist()
    return out


def batches(text: pa.ChunkedArray, index: NDArray[np.int64]) -> Iterator[list[str]]:
    """The same, at most BATCH at a time."""
    for start in range(0, len(index), BATCH):
        yield gather(text, index[start : start + BATCH])


def characters(text: pa.ChunkedArray) -> NDArray[np.int64]:
    """Characters of each text that are looked at, int64 [n]."""
    lengths = pc.min_element_wise(pc.utf8_length(text), LONGEST_TEXT)
    return np.asarray(lengths.to_numpy(), dtype=np.int64)
