"""The section `task`: what the model must do, and in which columns it stands. Part of recipe."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from goodfit.errors import SettingsError
from goodfit.recipe.section import Names, Section


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
    annotators: Names = ()
    """Classification: columns that hold what each annotator said of a row, beside the label made of it (blank where one did not label)."""
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
    choices: str | None = None
    """Generation: column with a list of possible answers, the right one among them: the likeliest is chosen (choice_accuracy)."""
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
        if self.annotators and self.multi_label:
            raise ValueError("annotators are for one label a row, not for multi_label")
        if len(self.label_columns) > 1 and not self.multi_label:
            raise ValueError(f"label names {len(self.label_columns)} columns, which needs multi_label: true")
        if self.label_separator is not None and not self.multi_label:
            raise ValueError("label_separator needs multi_label: true")
        return self

    @property
    def writes(self) -> bool:
        """Whether the model writes, and gives no classes."""
        return self.kind != "classification"

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
    "classification": (
        "messages", "prompt", "completion", "template", "system", "tools", "choices", "speakers", "chat_template", "roles_to_train",
    ),
    "generation": ("label", "multi_label", "label_separator", "labels", "annotators"),
}  # fmt: skip
