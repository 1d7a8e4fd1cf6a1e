"""The schemas of tune's files: the plan, a search and its trainings, what was measured before. Part of schemas."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from goodfit.schemas.document import Document
from goodfit.score import Score, Verdict


class SearchResult(Document):
    """What a search came to."""

    taken: int | None
    """The trial whose numbers replace the default's; null: the default stays."""
    compared: int | None
    """The trial that was compared with the default."""
    sentence: str
    verdict: Verdict | None
    cut: str = ""


class Plan(Document):
    """tune/plan.json: every number of the training and why it is what it is."""

    schema_: Literal["goodfit/plan/1"] = Field(alias="schema")
    plan: dict[str, Any]
    reasons: dict[str, str]
    peft: dict[str, Any] = {}
    """The adapter, where there is one (`method`)."""
    chosen: dict[str, Any] = {}
    """Recipe keys that a search has changed."""
    search: SearchResult | None = None


class Trial(Document):
    """A line of tune/trials.jsonl: one training of a search."""

    trial: int
    phase: Literal["search", "repeat"]
    seed: int
    params: dict[str, Any]
    default: bool
    state: Literal["complete", "pruned", "diverged", "failed"]
    value: float | None
    """The deciding score at the best step, on the choosing rows; null where the training did not end."""
    scores: list[Score]
    seconds: float
    pruned_at: int | None
    steps: int
    rows: int
    """Training rows seen."""


class Search(Document):
    """tune/search.json: what was searched, and what came of it."""

    schema_: Literal["goodfit/search/1"] = Field(alias="schema")
    primary: str
    higher_is_better: bool
    space: dict[str, dict[str, Any]]
    default: dict[str, Any]
    trials: int
    choosing: int
    judging: int
    seconds: float
    result: SearchResult | None = None
    importance: dict[str, Any] | None = None


class Measured(Document):
    """tune/measured.json: range test and noise scale, where they were asked for."""

    schema_: Literal["goodfit/measured/1"] = Field(alias="schema")
    rate: float
    batch: int
    range_test: dict[str, Any] | None = None
    noise_scale: dict[str, Any] | None = None
