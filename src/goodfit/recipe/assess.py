"""The section `assess`: for whom the model may work worse, what counts as harm, and on which rows it is looked for. Part of recipe."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from goodfit.recipe.data import CROSS, Form, GroupAxis, axes_in, no_crossing
from goodfit.recipe.section import Auto, Names, Section

__all__ = ["CROSS", "Assess", "Kind", "Metric", "Suite", "axes_in"]

Metric = Literal["error", "accuracy", "tpr", "fpr", "fnr", "tnr", "ppv", "selection"]
"""What may differ between groups: shares of rows that are answered wrong or right, right among the rows of a label, false alarms and misses
of a label, right among those that were called it, and how often it is given at all."""
Kind = Literal["bbq", "crows_pairs", "winobias", "stereoset", "bold"]
"""Published sets that ask models that write."""


class Suite(Form):
    """A file of texts made to assess a model: functional tests, templates, a sample of another place; or a published set of a `kind`."""

    path: str
    """File, relative to the recipe (a folder too, with `kind`)."""
    kind: Kind | None = None
    """For models that write: a published set in its original format. Such a suite needs neither text nor label."""
    rows: Auto | Annotated[int, Field(ge=1)] = "auto"
    """With `kind`: items that are asked at most, drawn by the seed from all templates or categories. `auto`: 1,600; of bold 400."""
    agreed: bool = False
    """With `kind: crows_pairs`: only pairs whose category most annotators named."""
    text: Names = ()
    """Its text column, or several."""
    label: str = ""
    """Its column with the right label."""
    labels: dict[str, str] = Field(default_factory=dict)
    """What stands in that column -> the label of the task that it means; labels of the same name need no entry."""
    groups: Annotated[dict[str, GroupAxis], AfterValidator(no_crossing)] = Field(default_factory=dict)
    """Axes of this file, by column or by terms; axes of the recipe that are known by terms hold here too."""
    by: str | None = None
    """Column whose rows are one thing (a template, an author): the unit of every interval."""
    function: str | None = None
    """Column that says what a text tests (negation, a slur that is reclaimed …): scored one by one."""

    @model_validator(mode="after")
    def _whole(self) -> Suite:
        if self.kind is None:
            missing = [name for name in ("text", "label") if not getattr(self, name)]
            if missing:
                raise ValueError(f"a file of texts needs {' and '.join(missing)}; a published set says which it is with kind")
            if self.agreed or self.rows != "auto":
                raise ValueError("rows and agreed are for published sets (kind)")
            return self
        named = [name for name in ("text", "label", "labels", "groups", "by", "function") if getattr(self, name)]
        named += [name for name in ("format", "encoding", "delimiter", "header") if getattr(self, name) is not None]
        if named:
            raise ValueError(f"a published set ({self.kind}) has its own columns: leave out {', '.join(named)}")
        if self.agreed and self.kind != "crows_pairs":
            raise ValueError("agreed is for kind: crows_pairs")
        return self


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
