"""The order of a conversation's turns: what is unusual about it. Layer: data.

Templates that insist on an order refuse the others by themselves; those of ChatML, Qwen and Llama 3 write any, and then nobody would
know. Two questions in a row are a real conversation; in most rows of a file they are a converter's mistake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any


def out_of_order(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What of the order of canonical messages is unusual, in words; none where user and assistant take turns and the assistant ends."""
    roles = [str(message["role"]) for message in messages]
    spoken = [(role, bool(message.get("tool_calls"))) for role, message in zip(roles, messages, strict=True) if role != "system"]
    found = []
    if spoken and spoken[0][0] == "assistant":
        found.append("the assistant speaks first")
    for (role, calls), (following, _) in pairwise(spoken):
        if role == following == "user":
            found.append("two user turns stand in a row")
        if role == following == "assistant":
            found.append("two assistant turns stand in a row")
        if calls and following == "user":
            found.append("a tool call has no result")
    if "system" in roles[1:]:
        found.append("a system turn is not the first")
    if spoken and spoken[-1][0] != "assistant":
        found.append(f"a {spoken[-1][0]} turn at the end has no answer")
    return tuple(dict.fromkeys(found))
