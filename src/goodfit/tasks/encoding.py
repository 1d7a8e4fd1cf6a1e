"""Texts -> tokens, once: prepare, evaluate and predict all go through `encode`, so that they can never differ.

Part of tasks. The tokens are those that plain transformers makes (special tokens included); a row beyond `max_length` keeps
its head, and the caller learns how many tokens it had, so that what is cut is counted and never silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodfit.errors import ModelError, SettingsError

HEAD_CHARACTERS = 200_000
"""Texts beyond this (or 64 characters per token kept) are first tried by their head: a 50 MB row must not cost minutes."""
SPARE = 16
"""Tokens that the head alone must give beyond `max_length` before it is trusted to begin like the whole."""


class Encoded(NamedTuple):
    """A batch of tokenised rows."""

    input_ids: NDArray[np.int32]
    """Flat [sum of lengths]: the rows' tokens, one row after another."""
    lengths: NDArray[np.int64]
    """[n] tokens kept of each row, special tokens included; at least 1."""
    truncated: NDArray[np.bool_]
    """[n] rows that lost tokens."""
    full_lengths: NDArray[np.int64]
    """[n] tokens that each row has uncut (for texts beyond HEAD_CHARACTERS: extrapolated from the head)."""


def encode(texts: Sequence[str], tokenizer: Any, max_length: int) -> Encoded:
    """Tokenise a batch with a transformers tokenizer; batches of some 1,000 rows are fastest.

    SettingsError where `max_length` leaves no room for a token of the text; ModelError where the tokenizer cannot say which
    token stands for nothing.
    """
    special = tokenizer.num_special_tokens_to_add(pair=False)
    if max_length <= special:
        raise SettingsError(
            f"prepare.max_length: {max_length} leaves no room: this tokenizer adds {special} special tokens to each row",
            fix=f"prepare.max_length={special + 1} or more",
        )
    ids: list[list[int]] = []
    full = np.empty(len(texts), dtype=np.int64)
    for index, (kept, length) in enumerate(_encode_all(texts, tokenizer, max_length, special)):
        ids.append(kept or [_stand_in(tokenizer)])
        full[index] = max(1, length)
    lengths = np.fromiter(map(len, ids), dtype=np.int64, count=len(ids))
    flat = np.fromiter((token for row in ids for token in row), dtype=np.int32, count=int(lengths.sum()))
    return Encoded(flat, lengths, full > lengths, full)


def _encode_all(texts: Sequence[str], tokenizer: Any, max_length: int, special: int) -> Iterator[tuple[list[int], int]]:
    """The tokens kept of each text, and how many it has in all."""
    head = max(HEAD_CHARACTERS, 64 * max_length)
    some = _encode_fast if getattr(tokenizer, "is_fast", False) else _encode_slow
    found = some([text[:head] for text in texts], tokenizer, max_length, special)
    for text, (ids, length) in zip(texts, found, strict=True):
        if len(text) <= head:
            yield ids, length
        elif length > max_length + SPARE:
            yield ids, length * len(text) // head
        else:
            yield from some([text], tokenizer, max_length, special)


def _encode_fast(texts: Sequence[str], tokenizer: Any, max_length: int, special: int) -> Iterator[tuple[list[int], int]]:
    """Through the Rust tokenizer at once, without the per-token Python lists that transformers would make of it."""
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.enable_truncation(max_length, stride=0, strategy="longest_first", direction="right")
    try:
        encodings = backend.encode_batch_fast(list(texts), add_special_tokens=True)
    finally:
        backend.no_truncation()
    for encoding in encodings:
        ids = encoding.ids
        more = sum(len(piece.ids) - special for piece in encoding.overflowing) if len(ids) == max_length else 0
        yield ids, len(ids) + more


def _encode_slow(texts: Sequence[str], tokenizer: Any, max_length: int, special: int) -> Iterator[tuple[list[int], int]]:
    """Through a tokenizer written in Python."""
    for text in texts:
        ids = tokenizer(text, truncation=False, verbose=False)["input_ids"]
        length = len(ids)
        if length > max_length:
            ids = tokenizer(text, truncation=True, max_length=max_length, verbose=False)["input_ids"]
        yield list(ids), length


def _stand_in(tokenizer: Any) -> int:
    """One token for a text that gives none (a decoder's tokenizer adds no special tokens): a model needs one to look at."""
    for name in ("bos_token_id", "eos_token_id", "unk_token_id", "pad_token_id"):
        token = getattr(tokenizer, name, None)
        if token is not None:
            return int(token)
    raise ModelError("a text gives no token, and the tokenizer names none that could stand for it", fix="choose another base model")
