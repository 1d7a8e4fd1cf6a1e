"""Masking: what stands in place of what, in every column that is read, while row ids and the user's own columns stay."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from goodfit.data import Columns, Source, open_store, read
from goodfit.data.clean.mask import MASKS, mask_text, mask_texts, mask_value
from goodfit.data.conversations.reading import Turns
from goodfit.data.named import masked_kinds
from goodfit.predict import Classifier, Generator
from goodfit.recipe import Recipe
from goodfit.recipe.data import MaskKind
from goodfit.tasks.writer import Reply
from tests.stages.split.make import run_split, write

TEXT = "Write to jane@mail.example.org or +49 30 1234567, card 4012-8888-8888-1881, password: hunter2hunter2!"


def test_every_kind_that_can_be_asked_for_can_be_masked() -> None:
    assert set(get_args(MaskKind)) == set(MASKS)


@pytest.mark.parametrize(
    ("kinds", "masked"),
    [
        (["email"], TEXT.replace("jane@mail.example.org", "[EMAIL]")),
        (["phone", "card"], TEXT.replace("+49 30 1234567", "[PHONE]").replace("4012-8888-8888-1881", "[CARD]")),
        (["secret"], TEXT.replace("hunter2hunter2!", "[SECRET]")),
        (MASKS, "Write to [EMAIL] or [PHONE], card [CARD], password: [SECRET]"),
        ([], TEXT),
    ],
)
def test_text(kinds: list[str], masked: str) -> None:
    met: Counter[str] = Counter()
    assert mask_text(TEXT, kinds, met=met) == masked
    assert set(met) == set(kinds) & {"email", "phone", "card", "secret"}
    assert mask_text(masked, kinds) == masked  # masking again changes nothing


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'name'|name is no kind"):
        mask_text(TEXT, ["name"])
    with pytest.raises(ValueError, match="mask"):
        Recipe.model_validate({"task": {"text": "text", "label": "label"}, "data": {"path": "a.csv", "mask": ["name"]}})


def test_texts_and_values() -> None:
    assert mask_texts(["a@b.org", None, "plain"], ["email"]) == ["[EMAIL]", None, "plain"]
    told = {
        "messages": [
            {"role": "user", "content": "a@b.org", "tool_calls": [{"function": {"name": "a@b.org", "arguments": {"to": "a@b.org"}}}]}
        ]
    }
    masked = mask_value(told, ["email"])["messages"][0]
    assert masked["content"] == "[EMAIL]"
    assert masked["tool_calls"][0]["function"] == {"name": "a@b.org", "arguments": {"to": "[EMAIL]"}}


def content(n: int = 60) -> list[dict[str, Any]]:
    return [
        {"text": f"bokuta number {i}, write to user{i}@mail.example.org", "label": "ab"[i % 2], "mail": f"user{i}@mail.example.org"}
        for i in range(n)
    ]


def test_rows_are_masked_when_read_and_their_ids_stay(tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", content())
    plain = open_store([Source(str(path))], Columns(("text",), ("label",)))
    masked = open_store([Source(str(path))], Columns(("text",), ("label",), mask=("email",)))
    assert masked.column("row").equals(plain.column("row"))
    assert masked.column("text").to_pylist() == [f"bokuta number {i}, write to [EMAIL]" for i in range(60)]
    assert "masked (data.mask): 60 email" in masked.notes[-1]
    assert plain.fingerprint != masked.fingerprint


def test_columns_that_are_handed_back_stay_and_choices_do_not(tmp_path: Path) -> None:
    rows = [{"text": "to whom?", "label": "x", "options": json.dumps(["a@b.org", "nobody"]), "mail": "a@b.org"}] * 3
    path = write(tmp_path / "data.jsonl", rows)
    batch = next(iter(read([Source(str(path))], Columns(("text",), ("label",), kept=("mail",), choices="options", mask=("email",)))))
    assert batch.column("kept.mail").to_pylist() == ["a@b.org"] * 3
    assert json.loads(batch.column("choices")[0].as_py()) == ["[EMAIL]", "nobody"]


def test_conversations_are_masked_in_every_turn(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "call +49 30 1234567"},
        {"role": "user", "content": "who is a@b.org?"},
        {"role": "assistant", "content": "a@b.org is Ann"},
    ]
    path = write(tmp_path / "data.jsonl", [{"messages": turns}] * 2)
    plain, masked = (open_store([Source(str(path))], Columns(turns=Turns(), mask=mask)) for mask in ((), ("email", "phone")))
    assert masked.column("row").equals(plain.column("row"))
    said = [turn["content"] for turn in json.loads(masked.column("conversation")[0].as_py())["messages"]]
    assert said == ["call [PHONE]", "who is [EMAIL]?", "[EMAIL] is Ann"]
    assert masked.column("label").to_pylist() == ["[EMAIL] is Ann"] * 2
    assert "a@b.org" not in masked.column("text")[0].as_py()


def test_a_run_masks_all_splits_and_says_so(tmp_path: Path) -> None:
    write(tmp_path / "data.jsonl", content())
    splits, run = run_split(tmp_path, {"data": {"path": "data.jsonl", "mask": "email"}})
    bare, _ = run_split(tmp_path, {"data": {"path": "data.jsonl"}}, workspace="other")
    assert masked_kinds(run.path) == ("email",)
    assert all("@" not in text for text in splits.table("train")["text"].to_pylist())
    ids = {row for name in ("train", "valid", "test") for row in splits.row_ids(name).to_pylist()}
    assert ids == {row for name in ("train", "valid", "test") for row in bare.row_ids(name).to_pylist()}
    told = next(f for f in run.findings("split") if f.code == "SPL008")
    assert "60 email" in told.title + told.detail


class _Told:
    """What a model was asked, as it was."""

    def __init__(self) -> None:
        self.saved = type("Saved", (), {"mask": ("email",), "text": ("text",), "turns": {}})()
        self.task = type("Task", (), {"labels": ("a", "b"), "multi_label": False, "template": None})()
        self.asked: list[Any] = []

    def probabilities(self, texts: list[str]) -> Any:
        self.asked += texts
        return np.full((len(texts), 2), 0.5)

    def write(self, told: list[Any], **_: Any) -> list[Reply]:
        self.asked += told
        return [Reply(i, "yes") for i in range(len(told))]


def test_what_is_asked_later_is_masked_too() -> None:
    classes, writer = _Told(), _Told()
    Classifier(classes).probabilities(["mail a@b.org", {"text": "c@d.org"}])  # type: ignore[arg-type]
    assert classes.asked == ["mail [EMAIL]", "[EMAIL]"]
    Generator(writer).predict(["mail a@b.org", {"messages": [{"role": "user", "content": "c@d.org"}]}])  # type: ignore[arg-type]
    assert "@" not in json.dumps(writer.asked)
    assert "[EMAIL]" in json.dumps(writer.asked)
