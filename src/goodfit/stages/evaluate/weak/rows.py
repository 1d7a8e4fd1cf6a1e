"""The rows of a split with what predicates look at, at most MOST of them. Part of evaluate."""

from __future__ import annotations

from typing import Any

import numpy as np

from goodfit.stages.evaluate.answering import Answered as Whole
from goodfit.stages.evaluate.answering import SplitRows, rows_at
from goodfit.stages.evaluate.mistakes import is_wrong
from goodfit.stages.evaluate.weak.predicates import Rows
from goodfit.stages.evaluate.weak.search import Answered
from goodfit.tasks.baselines.neighbours import Neighbours
from goodfit.tasks.predictor import Predictor

MOST = 10_000


def looked_at(
    whole: Whole, splits: SplitRows, key: object | None, predictor: Predictor, near: Neighbours | None, seed: int
) -> Answered:  # fmt: skip
    """Rows of a split that was answered, drawn by chance where there are more than MOST; `key` opens test rows."""
    n = len(whole)
    places = np.sort(np.random.default_rng([seed, 0x5C]).permutation(n)[:MOST])
    columns = ("row", "text", *(f"group.{axis}" for axis in splits.axes))
    table = rows_at(places, whole.split, splits, key, columns)
    texts = table["text"].to_pylist()
    groups = {axis: table[f"group.{axis}"].to_pylist() for axis in splits.axes}
    truth, several = whole.truth[places], whole.task.multi_label
    carried = truth[:, : whole.task.n_labels] if several else truth[:, None] == np.arange(whole.task.n_labels)[None]
    vectors = None if near is None else near.encoder.embed(table["text"])
    rows = Rows(texts, carried, tokens_of(texts, predictor), groups, vectors)
    clusters = None if whole.clusters is None else whole.clusters[places]
    return Answered(rows, is_wrong(whole)[places], table["row"].to_pylist(), None if several else truth, clusters, whole.split, whole.folds)


def tokens_of(texts: list[str], predictor: Predictor) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Tokens of each text, uncut."""
    parts = [
        predictor.task.encode(texts[at : at + 512], predictor.tokenizer, predictor.saved.max_length) for at in range(0, len(texts), 512)
    ]
    return np.concatenate([part.full_lengths for part in parts]) if parts else np.zeros(0, np.int64)
