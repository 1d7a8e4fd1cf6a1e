"""A tiny project, one verb of the command line, and what it answered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodfit.files import read_json, read_jsonl
from tests import made
from tests.cli.test_path import call

SHORT = {"num_train_epochs": 1, "learning_rate": 0.005, "precision": "float32", "early_stopping": False, "samples": 0, "logging_steps": 1}
"""A training that is over in a second or two."""


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content} | more


def system(content: Any) -> dict[str, Any]:
    return {"role": "system", "content": content}


def chat(*turns: dict[str, Any]) -> dict[str, Any]:
    return {"messages": list(turns)}


@dataclass(frozen=True)
class Answered:
    """What a verb left."""

    code: int
    document: dict[str, Any]
    folder: Path

    @property
    def error(self) -> dict[str, Any]:
        """The error of the document; there must be one."""
        error = self.document["error"]
        assert error is not None, self.document["status"]
        return dict(error)

    @property
    def said(self) -> str:
        """Message and remedy."""
        return f"{self.error['code']}: {self.error['message']} | {self.error['fix']}"

    @property
    def run(self) -> Path:
        """The newest run's folder."""
        return max(self.folder.glob("runs/*/run.json"), key=lambda path: path.stat().st_mtime).parent

    def json(self, name: str) -> dict[str, Any]:
        """A file of the run."""
        return dict(read_json(self.run / name))

    def findings(self, code: str) -> list[dict[str, Any]]:
        """Those of a code, of the run."""
        return [line for path in self.run.glob("*/findings.jsonl") for line in read_jsonl(path) if line["code"] == code]

    def open(self, code: str) -> dict[str, Any]:
        """The one finding of that code, which must be open."""
        (found,) = [line for line in self.findings(code) if line["status"] == "open"]
        return found

    def passed(self, code: str) -> bool:
        """Whether it was asked, and nothing found."""
        return [line["status"] for line in self.findings(code)] == ["passed"]

    def counted(self) -> None:
        """Every row and every token that was read is used, or left out for a reason."""
        split = self.json("split/manifest.json")
        assert split["read"] == split["used"] + sum(split["dropped"].values())
        if (self.run / "prepare" / "manifest.json").is_file():
            made_of = self.json("prepare/manifest.json")
            tokens = made_of["tokens"]
            assert tokens["read"] == tokens["used"] + sum(tokens["dropped"].values())
            kept = sum(made_of["rows"].values()) + sum(made_of["rows_dropped"].values())
            assert kept == sum(split["splits"][side] for side in ("train", "valid"))

    def untold(self) -> None:
        """No traceback, nothing half-written that looks whole."""
        assert "Traceback" not in json.dumps(self.document)
        for log in self.folder.glob("runs/*/log.txt"):
            assert "Traceback" not in log.read_text(encoding="utf-8")
        assert not list(self.folder.rglob("*.tmp")) + list(self.folder.rglob("*.part"))


def answer(folder: Path, verb: str = "prepare", content: Iterable[Any] | None = None, **changes: Any) -> Answered:
    """A generation recipe over `content` (60 good chats where nothing is given), taken as far as `verb`."""
    made.writing(folder, content=made.chats(60) if content is None else content, **({"train": SHORT} | changes))
    return ask(folder, verb)


def ask(folder: Path, verb: str = "prepare", *words: str) -> Answered:
    """One verb on the recipe of a folder."""
    code, document = call(folder, verb, *(words or ("recipe.yaml",)))
    out = Answered(code, document, folder)
    out.untold()
    if code == 2:
        assert out.error["fix"], out.error
    return out


def others(n: int = 20) -> list[dict[str, Any]]:
    """Good chats with other questions: for validation."""
    return [chat(user(f"v {row['messages'][0]['content']}"), row["messages"][1]) for row in made.chats(n, seed=1)]


def with_bad(*bad: Any, n: int = 60) -> list[Any]:
    """Good chats, then the bad rows: the first of them is line n + 1."""
    return [*made.chats(n), *bad]
