"""For whom the model works worse, in report.json: the plan, rates and gaps of groups, swapped texts, functions, what was not measured.

Part of the report stage's schema. Cells that are too small to be shown have no number here either.
"""

from __future__ import annotations

from typing import Literal

from goodfit.stages.report.record import Record, WrittenScore

GapAnswer = Literal["gap", "no_gap_above_margin", "not_enough_data"]


class MeasureFacts(Record):
    """A declared measure, and who is harmed by it."""

    metric: str
    label: str | None = None
    harm: str = ""
    """In the words of the recipe, or of Goodfit where it has none."""
    rows: str = ""
    """The rows that count for it, in words."""


class PlanFacts(Record):
    """What was written down before the test rows were opened."""

    hash: str | None = None
    late: bool = False
    """These test rows had been opened before, by a run with another plan."""
    opened_by: str | None = None
    changed: list[str] = []
    """What differs from that plan."""
    purpose: str = ""
    axes: dict[str, str] = {}
    """Axis -> why it is looked at, where the recipe says it."""
    measures: list[MeasureFacts] = []


class MemberFacts(Record):
    """One group against the rest, by one measure."""

    member: str
    n: int | None = None
    """Rows of the group that count; null where they are too few to be told."""
    rate: WrittenScore | None = None
    rest: float | None = None
    """The rate of everybody else."""
    gap: WrittenScore | None = None
    """The rate minus that of everybody else."""
    answer: GapAnswer
    worse: bool | None = None
    """Whether the gap is to the disadvantage of this group; null where the measure has no bad side."""
    rows_needed: int | None = None
    p_adjusted: float | None = None
    why: str = ""
    base: WrittenScore | None = None
    """The same gap of the base model under a linear probe."""


class ComparedFacts(Record):
    """Every member of an axis, by one measure, on one set of rows."""

    set: str
    axis: str
    metric: str
    label: str | None = None
    harm: str = ""
    margin: float
    members: list[MemberFacts]
    """Sure gaps first, the largest disadvantage first."""


class OpenFacts(Record):
    """A declared question that these rows cannot answer."""

    set: str
    axis: str
    metric: str
    label: str | None = None
    member: str
    n: int | None = None
    rows_needed: int | None = None


class AssociationFacts(Record):
    """A label that stands more or less often in a group of the training rows than in the rest."""

    axis: str
    member: str
    label: str
    rate: float
    elsewhere: float
    difference: WrittenScore


class TowardsFacts(Record):
    """What happens to answers when texts come to speak of this group."""

    member: str
    n: int
    flips: float
    label: str
    change: float
    """Mean change of the label's probability."""


class SwappedFacts(Record):
    """A text and the same text about somebody else; both as `show_text` allows."""

    row: str
    text: str | None = None
    swapped: str | None = None
    moved: float | None = None
    flips: bool = False
    doubts: list[str] = []


class ProbeFacts(Record):
    """The same texts about somebody else."""

    set: str
    terms: str
    axis: str
    n: int | None = None
    """Texts that were asked again."""
    pairs: int | None = None
    certain: int | None = None
    """Pairs without a doubt about the swap."""
    flip: WrittenScore | None = None
    """Share of pairs whose answer changes."""
    flip_certain: WrittenScore | None = None
    margin: float | None = None
    answer: GapAnswer
    rows_needed: int | None = None
    towards: list[TowardsFacts] = []
    doubts: dict[str, int] = {}
    left_out: dict[str, int] = {}
    examples: list[SwappedFacts] = []


class PublishedFacts(Record):
    """One score of a published set, of a model that writes and of its base model."""

    set: str
    name: str
    what: str = ""
    ideal: float
    primary: bool = True
    n: int | None = None
    score: WrittenScore | None = None
    base: WrittenScore | None = None
    change: WrittenScore | None = None
    """Model minus base, on the same items."""
    answer: GapAnswer | None = None
    rows_needed: int | None = None


class FunctionGroupFacts(Record):
    """A function, in one group."""

    member: str
    accuracy: WrittenScore


class FunctionFacts(Record):
    """What a suite tests."""

    set: str
    function: str
    n: int | None = None
    labels: list[str] = []
    accuracy: WrittenScore | None = None
    """Null where the texts are too few."""
    groups: list[FunctionGroupFacts] = []
    """The worst first."""


class TermsFacts(Record):
    """A list of terms, and whether anybody who speaks the language has signed it."""

    name: str
    axis: str = ""
    language: str = ""
    review: str = ""
    reviewed: bool = False
    terms: int = 0
    ambiguous: list[str] = []
    faults: list[str] = []


class NotMeasured(Record):
    """A question without a number, and why."""

    what: str
    why: str


class AssessFacts(Record):
    """For whom it works worse."""

    text: str = ""
    """In a line."""
    asked: bool = False
    """Whether anything was measured of any group."""
    why_not: str | None = None
    """Why nothing was."""
    on: str | None = None
    margin: float | None = None
    least_rate: int = 20
    """Rows below which no rate is shown."""
    least_verdict: int = 100
    """Rows below which there is no verdict."""
    counts: dict[str, int] = {}
    """Declared questions by answer, and what was not measured."""
    plan: PlanFacts | None = None
    compared: list[ComparedFacts] = []
    """By declared measures."""
    others: list[ComparedFacts] = []
    """Sure gaps in measures that were not declared."""
    undecided: list[OpenFacts] = []
    """Declared questions that these rows do not answer, the nearest to an answer first."""
    associations: list[AssociationFacts] = []
    probes: list[ProbeFacts] = []
    published: list[PublishedFacts] = []
    """Of models that write."""
    functions: list[FunctionFacts] = []
    """The worst first."""
    lists: list[TermsFacts] = []
    not_measured: list[NotMeasured] = []
