"""How a candidate's tokenizer reads the user's rows: tokens per word, unknown tokens, lost accents, rows beyond its context.

Part of choose. Per language. Where a script has no spaces between words, a character counts as a word (tokens per word then compare
candidates, never languages).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from goodfit.stages.choose.rows import Rows, by_language
from goodfit.tasks import encode
from goodfit.tasks.writing.words import UNSPACED

UNITS = regex.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
"""A word: what stands between spaces, or one character of a script that has none."""
UNLIMITED = 8192
"""Tokens of a row that are looked at where the model knows no limit."""
BATCH = 512


@dataclass(frozen=True)
class Read:
    """What some rows are for a tokenizer."""

    rows: int
    words: int
    tokens: int
    """Without the special ones at begin and end."""
    looked: int
    """Those of them that the model would see."""
    unknown: int
    """Tokens among these that stand for what the vocabulary does not have."""
    beyond: int
    """Rows longer than the model's context."""
    lost: int
    """Tokens beyond it."""
    marks: int
    """Accents and other combining marks in the texts."""
    marks_lost: int
    """Those that the tokenizer drops before it looks."""

    @property
    def fertility(self) -> float:
        """Tokens per word."""
        return self.tokens / max(1, self.words)

    @property
    def unknown_rate(self) -> float:
        """Share of the tokens that are unknown."""
        return self.unknown / max(1, self.looked)

    def to_json(self) -> dict[str, Any]:
        """For candidates.json."""
        return {
            "rows": self.rows, "words": self.words, "tokens": self.tokens, "marks": self.marks,
            "tokens_per_word": round(self.fertility, 3), "unknown_tokens": round(self.unknown_rate, 5),
            "rows_beyond_context": self.beyond, "tokens_lost": self.lost,
            "marks_dropped": round(self.marks_lost / self.marks, 3) if self.marks else None,
        }  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """How a tokenizer reads the rows, in all and by language."""

    whole: Read
    languages: dict[str, Read]
    lengths: NDArray[np.int64]
    """[n] tokens of each row, special ones too."""

    def to_json(self) -> dict[str, Any]:
        """For candidates.json; languages only where there are several."""
        out = self.whole.to_json()
        return out if len(self.languages) < 2 else out | {"languages": {name: read.to_json() for name, read in self.languages.items()}}


def read(rows: Rows, tokenizer: Any, limit: int | None) -> Reading:
    """Tokenises every row once; `limit`: the model's context."""
    counts = [_count(texts, tokenizer, limit) for texts in _batches(rows.texts)]
    columns = np.concatenate(counts, axis=1) if counts else np.zeros((8, 0), dtype=np.int64)
    languages = {name: _sum(columns[:, places]) for name, places in by_language(rows.languages).items()}
    return Reading(_sum(columns), languages, columns[-1])


def _batches(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[first : first + BATCH] for first in range(0, len(texts), BATCH)]


def _count(texts: Sequence[str], tokenizer: Any, limit: int | None) -> NDArray[np.int64]:
    """[8, n]: words, tokens, tokens seen, unknown ones, tokens beyond the context, marks, marks dropped, and the whole length."""
    special = tokenizer.num_special_tokens_to_add(pair=False)
    found = encode(texts, tokenizer, max(limit or UNLIMITED, special + 1))
    ends = np.cumsum(found.lengths)
    strange = found.input_ids == (-1 if tokenizer.unk_token_id is None else tokenizer.unk_token_id)
    unknown = np.diff(np.concatenate([[0], np.cumsum(strange)])[np.concatenate([[0], ends])])
    normalise = _normaliser(tokenizer)
    marks = np.array([_marks(text) for text in texts])
    kept = np.array([min(n, _marks(normalise(text))) if n else 0 for n, text in zip(marks, texts, strict=True)])
    words = np.array([len(UNITS.findall(text)) for text in texts])
    tokens = np.maximum(found.full_lengths - special, 0)
    lost = np.zeros_like(tokens) if limit is None else np.maximum(found.full_lengths - limit, 0)
    return np.stack([words, tokens, np.maximum(found.lengths - special, 0), unknown, lost, marks, marks - kept, found.full_lengths])


def _sum(columns: NDArray[np.int64]) -> Read:
    words, tokens, looked, unknown, lost, marks, dropped, _ = columns
    return Read(
        rows=columns.shape[1], words=int(words.sum()), tokens=int(tokens.sum()), looked=int(looked.sum()), unknown=int(unknown.sum()),
        beyond=int((lost > 0).sum()),
        lost=int(lost.sum()), marks=int(marks.sum()), marks_lost=int(dropped.sum()),
    )  # fmt: skip


def _marks(text: str) -> int:
    """Combining marks of a text, those inside a precomposed letter too."""
    return sum(unicodedata.category(c) == "Mn" for c in unicodedata.normalize("NFD", text)) if not text.isascii() else 0


def _normaliser(tokenizer: Any) -> Any:
    """What the tokenizer makes of a text before it looks for tokens."""
    inner = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    return (lambda text: text) if inner is None else inner.normalize_str
