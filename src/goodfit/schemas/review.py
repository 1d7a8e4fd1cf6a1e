"""The schemas of a review: what reviewers are shown, what they answer, what that says. Layer: run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from goodfit.schemas.document import Document
from goodfit.score import Score, Verdict


class ReviewItem(Document):
    """One item of a review: a row, the systems compared, their texts, the chance that the row was drawn."""

    item: str
    row: str
    systems: list[str]
    p: float = Field(gt=0, le=1)
    """Results weigh by its inverse."""
    strata: list[str]
    """Why it was likely to be drawn: highest_loss, longest, rarest, disagreement; `other` where for none of these."""
    repeat_of: str | None
    """The item that is asked again here."""
    prompt: str
    texts: dict[str, str]


class ReviewItems(Document):
    """review/items.json: what reviewers are shown; with the seed, their names and the items, order and sides follow."""

    schema_: Literal["goodfit/review_items/1"] = Field(alias="schema")
    runs: list[str]
    systems: list[str]
    """The subject first."""
    seed: int
    ask: list[Literal["prefer", "rate"]]
    population: int
    """Rows on which the systems differ, from which the items were drawn."""
    identical: int
    """Rows left out, since all systems answered alike."""
    items: list[ReviewItem]


class ReviewAnswer(Document):
    """A line of review/<reviewer>.jsonl; a later line of the same item replaces the earlier."""

    item: str
    row: str
    systems: list[str]
    order: list[str]
    """As shown: the first was A."""
    ratings: dict[str, dict[str, int]]
    """System -> dimension -> 1 to 5."""
    prefer: str | None
    """A system, or `tie`."""
    note: str
    tags: list[str]
    skipped: bool = False
    time: str


class JudgeAnswer(Document):
    """A line of review/judges/<name>.jsonl: what a model said of one item; a later line of the same item replaces the earlier."""

    item: str
    row: str
    systems: list[str]
    asked: list[Literal["prefer", "rate"]]
    orders: list[dict[str, Any]]
    """Each order in which the answers were shown, with the chances of the two systems and of `tie`."""
    chances: dict[str, float] | None
    """Their mean over both orders; null where one of them has no answer."""
    prefer: str | None
    """A system, or `tie`."""
    ratings: dict[str, dict[str, int]]
    """System -> dimension -> 1 to 5."""
    unread: str | None
    """Why a question has no answer; null where all have."""
    judge: dict[str, Any]
    """kind, model, content of its files or base_url, and the wording of the questions."""
    time: str


class ReviewPair(Document):
    """The subject against one other system, as people prefer."""

    a: str
    b: str
    wins: int
    ties: int
    losses: int
    win_share: Score
    verdict: Verdict
    stopping: dict[str, Any]
    """Valid however often it is looked at: stop, evidence against equality and the amount that decides, confidence sequence."""
    more_judgements: int | None


class ReviewResults(Document):
    """review/results.json: what people's answers say."""

    schema_: Literal["goodfit/review/1"] = Field(alias="schema")
    run: str
    systems: list[str]
    items: dict[str, int]
    reviewers: list[dict[str, Any]]
    judgements: int
    pairs: list[ReviewPair]
    strengths: list[dict[str, Any]]
    effects: list[Score]
    """first_shown_wins, length_slope, longer_wins: what may have moved reviewers besides quality."""
    ratings: list[dict[str, Any]]
    agreement: list[dict[str, Any]]
    consistency: Score
    worst: list[dict[str, Any]]
    judges: list[dict[str, Any]] = Field(default_factory=list)
    """Models that judged the same items: their agreement with people, and only with enough of it their win shares."""
    text: list[str]
