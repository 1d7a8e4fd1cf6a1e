"""Where a classifier is weak, in report.json: slices, confused labels with examples, what stands near a mistake. Part of report."""

from __future__ import annotations

from goodfit.stages.report.record import Record, WrittenScore


class NearRow(Record):
    """A training row near a mistake; the text as `show_text` allows."""

    row: str
    label: str
    similarity: float | None = None
    text: str | None = None


class SliceFacts(Record):
    """Rows that fail more often than others of their classes."""

    where: str
    n: int
    score: WrittenScore
    """On the evaluated rows, or on validation where it could not be asked of others."""
    found: WrittenScore | None = None
    """On the validation rows that it was found on."""
    gap: float
    """Points below other rows of the same classes, as they are to be expected."""
    points: float = 0.0
    """Of accuracy, were it as good as the rest."""
    state: str = "not_asked"
    """confirmed, not_confirmed, too_few_rows, not_asked."""


class Example(Record):
    """A row of a confused pair; the text as `show_text` allows."""

    row: str
    p: float | None = None
    text: str | None = None


class PairFacts(Record):
    """What is taken for what, with examples."""

    label: str
    prediction: str
    rows: int
    share: WrittenScore | None = None
    """Of the rows of the label."""
    the_other_way: int = 0
    examples: list[Example] = []


class ShakenFacts(Record):
    """What becomes of the accuracy after a perturbation."""

    name: str
    what: str
    preserving: bool = True
    """Whether people would still understand the same."""
    n: int = 0
    """Rows that it changes."""
    before: WrittenScore | None = None
    after: WrittenScore | None = None
    difference: WrittenScore | None = None
    answer: str = ""


class RobustFacts(Record):
    """Some scored rows asked again, written otherwise."""

    rows: int = 0
    shaken: list[ShakenFacts] = []
    worst: WrittenScore | None = None
    """Rows that stay right under all that keep the meaning."""
    plain: WrittenScore | None = None
    why_not: str | None = None


class BehaviourFacts(Record):
    """One behavioural test of the user's."""

    name: str
    kind: str
    cases: int
    failed: WrittenScore | None = None
    answer: str = ""
    examples: list[list[str]] = []
    """Texts with what was answered; as `show_text` allows."""


class WeakFacts(Record):
    """Where it is weak."""

    slices: list[SliceFacts] = []
    found_on: str = "valid"
    """`valid`, or `folds`: one half of the rows."""
    candidates: int | None = None
    """Slices that were looked at."""
    why_not: str | None = None
    """Why none was looked for."""
    visible: float | None = None
    """Points that a slice of a tenth of the rows would have shown."""
    pairs: list[PairFacts] = []
    robust: RobustFacts | None = None
    behaviour: list[BehaviourFacts] = []
