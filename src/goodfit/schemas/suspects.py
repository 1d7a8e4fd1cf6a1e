"""The schemas of decisions and of a review of suspects. Layer: run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from goodfit.schemas.document import Document
from goodfit.score import Score


class DecisionLine(Document):
    """A line of decisions.jsonl: what somebody said is to become of a row; the last line of a row counts."""

    row: str
    action: Literal["keep", "relabel", "drop", "mask"]
    value: str | list[str] | dict[str, str] | None
    """relabel: a label (a list where rows have several); mask: the new text, or {column: text}; else null."""
    by: str
    """A person; with a colon (`goodfit:mitigate`) it is none."""
    reason: str
    time: str


class SuspectItem(Document):
    """A row of the sample, with the chance that a row of its stratum had."""

    row: str
    stratum: int
    p: float = Field(gt=0, le=1)


class FirstSuspect(Document):
    """A line of audit/first.jsonl: a row to look at first, the most suspicious first."""

    row: str
    at: str
    """`file:line`"""
    label: str
    """As given; of several labels the one concerned."""
    suggested: str
    """What is likelier; of several labels the whole set, as a JSON list."""
    likelier: str
    """The same for people; of several labels `missing` or `without it`."""
    probability: float
    """Of what is suggested."""
    suspicion: float
    flagged: bool
    text: str


class SuspectItems(Document):
    """review/suspects/items.json: which rows are shown."""

    schema_: Literal["goodfit/suspect_items/1"] = Field(alias="schema")
    suspects: str
    """Hash of audit/suspects.parquet's rows, strata and order."""
    by: Literal["suspicion", "sample"]
    items: int
    """By suspicion: so many of the most suspicious rows."""
    seed: int
    sample: list[SuspectItem]


class SuspectAnswer(Document):
    """A line of review/suspects/<reviewer>.jsonl; a later line of the same row replaces the earlier."""

    row: str
    action: Literal["keep", "relabel", "drop"] | None
    """Null where it was skipped."""
    value: str | list[str] | None
    skipped: bool
    note: str
    given: list[str]
    """The labels that the row had when it was shown."""
    suggested: str | list[str]
    by: Literal["suspicion", "sample"]
    time: str


class SuspectStratum(Document):
    """Rows of the sample by suspicion: 0 the most suspicious 5%, 1 the next 10%, 2 the next 25%, 3 the rest."""

    stratum: int
    rows: int
    drawn: int
    decided: int
    wrong: int


class SuspectReview(Document):
    """review/suspects/results.json: what was decided so far."""

    schema_: Literal["goodfit/suspect_review/1"] = Field(alias="schema")
    run: str
    judged: int
    by: Literal["suspicion", "sample"]
    shown: int
    reviewers: list[dict[str, Any]]
    decided: int
    actions: dict[str, int]
    wrong_of_decided: Score
    """Relabelled or dropped, of the rows decided: not the share in all rows."""
    wrong_of_flagged: Score
    noise: Score
    """How many labels are wrong in all judged rows."""
    strata: list[SuspectStratum]
    agreement: dict[str, Score] | None
    conflicts: list[dict[str, Any]]
    decisions: str
    sample: dict[str, int]
