"""AUD035: training rows that mean the same in other words. A finding only: what keeps rows together in split are their characters."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from goodfit.data.paraphrases import FEWEST, Paraphrases, paraphrases
from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene, percent, place, rate
from goodfit.stages.audit.seen import Featured
from goodfit.tasks.embeddings import LEXICAL

NOTE = 0.05
"""Share of the rows that were looked at."""


@check(code="AUD035", kind="paraphrases", severity="note", looks_for="rows that mean the same in other words", tasks=ALL_TASKS)
def paraphrased(scene: Scene) -> Outcome:
    """Nearest neighbours beyond chance among the sampled training rows that are not near-duplicates by their characters."""
    if scene.splits.counts["train"] < FEWEST:
        return not_applicable(f"it takes {FEWEST} training rows; there are {scene.splits.counts['train']:,}")
    if scene.encoder[0].name == LEXICAL:
        return not_applicable(f"no encoder is at hand, and {LEXICAL} sees words, not what they mean")
    seen = scene.featured
    pairs = paraphrases(seen.vectors, seen.clusters)
    touched = np.unique(pairs.pairs)
    of = f"{len(seen):,} training rows{'' if len(seen) == scene.splits.counts['train'] else ' (a sample)'}"
    evidence = (rate("paraphrase_rate", len(touched), len(seen), split="train"),)
    how = f"by the vectors of {seen.encoder}"
    if len(touched) < NOTE * len(seen):
        return passed(f"few rows mean the same in other words: {len(touched):,} of {of}, {how}", evidence=evidence)
    at = np.flatnonzero(~_differ(seen, pairs))
    first = pairs.pairs[at[0] if len(at) else 0]
    places = scene.splits.take([str(seen.rows[int(i)]) for i in first], columns=("row", "at"))["at"].to_pylist()
    return found(
        "note", f"{len(touched):,} of {of} seem to mean the same as another ({percent(len(touched) / len(seen))})",
        detail=f"{noun_count(len(pairs.pairs), 'pair')} {how}, nearer than neighbours are by chance here: about one in ten of these rows "
        f"may be told wrongly. For example {places[0]} and {places[1]}.{_labels(seen, pairs)} They are not kept on one side of the split.",
        rows=seen.rows.take(pa.array(_in_order(pairs))), table=_table(seen, pairs), where=place(str(places[0])), evidence=evidence,
        fix="read some pairs: where they mean the same, scores flatter a little; name a column that ties them in split.by, if there is one",
    )  # fmt: skip


def _differ(seen: Featured, pairs: Paraphrases) -> np.ndarray:
    """Pairs of different labels."""
    a, b = seen.labels[pairs.pairs[:, 0]], seen.labels[pairs.pairs[:, 1]]
    return (a != b) if a.ndim == 1 else (a != b).any(axis=1)


def _labels(seen: Featured, pairs: Paraphrases) -> str:
    differ = int(_differ(seen, pairs).sum())
    return f" In {differ:,} pairs the labels differ." if differ else ""


def _in_order(pairs: Paraphrases) -> np.ndarray:
    """Rows in the order of their surest pair, each once."""
    flat = pairs.pairs.reshape(-1)
    return flat[np.sort(np.unique(flat, return_index=True)[1])]


def _table(seen: Featured, pairs: Paraphrases) -> pa.Table:
    """row, twin, similarity."""
    return pa.table({
        "row": seen.rows.take(pa.array(pairs.pairs[:, 0])), "twin": seen.rows.take(pa.array(pairs.pairs[:, 1])),
        "similarity": pa.array(pairs.similarity, pa.float64()),
    })  # fmt: skip
