"""Which characters of a rendered conversation are the answer, found by rendering parts of it; it stands before the tokens are looked at.

An answer begins where the prompt ends that generation would start from (`messages[:i]` with `add_generation_prompt`), and ends with its
stop token. Templates that write an earlier turn differently than the last one (Qwen3 drops earlier thinking, Phi-3 ends with the end token)
do not begin like their own prefix: there, private-use characters around the content say where it stands. `{% generation %}` is obeyed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from goodfit.errors import DataError
from goodfit.models.templates import Template, render, render_marked
from goodfit.tasks.masks.facts import Facts, MaskError, Turns

_FIX = "choose another task.chat_template, or mark the answers in yours with {% generation %} and {% endgeneration %}"


class Span(NamedTuple):
    """Characters [start, end) that are learned."""

    start: int
    end: int
    stops: bool
    """Whether it ends with a special token that ends the answer."""


class Reading:
    """A conversation, its text, and where the turns stand in it."""

    def __init__(self, messages: Sequence[Mapping[str, Any]], tools: Any, tokenizer: Any, template: Template) -> None:
        self.messages, self.tools, self.tokenizer, self.template = messages, tools, tokenizer, template
        self._places: dict[int, tuple[int | None, int | None]] = {}

    @cached_property
    def text(self) -> str:
        """The whole conversation."""
        return render(self.template, self.tokenizer, self.messages, tools=self.tools)

    def prompt(self, count: int, turns: Turns) -> str | None:
        """The text from which the answer to the first `count` messages would be generated; None where the template refuses them."""
        if count == 0:
            return None
        try:
            text = render(self.template, self.tokenizer, self.messages[:count], tools=self.tools, add_generation_prompt=True)
        except DataError:
            if count == len(self.messages):
                raise
            return None
        return text + turns.header

    def borders(self, text: str, turns: Turns) -> dict[int, int]:
        """Of each assistant message, the character of `text` where its prompt ends, as far as `text` begins with that prompt."""
        found = {}
        for index, message in enumerate(self.messages):
            if message.get("role") == "assistant":
                prompt = self.prompt(index, turns)
                if prompt is not None and text.startswith(prompt):
                    found[index] = len(prompt)
        return found

    def upto(self, count: int) -> int | None:
        """Where the first `count` messages end, if the text begins with them."""
        if count == len(self.messages):
            return len(self.text)
        try:
            part = render(self.template, self.tokenizer, self.messages[:count], tools=self.tools)
        except DataError:
            return None
        return len(part) if self.text.startswith(part) else None

    def header_end(self, index: int, turns: Turns) -> int | None:
        """Where the prompt of an answer and the text part, at a line break or a token's `>`: the template begins answers in two ways."""
        before, prompt = self.upto(index) if index else None, self.prompt(index, turns)
        if before is None or prompt is None or self.messages[index].get("role") != "assistant":
            return None
        shared = os.path.commonprefix([prompt, self.text])[before:]
        end = max(shared.rfind("\n"), shared.rfind(">")) + 1
        return before + end if end else None

    def place(self, index: int) -> tuple[int | None, int | None]:
        """Where the content of a message (without the white space around it) begins and ends; None where that cannot be told."""
        if index not in self._places:
            both = self._marked(index, begin=True, end=True)
            if both == (None, None):
                both = (self._marked(index, begin=True, end=False)[0], self._marked(index, begin=False, end=True)[1])
            self._places[index] = both
        return self._places[index]

    def _marked(self, index: int, *, begin: bool, end: bool) -> tuple[int | None, int | None]:
        content = self.messages[index].get("content")
        if not isinstance(content, str) or not content.strip():
            return None, None
        opening, closing = islice((c for c in map(chr, range(0xE000, 0xF8FF)) if c not in self.text), 2)
        core = content.strip()
        at = content.index(core)
        marked = (opening if begin else "") + core + (closing if end else "")
        changed = [*self.messages]
        changed[index] = {**changed[index], "content": content[:at] + marked + content[at + len(core) :]}
        try:
            text = render(self.template, self.tokenizer, changed, tools=self.tools)
        except DataError:
            return None, None
        if text.count(opening) != begin or text.count(closing) != end or text.replace(opening, "").replace(closing, "") != self.text:
            return None, None
        first = text.index(opening) if begin else None
        return first, text.index(closing) - begin if end else None


def find(reading: Reading, learned: Collection[int], turns: Turns, facts: Facts, borders: Mapping[int, int]) -> dict[int, Span]:
    """The spans of the messages `learned`. MaskError where the template lets one of them not be found."""
    return {index: _span(reading, index, turns, facts, borders) for index in learned}


