"""What other parts of Goodfit ask a canonical conversation for: its identity, its input, its answer, its prompt.

Layer: data. Canonical: `{"messages": [...], "tools"?: [...]}`, `{"prompt": str, "completion": str | None}` or `{"text": str}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Conversation = Mapping[str, Any]
_TURN = r"(?m)^(system|user|assistant|tool): "
"""How `input_text` begins a turn."""


def canonical(conversation: Conversation) -> str:
    """Canonical JSON: sorted keys, no spaces, characters as they are. Equal conversations give equal text: for ids and comparison.

    Keys of tool arguments and of tools are sorted too; templates write them in the order in which they stand, so keep rows as
    `stored`, not as this.
    """
    return json.dumps(conversation, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def stored(conversation: Conversation) -> str:
    """JSON on one line with every key in its order; `json.loads` gives the conversation back, also as templates see it."""
    return json.dumps(conversation, separators=(",", ":"), ensure_ascii=False)


def input_text(conversation: Conversation, *, answered: bool = True) -> str:
    """The input as a person reads it: all turns before the last assistant turn as `role: content` lines; the prompt; the text.

    `answered` False: the conversation waits for its answer (prediction, or what `prompt_of` gave), so every turn is input.
    """
    if "messages" in conversation:
        turns = conversation["messages"][: _cut(conversation) if answered else None]
        return "\n".join(f"{turn['role']}: {_said(turn)}" for turn in turns)
    return str(conversation["prompt"] if "prompt" in conversation else conversation["text"])


def without_roles(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Inputs as `input_text` gave them without the names of the speakers: words that every row has must not make short ones alike."""
    return pc.replace_substring_regex(texts, pattern=_TURN, replacement="")


def answer_text(conversation: Conversation) -> str | None:
    """The last assistant turn's content, and its tool calls as JSON on the lines after it; the completion; None where there is none."""
    if "messages" in conversation:
        turns, last = conversation["messages"], _last(conversation)
        return None if last is None else _said(turns[last])
    return conversation.get("completion")


def prompt_of(conversation: Conversation) -> dict[str, Any]:
    """What is given to a model that shall answer: everything before the last assistant turn (turns after it are left out too).

    A prompt keeps its form with `completion` None. Plain text has no answer and is returned as it is. A conversation that waits for
    its answer is a prompt already: cutting it again would take its last round away.
    """
    if "messages" in conversation:
        return {**conversation, "messages": list(conversation["messages"][: _cut(conversation)])}
    return {**conversation, "completion": None} if "prompt" in conversation else dict(conversation)


def question_of(conversation: Conversation) -> str:
    """What is asked, whatever the form: the only user turn's text, the prompt; else all turns before the answer; the text.

    Equal for `{"prompt": "2 + 2?"}` and for a user's turn "2 + 2?": rows of two data sets are compared by it.
    """
    if "messages" in conversation:
        asked = [turn for turn in conversation["messages"] if turn["role"] == "user"]
        if len(asked) == 1:
            return str(asked[0]["content"])
    return input_text(conversation)


def as_messages(conversation: Conversation) -> dict[str, Any]:
    """A prompt and its completion as a user and an assistant turn, for a chat template; messages as they are; ValueError for text."""
    if "messages" in conversation:
        return dict(conversation)
    if "prompt" not in conversation:
        raise ValueError("plain text has no turns")
    messages = [{"role": "user", "content": conversation["prompt"]}]
    if conversation.get("completion") is not None:
        messages.append({"role": "assistant", "content": conversation["completion"]})
    return {"messages": messages}


def _last(conversation: Conversation) -> int | None:
    turns = conversation["messages"]
    return next((i for i in range(len(turns) - 1, -1, -1) if turns[i]["role"] == "assistant"), None)


def _cut(conversation: Conversation) -> int:
    last = _last(conversation)
    return len(conversation["messages"]) if last is None else last


def _said(turn: Mapping[str, Any]) -> str:
    lines = [turn["content"]] if turn["content"] else []
    if turn.get("tool_calls"):
        lines.append(json.dumps([call["function"] for call in turn["tool_calls"]], ensure_ascii=False))
    return "\n".join(lines)
