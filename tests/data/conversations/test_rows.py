"""Rows that are dropped with a reason, and rows that are refused with line, field and remedy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from goodfit.data.conversations import REASONS, Normaliser, Shape
from goodfit.errors import Place
from tests.data.conversations.made import CHAT, chat, found, one, outcomes, refused

MESSAGES = Shape("messages", {"messages": "messages"})
PAIR = Shape("prompt_completion", {"prompt": "prompt", "completion": "completion"})
ALPACA = Shape("alpaca", {"instruction": "instruction", "input": "input", "output": "output", "history": "history"})
TURN = {"role": "user", "content": "Hi"}


# -- reasons ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": None}, "no_messages"),
        ({"messages": []}, "no_messages"),
        ({"messages": "  "}, "no_messages"),
        (chat(("user", "Hi")), "no_answer"),
        (chat(("system", "s")), "no_answer"),
        (chat(("user", "Hi"), ("assistant", " ")), "empty_answer"),
        (chat(("user", "Hi"), ("assistant", None)), "empty_answer"),
        (chat(("user", "Hi"), ("assistant", ""), ("user", "Hm"), ("assistant", "Yes")), "empty_answer"),
        (chat(("assistant", "Hello")), "missing_prompt"),
        (chat(("user", " "), ("assistant", "Hello")), "missing_prompt"),
    ],
)
def test_reasons_of_messages(row: dict[str, Any], reason: str) -> None:
    assert outcomes([{"messages": CHAT}, row], MESSAGES)[1] == reason
    assert reason in REASONS


@pytest.mark.parametrize(
    ("prompt", "completion", "reason"),
    [("", "b", "missing_prompt"), (None, "b", "missing_prompt"), (float("nan"), "b", "missing_prompt"), ("a", None, "missing_completion"), ("a", "\n", "empty_answer")],
)  # fmt: skip
def test_reasons_of_pairs(prompt: Any, completion: Any, reason: str) -> None:
    assert outcomes([{"prompt": prompt, "completion": completion}], PAIR) == [reason]
    assert outcomes([{"instruction": prompt, "output": completion}], ALPACA) == [reason]
    templated = Shape("prompt_completion", {"completion": "completion"}, joined=("prompt",), template="Q: {prompt}")
    assert outcomes([{"prompt": prompt, "completion": completion}], templated) == [reason]


def test_text_that_is_not_there() -> None:
    assert outcomes([{"text": "a"}, {"text": " "}, {"text": None}, {}], Shape("text", {"text": "text"})) == [
        {"text": "a"},
        *["missing_text"] * 3,
    ]


def test_an_answer_that_is_not_learned_may_be_empty() -> None:
    turns = [*CHAT, {"role": "user", "content": "x"}, {"role": "assistant", "content": "", "train": False}]
    assert one({"messages": turns})["messages"][3]["train"] is False


def test_prediction_needs_no_answer() -> None:
    assert outcomes([chat(("user", "Hi"))], MESSAGES, answers=False) == [chat(("user", "Hi"))]
    assert outcomes([{"prompt": "a", "completion": None}], PAIR, answers=False) == [{"prompt": "a", "completion": None}]
    assert outcomes([chat(("user", " "))], MESSAGES, answers=False) == ["missing_prompt"]


@pytest.mark.parametrize(
    "turns",
    [
        (("assistant", "Welcome"), ("user", "Hi"), ("assistant", "Hello")),
        (("user", "Hi"), ("user", "There?"), ("assistant", "Hello")),
        (("user", "Hi"), ("assistant", "Hello"), ("assistant", "Well?")),
        (("user", "Hi"), ("assistant", "Hello"), ("system", "Be short."), ("user", "x"), ("assistant", "y")),
        (("user", "Hi"), ("assistant", "Hello"), ("user", "Bye")),
    ],
)
def test_order_is_the_templates_matter(turns: tuple[tuple[str, str], ...]) -> None:
    assert one(chat(*turns)) == chat(*turns)


def test_keys_without_meaning_are_counted() -> None:
    rows = [{"messages": [{**TURN, "timestamp": 3}, {**CHAT[1], "timestamp": 4, "id": "x"}], "system": "b"}]
    normaliser = Normaliser(MESSAGES, "data.jsonl")
    normaliser.conversation(rows[0], Place(line=1))
    assert normaliser.ignored == {"timestamp": 2, "id": 1, "column system": 1}
    both = Normaliser(Shape("messages", {"messages": "messages", "system": "system"}), "data.jsonl")
    conversation, _ = both.conversation({"messages": [{"role": "system", "content": "a"}, *CHAT], "system": "b"}, Place(line=1))
    assert conversation is not None
    assert conversation["messages"][0]["content"] == "a"
    assert both.ignored == {"column system, beside a system turn": 1}


def test_reasoning_is_kept() -> None:
    turn = {"role": "assistant", "content": "", "reasoning_content": "hm"}
    assert one({"messages": [TURN, turn]})["messages"][1] == turn


# -- refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("turns", "field", "said"),
    [
        ([TURN, "Hello"], "messages[1]", "is text ('Hello'), not an object"),
        ([TURN, {"role": "asistant", "content": "x"}], "messages[1].role", "did you mean 'assistant'"),
        ([TURN, {"role": "wizard", "content": "x"}], "messages[1].role", "write one of: system, user"),
        ([TURN, {"role": 3, "content": "x"}], "messages[1].role", "an integer (3), while it is text since line 1"),
        ([TURN, {"content": "x"}], "messages[1].role", "has no 'role'"),
        ([TURN, {"role": "assistant", "contnet": "x"}], "messages[1].content", "did you mean 'content' where it says 'contnet'"),
        ([TURN, {"role": "assistant", "content": 404}], "messages[1].content", "an integer (404), while it is text since line 1"),
        ([TURN, {"role": "assistant", "content": {"a": 1}}], "messages[1].content", "is an object, while it is text"),
        ([TURN, {"from": "gpt", "value": "x"}], "messages[1]", "mixed formats"),
        ([{"role": "tool", "content": "3"}, *CHAT], "messages[0]", "the result of a tool, but nothing stands before it"),
        ([TURN, {"role": "tool", "content": "3"}, *CHAT], "messages[1]", "but a user turn stands before it"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "messages[0].content[0]", "images, sound and files are not supported"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text", "is null"),
        ([{"role": "user", "content": [3]}], "messages[0].content[0]", "not a part of text"),
        ([{**TURN, "tool_calls": [{"name": "f"}]}], "messages[0].tool_calls", "role user"),
        ([TURN, {**CHAT[1], "tool_calls": 3}], "messages[1].tool_calls", "a list of tool calls"),
        ([TURN, {**CHAT[1], "tool_calls": [{"function": {}}]}], "messages[1].tool_calls[0].name", "names no function"),
        ([TURN, {**CHAT[1], "tool_calls": [{"name": "f", "arguments": 3}]}], "messages[1].tool_calls[0].arguments", "where an object is expected"),
        ([TURN, {**CHAT[1], "train": "yes"}], "messages[1].train", "write true or false"),
        ([TURN, {**CHAT[1], "weight": 0.5}], "messages[1].weight", "a number (0.5)"),
        ([TURN, {**CHAT[1], "name": 3}], "messages[1].name", "an integer (3)"),
        ([TURN, {"role": "assistant", "content": "a\ud800b"}], "text", "half of a surrogate pair"),
        ([TURN, {"role": "assistant", "content": "x", "name": "\udfff"}], "text", "half of a surrogate pair"),
        ([TURN, {**CHAT[1], "tool_calls": [{"name": "f", "arguments": {"a": float("nan")}}]}], "tools", "what is not JSON"),
        ({"role": "user", "content": "x"}, "messages", "changes its type here: an object, while it is list since line 1"),
        (7, "messages", "an integer (7), while it is list since line 1"),
    ],
)  # fmt: skip
def test_structure_is_refused(turns: Any, field: str, said: str) -> None:
    error = refused([{"messages": CHAT}, {"messages": turns}], MESSAGES)
    assert error.place.key == field
    assert said in str(error)
    assert str(error).startswith("data.jsonl:2: ")


def test_a_field_that_changes_its_type() -> None:
    """Row number, field, both types; in a pair, in alpaca, and between a list and its JSON text."""
    error = refused([{"prompt": "a", "completion": "b"}] * 4 + [{"prompt": "a", "completion": 404}], PAIR)
    assert "completion changes its type here: an integer (404), while it is text since line 1" in str(error)
    error = refused([{"prompt": "a", "completion": 4}, {"prompt": "a", "completion": 0.5}, {"prompt": "a", "completion": ["b"]}], PAIR)
    assert "a list, while it is number since line 1" in str(error)
    error = refused([{"messages": CHAT}, {"messages": json.dumps(CHAT)}], MESSAGES)
    assert "messages changes its type here: text" in str(error)
    error = refused([{"prompt": CHAT[:1], "completion": CHAT[1:]}, {"prompt": "Hi", "completion": CHAT[1:]}])
    assert "prompt changes its type here" in str(error)
    assert "where text is expected" in str(refused([{"prompt": {"a": 1}, "completion": "b"}], PAIR))


@pytest.mark.parametrize(
    ("first", "other", "what"),
    [
        ({"messages": CHAT}, {"instruction": "a", "output": "b"}, "alpaca (instruction, output)"),
        ({"instruction": "a", "output": "b"}, {"conversations": [{"from": "human", "value": "x"}]}, "sharegpt (conversations: from/value)"),
        ({"prompt": "a", "completion": "b"}, {"text": "c"}, "text (text)"),
        ({"text": "c"}, {"prompt": "a", "completion": "b"}, "prompt_completion (prompt, completion)"),
    ],
)
def test_two_formats_in_one_file(first: dict[str, Any], other: dict[str, Any], what: str) -> None:
    shape = found([first])
    keys = dict.fromkeys([*first, *other])
    error = refused([{**keys, **first}, {**keys, **other}], shape)
    assert f"this row is {what}, while the file is {shape} since line 1" in str(error)
    error = refused([other], shape)
    assert f"this row is {what}, while the file is {shape}: two formats" in str(error)


def test_a_row_without_its_messages_is_no_other_format() -> None:
    rows = [
        {"messages": CHAT, "text": "as text", "prompt": "Hi"},
        {"messages": None, "text": "as text", "prompt": "Hi"},
        {"messages": None, "note": "x"},
    ]
    assert outcomes(rows) == [{"messages": CHAT}, "no_messages", "no_messages"]


@pytest.mark.parametrize(
    "cell",
    [
        '[{"role": "user", "content": "Hi"',
        "[{'role': 'user', 'content': 'Hi'}\n {'role': 'assistant', 'content': 'Hello'}]",
        '[{"a": NaN}]',
        "[" * 100_000,
    ],
)
def test_broken_json_in_a_cell(cell: str) -> None:
    error = refused([{"messages": json.dumps(CHAT)}] * 3 + [{"messages": cell}], MESSAGES)
    assert "messages holds broken JSON" in str(error)
    assert error.place.line == 4
    assert len(str(error)) < 500


def test_broken_json_elsewhere() -> None:
    human = {"from": "human", "value": "Hi"}
    error = refused([{"conversations": [human, {"from": "function_call", "value": '{"name": "f", '}]}])
    assert error.place.key == "conversations[1].value"
    assert "broken JSON" in str(error)
    error = refused([{"messages": CHAT, "tools": "[{"}])
    assert error.place.key == "tools"
    error = refused([{"messages": CHAT, "tools": [{"description": "no name"}]}])
    assert "describes no function" in str(error)
    error = refused([{"instruction": "a", "output": "b", "history": [["only one"]]}])
    assert error.place.key == "history[0]"


def test_pictures_are_refused() -> None:
    row = {"messages": [{"role": "user", "content": "<image>What?"}, CHAT[1]], "images": ["a.png"]}
    assert "images and sound are not supported" in str(refused([row]))
    assert one({**row, "images": []})["messages"][0]["content"] == "<image>What?"


def test_hostile_text_is_quoted_short_and_plain() -> None:
    error = refused([{"messages": [{"role": "\x1b[2J\u202e" + "x" * 10_000, "content": "a"}]}], MESSAGES)
    assert len(error.message) < 200
    assert "\x1b" not in str(error)
    assert "\u202e" not in str(error)
