"""Recipe: what the user asked for, one frozen section per stage.

Nouns layer: standard library and pydantic. Keys are those of transformers / TRL / PEFT where one exists. The docstring under a
key is its help text (docs/reference/recipe.md is generated from it). `auto` means: the stage decides from what it measures, and
writes the value to `resolved.yaml`. Reading a recipe from a file, with line numbers in its errors, is `settings.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from goodfit.errors import SettingsError
from goodfit.score import Gate

Auto = Literal["auto"]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""One name or a list of names."""


class Section(BaseModel):
    """A frozen part of the recipe; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())


class Task(Section):
    """What the model must do, and in which columns it stands."""

    kind: Literal["classification", "generation"] = "classification"
    """`classification`: one class, or several, for a text. `generation`: an answer, or the text itself, is written."""
    text: Names = ("text",)
    """Classification: column, or columns joined by a line break, that hold the input. Generation: the one column of plain texts."""
    label: str | Annotated[tuple[str, ...], Field(min_length=2)] = "label"
    """Column that holds the class name (or the names, for `multi_label`); or, for `multi_label`, one 0/1 column per label."""
    multi_label: bool = False
    """Several classes, or none, may hold for a row."""
    label_separator: str | None = None
    """What separates the names in a multi-label cell; found by itself among `|`, `;`, `,` and JSON lists when omitted."""
    labels: dict[str, str] | tuple[str, ...] | None = None
    """The classes that there are (optionally with a description each); a label outside the list is an error. Omitted: those in the data."""
    messages: str | None = None
    """Generation: column that holds the turns of a conversation. All columns are found by themselves where the file is clear."""
    prompt: Names = ()
    """Generation: column, or columns joined by a line break, with what is asked."""
    completion: str | None = None
    """Generation: column with the answer."""
    template: str | None = None
    """Generation: the prompt as a text with columns in braces, `"Question: {question}"`, in place of `prompt`."""
    system: str | None = None
    """Generation: column with the system prompt."""
    tools: str | None = None
    """Generation: column with the tools that may be called."""
    speakers: dict[str, str] = Field(default_factory=dict)
    """Generation: names of speakers that are not known by themselves -> system, user, assistant or tool."""
    chat_template: str = "auto"
    """Generation: `auto` (the model's own), `none`, a shipped one (chatml, llama3, gemma …) or a Jinja file."""
    roles_to_train: Annotated[Names, Field(min_length=1)] = ("assistant",)
    """Generation: whose turns are learned; a turn's own `train: true` or `false` comes first."""

    @model_validator(mode="before")
    @classmethod
    def _no_column_by_default(cls, values: Any) -> Any:
        """Only classification has a usual text column; the form of a conversation is found by looking."""
        if isinstance(values, dict) and values.get("kind") == "generation" and "text" not in values:
            return values | {"text": ()}
        return values

    @model_validator(mode="after")
    def _columns(self) -> Task:
        for name in _OF_THE_OTHER[self.kind]:
            if getattr(self, name) != type(self).model_fields[name].get_default(call_default_factory=True):
                other = next(kind for kind in _OF_THE_OTHER if kind != self.kind)
                raise SettingsError(f"task.{name} is for {other}, and task.kind is {self.kind}", fix=f"kind: {other}, or without {name}")
        if self.kind == "generation":
            return self
        if not self.text:
            raise ValueError("text names no column")
        both = [name for name in self.label_columns if name in self.text]
        if both:
            raise ValueError(f"the column {both[0]!r} cannot be both text and label")
        if len(self.label_columns) > 1 and not self.multi_label:
            raise ValueError(f"label names {len(self.label_columns)} columns, which needs multi_label: true")
        if self.label_separator is not None and not self.multi_label:
            raise ValueError("label_separator needs multi_label: true")
        return self

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The label column, or the 0/1 columns; none for generation."""
        if self.kind == "generation":
            return ()
        return (self.label,) if isinstance(self.label, str) else self.label

    @property
    def label_names(self) -> tuple[str, ...] | None:
        """The declared classes in order, or None."""
        return None if self.labels is None else tuple(self.labels)

    @property
    def turns(self) -> dict[str, str | tuple[str, ...]]:
        """Generation: the columns that are named, by what they hold; none where they are to be found."""
        named = {"text": self.text, "messages": self.messages, "prompt": self.prompt, "completion": self.completion}
        return {role: column for role, column in (named | {"system": self.system, "tools": self.tools}).items() if column}


_OF_THE_OTHER = {
    "classification": ("messages", "prompt", "completion", "template", "system", "tools", "speakers", "chat_template", "roles_to_train"),
    "generation": ("label", "multi_label", "label_separator", "labels"),
}


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
    """How much a row of this source counts in training, relative to 1."""


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

    @model_validator(mode="after")
    def _one_way(self) -> Data:
        ways = [bool(self.path), bool(self.sources), bool(self.train)]
        if sum(ways) != 1:
            raise ValueError("give exactly one of path, sources, or train (with valid and test)")
        if (self.valid or self.test) and not self.train:
            raise ValueError("valid and test need train beside them")
        return self


class GroupAxis(Section):
    """How a row's group is known."""

    column: str
    """Column that holds the member's name."""


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
    leaks: Literal["report", "drop"] = "report"
    """With given splits: report training rows that stand in validation or test too, or drop them from training."""

    @model_validator(mode="after")
    def _sizes(self) -> Split:
        if self.test_size + self.valid_size >= 1:
            raise ValueError("test_size + valid_size leave no rows for training")
        return self


class Choose(Section):
    """The pre-trained model."""

    model_name_or_path: str = "auto"
    """Folder, hub id, or a model inside an installed package; `auto`: an installed encoder."""
    trust_remote_code: Literal[False] = False
    """Code that comes with a model is never run."""


class Prepare(Section):
    """From rows to tokens."""

    max_length: Auto | Annotated[int, Field(ge=2)] = "auto"
    """Longest row in tokens; `auto`: the 99.5% quantile of the training rows (the longest where near), at most the model's context;
    for generation the longest row, at most the model's context and 4,096."""
    truncation_mode: Literal["drop", "keep_start", "keep_end"] = "drop"
    """Generation: a conversation longer than that is left out, or loses its end, or its beginning. Plain texts are cut into pieces."""


class Train(Section):
    """How to train; the keys are those of transformers' TrainingArguments."""

    learning_rate: Auto | Annotated[float, Field(gt=0, lt=1)] = "auto"
    """Peak rate of the body."""
    head_learning_rate: Auto | Annotated[float, Field(gt=0, lt=1)] = "auto"
    """Peak rate of a freshly initialised head."""
    num_train_epochs: Auto | Annotated[float, Field(gt=0)] = "auto"
    """Passes over the training rows."""
    max_steps: Annotated[int, Field(gt=0)] | None = None
    """Stops after so many optimiser steps, whatever the epochs say."""
    batch_tokens: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Most tokens in memory at once (a micro-batch); the result does not depend on it."""
    per_device_train_batch_size: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Rows per micro-batch; times gradient_accumulation_steps it is the number of rows of an optimiser step."""
    gradient_accumulation_steps: Annotated[int, Field(gt=0)] = 1
    """Micro-batches per optimiser step; the loss equals that of the whole batch."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Decoupled decay; none on norms and biases."""
    adam_beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """AdamW's first moment."""
    adam_beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """AdamW's second moment."""
    adam_epsilon: Annotated[float, Field(gt=0)] = 1e-8
    """AdamW's epsilon."""
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0
    """Gradients are clipped to this global norm; 0 switches clipping off."""
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    """Shape of the rate after the warm-up."""
    warmup_steps: Annotated[float, Field(ge=0)] = 0.06
    """Below 1 a share of all steps, else steps."""
    label_smoothing_factor: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the target spread over all classes."""
    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    """Weight of each class in the loss: `balanced` (n / (classes * count)), or given by name."""
    freeze: Literal["none", "embeddings", "body"] | Annotated[int, Field(ge=0)] = "none"
    """Which weights stay as they are: the embeddings, the embeddings and the first k layers, or all but the head."""
    neftune_noise_alpha: Annotated[float, Field(gt=0)] | None = None
    """Generation: noise on the embeddings (NEFTune; 5 is usual), against answers learned by heart."""
    samples: Annotated[int, Field(ge=0)] = 3
    """Generation: validation prompts that are answered while the model trains (train/samples.jsonl)."""
    early_stopping: bool = True
    """Stop when the validation score has not improved for a while; the best step is kept either way."""
    metric_for_best_model: str = "auto"
    """Validation score by which a step is kept: `macro_f1` (= `auto`), `accuracy`, `micro_f1`, `subset_accuracy`, `log_loss`."""
    eval_steps: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Optimiser steps between two looks at train and validation."""
    save_steps: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Optimiser steps between two checkpoints (also written at every look)."""
    logging_steps: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Optimiser steps per line in events.jsonl; `auto`: about one line a second."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the matrix products (weights stay float32); `auto`: whichever this machine is measured to be faster with."""


class Peft(Section):
    """Train a small adapter instead of all weights (PEFT's words)."""

    method: Literal["full", "lora"] = "full"
    """`full`: all weights; `lora`: a low-rank adapter."""
    r: Annotated[int, Field(gt=0)] = 16
    """Rank."""
    lora_alpha: Annotated[float, Field(gt=0)] = 32
    """Scale; the update counts lora_alpha / r."""
    lora_dropout: Auto | Annotated[float, Field(ge=0, lt=1)] = "auto"
    """Dropout before the adapter; `auto`: 0.05, and 0 above 20,000 rows."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """Which linear layers get one."""


class Evaluate(Section):
    """What is measured at the end, against what."""

    on: Literal["test", "valid"] = "test"
    """Which rows; `test` is opened once, and the ledger counts it."""
    metrics: Auto | Names = "auto"
    """Scores to report; the first is the primary one. `auto`: all that apply, macro_f1 first (generation: chrf, or bits_per_byte)."""
    baselines: Auto | tuple[str, ...] = "auto"
    """What the model has to beat, on the same rows. `auto`: majority and tfidf; for generation base, few_shot and retrieval."""
    gates: dict[str, str] = Field(default_factory=dict)
    """Bars set beforehand, for example {macro_f1: ">= 0.80"}."""
    rows: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Generation: of so many rows, drawn by chance (`auto`: 300), the answers are written; losses are measured on all rows."""
    max_new_tokens: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Generation: longest answer in tokens; `auto`: the 99% quantile of the training answers and a quarter more, 16 to 512."""
    few_shot: Annotated[int, Field(gt=0)] = 3
    """Generation: training examples in the prompt of the baseline few_shot."""
    predictions: dict[str, str] = Field(default_factory=dict)
    """Generation: name -> file with another system's answers (`prediction`, beside `row` or the input columns)."""
    retain: Names = ()
    """Generation: files of texts that the model must not forget: bits per byte before and after the training."""
    regex: str | None = None
    """Generation: the pattern of the score regex_match."""
    json_schema: str | None = None
    """Generation: file with the JSON schema of the score json_valid."""

    @field_validator("baselines", mode="before")
    @classmethod
    def _one_baseline(cls, value: Any) -> Any:
        return value if value == "auto" else _listed(value)

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


class Recipe(BaseModel):
    """Everything that a run is asked to do."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")] = "model"
    """Name of the run and of the model."""
    purpose: str = ""
    """What the model is for, and who it serves (model card)."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    """Everything random starts from it."""
    fail_on: Literal["note", "warning", "error", "never"] = "error"
    """A finding of this severity or worse ends the run."""
    task: Task = Task()
    data: Data
    groups: dict[str, GroupAxis] = Field(default_factory=dict)
    """Axis -> how a row's member is known; rows are counted per member."""
    split: Split = Split()
    audit: Audit | Literal[False] = Audit()
    choose: Choose = Choose()
    prepare: Prepare = Prepare()
    train: Train = Train()
    peft: Peft = Peft()
    evaluate: Evaluate = Evaluate()
    report: Report = Report()

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every default filled in."""
        return self.model_dump(mode="json")


def view(recipe: Recipe, reads: tuple[str, ...]) -> Recipe:
    """The recipe with the sections of `reads` only: any other attribute raises, so a stage cannot read what it did not declare."""
    return _View.of(recipe, reads)  # type: ignore[return-value]


class _View:
    """A keyhole on a Recipe."""

    __slots__ = ("_reads", "_recipe")

    def __init__(self, recipe: Recipe, reads: tuple[str, ...]) -> None:
        self._recipe = recipe
        self._reads = reads

    @classmethod
    def of(cls, recipe: Recipe, reads: tuple[str, ...]) -> _View:
        """A view on `reads`, which must be sections that exist."""
        unknown = set(reads) - set(Recipe.model_fields)
        assert not unknown, f"a stage reads unknown sections {sorted(unknown)}"
        return cls(recipe, reads)

    def __getattr__(self, name: str) -> Any:
        if name not in self._reads:
            raise AttributeError(f"this stage reads {', '.join(self._reads)} of the recipe, not {name!r}: declare it in @stage(reads=…)")
        return getattr(self._recipe, name)

    def resolved(self) -> dict[str, Any]:
        """The values behind the fingerprint."""
        values = self._recipe.to_json()
        return {name: values[name] for name in self._reads}
