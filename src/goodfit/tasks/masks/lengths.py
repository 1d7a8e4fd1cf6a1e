"""Rows against `max_length`: whether one fits, and plain text in pieces. No answer is ever cut in two without the caller's doing."""

from __future__ import annotations

from collections.abc import Sequence

from goodfit.errors import SettingsError
from goodfit.tasks.masks.marked import Marked


def fits(marked: Marked, max_length: int) -> bool:
    """Whether the row has at most `max_length` tokens."""
    return len(marked.ids) <= max_length


def chunks(ids: Sequence[int], max_length: int, bos: int | None = None) -> list[list[int]]:
    """A plain text's tokens in consecutive pieces of at most `max_length`, in each of which all but the first token are learned.

    The first token of a later piece is context only: `bos` where given (and the text begins with it), else the last token of the piece
    before. So every token but the text's first is learned exactly once, and none is lost. SettingsError below two tokens.
    """
    if max_length < 2:
        raise SettingsError(f"prepare.max_length: {max_length} leaves no room for a token and one before it", fix="prepare.max_length=2")
    if not ids:
        return []
    first = bos if bos is not None and ids[0] == bos else None
    pieces, at = [list(ids[:max_length])], max_length
    while at < len(ids):
        pieces.append([ids[at - 1] if first is None else first, *ids[at : at + max_length - 1]])
        at += max_length - 1
    return pieces
