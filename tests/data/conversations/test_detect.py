"""Formats are found from names and first rows, and read into the canonical form."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.data.conversations import Shape, asked, detect, refusal
from goodfit.errors import DataError, SettingsError
from tests.data.conversations.made import CHAT, chat, found, jsonl, one, outcomes, read_file
from tests.data.reading import Write

WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Of a town", "parameters": {"type": "object", "properties": {}}},
}
GLAIVE = {
    "conversations": [
        {"from": "human", "value": "What can I cook?"},
        {"from": "function_call", "value": '{"name": "search", "arguments": {"with": ["rice"]}}'},
        {"from": "observation", "value": '{"recipes": []}'},
        {"from": "gpt", "value": "Nothing."},
    ],
    "tools": '[{"name": "search", "description": "Recipes", "parameters": {"type": "object"}}]',
    "system": "You cook.",
}


@pytest.mark.parametrize(
    ("row", "kind", "columns"),
    [
        ({"messages": CHAT}, "messages", {"messages": "messages"}),
        ({"id": 1, "dialog": CHAT, "topic": "x"}, "messages", {"messages": "dialog"}),
        ({"chat": json.dumps(CHAT)}, "messages", {"messages": "chat"}),
        ({"my_turns_v2": CHAT, "source": "web"}, "messages", {"messages": "my_turns_v2"}),
        ({"prompt": "Hi", "prompt_id": "1", "messages": CHAT}, "messages", {"messages": "messages"}),
        ({"conversations": [{"from": "human", "value": "Hi"}]}, "sharegpt", {"messages": "conversations"}),
        ({"conversations": CHAT}, "messages", {"messages": "conversations"}),
        ({"instruction": "a", "input": "b", "output": "c"}, "alpaca", {"instruction": "instruction", "output": "output", "input": "input"}),
        ({"instruction": "a", "context": "b", "response": "c", "category": "d"}, "alpaca", {"instruction": "instruction", "output": "response", "input": "context"}),
        ({"INSTRUCTION": "a", "RESPONSE": "b"}, "prompt_completion", {"prompt": "INSTRUCTION", "completion": "RESPONSE"}),
        ({"text": "Once.", "meta": 3}, "text", {"text": "text"}),
        ({"line": "Once."}, "text", {"text": "line"}),
    ],
)  # fmt: skip
def test_formats_are_found(row: dict[str, Any], kind: str, columns: dict[str, str]) -> None:
    shape = found([row])
    assert (shape.kind, shape.columns) == (kind, columns)


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        ("prompt", "completion"), ("question", "answer"), ("query", "response"), ("input", "output"), ("instruction", "response"),
        ("source", "target"), ("prompt", "answer"), ("dialogue", "summary"), ("problem", "solution"), ("Question", "Answer"),
    ],
)  # fmt: skip
def test_pairs_by_their_usual_names(prompt: str, completion: str) -> None:
    row = {"id": "7", completion: "4", prompt: "2 + 2?"}
    shape = found([row])
    assert (shape.kind, shape.columns) == ("prompt_completion", {"prompt": prompt, "completion": completion})
    assert one(row) == {"prompt": "2 + 2?", "completion": "4"}


def test_a_question_about_a_text_has_both_in_its_prompt() -> None:
    row = {"context": "Rome is old.", "question": "How is Rome?", "answer": "Old"}
    assert found([row]).joined == ("context", "question")
    assert one(row) == {"prompt": "Rome is old.\nHow is Rome?", "completion": "Old"}


def test_sharegpt_with_tools() -> None:
    conversation = one(GLAIVE)
    assert [turn["role"] for turn in conversation["messages"]] == ["system", "user", "assistant", "tool", "assistant"]
    assert conversation["messages"][2]["tool_calls"] == [
        {"type": "function", "function": {"name": "search", "arguments": {"with": ["rice"]}}}
    ]
    assert conversation["tools"] == [
        {"type": "function", "function": {"name": "search", "description": "Recipes", "parameters": {"type": "object"}}}
    ]
    assert found([GLAIVE]).speakers == {"human": "user", "function_call": "function_call", "observation": "tool", "gpt": "assistant"}


def test_the_thought_before_a_call_stays() -> None:
    row = {
        "conversations": [
            {"from": "human", "value": "Hi"},
            {"from": "function_call", "value": '<think>hm</think>\n{"name": "f", "arguments": {}}'},
        ]
    }
    turn = one(row)["messages"][1]
    assert turn["content"] == "<think>hm</think>"
    assert turn["tool_calls"][0]["function"]["name"] == "f"


def test_openai_with_tools() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"town": "Rome"}'}}
    turns = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "Rain"}, {"type": "text", "text": " in Rome?"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "name": "weather", "content": "sun"},
        {"role": "assistant", "content": "No.", "weight": 1, "refusal": None},
    ]
    conversation = one({"messages": turns, "tools": [WEATHER], "parallel_tool_calls": False})
    assert conversation["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Rain in Rome?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"type": "function", "id": "c1", "function": {"name": "weather", "arguments": {"town": "Rome"}}}],
        },
        {"role": "tool", "content": "sun", "tool_call_id": "c1", "name": "weather"},
        {"role": "assistant", "content": "No.", "train": True},
    ]
    assert conversation["tools"] == [WEATHER]


def test_openais_older_functions() -> None:
    turns = [
        {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{not json"}},
        {"role": "function", "name": "weather", "content": "sun"},
        {"role": "assistant", "content": "No.", "weight": 0},
    ]
    conversation = one({"messages": turns, "functions": [WEATHER["function"]]})
    assert conversation["messages"][1]["tool_calls"] == [{"type": "function", "function": {"name": "weather", "arguments": "{not json"}}]
    assert conversation["messages"][2] == {"role": "tool", "content": "sun", "name": "weather"}
    assert conversation["messages"][3]["train"] is False
    assert conversation["tools"] == [WEATHER]


def test_alpaca_with_history_and_system() -> None:
    row = {"instruction": "And now?", "input": "", "output": "Four", "system": "Count.", "history": [["One?", "One"], ["Then?", "Two"]]}
    assert one(row) == chat(
        ("system", "Count."),
        ("user", "One?"),
        ("assistant", "One"),
        ("user", "Then?"),
        ("assistant", "Two"),
        ("user", "And now?"),
        ("assistant", "Four"),
    )
    assert one({**row, "system": "", "history": [], "input": "5"}) == chat(("user", "And now?\n5"), ("assistant", "Four"))


def test_a_column_that_is_empty_at_first_is_not_lost() -> None:
    rows = [{"instruction": "a", "input": "", "output": "b"}] * 300 + [{"instruction": "a", "input": "late", "output": "b"}]
    assert outcomes(rows)[-1] == chat(("user", "a\nlate"), ("assistant", "b"))


def test_trls_conversational_pairs() -> None:
    row: dict[str, Any] = {"prompt": CHAT[:1], "completion": CHAT[1:]}
    assert found([row]).turns == ("prompt", "completion")
    assert one(row) == {"messages": CHAT}
    assert one({"prompt": CHAT[:1], "completion": "Hello"}) == {"messages": CHAT}
    dpo = {
        "conversations": [{"from": "human", "value": "Hi"}],
        "chosen": {"from": "gpt", "value": "Hello"},
        "rejected": {"from": "gpt", "value": "Go"},
    }
    shape = asked({"prompt": "conversations", "completion": "chosen"}, list(dpo), [dpo])
    assert one(dpo, shape=shape) == {"messages": CHAT}


def test_a_system_column_beside_a_pair_makes_turns() -> None:
    row = {"system_prompt": "Be kind.", "question": "Why?", "response": "So."}
    assert one(row) == chat(("system", "Be kind."), ("user", "Why?"), ("assistant", "So."))
    assert one({**row, "system_prompt": ""}) == chat(("user", "Why?"), ("assistant", "So."))


@pytest.mark.parametrize("written", [json.dumps(CHAT), repr(CHAT)], ids=["json", "pandas"])
def test_messages_in_a_csv_cell(write: Write, written: str) -> None:
    quoted = '"' + written.replace('"', '""') + '"'
    shape, rows = read_file(write("chats.csv", f"id,messages\n1,{quoted}\n2,{quoted}\n"))
    assert shape is not None
    assert shape.kind == "messages"
    assert rows == [{"messages": CHAT}] * 2


def test_parquet_fills_objects_with_null(tmp_path: Any) -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    other = {"type": "function", "function": {"name": "g", "arguments": {"b": 2}}}
    turns = [
        CHAT[0],
        {"role": "assistant", "content": None, "tool_calls": [call, other]},
        {"role": "tool", "content": "1", "name": "f"},
        CHAT[1],
    ]
    path = str(tmp_path / "chats.parquet")
    pq.write_table(pa.Table.from_pylist([{"messages": turns}, {"messages": CHAT}]), path)
    _, rows = read_file(path)
    assert rows[1] == {"messages": CHAT}
    assert [c["function"] for c in rows[0]["messages"][1]["tool_calls"]] == [call["function"], other["function"]]
    shape = Shape("messages", {"messages": "messages"})
    explicit = {
        "messages": [CHAT[0], {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": None}}}]}]
    }
    assert outcomes([explicit], shape)[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"a": None}


def test_speakers_of_many_spellings() -> None:
    turns = [
        {"from": "System", "value": "s"},
        {"from": "User", "value": "u"},
        {"from": "Assistant", "value": "a"},
        {"from": "user", "value": "v"},
        {"from": "chatgpt", "value": "b"},
    ]
    assert [turn["role"] for turn in one({"conversations": turns})["messages"]] == ["system", "user", "assistant", "user", "assistant"]


@pytest.mark.parametrize(
    ("row", "why", "fix"),
    [
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "preference pairs", "{prompt: prompt, completion: chosen}"),
        ({"chosen": CHAT, "rejected": CHAT}, "preference pairs", "{messages: chosen}"),
        ({"chosen": "H: a", "rejected": "H: b"}, "preference pairs", "{text: chosen}"),
        ({"messages": CHAT, "label": False}, "good or bad", "keep the rows"),
        ({"role": "user", "content": "Hi"}, "each row is a single turn", "into one row"),
        ({"question": "a", "id": 3}, "none that is clearly of answers", "{prompt: question, completion: …}"),
        ({"a": "x", "b": "y"}, "'a', 'b'", "name them in the recipe"),
        ({"post": "x", "comments": [{"author": "anna", "text": "y"}]}, "no column is clearly", "name them"),
        ({"question": "a", "answer": {"text": ["b"]}}, "none that is clearly of answers", "completion"),
    ],
)
def test_what_is_not_clear_is_not_guessed(row: dict[str, Any], why: str, fix: str) -> None:
    assert detect(list(row), [row]) is None
    error = refusal(list(row), [row], "data.jsonl")
    assert why in str(error)
    assert fix in str(error)
    assert str(error).startswith("data.jsonl: ")


# -- columns that the user names ----------------------------------------------------------------------------------------


def test_named_columns() -> None:
    row = {"q": "Why?", "about": "Rome", "a": 4, "note": "x"}
    several = asked({"prompt": ["about", "q"], "completion": "a"}, list(row), [row])
    assert one(row, shape=several) == {"prompt": "Rome\nWhy?", "completion": "4"}
    assert several.wanted == ("about", "q", "a")
    templated = asked({"completion": "a"}, list(row), [row], template="Q: {q} ({about})")
    assert one(row, shape=templated) == {"prompt": "Q: Why? (Rome)", "completion": "4"}
    assert templated.wanted == ("q", "about", "a")
    assert one(row, shape=asked({"text": "note"}, list(row), [row])) == {"text": "x"}
    assert one(row, shape=asked({"prompt": "q"}, list(row), [row])) == {"prompt": "Why?", "completion": None}


def test_named_messages_and_speakers() -> None:
    row = {"log": [{"from": "Customer", "value": "Hi"}, {"from": "Agent", "value": "Hello"}], "rules": "Be kind.", "kit": []}
    shape = asked(
        {"messages": "log", "system": "rules", "tools": "kit"}, list(row), [row], speakers={"Customer": "user", "Agent": "assistant"}
    )
    assert shape.kind == "sharegpt"
    assert one(row, shape=shape) == {"messages": [{"role": "system", "content": "Be kind."}, *CHAT]}


@pytest.mark.parametrize(
    ("named", "options", "why"),
    [
        ({"response": "a"}, {}, "did you mean 'completion'"),
        ({"conversations": "a"}, {}, "did you mean 'messages'"),
        ({"mesages": "a"}, {}, "did you mean 'messages'"),
        ({"messages": "a", "prompt": "b"}, {}, "exclude each other"),
        ({"messages": "a", "completion": "b"}, {}, "does not go with messages"),
        ({"text": "a", "system": "b"}, {}, "does not go with text"),
        ({"completion": "b"}, {}, "no column of the input"),
        ({"prompt": "a", "completion": ["a", "b"]}, {}, "one column, not 2"),
        ({"prompt": "a"}, {"template": "{a}"}, "both a template and prompt"),
        ({"messages": "a"}, {"speakers": {"Bob": "asistant"}}, "did you mean 'assistant'"),
    ],
)
def test_names_that_do_not_go_together(named: dict[str, Any], options: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        asked(named, ["a", "b"], [{"a": "x", "b": "y"}], **options)
    assert caught.value.place.key
    assert caught.value.fix


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(DataError, match="did you mean 'question'"):
        asked({"prompt": "qestion"}, ["question", "answer"], [], name="qa.csv")


def test_a_whole_file(write: Write) -> None:
    shape, rows = read_file(
        write("qa.jsonl", jsonl({"question": "a", "answer": "b"}, {"question": "", "answer": "b"}, {"question": "c", "answer": " "}))
    )
    assert str(shape) == "prompt_completion (question, answer)"
    assert rows == [{"prompt": "a", "completion": "b"}, "missing_prompt", "empty_answer"]
