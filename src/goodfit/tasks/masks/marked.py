"""A conversation -> tokens, and which of them are learned; a conversation without its answer -> the tokens generation starts from."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from goodfit.models.templates import Template
from goodfit.tasks.masks.facts import Facts, MaskError, facts_of, turns_of
from goodfit.tasks.masks.spans import Reading, Span, find, find_blocks
from goodfit.tasks.masks.tokens import Tokens, tokenise, tokenise_end

_LOOKED_AT = 1000
"""Characters of an answer's beginning and end."""
_WORD = re.compile(r"\w+")


class Marked(NamedTuple):
    """A tokenised row."""

    ids: list[int]
    learned: list[bool]
    """Of each token, whether predicting it is trained. Never the first: nothing stands before it."""
    text: str
    """What was tokenised, without the begin and end tokens that were added as tokens."""
    dropped: tuple[int, ...] = ()
    """Numbers of the system and user messages whose content the template did not write."""
    continues_prompt: bool = True
    """Whether every learned answer begins where the prompt ends that generation would start from (one that nothing precedes has none)."""
    skipped: int = 0
    """About how many tokens stand before these: those of a row that is far longer than what was asked for are not made."""
    skipped_learned: bool = False
    """Whether some of those would be learned."""

    @property
    def size(self) -> int:
        """Tokens of the whole row; about so many where some were skipped."""
        return len(self.ids) + self.skipped


def mark(
    conversation: Mapping[str, Any],
    tokenizer: Any,
    template: Template | None,
    *,
    roles: Collection[str] = ("assistant",),
    at_most: int | None = None,
) -> Marked:
    """Tokenise a conversation and say which tokens are learned.

    `{"messages": […], "tools"?: […]}` goes through the template; the messages of `roles` are learned, except those with `train: false`, and
    those with `train: true`. `{"prompt", "completion"}` becomes a user and an assistant message where there is a template, else the two
    texts one after the other, of which the completion is learned. `{"text"}` is learned whole. An answer is learned with the special token
    that ends it; where the template writes none, the end token is added. One begin token, where the tokenizer puts one before texts.
    `at_most`: of a conversation that is far longer, only the end is tokenised (at least so many tokens), and the rest estimated.

    Raises DataError (the template refuses the row) and MaskError (no template; what is learned cannot be found; no end token).
    """
    if "text" in conversation:
        return _plain(_string(conversation, "text"), tokenizer)
    if "messages" not in conversation and template is None:
        return _raw(_string(conversation, "prompt"), _string(conversation, "completion"), tokenizer, at_most)
    if "messages" not in conversation:
        _string(conversation, "completion")
    messages, template = _messages(conversation), _needed(template)
    facts, turns = facts_of(tokenizer), turns_of(template, tokenizer)
    reading = Reading(messages, conversation.get("tools") or None, tokenizer, template)
    borders = reading.borders(reading.text, turns)
    learned = [index for index, message in enumerate(messages) if _is_learned(message, roles)]
    spans = None
    if template.marks_answers(reading.tools):
        answers = [index for index in learned if messages[index].get("role") == "assistant"]
        spans = find_blocks(reading, answers, turns, facts, borders)
    others = learned if spans is None else [index for index in learned if messages[index].get("role") != "assistant"]
    spans = (spans or {}) | find(reading, others, turns, facts, borders)
    _check_calls(messages, learned, reading.text, spans)
    _check_written(messages, reading.text, spans)
    text, ends = reading.text, False
    last = max(spans.values(), key=lambda span: span.end, default=None)
    if last is not None and not last.stops and messages[-1].get("role") == "assistant" and len(messages) - 1 in learned:
        text, ends = text[: last.end], True
    read = tokenise_end(text, sorted(borders.values()), tokenizer, facts, at_most)
    continues = all(index in borders for index in learned if index and messages[index].get("role") == "assistant")
    marked = _finish(text, read, spans.values(), facts, ends=ends)
    return marked._replace(dropped=_dropped(messages, text), continues_prompt=continues)


