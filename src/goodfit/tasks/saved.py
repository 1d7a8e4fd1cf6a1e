"""Saved: what a model folder needs beside transformers' files to answer as it did when it was evaluated.

Part of tasks. It is the object `task` of `goodfit.json`, which `models.save` made: the train stage writes it into `train/model`,
evaluate and `goodfit.predict` read it. Plain transformers does not need it: label names stand in config.json too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodfit.errors import ModelError
from goodfit.files import read_json, write_json
from goodfit.tasks.classification import Classification
from goodfit.tasks.decision import Decision

SAVED = "goodfit.json"
SCHEMA = "goodfit/task/1"


@dataclass(frozen=True)
class Saved:
    """The task with its labels and decision, which columns make the text, and how long it may be."""

    task: Classification
    text: tuple[str, ...]
    """Input columns, in the order in which they are joined by a line break."""
    max_length: int
    """Tokens."""
    base: str | None = None
    """The base model's name."""
    base_hash: str | None = None
    """`b2:…`: the content of its files."""

    def save(self, folder: Path) -> None:
        """Adds the object `task` to `folder/goodfit.json`, atomically; what else stands in it stays."""
        path = folder / SAVED
        others = read_json(path) if path.is_file() else {}
        write_json(path, others | {"task": self.to_json()})

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every key."""
        return {
            "schema": SCHEMA, "kind": "classification", "labels": list(self.task.labels), "multi_label": self.task.multi_label,
            "decision": self.task.decision.to_json(), "text": list(self.text), "max_length": self.max_length,
            "base": self.base, "base_hash": self.base_hash,
        }  # fmt: skip

    @classmethod
    def load(cls, folder: Path) -> Saved:
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
    def from_json(cls, values: dict[str, Any]) -> Saved:
        """What `to_json` gave; KeyError, TypeError or ValueError where it is not whole or of another schema."""
        if values["schema"] != SCHEMA:
            raise ValueError(f"schema {values['schema']!r}, not {SCHEMA!r}")
        task = Classification(tuple(map(str, values["labels"])), bool(values["multi_label"]), Decision.from_json(values["decision"]))
        return cls(task, tuple(map(str, values["text"])), int(values["max_length"]), values["base"], values["base_hash"])
