"""What leaving out the flagged rows would bring, measured on frozen vectors: a probe with them and without, on the same validation rows.

Part of iterate. Seconds where the audit's vectors lie in the cache. The validation labels are as wrong as the training labels, which
makes the measured gain smaller than the true one, never larger on average. Only validation rows of the half that the evidence holds are
used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.parquet as pq

from goodfit.improve.iterate.evidence import Evidence, codes_of
from goodfit.run import SUSPECTS
from goodfit.score import Score, Verdict
from goodfit.stages.audit.curve.measure import fit
from goodfit.stages.split import Splits
from goodfit.statistics import Question, compare
from goodfit.tasks.embeddings import find_encoder

MOST = 20_000
"""Training rows that a probe is fitted on, at most."""
LEAST = 30
"""Flagged rows below which nothing is measured."""


def without_suspects(evidence: Evidence) -> Verdict | None:
    """A probe fitted without the flagged rows against one with them, on validation; None where there is nothing to measure."""
    path = evidence.run.path / "audit" / SUSPECTS
    audit = evidence.recipe.audit
    if evidence.answers is None or evidence.recipe.split.folds is not None or not path.is_file() or audit is False:
        return None
    flagged = set(pq.read_table(path, columns=["row"], filters=[("flagged", "=", True)])["row"].to_pylist())
    if len(flagged) < LEAST:
        return None
    splits, answers, recipe = Splits.load(evidence.run), evidence.answers, evidence.recipe
    encoder, _ = find_encoder(audit.encoder, recipe.choose.model_name_or_path, evidence.run.base, seed=recipe.seed)
    train = splits.table("train", columns=("row", "text", "label"))
    if train.num_rows > MOST:
        train = train.take(np.sort(np.random.default_rng(recipe.seed).choice(train.num_rows, MOST, replace=False)))
    labels = set(answers.labels)
    train = train.filter(np.array([_known(label, labels) for label in train["label"].to_pylist()]))
    x, y = encoder.embed(train["text"]), codes_of(train["label"].to_pylist(), answers.labels, several=answers.several)
    valid = splits.take(list(answers.rows), columns=("row", "text"))
    ahead = encoder.embed(valid["text"])
    keep = np.array([row not in flagged for row in train["row"].to_pylist()])
    if keep.sum() < LEAST:
        return None
    said = [fit(x[rows], y[rows]).predict(ahead) for rows in (keep, np.ones(len(keep), bool))]
    question = Question(f"a probe without the {int((~keep).sum()):,} flagged rows vs with them on {evidence.primary}")
    return compare(evidence.primary, answers.truth, *said, clusters=answers.clusters, question=question)


def difference_of(verdict: Verdict | None) -> Score | None:
    """The difference with its interval, where there is one."""
    found = None if verdict is None else verdict.difference
    return found if found is not None and None not in (found.value, found.low, found.high) else None


def _known(label: Any, labels: set[str]) -> bool:
    return set(label) <= labels if isinstance(label, list) else label in labels
