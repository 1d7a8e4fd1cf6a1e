"""Whatever stands in a row: it is read, dropped with a known reason, or refused with a DataError; never anything else."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.data.conversations import REASONS, Normaliser, Shape, answer_text, canonical, detect, input_text, prompt_of, refusal
from goodfit.errors import Place
from tests.data.conversations.made import CHAT
from tests.data.reading import outcome

WORDS = st.sampled_from(
    [
        "role",
        "content",
        "from",
        "value",
        "user",
        "gpt",
        "tool",
        "function_call",
        "tool_calls",
        "name",
        "arguments",
        "type",
        "text",
        "train",
        "[{",
        "{'a'",
        "",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=2) | WORDS
ANY = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4), max_leaves=8
)
COLUMNS = [
    "messages",
    "conversations",
    "prompt",
    "completion",
    "instruction",
    "input",
    "output",
    "system",
    "history",
    "tools",
    "text",
    "images",
    "chosen",
    "label",
]
ROW = st.dictionaries(st.sampled_from(COLUMNS), ANY, max_size=6)
SHAPES = [
    Shape("messages", {"messages": "messages", "system": "system", "tools": "tools"}),
    Shape("sharegpt", {"messages": "conversations", "tools": "tools"}, keys=("from", "value")),
    Shape("alpaca", {"instruction": "instruction", "input": "input", "output": "output", "history": "history", "system": "system"}),
    Shape("prompt_completion", {"prompt": "prompt", "completion": "completion"}),
    Shape("prompt_completion", {"prompt": "prompt", "completion": "completion"}, turns=("prompt", "completion")),
    Shape("prompt_completion", {"completion": "completion"}, joined=("prompt", "input"), template="{prompt} {input}"),
    Shape("text", {"text": "text"}),
]
GOOD: dict[str, Any] = {
    "messages": [*CHAT, {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "content": "3"}, CHAT[1]],
    "conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value": '{"name": "f"}'}, {"from": "observation", "value": "3"}, {"from": "gpt", "value": "b"}],
    "prompt": "a", "completion": "b", "instruction": "c", "input": "d", "output": "e", "history": [["f", "g"]], "system": "h", "text": "i",
    "tools": [{"name": "f", "parameters": {}}],
}  # fmt: skip


def check(shape: Shape, rows: list[dict[str, Any]], *, answers: bool = True) -> None:
    normaliser = Normaliser(shape, "data.jsonl", answers=answers)
    for i, row in enumerate(rows):
        read: list[Any] = []
        error = outcome(lambda row=row, i=i, read=read: read.extend(normaliser.conversation(row, Place(line=i + 1))))  # type: ignore[misc]
        if error is not None:
            assert error.fix
            assert error.place.key
            assert error.place.line == i + 1
            assert len(str(error)) < 2000
            continue
        conversation, reason = read
        if conversation is None:
            assert reason in REASONS
        else:
            assert reason is None
            text = canonical(conversation)
            assert json.loads(text) == conversation
            text.encode("utf-8")
            input_text(conversation).encode("utf-8")
            (answer_text(conversation) or "").encode("utf-8")
            prompt_of(conversation)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=3), st.sampled_from(SHAPES), st.booleans())
def test_any_row(rows: list[dict[str, Any]], shape: Shape, answers: bool) -> None:
    check(shape, rows, answers=answers)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, max_size=3))
def test_detect_and_refusal_never_fail(rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    shape = detect(columns, rows)
    if shape is None:
        assert refusal(columns, rows, "data.jsonl").fix
    else:
        assert set(shape.wanted) <= set(columns)
        check(shape, rows)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every member of a row."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(places(GOOD)[1:]), ANY, st.sampled_from(SHAPES))
def test_a_good_row_with_one_thing_changed(place: tuple[Any, ...], value: Any, shape: Shape) -> None:
    row = copy.deepcopy(GOOD)
    inner = row
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    check(shape, [GOOD, row])
