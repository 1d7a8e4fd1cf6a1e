"""The schemas of assess's files: the plan, the gaps, the swapped texts. Part of schemas."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from goodfit.schemas.document import Document
from goodfit.score import Score


class AssessmentPlan(Document):
    """assess/plan.json: what is asked of whom, how much is too much, and what the rows can show; written before test rows are opened."""

    schema_: Literal["goodfit/assessment_plan/1"] = Field(alias="schema")
    run: str
    purpose: str
    on: str
    axes: list[dict[str, Any]]
    by: list[str]
    measures: list[dict[str, Any]]
    margin: float
    minimum_n: dict[str, int]
    suites: list[dict[str, Any]]
    probes: list[str]
    lists: list[dict[str, Any]]
    """Lists of terms: language, swap rule, licence, who reviewed it, ambiguous forms, what the linter says."""
    data: dict[str, Any]
    """Groups and labels in the training and validation rows."""
    power: list[dict[str, Any]]
    not_named: list[str]
    hash: str
    after_unsealing: bool
    opened_by: str | None = None
    changed: list[str] = []


class TermContext(Document):
    """A line of assess/contexts.jsonl: a match of a list of terms with the words around it."""

    list: str
    form: str
    also: str | None
    """What else the form means, where the list says so."""
    row: str
    left: str
    hit: str
    right: str


class Gap(Document):
    """One group against the rest, by one measure."""

    set: str
    name: str
    form: Literal["one_vs_rest"]
    system: str
    label: str | None
    group: dict[str, str]
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    """Rows of the group that count; null below the smallest number that is shown."""
    margin: float
    answer: Literal["gap", "no_gap_above_margin", "not_enough_data"]
    rows_needed: int | None
    family: str
    p: float | None = None
    p_adjusted: float | None = None
    primary: bool

    @model_validator(mode="after")
    def _whole(self) -> Gap:
        if self.value is None and self.answer != "not_enough_data":
            raise ValueError(f"{self.family}: a gap that was not computed has no verdict")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"{self.family}: low is above high")
        return self


class Gaps(Document):
    """assess/gaps.json (and gaps.<on>.json): rates and gaps of every group, and what was not measured."""

    schema_: Literal["goodfit/gaps/1"] = Field(alias="schema")
    run: str
    on: str
    plan: str | None
    """Hash of the plan; null where nobody asked."""
    plan_changed_after_unsealing: bool
    systems: list[str]
    minimum_n: dict[str, int]
    groups: list[dict[str, Any]]
    rates: list[Score]
    gaps: list[Gap]
    omnibus: list[dict[str, Any]]
    probes: list[dict[str, Any]]
    functions: list[dict[str, Any]]
    worst: dict[str, Any] | None
    counts: dict[str, int]
    """Answers to the declared questions: gap, no_gap_above_margin, not_enough_data; and not_measured."""
    not_measured: list[dict[str, str]]
    text: str


class SwappedPair(Document):
    """A line of assess/swapped.jsonl: a text and the same text about somebody else."""

    set: str
    terms: str
    row: str
    text: str
    swapped: str
    moved: float
    """The largest change of a probability."""
    flips: bool
    doubts: list[str]
