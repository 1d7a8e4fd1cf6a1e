"""The parts of report.json that only a model that writes has: rows as it sees them, answers, samples, forgetting, reviews.

Part of the report stage's schema. Every text of a row, an answer or a note stands here as `report.show_text` allows: masked, in full up to
some hundred characters, or null.
"""

from __future__ import annotations

from goodfit.stages.report.record import Record, WrittenScore, WrittenVerdict


class Piece(Record):
    """Part of a row: tokens that are learned, or not."""

    text: str | None
    learned: bool
    special: bool = False
    """A token that is no text: begin, end, the marks of a chat template. Shown whatever `show_text` says."""


class ShownRow(Record):
    """A training row as the model sees it."""

    row: str
    split: str
    tokens: int
    learned: int
    pieces: list[Piece] = []


class PreparedSide(Record):
    """Rows of one split on their way to tokens."""

    split: str
    rows: int
    examples: int | None = None
    """More than rows where plain texts are cut into pieces."""
    learned: int | None = None
    """Tokens."""
    cut: int = 0


class PreparedFacts(Record):
    """What became of the rows before any training."""

    sides: list[PreparedSide] = []
    dropped: dict[str, int] = {}
    """Reason -> rows left out."""
    cut: dict[str, int] = {}
    """`prompt`, `answer` -> rows of which that was cut."""
    mode: str | None = None
    """What is done with a row that is too long: drop, keep_start, keep_end."""
    checks: list[str] = []
    """Ids of the findings that say what was looked for in every row."""


class StepText(Record):
    """What was written at one moment of the training."""

    step: int
    text: str | None
    stopped: bool | None = None
    """It ended itself."""


class TrainingSample(Record):
    """One prompt, answered again and again while the model was trained."""

    row: str
    prompt: str | None
    steps: list[StepText]


class SystemText(Record):
    """One system's answer."""

    system: str
    text: str | None
    stopped: bool | None = None
    chrf: float | None = None


class AnswerFacts(Record):
    """One scored row with everybody's answers."""

    row: str
    prompt: str | None
    reference: str | None
    loss: float | None = None
    """Nats per learned token of the reference."""
    answers: list[SystemText]
    """The model's first."""


class Forgotten(Record):
    """A set of texts that should not be unlearned, before and after."""

    name: str
    """retain, retain_in_template."""
    base: WrittenScore
    model: WrittenScore
    verdict: WrittenVerdict | None = None


class ParityFacts(Record):
    """The saved folder in plain transformers (or PEFT)."""

    prompts: int
    prompts_equal: int
    answers_equal: int
    new_tokens: int | None = None
    failed: str | None = None


class GenerationFacts(Record):
    """What is known of a model that writes beyond scores and curves. What a run does not have is empty or null."""

    chat: bool = False
    """It answers conversations (a chat template stands with it)."""
    template: str | None = None
    """Name of the chat template."""
    roles: list[str] = []
    """Whose turns are learned."""
    max_length: int | None = None
    max_new_tokens: int | None = None
    sampled: bool = False
    """Answers were drawn by chance; else greedy."""
    written: int | None = None
    """Rows answered by writing; losses are of all rows."""
    refused: int = 0
    """Rows that could not be asked."""
    examples: int | None = None
    """Training rows in the prompt of few_shot."""
    left_out: dict[str, str] = {}
    """System -> why it was not heard."""
    prepared: PreparedFacts | None = None
    rows: list[ShownRow] = []
    samples: list[TrainingSample] = []
    best: list[AnswerFacts] = []
    worst: list[AnswerFacts] = []
    references: list[WrittenScore] = []
    """What the same measures give for the answers that stand in the rows."""
    documents: int | None = None
    """Retained texts."""
    forgetting: list[Forgotten] = []
    forgetting_absent: str | None = None
    parity: ParityFacts | None = None


class Preferred(Record):
    """The model against one other system, as people prefer."""

    one: str
    other: str
    wins: int
    ties: int
    losses: int
    win_share: WrittenScore
    verdict: WrittenVerdict | None = None
    more_judgements: int | None = None
    """That would settle a preference of this size."""
    may_stop: bool = False
    """By the rule that allows looking at any time."""


class Rated(Record):
    """One dimension: every system's mean of 1 to 5, and the model's lead."""

    dimension: str
    scores: list[WrittenScore] = []
    verdicts: list[WrittenVerdict] = []


class Agreed(Record):
    """How far reviewers say the same of the same answers."""

    about: str
    raters: int
    alpha: WrittenScore
    """Krippendorff's, ordinal."""
    raw: WrittenScore
    """Share of equal pairs."""


class Disliked(Record):
    """An answer that people liked least."""

    row: str
    merit: float
    """0 to 1: mean of preferences and ratings."""
    judgements: int
    prompt: str | None
    texts: list[SystemText] = []
    tags: list[str] = []
    notes: list[str] = []


class ReviewFacts(Record):
    """What people said of the answers, blind."""

    made: str | None = None
    reviewers: int
    """People who answered; their names are not in the report."""
    answered: int
    """Answers in all."""
    drawn: int | None = None
    population: int | None = None
    identical: int | None = None
    """Rows that all systems answer alike: not asked."""
    judgements: int = 0
    systems: list[str] = []
    pairs: list[Preferred] = []
    ratings: list[Rated] = []
    agreement: list[Agreed] = []
    consistency: WrittenScore | None = None
    effects: list[WrittenScore] = []
    """What may have moved reviewers besides quality."""
    worst: list[Disliked] = []
