"""One fixture for each public thread about confusing data formats: a correct reading, or an error of its own.

LF = hiyouga/LLaMA-Factory, AT = huggingface/autotrain-advanced.
"""

from __future__ import annotations

import json

import pytest

from goodfit.data.conversations import asked, detect, refusal
from goodfit.errors import DataError, SettingsError
from tests.data.conversations.made import CHAT, chat, jsonl, names, outcomes, read_file
from tests.data.reading import Write


def refused_file(path: str) -> str:
    with pytest.raises(DataError) as caught:
        read_file(path)
    return str(caught.value).removeprefix(f"{path}:")


def test_lf_2995_few_rows_are_no_format_error(write: Write) -> None:
    """One message had two causes there: too few rows, and a wrong format. One row is read; a wrong one is named."""
    shape, rows = read_file(write("one.jsonl", jsonl({"instruction": "Say hi", "input": "", "output": "Hi"})))
    assert shape is not None
    assert rows == [chat(("user", "Say hi"), ("assistant", "Hi"))]
    columns = ["instruktion", "autput"]
    assert detect(columns, [{"instruktion": "a", "autput": "b"}]) is None
    assert "'instruktion', 'autput'" in str(refusal(columns, [{"instruktion": "a", "autput": "b"}], "x.json"))


def test_lf_7577_sharegpt_needs_no_key_and_a_wrong_key_is_named(write: Write) -> None:
    """A misspelt key `format` was ignored there, alpaca assumed, and KeyError: 'instruction' was all the user saw."""
    rows = [{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}]
    shape, read = read_file(write("chats.json", json.dumps(rows)))
    assert shape is not None
    assert shape.kind == "sharegpt"
    assert read == [{"messages": CHAT}]
    with pytest.raises(SettingsError, match=r"no column 'formatting'(.|\n)*did you mean 'messages'"):
        asked({"formatting": "sharegpt"}, ["conversations"], rows)


def test_lf_3665_a_type_that_changes_is_named_by_row(write: Write) -> None:
    """The preview was fine there, and training failed with ArrowInvalid."""
    rows = [chat(("user", "Hi"), ("assistant", "Hello"))] * 40 + [chat(("user", "6 x 7?"), ("assistant", 42))]
    said = refused_file(write("chats.jsonl", jsonl(*rows)))
    assert said.startswith("41: messages[1].content is an integer (42), while it is text since line 1")
    pairs = [{"prompt": "a", "completion": "b"}] * 40 + [{"prompt": "a", "completion": ["b"]}]
    assert refused_file(write("pairs.jsonl", jsonl(*pairs))).startswith(
        "41: completion changes its type here: a list, while it is text since line 1"
    )


def test_lf_6298_text_and_parts_may_mix(write: Write) -> None:
    """`Column(/messages/[]/content) changed from string to array` there; a list of text parts is text."""
    row = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, CHAT[1]]}
    assert read_file(write("chats.jsonl", jsonl({"messages": CHAT}, row)))[1] == [{"messages": CHAT}] * 2


def test_lf_8947_openai_messages(write: Write) -> None:
    """Refused there for the type of `_prompt`, although written as documented."""
    turns = (("system", "你是一个专业的客服。"), ("user", "哦，请问那什么。"), ("assistant", "<think>用户…</think>嗯，挺好的。"))
    shape, rows = read_file(write("cf_sft_data.json", json.dumps([chat(*turns)], ensure_ascii=False, indent=2)))
    assert shape is not None
    assert str(shape) == "messages (messages: role/content)"
    assert rows == [chat(*turns)]


def test_lf_8323_turns_without_a_conversation_around_them(write: Write) -> None:
    path = write("webshop.json", json.dumps(CHAT))
    assert read_file(path)[0] is None
    assert "each row is a single turn" in str(refusal(names(CHAT), CHAT, path))


def test_lf_5788_every_row_is_accounted_for() -> None:
    """2,143 rows, of which 1,000 were used without a word."""
    rows = [chat(("user", f"{i}"), ("assistant", "" if i % 3 else "yes")) for i in range(2143)]
    read = outcomes(rows)
    assert len(read) == 2143
    assert read.count("empty_answer") == sum(1 for i in range(2143) if i % 3)


def test_lf_4713_an_answer_that_is_an_object() -> None:
    rows = [{"id": "train_103", "question": "How warm is it?", "pos_answer": {"answer": "21.2", "score": 1.0}}]
    assert detect(names(rows), rows) is None
    said = str(refusal(names(rows), rows, "tools.json"))
    assert "a column of prompts ('question') but none that is clearly of answers" in said


def test_at_840_prompt_and_answer_in_a_csv(write: Write) -> None:
    """The page mapped one column `text`; an unquoted comma was `expected 2 fields, saw 3`."""
    shape, rows = read_file(write("qa.csv", 'prompt,answer\n"Red, green?",Blue\nWhy?,"Since, well"\n'))
    assert str(shape) == "prompt_completion (prompt, answer)"
    assert rows == [{"prompt": "Red, green?", "completion": "Blue"}, {"prompt": "Why?", "completion": "Since, well"}]
    said = refused_file(write("broken.csv", "prompt,answer\nHow?,So\nRed, green?,Blue\n"))
    assert said.startswith("3: ")
    assert "3 fields" in said


def test_at_908_no_messages_column(write: Write) -> None:
    """KeyError: 'messages'."""
    with pytest.raises(DataError, match=r"column 'messages' not found; the file has: 'message'(.|\n)*did you mean 'message'"):
        asked({"messages": "messages"}, ["message"], [{"message": CHAT}], name="chats.jsonl")
    assert read_file(write("chats.jsonl", jsonl({"message": CHAT})))[1] == [{"messages": CHAT}]


def test_at_828_no_text_column() -> None:
    """KeyError: 'text'."""
    with pytest.raises(DataError, match="column 'text' not found; the file has: 'body', 'title'"):
        asked({"text": "text"}, ["body", "title"], [], name="posts.csv")


def test_broken_json_in_a_late_row(write: Write) -> None:
    good = jsonl({"messages": json.dumps(CHAT)}) * 12_344
    said = refused_file(write("chats.jsonl", good + jsonl({"messages": '[{"role": "user", "content": "Hi}]'})))
    assert said.startswith("12345: messages holds broken JSON: Unterminated string")


def test_the_threads_have_errors_of_their_own(write: Write) -> None:
    """No two of these causes give the same words."""
    broken = {
        "type": {"messages": [CHAT[0], {"role": "assistant", "content": 3}]},
        "role": {"messages": [CHAT[0], {"role": "asistant", "content": "x"}]},
        "turn": {"messages": ["Hi"]},
        "key": {"messages": [{"role": "user", "contents": "Hi"}]},
        "mixed": {"instruction": "a", "output": "b"},
        "keys": {"messages": [{"from": "human", "value": "Hi"}]},
        "tool": {"messages": [{"role": "tool", "content": "3"}, *CHAT]},
        "media": {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
    }
    said = {refused_file(write(f"{name}.jsonl", jsonl({"messages": CHAT}, row))) for name, row in broken.items()}
    assert len(said) == len(broken)
    assert all(message.startswith("2: ") and "\n  fix: " in message for message in said)
