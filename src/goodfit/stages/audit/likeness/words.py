"""Words by which one set of texts differs from another: log-odds with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008).

Part of audit. A word counts once per text, so that one long text does not name a set. Scripts without spaces are read as pairs of signs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

LONGEST = 2_000
"""Characters of a text that are read."""
VOCABULARY = 20_000
DOCUMENTS = 5
"""Texts that a word needs to stand in."""
SURE = 3.0
"""z from which a word is one of a set's."""
PRIOR = 500.0
"""Words that the prior is worth, at most; a tenth of what was counted where that is less."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")  # noqa: RUF001
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]")
Counts = NDArray[np.float64]


def words_of(text: str) -> list[str]:
    """Words in lower case; of scripts without spaces pairs of neighbouring signs."""
    out: list[str] = []
    for word in _WORD.findall(text[:LONGEST].lower()):
        if len(word) > 2 and _NO_SPACES.search(word):
            out += [word[i : i + 2] for i in range(len(word) - 1)]
        else:
            out.append(word)
    return out


def word_counts(texts: Sequence[str]) -> tuple[Any, list[str]]:
    """CSR [n, w]: 1 where a word stands in a text; and the words. Empty where no word stands in DOCUMENTS texts."""
    counter = CountVectorizer(analyzer=words_of, binary=True, min_df=min(DOCUMENTS, max(1, len(texts))), max_features=VOCABULARY)
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # no word, or none often enough
        return None, []
    return counts, counter.get_feature_names_out().tolist()


def distinctive(inside: Counts, outside: Counts, words: Sequence[str], most: int = 5) -> list[str]:
    """The words [w] that stand more often in the texts counted by `inside` than in those of `outside`, surest first.

    Only words in at least DOCUMENTS texts inside, at z > SURE.
    """
    if len(words) < 2 or inside.sum() == 0 or outside.sum() == 0:
        return []
    both = inside + outside
    prior = min(PRIOR, both.sum() / 10) * both / both.sum()
    known = both > 0
    z = np.full(len(both), -np.inf)
    odds = _log_odds((inside + prior)[known]) - _log_odds((outside + prior)[known])
    z[known] = odds / np.sqrt(1 / (inside + prior)[known] + 1 / (outside + prior)[known])
    best = np.argsort(-z, kind="stable")[: 4 * most]
    return [words[i] for i in best.tolist() if z[i] > SURE and inside[i] >= DOCUMENTS][:most]


def _log_odds(counts: Counts) -> Counts:
    out: Counts = np.log(counts / np.maximum(counts.sum() - counts, 1e-12))
    return out
