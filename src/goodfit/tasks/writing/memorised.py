"""Memorised: runs of words of the training answers that stand in what was written.

Part of tasks/writing. Training texts are streamed past (`see`); memory holds only the n-grams of the answers themselves, so it does not
grow with the training set. Words are numbered by the answers' own vocabulary, so that equal n-grams are equal up to a 64-bit hash.

A run is words in a row of which every `words` (8) stand together in some training text: where two training texts overlap, a run may pass
from one to the other. What stands in the row's own prompt is not memory. Phrases that any answer holds (a format, a licence) count too:
compare with the same share of the references.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from goodfit.tasks.writing.words import Ints, Vocabulary, windows

WORDS = 8
"""Words in a row from which a text counts as copied."""
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Memorised:
    """What of some answers stands word for word in training texts."""

    def __init__(self, answers: Sequence[str], prompts: Sequence[str] | None = None, *, words: int = WORDS) -> None:
        """Takes answers and their own prompts [n]."""
        if prompts is not None and len(prompts) != len(answers):
            raise ValueError(f"{len(prompts)} prompts for {len(answers)} answers")
        self._n, self._words = len(answers), words
        vocabulary = Vocabulary()
        grams = [_hashed(vocabulary.learn(text), words) for text in answers]
        own = [_hashed(vocabulary.known(text), words) for text in prompts or [""] * len(answers)]
        self._grams, self._vocabulary = grams, vocabulary
        self._prompted = [np.isin(ours, theirs) for ours, theirs in zip(grams, own, strict=True)]
        self._known = np.unique(np.concatenate([*grams, np.empty(0, dtype=np.uint64)]))
        self._seen = np.zeros(len(self._known), dtype=np.bool_)

    def see(self, texts: Iterable[str]) -> Memorised:
        """Streams training texts past; may be called again with more of them."""
        if not len(self._known):
            return self
        for text in texts:
            grams = _hashed(self._vocabulary.known(text), self._words)
            place = np.minimum(np.searchsorted(self._known, grams), len(self._known) - 1)
            self._seen[place[self._known[place] == grams]] = True
        return self

    def longest(self) -> Ints:
        """Words in the longest copied run of every answer [n]; 0 where it is shorter than `words`."""
        return np.array([self._longest(i) for i in range(self._n)], dtype=np.int64)

    def copied(self) -> NDArray[np.bool_]:
        """Which answers hold a copied run [n]."""
        return np.asarray(self.longest() > 0)

    def _longest(self, i: int) -> int:
        grams = self._grams[i]
        if not len(grams):
            return 0
        hit = self._seen[np.searchsorted(self._known, grams)] & ~self._prompted[i]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], hit, [False]]).astype(np.int8)))
        run = int((edges[1::2] - edges[::2]).max(initial=0))
        return run + self._words - 1 if run else 0


def _hashed(numbers: Ints, n: int) -> NDArray[np.uint64]:
    """A 64-bit hash of every n-gram; those with a word that is not known (-1) are left out."""
    grams = windows(numbers, n)
    grams = grams[(grams >= 0).all(axis=1)]
    out = np.zeros(len(grams), dtype=np.uint64)
    for column in grams.T:
        out = (out ^ (column.astype(np.uint64) + np.uint64(1))) * _MIX
        out ^= out >> np.uint64(29)
    return out
