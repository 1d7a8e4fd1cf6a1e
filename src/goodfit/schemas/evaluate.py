"""Schemas of what evaluate leaves of a classifier (and the scores of any model). Part of schemas."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from goodfit.schemas.document import Document
from goodfit.score import Score, Verdict


class ScoredRows(Document):
    """evaluate/scores.json and scores.<on>.json."""

    schema_: Literal["goodfit/scores/1"] = Field(alias="schema")
    run: str
    task: str
    on: Literal["test", "valid", "folds"]
    n: int
    rows: str
    labels: list[str]
    primary: str
    systems: dict[str, dict[str, Any]]
    scores: list[Score]
    verdicts: list[Verdict]
    gates: list[dict[str, Any]]
    predictions: str
    written: int | None = None
    """Generation: rows that were answered by writing; `n` is the rows whose losses were measured."""
    generation: dict[str, Any] | None = None
    """Generation: max_new_tokens, do_sample, stop_token_ids, context, template, template_hash, examples, refused."""
    left_out: dict[str, str] | None = None
    """System -> why it does not answer."""
    slices: list[dict[str, Any]] | None = None
    """Classification: rows that fail more often than others of their classes, found on validation: where, n, score, verdict, found_on,
    shrunken (the difference to be expected), points (of accuracy to be won), state (confirmed, not_confirmed, too_few_rows, not_asked)."""
    slices_searched: dict[str, Any] | None = None
    """Candidates, how many stood out, the gap that would have been visible, or why nothing was looked for."""
    folds: dict[str, Any] | None = None
    """With `split.folds`: `n` folds, how many times `wider` intervals are than of one model's answers, and `of_each`: fold, rows, value
    (the primary score), seed, rows_trained, rows_valid, best_step, seconds."""
    forgetting: dict[str, Any] | None = None
    """Generation: bits per byte of the retained texts before and after, as they stand and inside the chat template."""


class Fold(Document):
    """train/folds/<fold>.json: how the model of a fold was made (`split.folds`); its answers are in <fold>.parquet."""

    schema_: Literal["goodfit/fold/1"] = Field(alias="schema")
    fold: int
    folds: int
    key: str
    """Hash of what the answers depend on."""
    seed: int
    rows_trained: int
    rows_valid: int
    rows_answered: int
    best_step: int
    last_step: int
    steps_total: int
    stopped_by: str
    reason: str
    seconds: float
    decision: dict[str, Any]


class Mistake(Document):
    """A line of evaluate/mistakes.jsonl: a row answered wrongly, the most certain first; generation: the worst answers."""

    row: str
    label: str | list[str]
    prediction: str | list[str]
    p: float
    """How certain the model was: of the class given; multi-label: of its least certain yes or no; generation: of a token of the label."""
    text: str
    nearest: list[dict[str, Any]] = Field(default_factory=list)
    """Classification with an encoder: the nearest training rows (row, label, text, similarity)."""
    reading: Literal["label_in_doubt", "missing_case"] | None = None
    """What they suggest: all of them carry the predicted label, or none is near."""


class ConfusedPair(Document):
    """A line of evaluate/confusions.jsonl: what is taken for what, the most frequent first."""

    label: str
    prediction: str
    rows: int
    rows_of_label: int
    share: Score
    the_other_way: int
    """Rows of the prediction that are taken for the label."""
    examples: list[dict[str, Any]]
    """The surest: row, p, text."""