def prompt_ids(conversation: Mapping[str, Any], tokenizer: Any, template: Template | None, *, at_most: int | None = None) -> list[int]:
    """The tokens from which the answer to a conversation without one is generated.

    They are the beginning of what `mark` gives for the same conversation with its answer. `at_most`: of a prompt that is far longer,
    only the end (more than so many tokens). Raises like `mark`.
    """
    facts = facts_of(tokenizer)
    if "text" in conversation or ("messages" not in conversation and template is None):
        text = _string(conversation, "text" if "text" in conversation else "prompt")
        return _begin(tokenise_end(text, (), tokenizer, facts, at_most)[0].ids, facts)
    messages, template = _messages({**conversation, "completion": None}), _needed(template)
    turns = turns_of(template, tokenizer)
    reading = Reading(messages, conversation.get("tools") or None, tokenizer, template)
    prompt = reading.prompt(len(messages), turns)
    if prompt is None:
        raise MaskError("the conversation has no messages", fix="give at least one user message")
    borders = sorted(reading.borders(prompt, turns).values())
    return _begin(tokenise_end(prompt, borders, tokenizer, facts, at_most)[0].ids, facts)


def stop_token_ids(tokenizer: Any, template: Template | None) -> tuple[int, ...]:
    """The tokens at which generation must stop: the tokenizer's end token, and those with which the template ends an answer."""
    stops = turns_of(template, tokenizer).stops if template is not None else ()
    found = [tokenizer.eos_token_id, *(tokenizer.convert_tokens_to_ids(stop) for stop in stops)]
    return tuple(dict.fromkeys(token for token in found if token is not None))


def adds_bos(tokenizer: Any, template: Template) -> bool:
    """Whether `mark` and `prompt_ids` put a begin token before this template's text.

    Plain transformers would not: save `template.beginning_with_bos()` beside the model then.
    """
    facts = facts_of(tokenizer)
    if facts.bos is None:
        return False
    text = Reading([{"role": "user", "content": "a"}], None, tokenizer, template).text
    return tokenise(text, (), tokenizer, facts).ids[:1] != [facts.bos]


def _plain(text: str, tokenizer: Any) -> Marked:
    facts = facts_of(tokenizer)
    return _finish(text, (tokenise(text, (), tokenizer, facts), 0), [Span(0, len(text), stops=False)], facts, ends=True)


def _raw(prompt: str, completion: str, tokenizer: Any, at_most: int | None) -> Marked:
    facts, text = facts_of(tokenizer), prompt + completion
    read = tokenise_end(text, [len(prompt)], tokenizer, facts, at_most)
    return _finish(text, read, [Span(len(prompt), len(text), stops=False)], facts, ends=True)


def _finish(text: str, read: tuple[Tokens, int], spans: Iterable[Span], facts: Facts, *, ends: bool) -> Marked:
    """Tokens under spans are learned; `ends`: the end token is added, and learned. `read`: tokens, and where in the text they begin."""
    (tokens, start), in_order = read, sorted(spans)
    learned = _under(text, tokens, in_order, facts)
    skipped = round(len(tokens.ids) * start / (len(text) - start)) if start else 0
    ids = _begin(tokens.ids, facts)
    if len(ids) > len(learned):
        learned.insert(0, False)
    if ends:
        if facts.eos is None:
            raise MaskError("the tokenizer has no end token, so that no answer could end", fix="set eos_token in tokenizer_config.json")
        ids, learned = [*ids, facts.eos], [*learned, True]
    learned[:1] = [False] * len(learned[:1])
    return Marked(ids, learned, text, skipped=skipped, skipped_learned=any(span.start < start for span in in_order))


def _begin(ids: list[int], facts: Facts) -> list[int]:
    """With exactly one begin token where the tokenizer puts one: templates that wrote their own get no second."""
    return ids if facts.bos is None or ids[:1] == [facts.bos] else [facts.bos, *ids]


