"""tfidf: logistic regression on word and character n-grams, its settings chosen by cross-validation on the training rows.

Part of tasks.baselines. The strong classic: within a few points of a fine-tuned model where words alone decide the class, far
behind where they do not. C comes from a grid; whether classes are balanced is tried where they differ in size; inner folds keep
clusters whole. Cost is bounded by counts, never by the clock, so that it is the same on every machine.

Shapes: n rows, F features, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score

from goodfit.tasks.baselines.common import Answers, TrainingRows
from goodfit.tasks.baselines.features import VOCABULARY_CHARACTERS, TfidfFeatures, batches, characters, gather
from goodfit.tasks.baselines.linear import FINE, ROUGH, Linear, Settings, fit_sigmoids, fit_softmax, folds
from goodfit.tasks.classification import Classification

MOST_ROWS = 100_000
MOST_CHARACTERS = 20_000_000
"""Training rows beyond either bound are sampled, each class by its share."""
MOST_FEATURES = 200_000
MOST_WEIGHTS = 4_000_000
"""Features x labels: the optimiser keeps about 25 copies of the weights."""
SEARCH_ROWS = 10_000
SEARCH_WORK = 50_000_000
"""Entries of the matrix x labels during the search; fewer rows are searched on where there are more."""
FEWEST_SEARCHED = 2_000
GRID = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
WINDOW = (2, 7)
"""Places of the grid that are always tried: 0.3 to 30."""
FOLDS = 3
TWICE = 1_000
"""From so many rows on, an n-gram has to occur in two rows to be a feature."""
UNEVEN = 1.5
"""Balancing is tried where the largest class has so many times the rows of the smallest."""


@dataclass(frozen=True)
class Tfidf:
    """The fitted baseline. `task` carries its own thresholds, chosen on inner folds of the training rows."""

    task: Classification
    features: TfidfFeatures
    linear: Linear
    facts: dict[str, Any] = field(default_factory=dict)

    def answer(self, texts: Sequence[str]) -> Answers:
        """Probabilities and predictions of a batch of texts."""
        probabilities = self.task.probabilities(self.linear.logits(self.features.transform(texts)))
        return Answers(probabilities, self.task.decide(probabilities))


def fit_tfidf(task: Classification, rows: TrainingRows, primary: str, seed: int) -> Tfidf:
    """Features, search, final fit. `primary`: `accuracy` chooses by accuracy, anything else by macro-F1."""
    rng = np.random.default_rng([seed, 7])
    strata = _strata(rows.targets, task.multi_label)
    lengths = characters(rows.text)
    index = _sample(strata, lengths, rng)
    features = _vocabulary(rows, index, lengths, task.n_labels, rng)
    x = sparse.vstack([features.transform(texts) for texts in batches(rows.text, index)], format="csr")
    y, weight = np.asarray(rows.targets)[index], None if rows.weight is None else np.asarray(rows.weight)[index]
    search = _Search(task, x, y, weight, accuracy=primary == "accuracy")
    settings = search.best(_folds(strata[index], rows, index, x.nnz * task.n_labels, rng))
    if task.multi_label:
        task = task.with_decision(search.decision(settings, seed))
    facts = {
        "rows": len(index), "rows_available": len(rows), "features": features.n_features, "C": settings.c, "balanced": settings.balanced,
        "chosen_by": "accuracy" if primary == "accuracy" else "macro_f1", "folds": FOLDS, "tried": len(search.tried),
    }  # fmt: skip
    linear = _fit(task.multi_label, x, y, task.n_labels, settings._replace(tolerance=FINE), weight)
    return Tfidf(task, features, linear, facts)


def _fit(multi_label: bool, x: Any, y: NDArray[Any], n_labels: int, settings: Settings, weight: NDArray[np.float32] | None) -> Linear:
    if multi_label:
        return fit_sigmoids(x, y, settings, weight=weight)
    return fit_softmax(x, y, n_labels, settings, weight=weight)


def _strata(targets: NDArray[Any], multi_label: bool) -> NDArray[np.int64]:
    """A class for every row [n]; multi-label: the rarest label it carries, so that rare labels are in every fold."""
    if not multi_label:
        return np.asarray(targets, dtype=np.int64)
    counts = np.asarray(targets).sum(axis=0)
    rank = np.argsort(np.argsort(counts, kind="stable"), kind="stable")
    ranks = np.where(np.asarray(targets) > 0, rank[None], len(counts))
    return np.asarray(ranks.min(axis=1), dtype=np.int64)


def _sample(strata: NDArray[np.int64], lengths: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of the rows to train on, in file order: all, or a share of every class within the two bounds."""
    share = min(1.0, MOST_ROWS / max(1, len(strata)), MOST_CHARACTERS / max(1, int(lengths.sum())))
    return np.arange(len(strata)) if share == 1.0 else np.sort(_stratified(strata, share, rng))


