"""EVA018: what rows of a given test set that stand, or nearly stand, in a lower split are worth: scores with and without them.

Part of evaluate, for classification; `language_leaked.py` asks the same of models that write. Accuracy on all rows minus accuracy without
the leaked ones is w (a - b), with w their share, a the accuracy on them and b that on the others: exact, and on the same rows. Its
interval is that of a - b (Newcombe 1998, method 10, on the intervals of both, which know the clusters).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from goodfit.data.groups import shared
from goodfit.finding import Finding
from goodfit.monitor.words import count, metric
from goodfit.score import Score
from goodfit.stages.evaluate.answering import SplitRows
from goodfit.stages.evaluate.mistakes import is_wrong
from goodfit.stages.evaluate.questions import finding, interval
from goodfit.stages.evaluate.scoring import MODEL, Scored, outcome, part_of
from goodfit.statistics.scoring import rate_of
from goodfit.tasks import metrics

FEW = 20
"""Leaked rows, or others, below which nothing is compared."""
WARNING = 0.01
"""Points of accuracy that leaked rows add for certain."""
WITHOUT = "without leaked rows"


def leaked_rows(splits: SplitRows, split: str) -> NDArray[np.bool_]:
    """Rows of the split whose text or `split.by` value stands, or nearly stands, in a lower split, bool [n]."""
    table = splits.hygiene_rows()
    of_split = table.filter(pc.and_(pc.equal(table["split"], split), table["below"]))
    out: NDArray[np.bool_] = pc.is_in(splits.row_ids(split), value_set=pa.array(of_split["row"].to_pylist(), pa.string())).to_numpy()
    return out


def counted(k: int, n: int) -> str:
    """How many scored rows leak."""
    return f"{k:,} of {count(n, 'scored row')} {'stands' if k == 1 else 'stand'}, or nearly, in a lower split"


def leaked(scored: Scored, mask: NDArray[np.bool_]) -> Finding:
    """Note where the model is right more often on leaked rows for certain, warning where that adds a point to its accuracy."""
    code, kind, n, k = "EVA018", "leakage", len(scored.answered), int(mask.sum())
    if not k:
        return finding(code, kind, "no scored row stands, or nearly stands, in a lower split", scored, state="passed")
    said = counted(k, n)
    if min(k, n - k) < FEW:
        return finding(code, kind, f"{said}: what that adds cannot be told from so few", scored, state="passed", n_rows=k)
    right, clusters = ~is_wrong(scored.answered), scored.answered.clusters
    on, off = (_accuracy(right[part], None if clusters is None else clusters[part]) for part in (mask, ~mask))
    added, low, high = (x * k / n for x in newcombe(on, off))
    ends = f"{100 * added:.1f} points [{100 * low:.1f}, {100 * high:.1f}]"
    rest = _primary(scored, ~mask)
    evidence = (scored.headline, rest, on.about(system=MODEL, split=scored.split, slice="leaked rows"))
    detail = (
        f"Right on {interval(on)} of them, on {interval(off)} of the others. {metric(scored.primary)}: {interval(scored.headline)} on all "
        f"rows, {interval(rest)} without them. Rows that the model has seen, or that are merely easy, look alike here."
    )
    if low <= 0:
        title = f"{said}; the model is not shown to do better on them ({ends} of accuracy)"
        return finding(code, kind, title, scored, state="passed", detail=detail, evidence=evidence, n_rows=k)
    return finding(
        code, kind, f"{said}: they add {ends} to the accuracy", scored, severity="warning" if low >= WARNING else "note",
        detail=detail, evidence=evidence, n_rows=k, fix="set split.leaks: drop, or quote the score without them",
    )  # fmt: skip


def newcombe(a: Score, b: Score) -> tuple[float, float, float]:
    """a - b with its interval, from the intervals of both."""
    ends = [x for score_ in (a, b) for x in (score_.value, score_.low, score_.high)]
    assert None not in ends
    p, p_low, p_high, q, q_low, q_high = (float(x) for x in ends if x is not None)
    d = p - q
    return d, d - float(np.hypot(p - p_low, q_high - q)), d + float(np.hypot(p_high - p, q - q_low))


def without(scored: Scored, mask: NDArray[np.bool_]) -> dict[str, Any] | None:
    """`leaks` of scores.json: every system's primary score on the rows that do not leak; None where all or none do."""
    if not mask.any() or mask.all():
        return None
    kept = [_primary(scored, ~mask, system) for system in scored.systems]
    return {"rows": int(mask.sum()), "scores": [s.to_json() for s in kept]}


def _primary(scored: Scored, part: NDArray[np.bool_], system: str = MODEL) -> Score:
    some = part_of(outcome(scored.answered, system), part)
    return metrics.measure([scored.primary], some)[0].about(system=system, split=scored.split, slice=WITHOUT)


def _accuracy(right: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> Score:
    """Rows are taken for independent where there are too few clusters, which the page says."""
    return rate_of(right, shared(clusters)).about(name="accuracy")
