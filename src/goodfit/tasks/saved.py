"""Saved: what a model folder needs beside transformers' files to answer as it did when it was evaluated.

Part of tasks. It is the object `task` of `goodfit.json`, which `models.save` made: the train stage writes it into `train/model`,
evaluate and `goodfit.predict` read it. Plain transformers does not need it: label names stand in config.json too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from goodfit.errors import ModelError
from goodfit.files import read_json, write_json
from goodfit.tasks.classification import Classification
from goodfit.tasks.generation import Generation

SAVED = "goodfit.json"
SCHEMA = "goodfit/task/1"
T = TypeVar("T", bound=Classification | Generation)
KINDS: dict[str, type[Classification] | type[Generation]] = {kind.kind: kind for kind in (Classification, Generation)}


@dataclass(frozen=True)
class Saved(Generic[T]):
    """The task (labels and decision, or the chat template), which columns make the input, and how long it may be."""

    task: T
    text: tuple[str, ...]
    """Input columns, in the order in which they are joined by a line break; none where rows are conversations."""
    max_length: int
    """Tokens."""
    base: str | None = None
    """The base model's name."""
    base_hash: str | None = None
    """`b2:…`: the content of its files."""
    turns: dict[str, Any] = field(default_factory=dict)
    """Of conversations: what the recipe said of where they stand (`columns`, `template`, `speakers`)."""

    mask: tuple[str, ...] = ()
    """Kinds of personal data that were replaced where rows were read, and are where it is asked."""

    def save(self, folder: Path) -> None:
        """Adds the object `task` to `folder/goodfit.json`, atomically; what else stands in it stays."""
        path = folder / SAVED
        others = read_json(path) if path.is_file() else {}
        write_json(path, others | {"task": self.to_json()})

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every key."""
        return {
            "schema": SCHEMA, **self.task.to_json(), "text": list(self.text), "turns": self.turns, "max_length": self.max_length,
            "base": self.base, "base_hash": self.base_hash, "mask": list(self.mask),
        }  # fmt: skip

    @classmethod
    def load(cls, folder: Path) -> Saved[Any]:
        """Reads it back; a ModelError where the folder has none, or one that cannot be understood."""
        path = folder / SAVED
        fix = "give a run whose training is done, or the folder train/model inside it"
        if not path.is_file():
            raise ModelError(f"{folder} has no {SAVED}: no model that Goodfit trained is in it", fix=fix)
        try:
            document = read_json(path)
            if "task" not in document:
                raise ModelError(f"{path} does not say what the task is: the training did not end", fix=fix)
            return cls.from_json(document["task"])
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path} is damaged, or of a newer Goodfit ({error})", fix="train the model again") from error

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Saved[Any]:
        """What `to_json` gave; KeyError, TypeError or ValueError where it is not whole or of another schema."""
        if values["schema"] != SCHEMA:
            raise ValueError(f"schema {values['schema']!r}, not {SCHEMA!r}")
        task: Any = KINDS[values["kind"]].from_json(values)
        found: Saved[Any] = cls(
            task, tuple(map(str, values["text"])), int(values["max_length"]), values["base"], values["base_hash"], dict(values["turns"]),
            tuple(values.get("mask", ())),
        )  # fmt: skip
        return found
