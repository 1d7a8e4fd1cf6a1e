"""report.json: the one record behind the page and the model card (`goodfit/report/1`).

Part of the report stage. `collect` fills it from a run folder, `render` and `card` read nothing else. The JSON schema in
docs/reference/schemas/report.json is generated from these classes. What a run does not have is null or empty here, and `missing`
says why.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from goodfit.stages.report.record import Record, WrittenFinding, WrittenScore, WrittenVerdict
from goodfit.stages.report.schema_assess import AssessFacts
from goodfit.stages.report.schema_promised import PromisedFacts
from goodfit.stages.report.schema_training import TrainingFacts
from goodfit.stages.report.schema_tuning import TuningFacts
from goodfit.stages.report.schema_weak import NearRow, WeakFacts
from goodfit.stages.report.schema_written import GenerationFacts, ReviewFacts
from goodfit.stages.report.text import ShowText

SCHEMA = "goodfit/report/1"

AnswerWord = Literal["yes", "not yet", "no", "cannot tell"]


class Evidence(Record):
    """What a sentence stands on."""

    kind: Literal["score", "verdict", "gate", "finding", "fact"]
    text: str
    """For people, a few words with the number."""
    ref: str | None = None
    """Section of the page, or id of the finding, where it can be read in full."""


class Sentence(Record):
    """One of the sentences of the first screen: five, and one of groups where they were compared."""

    topic: Literal["score", "bar", "training", "data", "groups", "limits"]
    text: str
    evidence: list[Evidence] = []


class Answer(Record):
    """Is it a good fit? The word follows from verdicts, gates and findings by written rules, never from a bare number."""

    word: AnswerWord
    rule: str
    """The first rule that applied (how-to/read-the-report lists them)."""
    because: str
    """One line."""
    also: list[str] = []
    """What other rules had to say, strongest first."""
    sentences: list[Sentence]


class StageFacts(Record):
    """One stage of the run."""

    name: str
    state: str
    seconds: float = 0.0
    version: int | None = None
    reused_from: str | None = None
    reason: str | None = None


class RunFacts(Record):
    """What was run, on what, with what."""

    id: str
    name: str
    status: str
    parent: str | None = None
    created: str | None = None
    finished: str | None = None
    seconds: float | None = None
    """Sum over the stages."""
    attempts: int | None = None
    purpose: str = ""
    task: str = "classification"
    """Kind of task: classification, generation."""
    multi_label: bool = False
    label_column: str | None = None
    text_columns: list[str] = []
    stages: list[StageFacts] = []
    model: dict[str, Any] = {}
    """Kind, base model (a name, never a path of the machine), its hash and licence, and the saved model's path in the run."""
    error: str | None = None
    error_kind: str | None = None
    """Class of the error: `DataError`, `MachineError` …"""
    error_fix: str | None = None
    """What the error says to do."""


class GroupCount(Record):
    """Rows of one member of a group axis."""

    axis: str
    member: str
    splits: dict[str, int]


class DataFacts(Record):
    """Rows and tokens in = used + dropped by reason."""

    read: int | None = None
    used: int | None = None
    dropped: dict[str, int] = {}
    splits: dict[str, int] = {}
    labels: dict[str, int] = {}
    """Rows per label, in the split named by `labels_of`."""
    labels_of: str | None = None
    groups: list[GroupCount] = []
    tokens: dict[str, Any] = {}
    truncated: dict[str, int] = {}
    """Rows cut at `max_length`, per label (of several labels a row counts for each)."""
    truncated_rows: dict[str, int] = {}
    """Rows cut at `max_length`, per split; a row counts once."""
    sources: list[dict[str, Any]] = []
    """Generation: rows, examples and tokens of each source of the training, and how many examples an epoch draws (`prepare.mix` too)."""
    mix: dict[str, Any] = {}
    """Generation: rows of `prepare.mix` read = used + dropped by reason."""
    max_length: int | None = None
    lengths: dict[str, Any] = {}
    """Histogram: `unit`, `edges` (k + 1), `counts` (k), and the `split` that was counted, where one was."""
    languages: list[str] = []
    topics: list[dict[str, Any]] = []
    """Clusters of the training texts: `name`, `n`, `share`."""
    topics_stable: bool = True
    learning_curve: dict[str, Any] = {}
    """`metric`, and `measured` and `forecast`: lists of `rows`, `value`, `low`, `high`."""
    doubted: dict[str, Any] = {}
    """Labels that are probably wrong: `judged` and `flags` (rows), and `pairs`: lists of `label`, `likelier`, `n`."""

    @property
    def cut(self) -> dict[str, int]:
        """Rows cut per split, those without left out; `{"": n}` where only labels were counted."""
        total = {} if self.truncated_rows else {"": sum(self.truncated.values())}
        return {split: n for split, n in (self.truncated_rows or total).items() if n}


class GateFacts(Record):
    """A bar set beforehand, and the answer."""

    gate: str
    answer: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    rows_needed: int | None = None
    why_absent: str | None = None


class Ledger(Record):
    """How many models the test rows have judged."""

    models_scored: int | None = None
    level_corrected: float | None = None
    state: str | None = None


