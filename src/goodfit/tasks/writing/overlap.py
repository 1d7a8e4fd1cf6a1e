"""How much of what was written stands in its reference: chrF and ROUGE-L.

Part of tasks/writing. Shapes: n rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from goodfit.tasks.writing.words import Ints, characters, words

ORDERS = 6
"""chrF counts character n-grams up to this length."""
MOST_WORDS = 20_000
"""ROUGE-L reads this many words of each text: what lies beyond has no place in an answer, and the time grows with the product."""


def chrf_counts(predictions: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
    """What each row adds to the corpus chrF: n-grams of the reference, of the prediction, and common, by order 1..6: [n, 18].

    As sacrebleu's CHRF with its defaults: case kept, white space removed, and where the reference has no n-gram of an order, those of the
    prediction do not count.
    """
    rows = [_common(prediction, reference) for prediction, reference in zip(predictions, references, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 3 * ORDERS)


def _common(prediction: str, reference: str) -> list[int]:
    """Counts of one row. N-grams of order k are numbered exactly, as pairs of an n-gram of order k - 1 and a character."""
    ours, theirs = characters("".join(prediction.split())), characters("".join(reference.split()))
    _, letter = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    a, b = letter[: len(ours)].astype(np.int64), letter[len(ours) :].astype(np.int64)
    letters, first_a, first_b = int(letter.max()) + 1 if len(letter) else 0, a, b
    wanted, written, common = [], [], []
    for order in range(1, ORDERS + 1):
        if order > 1:
            pairs = np.concatenate([a[: len(a) - 1] * letters + first_a[order - 1 :], b[: len(b) - 1] * letters + first_b[order - 1 :]])
            cut = max(len(a) - 1, 0)
            pairs = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
            a, b = pairs[:cut], pairs[cut:]
        wanted.append(len(b))
        written.append(len(a) if len(b) else 0)
        kinds = int(max(a.max(initial=-1), b.max(initial=-1))) + 1
        common.append(int(np.minimum(np.bincount(a, minlength=kinds), np.bincount(b, minlength=kinds)).sum()))
    return wanted + written + common


def rouge_l(predictions: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
    """ROUGE-L per row [n]: F1 of the longest common subsequence of words, as rouge-score without stemmer; two texts without words: 1.

    Words: see `words` (the same as rouge-score's on ASCII text).
    """
    return np.array([_rouge_l(words(p), words(r)) for p, r in zip(predictions, references, strict=True)], dtype=np.float64)


def _rouge_l(ours: list[str], theirs: list[str]) -> float:
    if not ours and not theirs:
        return 1.0
    common = longest_common(ours[:MOST_WORDS], theirs[:MOST_WORDS])
    return 2 * common / (min(len(ours), MOST_WORDS) + min(len(theirs), MOST_WORDS))


def longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, 64 cells at a time (Hyyrö 2004): whole numbers as rows of bits of b."""
    places: dict[str, int] = {}
    for place, word in enumerate(b):
        places[word] = places.get(word, 0) | 1 << place
    everything = (1 << len(b)) - 1
    row = everything
    for word in a:
        hit = row & places.get(word, 0)
        if hit:
            row = (row + hit | row - hit) & everything
    return len(b) - row.bit_count()


def distinct_counts(texts: Sequence[Ints], n: int, clusters: Ints | None = None) -> NDArray[np.float64]:
    """What each row adds to the share of distinct n-grams, as `statistics.written.distinct` takes it: [rows, 3].

    `texts` are words as numbers. N-grams do not reach over the end of a text. A kind that several units (rows, clusters) have is spread
    over all rows, one that a single unit has over that unit's rows.
    """
    rows = len(texts)
    unit_of = np.arange(rows) if clusters is None else np.asarray(clusters)
    size = np.array([max(len(text) - n + 1, 0) for text in texts], dtype=np.int64)
    if not size.sum():
        return np.zeros((rows, 3))
    kind, text_of = _numbered(texts, n), np.repeat(np.arange(rows), size)
    units = int(unit_of.max()) + 1
    seen = np.unique(kind * units + unit_of[text_of])
    shared = np.bincount(seen // units) > 1
    own = np.bincount(seen[~shared[seen // units]] % units, minlength=units)
    per_row = own[unit_of] / np.bincount(unit_of, minlength=units)[unit_of]
    return np.column_stack([size, per_row, np.full(rows, shared.sum() / rows)]).astype(np.float64)


def _numbered(texts: Sequence[Ints], n: int) -> Ints:
    """Every n-gram of every text, equal ones with equal numbers."""
    kind = np.concatenate(list(texts)).astype(np.int64)
    for step in range(1, n):
        later = _shifted(texts, step)
        kind = np.unique(kind * (int(later.max()) + 2) + later + 1, return_inverse=True)[1].astype(np.int64)
    return kind[_shifted(texts, n - 1) >= 0]


def _shifted(texts: Sequence[Ints], step: int) -> Ints:
    """The word `step` places later in the same text, -1 beyond its end."""
    return np.concatenate([np.concatenate([text[step:], np.full(min(step, len(text)), -1)]) for text in texts]).astype(np.int64)
