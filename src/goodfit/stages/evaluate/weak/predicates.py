"""What may be said of a row that could make it hard: length, spelling, signs, language, group, words, neighbourhood, class.

Part of evaluate. Everything is fitted to validation rows without a look at labels or errors (quartiles, frequent words, the frozen
encoder's clusters of the training rows), so that the search over all of it keeps its error rate; then it is asked of any rows. The
predicted class is no predicate: within a class every row that is predicted as another one is a mistake.

Shapes: n rows, d dimensions, L labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.feature_extraction.text import CountVectorizer

from goodfit.data.clean.language import languages_of, name_of

LEAST_ROWS, LEAST_SHARE, MOST_SHARE = 30, 0.01, 0.5
"""Rows of a slice."""
WORD_SHARE = 0.02
"""Share of rows in which a word must stand to be a predicate."""
WORDS = 250
"""Words that are predicates, the most frequent first."""
CLUSTERS = (4, 24)
READ = 5_000
"""Characters of a text that are looked at."""
_TOKEN = r"(?u)\b\w\w+\b"
_NEGATION = re.compile(
    r"\b(not|no|never|none|nothing|cannot|without|nicht|nie|nichts|kein\w*|ohne|ne|pas|jamais|rien|sans|nunca|nada|sin|non|mai|senza|niet|geen"
    r"|não|sem|nie|nic|bez|нет|не|никогда)\b|n['’]t\b",  # noqa: RUF001
    re.IGNORECASE,
)
SIGNS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "question mark": ("a question mark", lambda text: any(sign in text for sign in "?？؟")),  # noqa: RUF001
    "exclamation mark": ("an exclamation mark", lambda text: any(sign in text for sign in "!！")),  # noqa: RUF001
    "digits": ("digits", lambda text: any(c.isdigit() for c in text)),
    "negation": ("a negation", lambda text: _NEGATION.search(text) is not None),
    "capitals": ("mostly capital letters", lambda text: _share(text, str.isupper) > 0.5),
    "lower case": ("no capital letter", lambda text: any(c.islower() for c in text) and not any(c.isupper() for c in text)),
    "address": ("a web address or a handle", lambda text: re.search(r"https?://|www\.|(?<!\w)@\w", text) is not None),
    "symbols": ("emoji or other symbols", lambda text: any(ord(c) > 0x2190 and not c.isalnum() and not c.isspace() for c in text)),
    "lines": ("several lines", lambda text: "\n" in text.strip()),
}
"""Family -> (what such a text has, its test)."""


def _share(text: str, test: Callable[[str], bool]) -> float:
    """Share of the letters that pass; 0 below three letters."""
    letters = [c for c in text if c.isalpha()]
    return sum(map(test, letters)) / len(letters) if len(letters) > 2 else 0.0


@dataclass(frozen=True)
class Rows:
    """Rows of one split as predicates see them."""

    texts: Sequence[str]
    carried: NDArray[np.bool_]
    """[n, L] labels."""
    tokens: NDArray[np.int64]
    """[n]"""
    groups: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    """Axis -> member of every row."""
    vectors: NDArray[np.float32] | None = None
    """[n, d] unit vectors of the frozen encoder."""

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, places: NDArray[np.int64]) -> Rows:
        """Some of the rows."""
        index = places.tolist()
        groups = {axis: [members[i] for i in index] for axis, members in self.groups.items()}
        vectors = None if self.vectors is None else self.vectors[places]
        return Rows([self.texts[i] for i in index], self.carried[places], self.tokens[places], groups, vectors)

    @cached_property
    def seen(self) -> list[str]:
        """As much of every text as is looked at."""
        return [text[:READ] for text in self.texts]

    @cached_property
    def languages(self) -> list[str]:
        """The language of every text, empty where it is not sure."""
        return languages_of(self.seen)

    @cached_property
    def words(self) -> NDArray[np.int64]:
        """[n] words, as spaces cut them."""
        return np.array([len(text.split()) for text in self.texts], dtype=np.int64)

    @cached_property
    def characters(self) -> NDArray[np.int64]:
        """[n]"""
        return np.array([len(text) for text in self.texts], dtype=np.int64)


@dataclass(frozen=True)
class Predicate:
    """One thing that may be said of a row."""

    name: str
    """`length > 20 words`, `label = bug`, `contains "refund"`."""
    family: str
    """Two of one family are never combined."""
    test: Callable[[Rows], NDArray[np.bool_]]
    """[n]"""


def predicates_of(valid: Rows, labels: Sequence[str], training: NDArray[np.float32] | None, seed: int) -> list[Predicate]:
    """All predicates, fitted to validation rows; `training` [m, d]: vectors of training rows, where there is an encoder."""
    made = [*_classes(labels), *_lengths(valid), *_signs(), *_languages(valid), *_groups(valid), *_words(valid)]
    return [*made, *(_neighbourhood(valid, training, seed) if training is not None and valid.vectors is not None else ())]


def bounds(n: int) -> tuple[int, int]:
    """Fewest and most rows of a slice."""
    return int(max(LEAST_ROWS, np.ceil(LEAST_SHARE * n))), int(MOST_SHARE * n)


def _classes(labels: Sequence[str]) -> Iterator[Predicate]:
    for place, name in enumerate(labels):
        yield Predicate(f"label = {name}", "label", _column(place))


def _column(place: int) -> Callable[[Rows], NDArray[np.bool_]]:
    return lambda rows: np.asarray(rows.carried[:, place])


Measure = Callable[[Rows], NDArray[Any]]


def _lengths(valid: Rows) -> Iterator[Predicate]:
    """Quartiles of length (characters where spaces do not cut words), of tokens per word, and of letters per word."""
    spaced = bool(np.median(valid.words) > 2 or np.median(valid.characters) < 30)
    unit = "words" if spaced else "characters"
    yield from _quartiles("length", unit, (lambda rows: rows.words) if spaced else (lambda rows: rows.characters), valid)
    each: Measure = lambda rows: rows.tokens / np.maximum(rows.words if spaced else rows.characters, 1)  # noqa: E731
    yield from _quartiles("tokens", f"tokens per {unit.removesuffix('s')}", each, valid, ends_only=True)
    if spaced:
        letters: Measure = lambda rows: (rows.characters - rows.words + 1) / np.maximum(rows.words, 1)  # noqa: E731
        yield from _quartiles("word length", "letters per word", letters, valid, ends_only=True)


def _quartiles(family: str, unit: str, measure: Measure, valid: Rows, *, ends_only: bool = False) -> Iterator[Predicate]:
    values = measure(valid)
    edges = np.unique(np.quantile(values, (0.25, 0.5, 0.75))) if len(values) else np.zeros(0)
    if not len(edges):
        return
    number = "{:.0f}" if np.allclose(edges, np.round(edges)) else "{:.2f}"
    said = [number.format(edge) for edge in edges]
    name = family if family == "length" else unit
    ending = f" {unit}" if family == "length" else ""
    yield Predicate(f"{name} <= {said[0]}{ending}", family, lambda rows: np.asarray(measure(rows) <= edges[0]))
    yield Predicate(f"{name} > {said[-1]}{ending}", family, lambda rows: np.asarray(measure(rows) > edges[-1]))
    if ends_only:
        return
    for low, high, a, b in zip(edges, edges[1:], said, said[1:], strict=False):
        yield Predicate(f"{name} {a} < n <= {b}{ending}", family, _between(measure, float(low), float(high)))


def _between(measure: Measure, low: float, high: float) -> Callable[[Rows], NDArray[np.bool_]]:
    return lambda rows: np.asarray((measure(rows) > low) & (measure(rows) <= high))


def _signs() -> Iterator[Predicate]:
    for family, (what, test) in SIGNS.items():
        yield Predicate(f"has {what}", family, _has(test))


def _has(test: Callable[[str], bool]) -> Callable[[Rows], NDArray[np.bool_]]:
    return lambda rows: np.fromiter(map(test, rows.seen), dtype=bool, count=len(rows))


def _languages(valid: Rows) -> Iterator[Predicate]:
    least, _ = bounds(len(valid))
    codes, counts = np.unique(np.array(valid.languages, dtype=object).astype(str), return_counts=True)
    held = [str(code) for code, n in zip(codes, counts, strict=True) if n >= least]
    if len(held) < 2:
        return
    for code in held:
        name = f"language = {name_of(code)}" if code else "language not sure (too short, mixed)"
        yield Predicate(name, "language", _is_language(code))


def _is_language(code: str) -> Callable[[Rows], NDArray[np.bool_]]:
    return lambda rows: np.array([one == code for one in rows.languages], dtype=bool)


def _groups(valid: Rows) -> Iterator[Predicate]:
    least, _ = bounds(len(valid))
    for axis, members in valid.groups.items():
        names, counts = np.unique([str(member) for member in members if member is not None], return_counts=True)
        for name, n in zip(names.tolist(), counts.tolist(), strict=True):
            if n >= least:
                yield Predicate(f"{axis} = {name}", f"group {axis}", _is_member(axis, name))


def _is_member(axis: str, name: str) -> Callable[[Rows], NDArray[np.bool_]]:
    return lambda rows: np.array([member is not None and str(member) == name for member in rows.groups[axis]], dtype=bool)


def _words(valid: Rows) -> Iterator[Predicate]:
    """Words that stand in 2% to half of the rows; pairs of signs where no word does (scripts without spaces)."""
    n = len(valid)
    least, most = max(bounds(n)[0], int(np.ceil(WORD_SHARE * n))), bounds(n)[1]
    if least > most:
        return
    for way in ({"token_pattern": _TOKEN}, {"analyzer": "char", "ngram_range": (2, 2)}):
        counter = CountVectorizer(binary=True, min_df=least, max_df=most, max_features=WORDS, **way)
        try:
            counter.fit(valid.seen)
        except ValueError:  # no word stands in so many rows
            continue
        names = [name for name in counter.get_feature_names_out().tolist() if name.strip()]
        reader = _WordReader(counter)
        yield from (Predicate(f'contains "{name}"', "word", reader.has(name)) for name in names)
        return


class _WordReader:
    """Which rows have which words: all words of some rows are looked up at once."""

    def __init__(self, counter: Any) -> None:
        self._counter = counter
        self._of: tuple[int, Any] = (0, None)

    def has(self, word: str) -> Callable[[Rows], NDArray[np.bool_]]:
        place = self._counter.vocabulary_[word]
        return lambda rows: np.asarray(self._counts(rows)[:, [place]].toarray()[:, 0] > 0)

    def _counts(self, rows: Rows) -> Any:
        if self._of[0] != id(rows):
            self._of = (id(rows), self._counter.transform(rows.seen).tocsc())
        return self._of[1]


def _neighbourhood(valid: Rows, training: NDArray[np.float32], seed: int) -> Iterator[Predicate]:
    """Clusters of the training rows, and how far the nearest training row is."""
    assert valid.vectors is not None
    k = int(np.clip(round(np.sqrt(len(valid)) / 3), *CLUSTERS))
    if len(training) >= 10 * k:
        fitted = MiniBatchKMeans(k, n_init=3, random_state=seed, batch_size=2048).fit(training)
        centres = fitted.cluster_centers_ / np.maximum(np.linalg.norm(fitted.cluster_centers_, axis=1, keepdims=True), 1e-12)
        for place in range(k):
            yield Predicate(f"topic {place + 1} (a cluster of like texts)", "topic", _in_cluster(centres, place))
    far = _distance(training)
    edges = np.quantile(far(valid), (0.25, 0.75))
    if edges[0] < edges[1]:
        yield Predicate("unlike the training rows (furthest quarter)", "novelty", lambda rows: np.asarray(far(rows) > edges[1]))
        yield Predicate("close to a training row (nearest quarter)", "novelty", lambda rows: np.asarray(far(rows) <= edges[0]))


def _in_cluster(centres: NDArray[Any], place: int) -> Callable[[Rows], NDArray[np.bool_]]:
    return lambda rows: np.asarray((rows.vectors @ centres.T).argmax(axis=1) == place)


def _distance(training: NDArray[np.float32]) -> Measure:
    """[n] cosine distance to the nearest training row, kept for the rows last asked."""
    kept: dict[int, NDArray[np.float32]] = {}

    def far(rows: Rows) -> NDArray[np.float32]:
        if id(rows) not in kept:
            assert rows.vectors is not None
            parts = [1 - (rows.vectors[at : at + 512] @ training.T).max(axis=1) for at in range(0, len(rows), 512)]
            kept.clear()
            kept[id(rows)] = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return kept[id(rows)]

    return far