def _under(text: str, tokens: Tokens, spans: Sequence[Span], facts: Facts) -> list[bool]:
    """Of each token, whether it belongs to one of the (sorted) spans.

    A token within a span does. One that reaches over its border does if more than white space of it lies within (` yes` after a prompt's
    last space, `.` merged with the line break behind the answer); an added token, which may swallow white space, belongs where it begins.
    """
    ids, starts, ends = tokens
    learned = [False] * len(ids)
    for low, high, _ in spans:
        first, last = bisect_left(starts, low), bisect_right(ends, high)
        while last > first and starts[last - 1] >= high:
            last -= 1
        if last > first:
            learned[first:last] = [True] * (last - first)
        for index in (first - 1, max(first, last)):
            start, end = (starts[index], ends[index]) if 0 <= index < len(ids) else (high, low)
            if start < high and end > low:
                over = low <= start if ids[index] in facts.isolated else bool(text[max(start, low) : min(end, high)].strip())
                learned[index] = learned[index] or over
    return learned


def _is_learned(message: Mapping[str, Any], roles: Collection[str]) -> bool:
    wish = message.get("train")
    return message.get("role") in roles if wish is None else bool(wish)


def _check_calls(messages: Sequence[Mapping[str, Any]], learned: Iterable[int], text: str, spans: Mapping[int, Span]) -> None:
    """MaskError where a template writes none of an answer's tool calls: the model would learn to answer nothing."""
    for index in learned:
        for call in messages[index].get("tool_calls") or ():
            name = (call.get("function") or call).get("name") if isinstance(call, Mapping) else None
            if isinstance(name, str) and not any(name in text[span.start : span.end] for span in spans.values()):
                raise MaskError(
                    f"the chat template does not write tool calls: {name[:60]!r} is lost", fix="task.chat_template: qwen, or your own"
                )


def _check_written(messages: Sequence[Mapping[str, Any]], text: str, spans: Mapping[int, Span]) -> None:
    """MaskError where not one word of an answer stands in its place: the model would learn whatever the template writes instead."""
    if any(index < 0 for index in spans):  # several blocks of one answer
        return
    for index, span in spans.items():
        content = messages[index].get("content")
        if isinstance(content, str) and content.strip():
            words = _WORD.findall(f"{content[:_LOOKED_AT]} {content[-_LOOKED_AT:]}")
            if words and not any(word in text[span.start : span.end] for word in words):
                raise MaskError("the chat template does not write what the answer says", fix="choose another task.chat_template")


def _dropped(messages: Sequence[Mapping[str, Any]], text: str) -> tuple[int, ...]:
    asked = [(index, message.get("content")) for index, message in enumerate(messages) if message.get("role") in ("system", "user")]
    return tuple(index for index, content in asked if isinstance(content, str) and content.strip() not in text)


def _messages(conversation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages; a prompt and its completion as those of a user and an assistant."""
    found: list[Mapping[str, Any]]
    if "messages" in conversation:
        found = list(conversation["messages"])
    else:
        found = [{"role": "user", "content": _string(conversation, "prompt")}]
        if conversation.get("completion") is not None:
            found.append({"role": "assistant", "content": _string(conversation, "completion")})
    if not found:
        raise MaskError("the conversation has no messages", fix="give at least one user message")
    return found


def _needed(template: Template | None) -> Template:
    if template is None:
        raise MaskError(
            "the row holds messages, and the model has no chat template to write them with", fix="task.chat_template=chatml, or another"
        )
    return template


def _string(conversation: Mapping[str, Any], key: str) -> str:
    value = conversation.get(key)
    if not isinstance(value, str):
        there = ", ".join("".join(c for c in str(name)[:40] if c.isprintable()) for name in list(conversation)[:8])
        raise MaskError(f"the row has no {key} (it has {there})", fix="a row holds messages, or prompt and completion, or text")
    return value
