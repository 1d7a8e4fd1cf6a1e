"""What must be known of a tokenizer and of a template before a row can be marked; found by trying them, once.

Nothing here goes by a model's name: which token begins a text, which one ends an answer and what stands before it is read off what the
tokenizer and the template make of a short conversation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from goodfit.errors import DataError
from goodfit.models.templates import Template, render
from goodfit.models.vocabulary import special_tokens

_ASK, _ANSWER = "Q7zvQ", "A3kxA"


class MaskError(DataError):
    """Which tokens are to be learned cannot be told."""


@dataclass(frozen=True, slots=True)
class Turns:
    """How a template writes an answer."""

    stops: tuple[str, ...] = ()
    """The special tokens, one of which ends an answer; none where the template ends it by text alone."""
    header: str = ""
    """What stands before an answer although `add_generation_prompt` does not write it (a template that does not know the flag)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What matters of a tokenizer."""

    bos: int | None
    """The begin token, where the tokenizer puts one before a plain text by itself."""
    eos: int | None
    special: re.Pattern[str]
    """Matches any special token in a text."""
    isolated: frozenset[int]
    """Tokens that never merge with their neighbours: all added ones."""
    prefixes: bool
    """Whether a text is tokenised differently at its beginning than after a line break (SentencePiece's first space)."""
    turns: dict[Template, Turns] = field(default_factory=dict)
    alone: dict[str, list[int]] = field(default_factory=dict)
    """Tokens of short texts that stand before answers, e.g. `<|im_start|>assistant` and a line break."""


_known: WeakKeyDictionary[Any, tuple[tuple[object, ...], Facts]] = WeakKeyDictionary()


def facts_of(tokenizer: Any) -> Facts:
    """The facts of a fast tokenizer, found anew when tokens were added to it."""
    state = (len(tokenizer), tokenizer.bos_token, tokenizer.eos_token)
    found = _known.get(tokenizer)
    if found is None or found[0] != state:
        found = _known[tokenizer] = (state, _find(tokenizer))
    return found[1]


def turns_of(template: Template, tokenizer: Any) -> Turns:
    """How this template ends and begins an answer, with this tokenizer."""
    facts = facts_of(tokenizer)
    if template not in facts.turns:
        facts.turns[template] = _try(template, tokenizer, facts)
    return facts.turns[template]


def control_tokens(texts: Iterable[str], tokenizer: Any) -> list[str]:
    """The control tokens of the tokenizer that stand in texts of the data: they are read as such, and not as text."""
    special = facts_of(tokenizer).special
    return [found[0] for text in texts for found in special.finditer(text)]


def _find(tokenizer: Any) -> Facts:
    longest_first = sorted(filter(None, special_tokens(tokenizer)), key=lambda text: (-len(text), text))
    plain = tokenizer("a", add_special_tokens=True)["input_ids"]
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    after = tokenizer("\na", add_special_tokens=False)["input_ids"]
    bos = tokenizer.bos_token_id
    return Facts(
        bos=bos if bos is not None and plain[:1] == [bos] and bare[:1] != [bos] else None,
        eos=tokenizer.eos_token_id,
        special=re.compile("|".join(map(re.escape, longest_first)) or "(?!)"),
        isolated=frozenset(tokenizer.added_tokens_decoder),
        prefixes=after[-len(bare) :] != bare or len(after) == len(bare),
    )


def _try(template: Template, tokenizer: Any, facts: Facts) -> Turns:
    """Read the facts off a conversation of one turn and of two."""
    ask, answer = {"role": "user", "content": _ASK}, {"role": "assistant", "content": _ANSWER}
    one = _text(template, tokenizer, [ask, answer])
    two = _text(template, tokenizer, [ask, answer, ask, answer])
    if _ANSWER not in one:
        return Turns()
    last = one.rpartition(_ANSWER)[2]
    stops = _stops(last, two, tokenizer, facts) if two.count(_ANSWER) == 2 else _first(last, tokenizer, facts)
    before, with_prompt = _text(template, tokenizer, [ask]), _text(template, tokenizer, [ask], prompt=True)
    header = ""
    if before == with_prompt and one.startswith(before):
        between = one[len(before) : one.index(_ANSWER)]
        header = between.rstrip(" ") if between.strip() else ""
    return Turns(stops, header)


def _stops(last: str, two: str, tokenizer: Any, facts: Facts) -> tuple[str, ...]:
    """What ends an answer wherever it stands; where the last one ends otherwise than the others (gpt-oss), both ways."""
    inner = two.split(_ANSWER)[1]
    shared = _first(os.path.commonprefix([last, inner]), tokenizer, facts)
    if shared:
        return shared
    after_ask = two.split(_ASK)[1]
    ends_a_turn = facts.special.match(inner.lstrip())
    if ends_a_turn and after_ask.lstrip().startswith(ends_a_turn[0]):
        return tuple(dict.fromkeys((*_first(last, tokenizer, facts), ends_a_turn[0])))
    return _first(last, tokenizer, facts)


def _first(text: str, tokenizer: Any, facts: Facts) -> tuple[str, ...]:
    """The end token where it is there, else the first special token."""
    found = facts.special.findall(text)
    if tokenizer.eos_token in found:
        return (tokenizer.eos_token,)
    return tuple(found[:1])


def _text(template: Template, tokenizer: Any, messages: list[dict[str, str]], *, prompt: bool = False) -> str:
    try:
        return render(template, tokenizer, messages, add_generation_prompt=prompt)
    except DataError:
        return ""