def _span(reading: Reading, index: int, turns: Turns, facts: Facts, borders: Mapping[int, int]) -> Span:
    message = reading.messages[index]
    start: int | None
    if message.get("role") == "assistant":
        start = borders.get(index)
        if start is not None:
            end = reading.upto(index + 1)
            if end is not None and end >= start:
                return _close(reading.text, start, end, turns, facts)
    else:
        start = None
    first, last = reading.place(index)
    if start is None:
        start = first if first is not None else reading.header_end(index, turns)
    if start is None:
        raise MaskError(f"where the {_ordinal(index)} message stands in the chat template's text cannot be told", fix=_FIX)
    limit = min((border for later, border in borders.items() if later > index), default=len(reading.text))
    if index + 1 < len(reading.messages):
        following = reading.place(index + 1)[0]
        limit = limit if following is None or following < start else min(limit, following)
    return _close_after(reading, index, (start, last, limit), turns, facts)


def _close(text: str, start: int, end: int, turns: Turns, facts: Facts) -> Span:
    """The answer within a turn known to be `text[start:end]`: up to its stop token, else without the white space behind."""
    found = max(((at, at + len(stop)) for stop in turns.stops if (at := text.rfind(stop, start, end)) >= 0), default=None)
    if found is not None:
        return Span(start, found[1], stops=True)
    pattern = facts.special.pattern
    chain = re.compile(rf"({pattern})(?:\s|{pattern})*\Z").search(text, start, end)
    if chain is not None:
        return Span(start, chain.end(1), stops=True)
    return Span(start, start + len(text[start:end].rstrip()), stops=False)


def _close_after(reading: Reading, index: int, known: tuple[int, int | None, int], turns: Turns, facts: Facts) -> Span:
    """The same where only the end of the content is known (or not even that: an answer that is tool calls alone)."""
    start, last, limit = known
    text, message = reading.text, reading.messages[index]
    begin = start if last is None else last
    stop = min(((at, at + len(s)) for s in turns.stops if (at := text.find(s, begin, limit)) >= 0), default=None)
    is_bare = stop is not None and not facts.special.sub("", text[begin : stop[0]]).strip()
    if stop is not None and (is_bare or message.get("tool_calls") or (last is None and not message.get("content"))):
        return Span(start, stop[1], stops=True)
    if last is None or message.get("tool_calls"):
        raise MaskError(f"where the {_ordinal(index)} message ends in the chat template's text cannot be told", fix=_FIX)
    return Span(start, last, stops=False)


def find_blocks(
    reading: Reading, learned: Collection[int], turns: Turns, facts: Facts, borders: Mapping[int, int]
) -> dict[int, Span] | None:
    """The spans by the template's own {% generation %} blocks, numbered by message; None where it wrote none."""
    text, blocks = render_marked(reading.template, reading.tokenizer, reading.messages, tools=reading.tools)
    assistants = [index for index, message in enumerate(reading.messages) if message.get("role") == "assistant"]
    if not blocks or text != reading.text:
        return None
    if len(blocks) == len(assistants):
        owners = assistants
    elif len(borders) == len(assistants):
        owners = [max((i for i in assistants if borders[i] <= start), default=assistants[0]) for start, _ in blocks]
    else:
        raise MaskError("the chat template has more or fewer {% generation %} blocks than answers", fix="write one around each answer")
    spans: dict[int, Span] = {}
    for owner, (start, end) in zip(owners, blocks, strict=True):
        if owner in learned:
            key = owner if owner not in spans else -len(spans) - 1
            spans[key] = _with_stop(text, start, end, turns, facts)
    return spans


def _with_stop(text: str, start: int, end: int, turns: Turns, facts: Facts) -> Span:
    """A block as the template has it, and the stop token where it was left outside."""
    inside = text[start:end].rstrip()
    chain = re.compile(rf"(?:{facts.special.pattern})\Z").search(inside)
    if chain is not None or any(inside.endswith(stop) for stop in turns.stops):
        return Span(start, end, stops=True)
    follows = re.compile(rf"\s*({facts.special.pattern})").match(text, end)
    if follows is not None and follows[1] in turns.stops:
        return Span(start, follows.end(), stops=True)
    return Span(start, end, stops=False)


def _ordinal(index: int) -> str:
    return {0: "first", 1: "second", 2: "third"}.get(index, f"{index + 1}th")
