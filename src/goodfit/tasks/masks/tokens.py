r"""Text -> tokens with the characters that each of them stands for, once per row; cut only where generation would cut it.

A prompt is tokenised alone when the model is asked, and together with its answer in training. Where the two differ (a tokenizer that
merges the prompt's last line break with one that begins the answer, or takes `\n\n` at the end of a text for one token and elsewhere for
two), the row is cut at that border, so that training sees the tokens that generation starts from.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

from goodfit.errors import DataError
from goodfit.tasks.masks.facts import Facts

_SHORT = 80
_END, _PER_TOKEN = 100_000, 32
"""Characters that are tokenised of a text of which only the end matters: at least, and for each token asked for."""
_FAR_LONGER = 4
_REMEMBERED = 1000


class Tokens(NamedTuple):
    """Tokens of a text."""

    ids: list[int]
    starts: list[int]
    """Of each token, the first character. A token's space belongs to it, also where the tokenizer reports it trimmed."""
    ends: list[int]


def tokenise(text: str, borders: Sequence[int], tokenizer: Any, facts: Facts) -> Tokens:
    """The tokens of `text` without special tokens added. `borders`: where prompts end, in characters, ascending.

    DataError where the text holds what no tokenizer reads (half a surrogate pair).
    """
    whole = _encode(text, tokenizer)
    cuts = [border for border in borders if 0 < border < len(text) and not _is_clean(whole, text, border, tokenizer, facts)]
    if not cuts:
        return whole
    joined = Tokens([], [], [])
    for first, last in zip([0, *cuts], [*cuts, len(text)], strict=True):
        piece = _encode(text[first:last], tokenizer) if not first else _encode_inside(text[first:last], tokenizer, facts)
        joined.ids.extend(piece.ids)
        joined.starts.extend(start + first for start in piece.starts)
        joined.ends.extend(end + first for end in piece.ends)
    return joined


def tokenise_end(text: str, borders: Sequence[int], tokenizer: Any, facts: Facts, at_most: int | None) -> tuple[Tokens, int]:
    """The same, and the character of `text` at which the tokens begin.

    That is 0, but for a text of certainly more than `at_most` tokens that is several times as long as what is needed to know it: of a
    row of 10 MB only the end is tokenised, which is right for the last `at_most` tokens.
    """
    size = max(_END, _PER_TOKEN * (at_most or 0))
    start = len(text) - size
    if at_most is not None and len(text) > _FAR_LONGER * size:
        end = tokenise(text[start:], [border - start for border in borders if border > start], tokenizer, facts)
        if len(end.ids) > 2 * at_most:
            return Tokens(end.ids, [at + start for at in end.starts], [at + start for at in end.ends]), start
    return tokenise(text, borders, tokenizer, facts), 0


def _encode(text: str, tokenizer: Any) -> Tokens:
    backend = tokenizer.backend_tokenizer
    if backend.truncation is not None:
        backend.no_truncation()
    if backend.padding is not None:
        backend.no_padding()
    backend.encode_special_tokens = False
    try:
        encoding = backend.encode(text, add_special_tokens=False)
    except (UnicodeEncodeError, TypeError) as error:
        raise DataError("the text holds half a surrogate pair, which is no character", fix="correct the row's encoding") from error
    offsets = encoding.offsets
    starts, ends = [start for start, _ in offsets], [end for _, end in offsets]
    if starts[:1] == [0] and starts[1:] == ends[:-1]:
        return Tokens(encoding.ids, starts, ends)
    starts, ends, before = [], [], 0
    for start, end in offsets:
        end = max(end, before)
        starts.append(before if start > before else min(start, end))
        ends.append(end)
        before = end
    return Tokens(encoding.ids, starts, ends)


def _encode_inside(text: str, tokenizer: Any, facts: Facts) -> Tokens:
    """A piece from the middle of a text, without the space that SentencePiece puts before the beginning of one."""
    if facts.prefixes:
        longer, line_break = _encode("\n" + text, tokenizer), _encode("\n", tokenizer)
        n = len(line_break.ids)
        if longer.ids[:n] == line_break.ids and longer.ends[n - 1] == 1:
            return Tokens(longer.ids[n:], [max(0, s - 1) for s in longer.starts[n:]], [e - 1 for e in longer.ends[n:]])
    return _encode(text, tokenizer)


def _is_clean(whole: Tokens, text: str, border: int, tokenizer: Any, facts: Facts) -> bool:
    """Whether the prompt `text[:border]` alone has the same tokens as within the whole.

    Added tokens never merge with their neighbours, so that only what follows the last of them before the border need be looked at.
    """
    index = bisect_left(whole.starts, border)
    if index == 0 or whole.ends[index - 1] > border:
        return False
    first = index - 1
    while first > 0 and whole.ids[first] not in facts.isolated:
        first -= 1
    tail = text[whole.starts[first] : border]
    alone = facts.alone.get(tail)
    if alone is None:
        alone = _encode(tail, tokenizer).ids
        if len(tail) <= _SHORT and len(facts.alone) < _REMEMBERED:
            facts.alone[tail] = alone
    return alone == whole.ids[first:index]