class FoldFacts(Record):
    """A fold: how many rows its model answered, after learning from how many others, and how well."""

    fold: int
    rows: int
    value: float | None = None
    """The primary score."""
    rows_trained: int | None = None
    rows_valid: int | None = None
    seed: int | None = None
    best_step: int | None = None
    seconds: float | None = None


class ScoreFacts(Record):
    """What was measured, on which rows, against what."""

    on: str
    n: int | None = None
    rows: str | None = None
    """Fingerprint of the rows."""
    primary: str
    systems: dict[str, str] = {}
    """System -> run or baseline."""
    scores: list[WrittenScore] = []
    """Whole-set scores; those of classes stand in `classes`."""
    widened: WrittenScore | None = None
    """The primary score at the level that allows for every model scored on these rows."""
    verdicts: list[WrittenVerdict] = []
    gates: list[GateFacts] = []
    ledger: Ledger = Ledger()
    folds: list[FoldFacts] = []
    """Where the rows were answered out of fold."""


class ClassFacts(Record):
    """One class on the scored rows."""

    label: str
    support: int
    scores: dict[str, WrittenScore] = {}


class Pair(Record):
    """What is taken for what."""

    label: str
    prediction: str
    rows: int


class Confusion(Record):
    """What is taken for what: the whole matrix of counts, or with very many classes its largest cells off the diagonal."""

    labels: list[str]
    matrix: list[list[int]] | None = None
    """A row is the label, a column the prediction."""
    pairs: list[Pair] = []
    """Most frequent first."""


class Bin(Record):
    """Rows of similar confidence: what the model promised and what it kept."""

    n: int
    confidence: float
    """Mean probability of these rows."""
    right: float
    """Share of them that are right, with its interval."""
    right_low: float
    right_high: float


class CalibrationFacts(Record):
    """Are its probabilities to be believed?"""

    scores: list[WrittenScore] = []
    bins: list[Bin] = []
    temperature: float | None = None
    """What logits are divided by before they become probabilities; null where that was not done."""
    fitted_on: str | None = None
    thresholds: dict[str, float] = {}
    """Label -> probability from which a multi-label model gives it."""
    reason: str = ""
    """Why temperature and thresholds are what they are."""
    promised: PromisedFacts | None = None
    """Withheld answers and sets of labels."""


class Mistake(Record):
    """A confident error; the text as `show_text` allows."""

    row: str
    label: str
    prediction: str
    p: float | None = None
    text: str | None = None
    nearest: list[NearRow] = []
    reading: str | None = None
    """What the nearest training rows suggest: label_in_doubt, missing_case."""


class Chart(Record):
    """A Vega-Lite specification with its caption and the same facts as a table."""

    id: str
    section: Literal["first", "data", "tuning", "training", "scores", "weak", "classes", "calibration", "groups", "functions"]
    title: str
    text: str
    """What is seen, in a sentence: for those who cannot see it."""
    columns: list[str]
    rows: list[list[str]]
    wide: bool = False
    """Needs the whole width of the page."""
    spec: dict[str, Any]


class Reproduce(Record):
    """Everything needed to do it again, and to check that it is the same."""

    command: str
    note: str = ""
    """What has to be done before the command is of use."""
    seed: int | None = None
    goodfit: str | None = None
    commit: str | None = None
    versions: dict[str, str] = {}
    hardware: dict[str, str] = {}
    hashes: dict[str, str] = {}
    settings: str = ""
    """resolved.yaml: every setting with the value that was used."""


class Missing(Record):
    """A part of the report that is not there, and why."""

    what: str
    why: str


class ReportDocument(Record):
    """The whole report of one run."""

    schema_: Literal["goodfit/report/1"] = Field("goodfit/report/1", alias="schema")
    written_by: str
    """Version of Goodfit that wrote the report (the run may be older)."""
    answer: Answer
    run: RunFacts
    headline: WrittenScore | None = None
    """The primary score of the model."""
    first: list[str] = []
    """Ids of at most three findings to look at first."""
    data: DataFacts
    candidates: list[dict[str, str]] = []
    """Base models that were considered, in words."""
    tuning: TuningFacts | None = None
    training: TrainingFacts | None = None
    scores: ScoreFacts | None = None
    classes: list[ClassFacts] = []
    confusion: Confusion | None = None
    weak: WeakFacts | None = None
    assess: AssessFacts | None = None
    """For whom it works worse; null where the run has no assessment."""
    calibration: CalibrationFacts | None = None
    show_text: ShowText = "masked"
    suspects: list[Mistake] = []
    """Rows whose labels the audit doubts most: `prediction` is the likelier label, `p` its probability."""
    mistakes: list[Mistake] = []
    generation: GenerationFacts | None = None
    """Of a model that writes."""
    review: ReviewFacts | None = None
    """What people said of its answers."""
    findings: list[WrittenFinding] = []
    charts: list[Chart] = []
    reproduce: Reproduce
    missing: list[Missing] = []

    def to_json(self) -> dict[str, Any]:
        """The plain dict that is written as report.json."""
        return self.model_dump(mode="json", by_alias=True)


def json_schema() -> dict[str, Any]:
    """The JSON schema of report.json, published in docs/reference/schemas."""
    schema = ReportDocument.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
