"""What report.json says of answers that may be withheld, and of sets of labels. Part of report."""

from __future__ import annotations

from goodfit.stages.report.record import Record, WrittenScore


class WithheldFacts(Record):
    """One promised share wrong."""

    at_most_wrong: float
    threshold: float | None = None
    """Confidence (without the temperature) above which answers are given."""
    answered: WrittenScore | None = None
    error: WrittenScore | None = None
    """Share wrong among those answered."""


class SetFacts(Record):
    """One promised coverage."""

    coverage: float
    covered: WrittenScore | None = None
    size: float | None = None
    """Labels of a set, on average."""
    one_label: WrittenScore | None = None


class PromisedFacts(Record):
    """What validation rows allow to promise, and what came of it on the evaluated rows."""

    reason: str = ""
    why_not: str | None = None
    measured: bool = False
    withheld: list[WithheldFacts] = []
    sets: list[SetFacts] = []
    curve: list[list[float]] = []
    """Share answered, share of these wrong."""
    aurc: WrittenScore | None = None
    """Mean share wrong over all shares answered."""
