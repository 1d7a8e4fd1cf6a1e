"""The sections `audit`, `evaluate` and `report`: what is looked for, measured and shown. Part of recipe."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from goodfit.recipe.section import Auto, Names, Section, listed
from goodfit.score import Gate


class Evaluate(Section):
    """What is measured at the end, against what."""

    on: Literal["test", "valid", "folds"] = "test"
    """Which rows; `test` is opened once, and the ledger counts it. With `split.folds` there are no test rows: `folds`, all rows, each
    answered by a model that did not learn from it."""
    metrics: Auto | Names = "auto"
    """Scores to report; the first is the primary one. `auto`: all that apply, macro_f1 first (generation: chrf, or bits_per_byte)."""
    baselines: Auto | tuple[str, ...] = "auto"
    """What the model has to beat, on the same rows. `auto`: majority, tfidf, and knn (neighbours by frozen vectors) where an encoder is
    installed; zero_shot (the base model told the labels' names) on request. Generation: base, few_shot and retrieval."""
    gates: dict[str, str] = Field(default_factory=dict)
    """Bars set beforehand, for example {macro_f1: ">= 0.80"}."""
    robustness: Auto | Literal[False] = "auto"
    """Classification: some scored rows asked again with typing errors, other casing, without punctuation …; `false`: not done."""
    tests: str | None = None
    """Classification: YAML file of behavioural tests: what must be answered, what must not matter (docs/how-to/behavioural-tests.md)."""
    rows: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Generation: of so many rows, drawn by chance (`auto`: 300), the answers are written; losses are measured on all rows."""
    max_new_tokens: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Generation: longest answer in tokens; `auto`: the 99% quantile of the training answers and a quarter more, 16 to 512."""
    few_shot: Annotated[int, Field(gt=0)] = 3
    """Generation: training examples in the prompt of the baseline few_shot."""
    predictions: dict[str, str] = Field(default_factory=dict)
    """Name -> another system: a file of its answers (`prediction`, beside `row` or the input columns; `p_<label>` where known), an earlier
    run, or (classification) the folder of a trained classifier."""
    retain: Names = ()
    """Generation: files of texts that the model must not forget: bits per byte before and after the training."""
    regex: str | None = None
    """Generation: the pattern of the score regex_match."""
    json_schema: str | None = None
    """Generation: file with the JSON schema of the score json_valid."""

    @field_validator("baselines", mode="before")
    @classmethod
    def _one_baseline(cls, value: Any) -> Any:
        return value if value == "auto" else listed(value)

    @field_validator("gates")
    @classmethod
    def _gates(cls, gates: dict[str, str]) -> dict[str, str]:
        for name, text in gates.items():
            Gate.parse(name, text)
        return gates


class Report(Section):
    """What the report shows."""

    show_text: Literal["masked", "full", "none"] = "masked"
    """Examples of rows: with letters and digits masked, in full, or not at all."""


class Audit(Section):
    """Checks on the data before anything is trained."""

    ignore: tuple[str, ...] = ()
    """Codes of findings to mute."""
    encoder: str = "auto"
    """What turns texts into vectors: a model on this machine, `tfidf_svd`, or `auto`: the model to be trained where it is an encoder of at
    most 150 M parameters, else the largest installed one, else `tfidf_svd`."""
    should_not_matter: Names = ()
    """Words (names, places, products) that should not decide a class: do they go with one all the same?"""
    benchmarks: Names = ()
    """Files whose rows must not stand in the training data (columns as in `task`, else every column of texts)."""
    production: Names = ()
    """Files with unlabelled texts as they come in production (columns as in `task`, or `text`): is the training data like them?"""
    toxicity_model: str | None = None
    """A classifier of toxic content (folder, hub id) to score some texts with; its own bias is measured first. None: not measured."""
    toxic_labels: Names = ()
    """Which of its labels mean toxic; when omitted, those that say so (toxic, hate, offensive, insult, threat …)."""
    names_model: str | None = None
    """A model for named entities (folder, hub id) that finds names of persons; how well it does on known names is measured first. None: not
    looked for."""
    name_labels: Names = ()
    """Which of its labels mean a person; when omitted, those that say so (PER, PERSON, NAME, FIRSTNAME …)."""
    languages: Names = ()
    """Languages that the texts are meant to be in (en or English, de or German …); when omitted, those of at least one text in twenty."""
