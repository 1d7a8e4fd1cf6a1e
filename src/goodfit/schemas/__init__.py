"""The schemas of the files that a run leaves, and of what a command prints: one pydantic model each, published as JSON Schema.

Layer: run. `schemas()` gives them all (docs/reference/schemas/*.json are made from it); a test validates every file of a run.
Unknown extra keys are allowed in files, so that a newer Goodfit's run still reads; a version rises when a key changes its meaning.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from goodfit.finding import Finding
from goodfit.run import RunRecord
from goodfit.schemas.assess import AssessmentPlan, Gaps, SwappedPair, TermContext
from goodfit.schemas.document import Document
from goodfit.schemas.evaluate import ConfusedPair, Fold, Mistake, ScoredRows
from goodfit.schemas.review import JudgeAnswer, ReviewAnswer, ReviewItems, ReviewResults
from goodfit.schemas.suspects import DecisionLine, FirstSuspect, SuspectAnswer, SuspectItems, SuspectReview
from goodfit.schemas.tuning import Measured, Plan, Search, Trial
from goodfit.score import Score, Verdict


class SplitManifest(Document):
    """split/manifest.json: rows read = used + dropped by reason."""

    schema_: Literal["goodfit/split/1"] = Field(alias="schema")
    read: int
    used: int
    dropped: dict[str, int]
    splits: dict[str, int]
    groups: dict[str, dict[str, dict[str, int]]]
    decisions: dict[str, Any] | None = None
    """What people decided of rows: the file, applied by action, by whom, about unknown rows, refused, test rows changed."""

    @model_validator(mode="after")
    def _nothing_lost(self) -> SplitManifest:
        if self.read != self.used + sum(self.dropped.values()):
            raise ValueError(f"{self.read} rows read, but {self.used} used and {sum(self.dropped.values())} dropped")
        if self.used != sum(self.splits.values()):
            raise ValueError(f"{self.used} rows used, but {sum(self.splits.values())} in the splits")
        return self


class Counted(Document):
    """A number of groups and of the rows in them."""

    groups: int
    rows: int


class Conflicts(Counted):
    """Texts that carry different labels, compared up to case and spaces."""

    up_to_punctuation: Counted | None = None
    """Those that do so only when ordinary punctuation does not count either; its rows may be of texts counted above."""


class Duplicates(Counted):
    """Rows that share their normalised text."""

    extra: int
    """Rows beyond the first of each group."""
    exact_extra: int
    largest: int


class NearDuplicates(Counted):
    """Rows whose text is nearly that of another row, and not the same."""

    extra: int
    """Texts beyond the first of each group."""
    largest: int
    not_kept_together: int
    """Rows of groups through which `split.by` would have tied most of the rows."""


class Templates(Document):
    """Texts that fill in the same frame."""

    rows: int
    by_numbers: int
    """The most rows that differ in their numbers only."""
    not_kept_together: int
    """Rows of groups of near-duplicates too large for one side of a split."""


class Hygiene(Document):
    """split/hygiene.json: what all rows were looked through for before the test set was sealed; counts only, no text."""

    schema_: Literal["goodfit/hygiene/1"] = Field(alias="schema")
    read: int
    dropped: dict[str, int]
    labels_read: dict[str, int]
    """Label as it was read -> rows."""
    unknown_labels: dict[str, int]
    duplicates: Duplicates
    conflicts: Conflicts
    near_duplicates: NearDuplicates | None = None
    near_conflicts: Counted | None = None
    """Near-duplicates that carry different labels."""
    templates: Templates | None = None
    leaks: dict[str, Any]


class Histogram(Document):
    """`edges` (k + 1, rising) and `counts` (k)."""

    unit: str
    edges: list[int]
    counts: list[int]

    @model_validator(mode="after")
    def _one_edge_more(self) -> Histogram:
        if len(self.edges) != len(self.counts) + 1:
            raise ValueError(f"{len(self.counts)} bins have {len(self.edges)} edges")
        return self


class Profile(Document):
    """audit/profile.json: what the training and validation rows are like, in numbers."""

    schema_: Literal["goodfit/profile/1"] = Field(alias="schema")
    rows: dict[str, int]
    labels: dict[str, dict[str, int]]
    effective_classes: float
    multi_label: bool
    splits_seen: list[str]
    lengths: Histogram
    characters: Histogram
    words: Histogram
    tokens_estimated: Histogram
    by_label: dict[str, dict[str, Any]]
    duplicates: Duplicates
    conflicts: Conflicts


class TokenCount(Document):
    """Tokens read = used + dropped by reason."""

    read: int
    used: int
    dropped: dict[str, int]

    @model_validator(mode="after")
    def _nothing_lost(self) -> TokenCount:
        if self.read != self.used + sum(self.dropped.values()):
            raise ValueError("tokens are lost without a reason")
        return self


class PrepareManifest(Document):
    """prepare/manifest.json."""

    schema_: Literal["goodfit/prepare/1"] = Field(alias="schema")
    tokens: TokenCount
    truncated: dict[str, int]
    """Label -> rows cut at max_length."""
    max_length: int


class Candidate(Document):
    """One base model that was looked at."""

    model: str
    scores: list[Score]
    """On the training rows: `macro_f1` of a linear probe and of nearest neighbours, `h_score`, `log_me`, `forecast`; `bits_per_byte`."""
    memory_bytes: int | None
    """That training takes, estimated."""
    seconds: float
    """That looking and measuring took."""
    license: str | None
    refused: str | None
    """Why it is no candidate."""
    origin: str | None = None
    """`named`, `installed`, `hub cache` or `catalog`."""
    here: bool = True
    """Whether its files lie on this machine."""
    command: str | None = None
    """What gets it, where they do not."""
    chance_best: float | None = None
    """Chance of being the best of those measured (0-1)."""
    epoch_seconds: float | None = None
    """Of a pass over the training rows on this machine."""
    reading: dict[str, Any] | None = None
    """How its tokenizer reads the rows: tokens per word, unknown tokens, accents dropped, rows beyond the context; by language."""


class Candidates(Document):
    """choose/candidates.json."""

    schema_: Literal["goodfit/candidates/1"] = Field(alias="schema")
    candidates: list[Candidate]
    chosen: str
    verdicts: list[Verdict]
    """Why not the others: the first against each of them, paired by row."""
    measured: bool = False
    """Whether candidates were compared on the rows."""
    tied: list[str] = []
    """Those that could not be told apart from the first, the first among them."""


class Best(Document):
    """train/best.json: which step was kept, why, and by how much over the last one."""

    schema_: Literal["goodfit/best/1"] = Field(alias="schema")
    step: int
    score: Score
    margin: float | None
    reason: str


class EventScore(Document):
    """A score inside an event; the interval where it is cheap."""

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


class Event(Document):
    """A line of train/events.jsonl."""

    event: Literal["start", "step", "eval", "checkpoint", "resumed", "warning", "action", "end"]
    attempt: int
    step: int
    loss: float | None = None
    scores: list[EventScore] = Field(default_factory=list)


class Sample(Document):
    """A line of train/samples.jsonl or evaluate/samples.jsonl: what a system wrote to a prompt."""

    step: int | None
    """Of the training; null in evaluate."""
    row: str
    system: str
    prompt: str
    text: str
    stopped: bool | None
    """It ended itself; null where that is not known."""
    reference: str | None = None
    loss: float | None = None
    """Nats per learned token of the reference."""
    chrf: float | None = None
    """chrF of this one text with its reference, where there is one."""
    cluster: int | None = None


class ShownPiece(Document):
    """Part of a row: tokens that are learned, or not; a special token stands alone."""

    text: str
    learned: bool
    special: bool


class ShownRow(Document):
    """A line of prepare/shown.jsonl: a training row as the model sees it."""

    row: str
    split: str
    tokens: int
    learned: int
    pieces: list[ShownPiece]


class Parity(Document):
    """evaluate/parity.json: the saved folder in plain transformers (or PEFT) against Goodfit."""

    schema_: Literal["goodfit/parity/1"] = Field(alias="schema")
    prompts: int
    new_tokens: int
    failed: str | None
    """What plain transformers said where it could not use the folder."""
    prompts_equal: int
    answers_equal: int
    equal: bool
    rows: list[dict[str, Any]]


class LedgerLine(Document):
    """A line of ledger.jsonl: one unsealing."""

    test: str
    run: str
    model: str | None = None
    """What its weights were made from: looks at one model count once."""
    stage: str
    time: str
    reason: str


class ResultDocument(Document):
    """What a verb prints with --json."""

    schema_: Literal["goodfit/result/1"] = Field(alias="schema")
    command: str
    goodfit: str
    exit_code: int
    status: str
    error: dict[str, Any] | None


class Claim(Document):
    """A row of benchmarks/results/*.json."""

    claim: str
    goal: str
    value: float | str | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    passed: bool | None
    command: str
    commit: str
    date: str
    machine: str
    peers: dict[str, Any]
    why_absent: str | None = None

    @model_validator(mode="after")
    def _value_or_reason(self) -> Claim:
        if (self.value is None) == (self.why_absent is None):
            raise ValueError("a claim has either a value or why_absent")
        return self


MODELS: dict[str, type[BaseModel]] = {
    "score": Score, "verdict": Verdict, "finding": Finding, "run": RunRecord, "split": SplitManifest, "hygiene": Hygiene,
    "profile": Profile, "prepare": PrepareManifest,
    "candidates": Candidates, "plan": Plan, "best": Best, "event": Event, "scores": ScoredRows, "mistake": Mistake,
    "confused_pair": ConfusedPair,
    "sample": Sample, "parity": Parity, "review_items": ReviewItems, "review_answer": ReviewAnswer, "review": ReviewResults,
    "judge_answer": JudgeAnswer, "decision": DecisionLine, "suspect_items": SuspectItems, "suspect_answer": SuspectAnswer,
    "suspect_review": SuspectReview, "first_suspect": FirstSuspect, "fold": Fold,
    "trial": Trial, "search": Search, "measured": Measured, "ledger": LedgerLine, "shown": ShownRow,
    "result": ResultDocument, "claim": Claim,
    "assessment_plan": AssessmentPlan,
    "gaps": Gaps,
    "swapped_pair": SwappedPair,
    "term_context": TermContext,
}  # fmt: skip
"""Name of the published schema -> its model."""

FILES: dict[str, str] = {
    "run.json": "run", "split/manifest.json": "split", "split/hygiene.json": "hygiene",
    "audit/profile.json": "profile", "audit/first.jsonl": "first_suspect",
    "prepare/manifest.json": "prepare", "choose/candidates.json": "candidates",
    "tune/plan.json": "plan", "tune/trials.jsonl": "trial", "tune/search.json": "search", "tune/measured.json": "measured",
    "train/best.json": "best", "train/events.jsonl": "event", "evaluate/scores.json": "scores",
    "evaluate/mistakes.jsonl": "mistake", "review/items.json": "review_items", "review/results.json": "review",
    "review/suspects/items.json": "suspect_items", "review/suspects/results.json": "suspect_review", "split/decisions.jsonl": "decision",
    "prepare/shown.jsonl": "shown", "train/samples.jsonl": "sample", "evaluate/samples.jsonl": "sample",
    "evaluate/parity.json": "parity",
    "evaluate/confusions.jsonl": "confused_pair",
    "evaluate/scores.test.json": "scores", "evaluate/scores.valid.json": "scores", "evaluate/scores.folds.json": "scores",
    "assess/plan.json": "assessment_plan", "assess/gaps.json": "gaps", "assess/swapped.jsonl": "swapped_pair",
    "assess/contexts.jsonl": "term_context",
    "assess/gaps.test.json": "gaps", "assess/gaps.valid.json": "gaps", "assess/gaps.folds.json": "gaps",
}  # fmt: skip
"""File of a run -> schema; every `<stage>/findings.jsonl` is a `finding` a line."""


def schemas() -> dict[str, dict[str, Any]]:
    """Name -> JSON Schema."""
    return {name: model.model_json_schema(by_alias=True) | {"$id": f"goodfit/{name}/1"} for name, model in MODELS.items()}
