"""Identity, input, answer and prompt of a canonical conversation; reading what is canonical changes nothing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from goodfit.data.conversations import Normaliser, Shape, answer_text, as_messages, canonical, input_text, prompt_of, stored
from goodfit.errors import Place
from tests.data.conversations.made import CHAT, chat

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FILLED = TEXT.map(lambda text: text + "x")
NAME = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(TEXT, JSON, max_size=3)
CALL = st.builds(lambda name, arguments: {"type": "function", "function": {"name": name, "arguments": arguments}}, NAME, ARGUMENTS)
TOOL = st.builds(lambda name, about: {"type": "function", "function": {"name": name, "parameters": about}}, NAME, ARGUMENTS)


def turn(role: str, content: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"role": st.just(role), "content": content}, optional={"train": st.booleans()})


ASSISTANT = turn("assistant", FILLED) | st.builds(
    lambda calls, text: {"role": "assistant", "content": text, "tool_calls": calls}, st.lists(CALL, min_size=1, max_size=2), TEXT
)
ROUND = st.tuples(turn("user", FILLED), ASSISTANT).map(list) | st.tuples(
    turn("user", FILLED), ASSISTANT, turn("tool", TEXT), ASSISTANT
).map(list)
MESSAGES = st.builds(
    lambda system, rounds: [*system, *(message for several in rounds for message in several)],
    st.lists(turn("system", FILLED), max_size=1), st.lists(ROUND, min_size=1, max_size=3),
)  # fmt: skip
CONVERSATION = st.fixed_dictionaries({"messages": MESSAGES}, optional={"tools": st.lists(TOOL, min_size=1, max_size=2)})
SHAPE = Shape("messages", {"messages": "messages", "tools": "tools"})


def read(cells: dict[str, Any], shape: Shape = SHAPE, name: str = "data.jsonl") -> Any:
    conversation, reason = Normaliser(shape, name).conversation(cells, Place(line=1))
    assert reason is None
    return conversation


@given(CONVERSATION)
def test_canonical_is_read_as_it_is(conversation: dict[str, Any]) -> None:
    assert read(conversation) == conversation
    assert json.loads(canonical(conversation)) == conversation
    assert read(json.loads(canonical(conversation))) == conversation
    assert stored(read(json.loads(stored(conversation)))) == stored(read(conversation))


@given(CONVERSATION)
def test_json_text_and_json_arguments_read_alike(conversation: dict[str, Any]) -> None:
    """The same conversation in a csv cell, and with its arguments as OpenAI's API writes them."""
    assert read({key: json.dumps(value) for key, value in conversation.items()}) == conversation
    messages = json.loads(json.dumps(conversation["messages"]))
    for message in messages:
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.dumps(call["function"]["arguments"])
    assert read({**conversation, "messages": messages}) == conversation


@given(CONVERSATION)
def test_prompt_and_answer_make_the_conversation(conversation: dict[str, Any]) -> None:
    prompt = prompt_of(conversation)
    at = len(prompt["messages"])
    assert prompt["messages"] == conversation["messages"][:at]
    assert conversation["messages"][at]["role"] == "assistant"
    assert all(message["role"] != "assistant" for message in conversation["messages"][at + 1 :])
    assert input_text(conversation) == input_text(prompt, answered=False)
    assert answer_text(conversation) is not None
    assert canonical(prompt) != canonical(conversation)


@given(FILLED, FILLED)
def test_pairs_are_read_as_they_are(prompt: str, completion: str) -> None:
    pair = {"prompt": prompt, "completion": completion}
    assert read(pair, Shape("prompt_completion", {"prompt": "prompt", "completion": "completion"})) == pair
    assert (input_text(pair), answer_text(pair)) == (prompt, completion)
    assert prompt_of(pair) == {"prompt": prompt, "completion": None}
    assert as_messages(pair) == chat(("user", prompt), ("assistant", completion))
    assert as_messages(prompt_of(pair)) == chat(("user", prompt))
    assert read({"text": prompt}, Shape("text", {"text": "text"})) == {"text": prompt}


@given(st.lists(st.tuples(FILLED, FILLED), min_size=1, max_size=3))
def test_sharegpt_and_openai_are_the_same(rounds: list[tuple[str, str]]) -> None:
    messages = chat(
        ("system", "s"),
        *(turn for user, said in rounds for turn in (("user", user), ("assistant", said), ("tool", user), ("assistant", said))),
    )["messages"]
    spoken = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
    turns = [{"from": spoken[message["role"]], "value": message["content"]} for message in messages]
    shape = Shape("sharegpt", {"messages": "conversations"}, keys=("from", "value"))
    assert read({"conversations": turns}, shape) == {"messages": messages}


def test_canonical_json() -> None:
    conversation = {"messages": [{"role": "user", "content": "Grüße"}]}
    assert canonical(conversation) == '{"messages":[{"content":"Grüße","role":"user"}]}'
    assert stored(conversation) == '{"messages":[{"role":"user","content":"Grüße"}]}'


def test_texts() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    messages = [
        *CHAT,
        {"role": "user", "content": "And?"},
        {"role": "assistant", "content": "Let me see", "tool_calls": [call]},
        {"role": "tool", "content": "3"},
    ]
    conversation = {"messages": messages}
    assert input_text(conversation) == "user: Hi\nassistant: Hello\nuser: And?"
    assert answer_text(conversation) == 'Let me see\n[{"name": "f", "arguments": {"a": 1}}]'
    assert prompt_of(conversation) == {"messages": messages[:3]}
    assert answer_text({"messages": CHAT[:1]}) is None
    assert answer_text({"text": "a"}) is None
    assert input_text({"text": "a"}) == "a"
    assert prompt_of({"text": "a"}) == {"text": "a"}
