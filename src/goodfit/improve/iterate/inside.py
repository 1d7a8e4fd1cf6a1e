"""Which texts of a pool belong to a weak slice: the slice's predicates, asked of rows without labels.

Part of iterate. A slice is named by one or two predicates (`length > 20 words and label = bug`). They are fitted to the same validation
rows again, without a look at labels or errors, and asked of the pool; where a predicate asks for the label, the model's own answer stands
in for it. What cannot be asked of a bare text (a group's column, the neighbourhood in vectors) is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from goodfit.run import MODEL, Run
from goodfit.stages.evaluate.weak.predicates import Predicate, Rows, predicates_of
from goodfit.stages.evaluate.weak.rows import MOST, tokens_of
from goodfit.stages.split import Splits
from goodfit.tasks.predictor import Predictor

AND = " and "


def inside(run: Run, where: str, texts: Sequence[str], given: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[n] whether a text is one of the slice; all are where none of its predicates can be asked. `given` [n, L]: the model's answers."""
    splits, predictor = Splits.load(run), Predictor.load(run.path / "train" / MODEL)
    valid = splits.table("valid", columns=("text",))["text"].to_pylist()[:MOST]
    labels, names = predictor.task.labels, [where]
    known = Rows(valid, np.ones((len(valid), len(labels)), bool), tokens_of(valid, predictor))
    found = {one.name: one for one in predicates_of(known, labels, None, 0)}
    if where not in found:
        names = next(([a, where.removeprefix(a + AND)] for a in found if where.startswith(a + AND)), [*where.split(AND)])
    asked: list[Predicate] = [found[name] for name in names if name in found]
    pool = Rows(texts, given, tokens_of(list(texts), predictor))
    out = np.ones(len(texts), dtype=bool)
    for one in asked:
        out &= one.test(pool)
    return out
