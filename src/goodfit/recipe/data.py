"""The sections `data`, `groups` and `split`: where the rows are, whose they are, how they are divided. Part of recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from goodfit.recipe.section import Section, Share, listed

CROSS = " x "
"""Between two axes of an intersection (`assess.by`)."""
MaskKind = Literal["email", "phone", "card", "iban", "national_id", "ip", "secret"]
"""What `data.mask` can replace."""


class Form(Section):
    """How a file is read; all of it is found by itself when omitted."""

    format: str | None = None
    """csv, tsv, jsonl, json, parquet, arrow, xlsx, txt-folder; by the file's ending when omitted."""
    encoding: str | None = None
    """Of text files: utf-8, cp1252, utf-16 …"""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Of csv files: one character."""
    header: bool | None = None
    """Of csv files: false where the first line is a row already (columns are then column_1, column_2 …)."""


class DataSource(Form):
    """One of several files."""

    path: str
    """File, folder, or `hub:owner/name`."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """How much a row of this source counts in training, relative to 1: in the loss; for generation how often it is drawn in an epoch
    (0.5: half of the rows in each, 2: each twice)."""


class Data(Form):
    """Where the rows are: one file, several sources, or given splits. Paths are relative to the recipe."""

    path: str | None = None
    """One file (csv, tsv, jsonl, json, parquet, xlsx, compressed), a folder (arrow, or txt per class), or `hub:owner/name`."""
    sources: tuple[DataSource, ...] = ()
    """Several files, each with a weight."""
    train: str | None = None
    """Given training rows."""
    valid: str | None = None
    """Given validation rows (cut from train when omitted)."""
    test: str | None = None
    """Given test rows (cut from train when omitted)."""
    decisions: str | Literal[False] | None = None
    """File of what people decided about rows (`goodfit review RUN --of suspects`): relabelled, dropped, masked. Found by itself when it
    is called decisions.jsonl and lies beside the recipe, or beside the data; `false`: none is applied."""

    mask: Annotated[tuple[MaskKind, ...], BeforeValidator(listed)] = ()
    """What is replaced by its kind wherever rows are read, also by `predict`: email, phone, card, iban, national_id, ip, secret."""

    @model_validator(mode="after")
    def _one_way(self) -> Data:
        ways = [bool(self.path), bool(self.sources), bool(self.train)]
        if sum(ways) != 1:
            raise ValueError("give exactly one of path, sources, or train (with valid and test)")
        if (self.valid or self.test) and not self.train:
            raise ValueError("valid and test need train beside them")
        return self


def axes_in(name: str) -> list[str]:
    """The axes that an intersection is of: `gender x age` -> gender, age."""
    return [part.strip() for part in name.split(CROSS)]


def no_crossing(axes: dict[str, Any]) -> dict[str, Any]:
    """Refuses an axis whose name reads like an intersection of two."""
    for name in axes:
        if CROSS in name:
            raise ValueError(f"an axis cannot be called {name!r}: assess.by writes intersections of two axes so")
    return axes


class GroupAxis(Section):
    """How a row's group is known: by a column, or by the terms in its text."""

    column: str | None = None
    """Column that holds the member's name."""
    terms: str | None = None
    """List of terms: one that comes with Goodfit (gender-en, religion-de …), or a YAML file beside the recipe. A text that names several
    members counts for each."""

    @model_validator(mode="after")
    def _one_way(self) -> GroupAxis:
        if (self.column is None) == (self.terms is None):
            raise ValueError("give exactly one of column and terms")
        return self


class Split(Section):
    """How rows are divided into train, validation and test, without leaks."""

    test_size: Share = 0.15
    """Share of rows (0-1) kept for the one honest look at the end."""
    valid_size: Share = 0.15
    """Share of rows for choosing the step, the threshold, the temperature."""
    by: str | None = None
    """Column whose rows stay together (customer, document, conversation); also the unit of every interval."""
    time: str | None = None
    """Column with a time: train is the oldest, test the newest."""
    duplicates: Literal["keep", "drop"] = "keep"
    """Rows with the same normalised text always stay on one side; `drop` keeps only the first of those that agree on the label."""
    near_duplicates: bool = True
    """Rows whose texts are nearly the same (a typo, a word, a greeting around) stay on one side too, and are reported."""
    folds: Annotated[int, Field(ge=2, le=20)] | None = None
    """Small data (classification): so many models are trained beside the one that is kept, each without one part of the rows, which it
    answers. Scores are then of all rows (`evaluate.on: folds`), and no test rows are kept back: test_size is 0."""
    fresh_test: bool = False
    """The test rows are taken from rows that the parent run did not have, and its own are released into training. Asks for new rows."""
    leaks: Literal["report", "drop"] = "report"
    """With given splits: report training rows that stand in validation or test too, or nearly, or drop them from training."""

    @model_validator(mode="before")
    @classmethod
    def _no_test_rows(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("folds") is not None and "test_size" not in values:
            return {**values, "test_size": 0.0}
        return values

    @model_validator(mode="after")
    def _sizes(self) -> Split:
        if self.folds is not None and self.test_size:
            raise ValueError("with folds every row is answered by a model that did not learn from it: leave test_size out, or set it to 0 "
                             "(and evaluate.on: folds)")  # fmt: skip
        if self.folds is not None and self.time is not None:
            raise ValueError("folds would learn from rows later than those they are asked of: leave out folds or time")
        if self.test_size + self.valid_size >= 1:
            raise ValueError("test_size + valid_size leave no rows for training")
        if self.fresh_test and self.time is not None:
            raise ValueError("fresh_test is for a split by chance: with split.time, rows later than all others are the test rows already")
        if self.fresh_test and not self.test_size:
            raise ValueError("fresh_test needs test_size above 0")
        return self