def _stratified(strata: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of a random `share` of each class, at least one row of it."""
    order = np.lexsort((rng.random(len(strata)), strata))
    _, start, count = np.unique(strata[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(start, count)
    return order[rank < np.maximum(1, np.floor(share * np.repeat(count, count)))]


def _vocabulary(
    rows: TrainingRows, index: NDArray[np.int64], lengths: NDArray[np.int64], n_labels: int, rng: np.random.Generator
) -> TfidfFeatures:
    most = max(2, min(MOST_FEATURES, MOST_WEIGHTS // n_labels))
    total = int(lengths[index].sum())
    some = index
    if total > VOCABULARY_CHARACTERS:
        shuffled = rng.permutation(index)
        some = np.sort(shuffled[: max(1, int(np.searchsorted(np.cumsum(lengths[shuffled]), VOCABULARY_CHARACTERS)))])
    return TfidfFeatures(most, min_df=2 if len(index) >= TWICE else 1).fit(gather(rows.text, some))


def _folds(
    strata: NDArray[np.int64], rows: TrainingRows, index: NDArray[np.int64], work: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The inner fold of each row [len(index)]; -1 for rows that the search leaves out."""
    most = max(FEWEST_SEARCHED, min(SEARCH_ROWS, int(len(index) * SEARCH_WORK / max(1, work))))
    chosen = np.arange(len(index)) if len(index) <= most else _stratified(strata, most / len(index), rng)
    clusters = None if rows.clusters is None else np.asarray(rows.clusters)[index[chosen]]
    out = np.full(len(index), -1, dtype=np.int64)
    out[chosen] = folds(strata[chosen], clusters, FOLDS, rng)
    return out


def _smoothed(values: list[float]) -> NDArray[np.float64]:
    """Each value averaged with its neighbours (1:2:1): among settings that are nearly equal, chance must not pick the one at the edge."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.asarray((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4)


class _Search:
    """Cross-validation over the settings; each is tried once."""

    def __init__(self, task: Classification, x: Any, y: NDArray[Any], weight: NDArray[np.float32] | None, *, accuracy: bool) -> None:
        self._task, self._x, self._y, self._weight, self._accuracy = task, x, y, weight, accuracy
        self.tried: dict[Settings, float] = {}
        self._logits: dict[Settings, NDArray[np.float64]] = {}

    def best(self, fold: NDArray[np.int64]) -> Settings:
        """The best C of a window of the grid (widened where the best is its end); then whether unweighted classes do better there."""
        self._fold, self._rows = fold, np.flatnonzero(fold >= 0)
        if len(self._rows) < 2 * FOLDS:
            self._fold, self._rows = np.arange(len(fold)) % max(1, min(FOLDS, len(fold))), np.arange(len(fold))
        balanced = self._uneven()
        low, high = WINDOW
        while True:
            values = [self._score(Settings(c, balanced, ROUGH)) for c in GRID[low:high]]
            best = low + int(np.argmax(_smoothed(values)))
            if best == low > 0:
                low -= 1
            elif best == high - 1 < len(GRID) - 1:
                high += 1
            else:
                break
        choices = [Settings(GRID[best], way, ROUGH) for way in dict.fromkeys((balanced, False))]
        return max(choices, key=self._score)

    def decision(self, settings: Settings, seed: int) -> Any:
        """The thresholds that fit the out-of-fold logits of the chosen settings."""
        self._score(settings)
        return self._task.fit_decision(self._logits[settings], self._y[self._rows], seed=seed)

    def _uneven(self) -> bool:
        if self._task.multi_label:
            return False
        counts = np.bincount(self._y, minlength=self._task.n_labels)
        return bool(counts.max() > UNEVEN * max(1, counts.min()))

    def _score(self, settings: Settings) -> float:
        if settings not in self.tried:
            logits = self._out_of_fold(settings)
            self._logits = {settings: logits} if self._task.multi_label else {}
            self.tried[settings] = self._value(logits)
        elif self._task.multi_label and settings not in self._logits:
            self._logits = {settings: self._out_of_fold(settings)}
        return self.tried[settings]

    def _out_of_fold(self, settings: Settings) -> NDArray[np.float64]:
        """Logits [rows searched, L], each row's from a model that did not see its fold."""
        out = np.zeros((len(self._fold), self._task.n_labels))
        for k in np.unique(self._fold[self._rows]):
            inside, outside = np.flatnonzero((self._fold >= 0) & (self._fold != k)), np.flatnonzero(self._fold == k)
            if len(inside) == 0:
                continue
            weight = None if self._weight is None else self._weight[inside]
            model = _fit(self._task.multi_label, self._x[inside], self._y[inside], self._task.n_labels, settings, weight)
            out[outside] = model.logits(self._x[outside])
        return out[self._rows]

    def _value(self, logits: NDArray[np.float64]) -> float:
        """Macro-F1 or accuracy; multi-label: macro-F1 at the common threshold that suits these logits best."""
        truth = self._y[self._rows]
        if not self._task.multi_label:
            answers = logits.argmax(axis=1)
            if self._accuracy:
                return float(accuracy_score(truth, answers))
            return float(f1_score(truth, answers, average="macro", zero_division=0))
        cuts = np.unique(np.quantile(logits, np.linspace(0.5, 0.995, 25)))
        return max(float(f1_score(truth, logits >= cut, average="macro", zero_division=0)) for cut in cuts)
