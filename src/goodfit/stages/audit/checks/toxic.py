"""AUD062: toxic content, by a scorer that the recipe names, and how that scorer rates neutral sentences about groups.

Without one it is not measured: lists of words mark dialect and the names of groups rather than harm, and no scorer that comes with a
package is known to be fair. What is said of texts stands beside what is known of the scorer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.finding import Severity
from goodfit.score import Score
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.neutral import GROUPS, PEOPLE, SENTENCES, sentences
from goodfit.stages.audit.scene import Scene, listing, percent, rate
from goodfit.tasks.scorer import Scorer

ROWS = 2_000
"""Training rows that are scored, at most."""
TOXIC = 0.5
"""Score from which a text counts."""
NOTE, WARNING = 0.01, 0.05
"""Lower end of the share of toxic texts."""
LIMITED = 0.5
"""Share of neutral sentences rated toxic, against that of the texts, from which the scorer says more of itself than of the data."""
USUAL = ("tox", "hate", "hatred", "offens", "insult", "threat", "obscen", "abus", "attack", "profan", "harass")
"""In the name of a label that means toxic."""


@check(code="AUD062", kind="toxic", severity="warning", looks_for="toxic content in the texts", tasks=ALL_TASKS)
def toxic(scene: Scene) -> Outcome:
    """The share of training texts that the scorer rates toxic, most toxic first, and how it rates neutral sentences."""
    assert scene.recipe.audit is not False
    asked = scene.recipe.audit
    if asked.toxicity_model is None:
        return not_applicable("toxic content is not measured: audit.toxicity_model names no scorer (goodfit explain AUD062)")
    scorer = Scorer.load(asked.toxicity_model, scene.base, "audit.toxic_labels", asked.toxic_labels, USUAL)
    sample = scene.sample(scene.recipe.seed, ROWS)
    scores = scorer.scores([text or "" for text in sample.texts.to_pylist()])
    rows = np.flatnonzero(scores >= TOXIC)
    share = rate("toxic_rate", len(rows), len(scores), split="train")
    said, bias, limited = _bias(scorer, share)
    worst = sample.rows.take(pa.array(rows[np.argsort(-scores[rows], kind="stable")]))
    told = f"{len(rows):,} of {len(scores):,} training texts ({percent(len(rows) / max(1, len(scores)))}) are rated toxic"
    by = f"By {scorer.name}, from a score of {TOXIC} ({listing([repr(name) for name, m in zip(scorer.labels, scorer.meant) if m])}). {said}"
    if share.low is None or share.low < NOTE:
        return passed(told, detail=by, rows=worst, evidence=(share, bias))
    severity: Severity = "warning" if share.low >= WARNING and not limited else "note"
    return found(
        severity, told + (", by a scorer that rates neutral sentences so too" if limited else ""), detail=by, rows=worst,
        evidence=(share, bias),
        fix="read the listed rows: quotes, reports and the names of groups are rated toxic too; delete what a model shall not learn",
    )  # fmt: skip


def _bias(scorer: Scorer, share: Score) -> tuple[str, Score, bool]:
    """How the scorer rates neutral sentences: in words, as a share, and whether that is too much to believe it."""
    people, groups = (scorer.scores(sentences(about)).reshape(-1, len(SENTENCES)) for about in (PEOPLE, GROUPS))
    wrong = int((groups >= TOXIC).sum())
    bias = rate("neutral_sentences_rated_toxic", wrong, groups.size)
    assert bias.value is not None
    ranked = np.argsort(-groups.mean(axis=1), kind="stable")[:3]
    highest = listing([f"{GROUPS[i]!r} {groups[i].mean():.2f}" for i in ranked])
    limited = bias.value > 0 and bias.value >= LIMITED * (share.value or 0.0)
    said = (
        f"Of {groups.size} neutral English sentences about groups it rates {wrong:,} toxic; highest on average: {highest}, "
        f"people of no group {_mean(people):.2f}."
        + (" That is half of what it finds here or more: do not act on its numbers." if limited else "")
    )
    return said, bias, limited


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean())
