"""Turns of a conversation, as OpenAI or ShareGPT write them, to canonical messages.

Layer: data. The order of roles is left to the chat template, which alone knows what it takes: templates of Llama 2, Mistral and Gemma
raise where user and assistant do not alternate or a system turn stands in the wrong place, those of ChatML, Qwen and Llama 3 render any
order; an assistant that speaks first and two users in a row are real conversations. Refused here is only what no template can give a
meaning: the result of a tool that nobody called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from goodfit.data.conversations import names
from goodfit.data.conversations.tools import calls, spoken_calls
from goodfit.data.conversations.wrong import RowError, named, shown
from goodfit.errors import nearest

Message = dict[str, Any]
_PART_TYPES = ("text", "input_text", "output_text")
_KEPT = ("name", "tool_call_id", *names.THOUGHT_KEYS)
_MAX_IGNORED = 100


class TurnReader:
    """Reads the turns of one source. `ignored` counts keys of turns that mean nothing here (`timestamp`, `id` …)."""

    def __init__(self, keys: tuple[str, str], speakers: Mapping[str, str], *, padded: bool) -> None:
        self._keys = keys
        self._roles: dict[str, str] = {**names.SPEAKERS, **speakers}
        self._plain = {spelling: role for spelling, role in self._roles.items() if role != names.CALL}
        self._padded = padded
        self.ignored: Counter[str] = Counter()

    def read(self, turns: Sequence[Any], field: str) -> list[Message]:
        """Canonical messages; RowError names the turn as `field[2].content`."""
        role_key, content_key = self._keys
        out: list[Message] = []
        for i, turn in enumerate(turns):
            if type(turn) is dict and len(turn) == 2:
                speaker, content = turn.get(role_key), turn.get(content_key)
                if type(content) is str and type(speaker) is str and speaker in self._plain:
                    out.append({"role": self._plain[speaker], "content": content})
                    continue
            out.append(self._turn(turn, f"{field}[{i}]"))
        return out

    def _turn(self, turn: Any, field: str) -> Message:
        role_key, content_key = self._keys
        if not isinstance(turn, Mapping):
            example = f'{{"{role_key}": "user", "{content_key}": "…"}}'
            raise RowError(field, f"{field} is {named(turn)}, not an object", f"write each turn as {example}")
        role = self._role(turn, field)
        if role == names.CALL:
            text = self._content(turn, field)
            thought, called = spoken_calls(text, f"{field}.{content_key}")
            message: Message = {"role": "assistant", "content": thought, "tool_calls": called}
        else:
            message = {"role": role, "content": self._content(turn, field)}
        for key, value in turn.items():
            if value is not None and key not in self._keys:
                self._member(message, key, value, f"{field}.{key}")
        return message

    def _role(self, turn: Mapping[str, Any], field: str) -> str:
        key = self._keys[0]
        speaker = turn.get(key)
        if speaker is None:
            raise self._no_key(turn, key, field)
        if not isinstance(speaker, str):
            raise RowError(f"{field}.{key}", f"{field}.{key} is {named(speaker)}", "write the speaker's role as text", expected="text")
        role = self._roles.get(speaker) or self._roles.get(speaker.strip().casefold())
        if role is None:
            close = nearest(speaker.strip().casefold(), self._roles)
            known = "system, user, assistant, tool (or human, gpt, function_call, observation)"
            fix = f"did you mean {close!r}?" if close else f"write one of: {known}"
            raise RowError(f"{field}.{key}", f"{field}.{key} is {shown(speaker)}, an unknown role", fix)
        return role

    def _content(self, turn: Mapping[str, Any], field: str) -> str:
        key = self._keys[1]
        value = turn.get(key)
        if isinstance(value, str):
            return value
        if value is None:
            if key in turn or turn.get("tool_calls") or turn.get("function_call"):
                return ""
            raise self._no_key(turn, key, field)
        if isinstance(value, (list, tuple)):
            return "".join(_part(part, f"{field}.{key}[{i}]") for i, part in enumerate(value))
        fix = "write it as text in quotes; a list of text parts is read too"
        raise RowError(f"{field}.{key}", f"{field}.{key} is {named(value)}", fix, expected="text")

    def _no_key(self, turn: Mapping[str, Any], key: str, field: str) -> RowError:
        there = [str(name) for name, value in turn.items() if value is not None]
        for usual in (names.OPENAI_KEYS, names.SHAREGPT_KEYS):
            if usual != self._keys and all(name in there for name in usual):
                message = f"{field} has the keys {'/'.join(usual)}, while the turns of this file have {'/'.join(self._keys)}: mixed formats"
                return RowError(field, message, "write all turns of a file in one format")
        close = nearest(key, there)
        fix = f"did you mean {key!r} where it says {close!r}?" if close else f"give every turn {self._keys[0]!r} and {self._keys[1]!r}"
        return RowError(f"{field}.{key}", f"{field} has no {key!r}; it has: {', '.join(map(shown, there[:8])) or 'nothing'}", fix)

    def _member(self, message: Message, key: str, value: Any, field: str) -> None:
        if key in ("tool_calls", "function_call"):
            called = calls(value, field, padded=self._padded)
            if called and message["role"] != "assistant":
                fix = "only an assistant turn calls tools; a result belongs to a tool turn"
                raise RowError(field, f"{field} stands in a turn of the role {message['role']}", fix)
            if called:
                message["tool_calls"] = [*message.get("tool_calls", []), *called]
        elif key in _KEPT:
            if not isinstance(value, str):
                raise RowError(field, f"{field} is {named(value)}", "write it as text", expected="text")
            message[key] = value
        elif key in names.TRAIN_KEYS:
            message["train"] = _train(value, field)
        elif key in self.ignored or len(self.ignored) < _MAX_IGNORED:
            self.ignored[key] += 1


def check_order(messages: Sequence[Message], field: str) -> None:
    """RowError where a tool turn answers no assistant turn (nor stands beside another result of one)."""
    open_ = False
    for i, message in enumerate(messages):
        role = message["role"]
        if role == "tool" and not open_:
            before = f"a {messages[i - 1]['role']} turn" if i else "nothing"
            fix = "put it after the assistant turn with the tool call that it answers, or remove it"
            raise RowError(f"{field}[{i}]", f"turn {i + 1} of {field} is the result of a tool, but {before} stands before it", fix)
        open_ = role in ("assistant", "tool")


def _part(part: Any, field: str) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise RowError(field, f"{field} is {named(part)}, not a part of text", 'write {"type": "text", "text": "…"}')
    kind = part.get("type", "text")
    if kind not in _PART_TYPES:
        fix = "only text can be learned; remove the part, or the rows that have one"
        raise RowError(field, f"{field} is of the type {shown(kind)}: images, sound and files are not supported", fix)
    if not isinstance(part.get("text"), str):
        raise RowError(
            f"{field}.text", f"{field}.text is {named(part.get('text'))}", 'write {"type": "text", "text": "…"}', expected="text"
        )
    text: str = part["text"]
    return text


def _train(value: Any, field: str) -> bool:
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value)
    raise RowError(field, f"{field} is {named(value)}", "write true or false (or 1 or 0): is this turn learned?", expected="true or false")
