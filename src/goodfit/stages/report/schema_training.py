"""report.json: what the page tells of a training: what was kept and why, its curves, its plan, its data map. Part of the report stage."""

from __future__ import annotations

from goodfit.stages.report.record import Record, WrittenScore


class Best(Record):
    """The step whose weights were kept."""

    step: int
    score: WrittenScore | None = None
    margin: float | None = None
    reason: str = ""


class Point(Record):
    """One point of a curve."""

    step: int
    split: str
    value: float
    low: float | None = None
    high: float | None = None


class PlanEntry(Record):
    """One number of the training, and where it comes from."""

    key: str
    value: str
    reason: str = ""


class MapPoint(Record):
    """One training row in the data map."""

    confidence: float
    variability: float
    region: str
    suspect: bool = False


class MapFacts(Record):
    """How training rows were learned."""

    rows: int
    regions: dict[str, int] = {}
    """easy, ambiguous, hard -> rows."""
    suspects: int = 0
    """Rows among them whose label audit suspects, and how many of these are hard."""
    suspects_hard: int = 0
    points: list[MapPoint] = []
    """Some of the rows."""
    hard: list[tuple[str, str, float, bool]] = []
    """The rows of least confidence: id, label, confidence, whether audit suspects the label."""


class TrainingFacts(Record):
    """What the events of the training say."""

    steps: int = 0
    steps_total: int | None = None
    epochs: float | None = None
    best: Best | None = None
    stopped_by: str | None = None
    metric: str | None = None
    """What the score curve shows."""
    loss: list[Point] = []
    score: list[Point] = []
    seconds: float | None = None
    tokens: int | None = None
    facts: dict[str, str] = {}
    """Tier, precision, threads, batch, rate … in words."""
    plan: list[PlanEntry] = []
    messages: list[str] = []
    """Warnings and actions of the engine, in order."""
    diagnosis: list[str] = []
    """Ids of the findings of the training that are open, the cause first."""
    looked_for: int = 0
    """Diagnoses of which there was no sign."""
    map: MapFacts | None = None
