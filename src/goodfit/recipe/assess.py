"""The section `assess`: for whom the model may work worse, what counts as harm, and on which rows it is looked for. Part of recipe."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from goodfit.recipe.data import Form, GroupAxis
from goodfit.recipe.section import Auto, Names, Section

Metric = Literal["error", "accuracy", "tpr", "fpr", "fnr", "tnr", "ppv", "selection"]
"""What may differ between groups: shares of rows that are answered wrong or right, right among the rows of a label, false alarms and misses
of a label, right among those that were called it, and how often it is given at all."""
CROSS = " x "
"""Between two axes of an intersection."""


class Suite(Form):
    """A file of texts made to assess a model: functional tests, templates, a sample of another place."""

    path: str
    """File, relative to the recipe."""
    text: Names
    """Its text column, or several."""
    label: str
    """Its column with the right label."""
    labels: dict[str, str] = Field(default_factory=dict)
    """What stands in that column -> the label of the task that it means; labels of the same name need no entry."""
    groups: dict[str, GroupAxis] = Field(default_factory=dict)
    """Axes of this file, by column or by terms; axes of the recipe that are known by terms hold here too."""
    by: str | None = None
    """Column whose rows are one thing (a template, an author): the unit of every interval."""
    function: str | None = None
    """Column that says what a text tests (negation, a slur that is reclaimed …): scored one by one."""


class Assess(Section):
    """For whom the model works worse: what is compared, by which measure, and how much difference is too much."""

    by: Names = ()
    """Axes of `groups`, and intersections (`gender x age`); every axis when omitted."""
    label: Names = ()
    """Labels that have consequences for people (hate: the text is removed): their false alarms and misses are harms of their own."""
    metrics: Auto | Annotated[tuple[Metric, ...], Field(min_length=1)] = "auto"
    """The declared measures. `auto`: error, and fpr and fnr of `label`; all others are looked at too, at a bar of their own."""
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Differences of rates up to this size do not matter (a share: 0.05 is five points)."""
    harms: dict[str, str] = Field(default_factory=dict)
    """Measure -> who is harmed and how, in your words (for the plan, the page and the card)."""
    why: dict[str, str] = Field(default_factory=dict)
    """Axis -> why it is looked at, in your words."""
    probes: Auto | tuple[Literal["identity_swap"], ...] = "auto"
    """identity_swap: scored texts asked again with the terms of one group in place of another's. `auto`: for every axis of terms that has a
    rule for it."""
    suites: dict[str, Suite] = Field(default_factory=dict)
    """Name -> a file of texts made to assess a model."""

    @field_validator("metrics", "probes", mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        return value if value == "auto" else (value,) if isinstance(value, str) else value
